/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Falco's contract with our additions, and our own package, are what clients were generated from: services, messages, numbers, types
 * and enumerations, as one text that changes only on purpose.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/vec.h"
#include "rpc/method.h"
#include "tests/unit/golden.h"

struct seen {
	VEC(const void *) all;
};

static bool first_time(struct seen *seen, const void *descriptor)
{
	vec_foreach (p, &seen->all)
		if (*p == descriptor)
			return false;
	assert_int_equal(vec_push(&seen->all, descriptor), 0);
	return true;
}

static void show_enum(const ProtobufCEnumDescriptor *d, struct seen *seen, struct strbuf *out)
{
	if (!first_time(seen, d))
		return;
	strbuf_printf(out, "enum %s\n", d->name);
	/* By name: aliases of one number are all part of the contract. */
	for (unsigned i = 0; i < d->n_value_names; i++) {
		unsigned at = d->values_by_name[i].index;

		strbuf_printf(out, "\t%s = %d\n", d->values_by_name[i].name, d->values[at].value);
	}
}

static void show_message(const ProtobufCMessageDescriptor *d, struct seen *seen, struct strbuf *out)
{
	static const char *const labels[] = { "required", "optional", "repeated", "" };
	static const char *const types[] = { "int32",	 "sint32", "sfixed32", "int64",	 "sint64",
					     "sfixed64", "uint32", "fixed32",  "uint64", "fixed64",
					     "float",	 "double", "bool",     "enum",	 "string",
					     "bytes",	 "message" };

	if (!first_time(seen, d))
		return;
	strbuf_printf(out, "message %s\n", d->name);
	for (unsigned i = 0; i < d->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &d->fields[i];

		strbuf_printf(out, "\t%u %s %s %s%s\n", f->id, f->name, labels[f->label],
			      types[f->type],
			      f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF ? " oneof" : "");
	}
	for (unsigned i = 0; i < d->n_fields; i++) {
		if (d->fields[i].type == PROTOBUF_C_TYPE_MESSAGE)
			show_message(d->fields[i].descriptor, seen, out);
		else if (d->fields[i].type == PROTOBUF_C_TYPE_ENUM)
			show_enum(d->fields[i].descriptor, seen, out);
	}
}

static void the_contract_is_frozen(void **state)
{
	struct strbuf out = { 0 };
	struct seen seen = { 0 };

	for (size_t i = 0; rpc_services[i]; i++) {
		const ProtobufCServiceDescriptor *s = rpc_services[i];

		if (str_starts(str_of(s->name), STR("grpc.")))
			continue;
		strbuf_printf(&out, "service %s\n", s->name);
		for (unsigned m = 0; m < s->n_methods; m++)
			strbuf_printf(&out, "\t%s(%s) %s\n", s->methods[m].name,
				      s->methods[m].input->name, s->methods[m].output->name);
		for (unsigned m = 0; m < s->n_methods; m++) {
			show_message(s->methods[m].input, &seen, &out);
			show_message(s->methods[m].output, &seen, &out);
		}
	}
	assert_golden("contract.txt", strbuf_str(&out));
	strbuf_done(&out);
	vec_done(&seen.all);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(the_contract_is_frozen) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
