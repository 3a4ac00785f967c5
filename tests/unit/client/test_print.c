/* SPDX-License-Identifier: Apache-2.0 */
/* What alerts hold is an attacker's: on a terminal it is text and nothing else. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "client/print.h"

static void nothing_steers_the_terminal(void **state)
{
	static const struct {
		struct str in;
		const char *wanted;
	} rows[] = {
		{ STR("plain text, Gr\xc3\xbc\xc3\x9f"
		      "e \xf0\x9f\x98\x80"),
		  "plain text, Gr\xc3\xbc\xc3\x9f"
		  "e \xf0\x9f\x98\x80" },
		{ STR("\033[2J\033]0;x\a"), "\\x1b[2J\\x1b]0;x\\x07" },
		{ STR("a\nb\rc\td\x7f"), "a\\x0ab\\x0dc\\x09d\\x7f" },
		/* CSI as one character of Latin-1, and as a bare byte. */
		{ STR("\xc2\x9b"
		      "31m"),
		  "\\xc2\\x9b31m" },
		{ STR("\x9b"
		      "31m"),
		  "\\x9b31m" },
		{ STR("\xc2\xa0"), "\xc2\xa0" },
		/* Not UTF-8: cut off, overlong, alone. */
		{ STR("x\xe2\x82"), "x\\xe2\\x82" },
		{ STR("\xc0\x9b"), "\\xc0\\x9b" },
		{ STR("\xff"), "\\xff" },
		{ STR(""), "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(strbuf_done) struct strbuf out = { 0 };

		print_safe(rows[i].in, &out);
		assert_string_equal(strbuf_z(&out), rows[i].wanted);
	}
}

static void an_alert_is_one_line(void **state)
{
	Falco__Outputs__Response m = FALCO__OUTPUTS__RESPONSE__INIT;
	char rule[] = "a\nrule\033[0m", message[] = "\n x\ny\x9b \n";
	_cleanup_(strbuf_done) struct strbuf plain = { 0 }, color = { 0 };

	m.priority = 77; /* of a later version */
	m.rule = rule;
	m.message = message;
	print_alert_text(&m, false, &plain);
	assert_null(strchr(strbuf_z(&plain), '\033'));
	assert_ptr_equal(strchr(strbuf_z(&plain), '\n'), plain.ptr + plain.len - 1);
	assert_non_null(strstr(plain.ptr, "a\\x0arule\\x1b[0m: x\\x0ay\\x9b\n"));
	print_alert_text(&m, true, &color);
	assert_non_null(strstr(strbuf_z(&color), "\033[1ma\\x0arule"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_steers_the_terminal),
		cmocka_unit_test(an_alert_is_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
