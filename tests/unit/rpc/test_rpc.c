/* SPDX-License-Identifier: Apache-2.0 */
/* What the server keeps: the table of methods, the backlog, the cursors. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <stdio.h>

#include <grpc/grpc.h>

#include "base/cleanup.h"
#include "outputs.pb-c.h"
#include "rpc/backlog.h"
#include "rpc/cursors.h"
#include "rpc/method.h"

static void every_method_has_a_row(void **state)
{
	for (size_t i = 0; rpc_services[i]; i++)
		for (unsigned m = 0; m < rpc_services[i]->n_methods; m++) {
			char path[200];

			snprintf(path, sizeof(path), "/%s/%s", rpc_services[i]->name,
				 rpc_services[i]->methods[m].name);
			const struct rpc_method *row = rpc_method_find(str_of(path));
			assert_non_null(row);
			assert_non_null(row->request);
			assert_ptr_equal(rpc_method_descriptor(row), &rpc_services[i]->methods[m]);
		}
	static const char *const none[] = { "",
					    "/",
					    "//",
					    "falco.outputs.service/sub",
					    "/falco.outputs.service",
					    "/falco.outputs.service/",
					    "/falco.outputs.service/sub/",
					    "/x/sub" };
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		assert_null(rpc_method_find(str_of(none[i])));
}

/* Numbers and types that clients were generated from. */
static void the_contract_is_frozen(void **state)
{
	static const struct {
		const char *name;
		unsigned id;
		ProtobufCType type;
	} rows[] = {
		{ "time", 1, PROTOBUF_C_TYPE_MESSAGE },
		{ "priority", 2, PROTOBUF_C_TYPE_ENUM },
		{ "source_deprecated", 3, PROTOBUF_C_TYPE_ENUM },
		{ "rule", 4, PROTOBUF_C_TYPE_STRING },
		{ "output", 5, PROTOBUF_C_TYPE_STRING },
		{ "output_fields", 6, PROTOBUF_C_TYPE_MESSAGE },
		{ "hostname", 7, PROTOBUF_C_TYPE_STRING },
		{ "tags", 8, PROTOBUF_C_TYPE_STRING },
		{ "source", 9, PROTOBUF_C_TYPE_STRING },
		{ "position", 100, PROTOBUF_C_TYPE_MESSAGE },
		{ "lost", 101, PROTOBUF_C_TYPE_MESSAGE },
		{ "bookmark", 102, PROTOBUF_C_TYPE_BOOL },
		{ "output_fields_json", 103, PROTOBUF_C_TYPE_STRING },
		{ "message", 104, PROTOBUF_C_TYPE_STRING },
	};
	const ProtobufCMessageDescriptor *d = &falco__outputs__response__descriptor;

	assert_int_equal(d->n_fields, ARRAY_SIZE(rows));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const ProtobufCFieldDescriptor *f =
			protobuf_c_message_descriptor_get_field_by_name(d, rows[i].name);
		assert_non_null(f);
		assert_int_equal(f->id, rows[i].id);
		assert_int_equal(f->type, rows[i].type);
	}
	static const char *const words[][3] = { { "DEBUG", "debug", "Debug" } };
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(protobuf_c_enum_descriptor_get_value_by_name(
					 &falco__schema__priority__descriptor, words[0][i])
					 ->value,
				 7);
}

static void backlog_is_bounded(void **state)
{
	struct backlog b;
	static const char text[1000];

	assert_int_equal(backlog_init(&b, 10, 1 << 20), 0);
	assert_int_equal(backlog_find(&b, 1), 0);
	for (uint64_t seq = 1; seq <= 100; seq++)
		assert_int_equal(backlog_add(&b, seq * 2, 0, (struct str){ text, seq }), 0);
	assert_int_equal(b.end - b.first, 10);
	assert_int_equal(backlog_get(&b, b.first)->seq, 182);
	assert_int_equal(backlog_find(&b, 1), b.first);
	assert_int_equal(backlog_find(&b, 182), b.first);
	assert_int_equal(backlog_find(&b, 183), b.first + 1);
	assert_int_equal(backlog_find(&b, 200), b.end - 1);
	assert_int_equal(backlog_find(&b, 201), b.end);
	/* A stream may hold what the backlog drops. */
	grpc_slice held = grpc_slice_ref(backlog_get(&b, b.first)->message);
	backlog_done(&b);
	assert_int_equal(GRPC_SLICE_LENGTH(held), 91);
	grpc_slice_unref(held);

	assert_int_equal(backlog_init(&b, 1000, 10000), 0);
	for (uint64_t seq = 1; seq <= 100; seq++) {
		assert_int_equal(backlog_add(&b, seq, 0, (struct str){ text, 1000 }), 0);
		assert_in_range(b.bytes, 1000, 10000);
	}
	assert_in_range(b.end - b.first, 7, 9);
	backlog_done(&b);
}

static void cursors_resume_at_the_least(void **state)
{
	struct cursors *c = cursors_new();

	assert_non_null(c);
	assert_int_equal(cursors_take(c, "a"), 0);
	assert_int_equal(cursors_release(c, "a", 100), 0);
	assert_int_equal(cursors_release(c, "a", 50), 0);
	assert_int_equal(cursors_take(c, "b"), 0);
	assert_int_equal(cursors_take(c, "a"), 50);
	assert_int_equal(cursors_take(c, "a"), 100);
	assert_int_equal(cursors_take(c, "a"), 0);
	/* Of too many the least stay. */
	for (uint64_t i = 2 * CURSORS_EACH; i; i--)
		assert_int_equal(cursors_release(c, "a", i), 0);
	for (uint64_t i = 1; i <= CURSORS_EACH; i++)
		assert_int_equal(cursors_take(c, "a"), i);
	assert_int_equal(cursors_take(c, "a"), 0);
	/* Of too many identities the ones seen last stay. */
	for (unsigned i = 0; i < 2 * CURSORS_IDENTITIES; i++) {
		char name[32];

		snprintf(name, sizeof(name), "id:%u", i);
		assert_int_equal(cursors_release(c, name, i + 1), 0);
	}
	assert_int_equal(cursors_take(c, "id:0"), 0);
	assert_int_equal(cursors_take(c, "id:2047"), 2048);
	cursors_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_method_has_a_row),
		cmocka_unit_test(the_contract_is_frozen),
		cmocka_unit_test(backlog_is_bounded),
		cmocka_unit_test(cursors_resume_at_the_least),
	};

	grpc_init();
	int r = cmocka_run_group_tests(tests, NULL, NULL);
	grpc_shutdown_blocking();
	return r;
}
