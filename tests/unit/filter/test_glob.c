/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns against fnmatch, and against time; sets of prefixes. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <fnmatch.h>

#include "base/cleanup.h"
#include "filter/glob.h"
#include "filter/pmatch.h"

static void patterns_mean_what_fnmatch_means(void **state)
{
	static const char *const patterns[] = {
		"",	 "*",	   "**a",	   "a*b*c",	   "?",
		"a?c",	 "[a-c]x", "[!a-c]x",	   "[^a-c]x",	   "[]x]",
		"[!]x]", "[a",	   "[[:digit:]]x", "[[:upper:]]x", "[[:digit:]b-]*",
		"\\*",	 "a\\",	   "\\[a]",	   "[\\]]x",	   "/*/c",
		".*",	 "[/]x",   "*[x]",	   "*.[ch]",	   "[x",
		"x]",	 "A*C",	   "\xff?",
	};
	static const char *const subjects[] = {
		"",   "a",   "b",  "abc", "axbxc", "a/c", "/a/b/c", ".x", "ax",
		"dx", "]x",  "9x", "Bx",  "*",	   "[a]", "]",	    "[",  "[a",
		"/x", "x.c", "x]", "x",	  "ABC",   "a\\", "\xffz",
	};

	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		for (size_t j = 0; j < 2 * ARRAY_SIZE(subjects); j++) {
			const char *subject = subjects[j / 2];
			struct arena a = { 0 };
			const struct glob *g = glob_new(str_of(patterns[i]), j % 2, &a);
			bool wanted = fnmatch(patterns[i], subject, j % 2 ? FNM_CASEFOLD : 0) == 0;

			if (glob_match(g, str_of(subject)) != wanted)
				fail_msg("%s on %s: not %d", patterns[i], subject, wanted);
			arena_done(&a);
		}
	}
}

static void many_stars_take_no_time(void **state)
{
	struct arena a = { 0 };
	char subject[4096];
	const struct glob *g = glob_new(STR("*a*a*a*a*a*a*a*a*b"), false, &a);

	memset(subject, 'a', sizeof(subject));
	assert_false(glob_match(g, (struct str){ subject, sizeof(subject) }));
	arena_done(&a);
}

static void prefixes_match_by_component(void **state)
{
	static const struct {
		const char *prefixes[3], *path;
		bool result;
	} rows[] = {
		{ { "/etc", "/usr/lib" }, "/usr/lib/x", true },
		{ { "/etc", "/usr/lib" }, "/usr/libx", false },
		{ { "/usr/lib", "/usr" }, "/usr/bin", true },
		{ { "//usr///lib/" }, "usr/lib", true },
		{ { "/usr/lib" }, "/usr", false },
		{ { "/" }, "", true },
		{ { NULL }, "/x", false },
		{ { "/*/lib" }, "/usr/lib/x", true },
		{ { "/*/lib" }, "/usr/bin/lib", false },
		/* Two patterns at one level: both are tried. */
		{ { "/u*/bin", "/*r/lib" }, "/usr/lib", true },
		{ { "/u*/bin", "/*r/lib", "/usr/x" }, "/usr/bin", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct arena a = { 0 };
		struct pmatch *m = pmatch_new(&a);

		for (size_t j = 0; j < ARRAY_SIZE(rows[i].prefixes) && rows[i].prefixes[j]; j++)
			assert_int_equal(pmatch_add(m, str_of(rows[i].prefixes[j])), 0);
		if (pmatch_has(m, str_of(rows[i].path)) != rows[i].result)
			fail_msg("%s: not %d", rows[i].path, rows[i].result);
		arena_done(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_mean_what_fnmatch_means),
		cmocka_unit_test(many_stars_take_no_time),
		cmocka_unit_test(prefixes_match_by_component),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
