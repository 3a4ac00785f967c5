/* SPDX-License-Identifier: Apache-2.0 */
/* Messages cut down without an object tree: for clients of Falco, and to the fields that are wanted. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "alert/wire.h"
#include "base/cleanup.h"
#include "outputs.pb-c.h"
#include "rpc/message.h"

static const char typed[] =
	"{\"a.b\":1,\"c\":\"x,}\\\"{\",\"d\":[\"]\",{\"a.b\":2}],\"e\\\"f\":null,\"g\":true}";

static void make(struct strbuf *out, const char *json)
{
	wire_text(out, 4, STR("rule"));
	wire_pair(out, 6, STR("a.b"), STR("1"));
	wire_pair(out, 6, STR("c"), STR("x"));
	wire_pair(out, 6, STR("e\"f"), STR("<NA>"));
	wire_text(out, 9, STR("syscall"));
	wire_text(out, 103, str_of(json));
	wire_text(out, 104, STR("message"));
}

static void select_keeps_types(void **state)
{
	static const struct {
		struct str keys[3];
		size_t nkeys;
		size_t fields;
		const char *json, *wanted;
	} rows[] = {
		{ { STR("a.b") }, 1, 1, typed, "{\"a.b\":1}" },
		{ { STR("c"), STR("g") }, 2, 1, typed, "{\"c\":\"x,}\\\"{\",\"g\":true}" },
		{ { STR("d") }, 1, 0, typed, "{\"d\":[\"]\",{\"a.b\":2}]}" },
		{ { STR("e\"f") }, 1, 1, typed, "{\"e\\\"f\":null}" },
		{ { STR("x") }, 1, 0, typed, "{}" },
		{ { STR("a.b") }, 1, 1, "{}", "{}" },
		/* Not JSON: nothing of it is taken, and nothing read beyond it. */
		{ { STR("a") }, 1, 0, "", "{}" },
		{ { STR("a") }, 1, 0, "{\"a", "{}" },
		{ { STR("a") }, 1, 0, "{\"a\\", "{}" },
		{ { STR("a") }, 1, 0, "{\"a\"", "{}" },
		{ { STR("a") }, 1, 0, "{1:2}", "{}" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct strbuf in = { 0 }, out = { 0 };

		make(&in, rows[i].json);
		message_select(strbuf_str(&in), rows[i].keys, rows[i].nkeys, &out);
		Falco__Outputs__Response *r =
			falco__outputs__response__unpack(NULL, out.len, (const uint8_t *)out.ptr);
		assert_non_null(r);
		assert_int_equal(r->n_output_fields, rows[i].fields);
		assert_string_equal(r->rule, "rule");
		assert_string_equal(r->message, "message");
		assert_string_equal(r->output_fields_json, *rows[i].json ? rows[i].wanted : "");
		falco__outputs__response__free_unpacked(r, NULL);
		strbuf_done(&in);
		strbuf_done(&out);
	}
}

static void clients_of_falco_get_what_they_know(void **state)
{
	_cleanup_(strbuf_done) struct strbuf in = { 0 };

	make(&in, typed);
	size_t len = message_legacy_len(strbuf_str(&in));
	Falco__Outputs__Response *r = falco__outputs__response__unpack(NULL, len,
								       (const uint8_t *)in.ptr);
	assert_non_null(r);
	assert_string_equal(r->source, "syscall");
	assert_int_equal(r->n_output_fields, 3);
	assert_string_equal(r->output_fields_json, "");
	assert_string_equal(r->message, "");
	falco__outputs__response__free_unpacked(r, NULL);
	assert_int_equal(message_legacy_len(str_cut(strbuf_str(&in), len)), len);
	assert_int_equal(message_legacy_len(STR("")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(select_keeps_types),
		cmocka_unit_test(clients_of_falco_get_what_they_know),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
