/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel is said to decide of a condition. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>

#include "base/cleanup.h"
#include "fields/catalogue.h"
#include "prefilter/explain.h"

#define YES_YES_YES "{\"valid\":true,\"file\":true,\"directory\":true,\"failed\":true,"
#define YES_NO_YES  "{\"valid\":true,\"file\":true,\"directory\":false,\"failed\":true,"
#define NO_NO_NO    "{\"valid\":true,\"file\":false,\"directory\":false,\"failed\":false,"
#define NO_NO_YES   "{\"valid\":true,\"file\":false,\"directory\":false,\"failed\":true,"

static void conditions_are_explained(void **state)
{
	static const struct {
		const char *condition, *begin;
	} rows[] = {
		{ "evt.type = openat and fd.name startswith /etc and proc.name = cat",
		  YES_YES_YES },
		{ "evt.type in (open, openat) and fd.name regex x and proc.name = cat",
		  YES_NO_YES },
		{ "evt.type = openat and (fd.name = /x or proc.name = cat)", NO_NO_NO },
		{ "evt.type = openat and not (fd.name = /x and proc.name = cat)", NO_NO_NO },
		{ "evt.type = openat and not (fd.name = /x or proc.name = cat)", YES_YES_YES },
		{ "evt.type = openat and fd.num >= 0", NO_NO_YES },
		{ "evt.type = openat and user.uid = 0", NO_NO_NO },
		{ "evt.type = execve and proc.name = x", NO_NO_NO },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(strbuf_done) struct strbuf out = { 0 };

		assert_int_equal(
			kernel_explain(fields_catalogue(), str_of(rows[i].condition), true, &out),
			0);
		if (!str_starts(strbuf_str(&out), str_of(rows[i].begin)))
			fail_msg("%s: %.*s", rows[i].condition, STR_ARG(strbuf_str(&out)));
	}
}

static void each_check_is_told(void **state)
{
	_cleanup_(strbuf_done) struct strbuf out = { 0 };

	assert_int_equal(
		kernel_explain(fields_catalogue(),
			       STR("evt.type = openat and fd.name regex x and proc.name = cat"),
			       false, &out),
		0);
	assert_string_equal(strbuf_z(&out),
			    "opens of one file: can end in the kernel\n"
			    "opens in one directory: always come up\n"
			    "opens that fail: can end in the kernel\n"
			    "    evt.type = openat: known for file, directory, failed\n"
			    "    fd.name regex x: known for file, failed\n"
			    "    proc.name = cat: not known\n");
}

static void invalid_conditions_write_nothing(void **state)
{
	_cleanup_(strbuf_done) struct strbuf out = { 0 };

	assert_int_equal(kernel_explain(fields_catalogue(), STR("fd.nam = x"), false, &out), 1);
	assert_int_equal(kernel_explain(fields_catalogue(), STR("fd.name ="), true, &out), 1);
	assert_int_equal(out.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions_are_explained),
		cmocka_unit_test(each_check_is_told),
		cmocka_unit_test(invalid_conditions_write_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
