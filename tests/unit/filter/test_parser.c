/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions that parse to a canonical text, and conditions that do not, with the place of the fault. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <errno.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "filter/parser.h"

#define BAD (-1)

struct row {
	const char *text;
	const char *canonical; /* NULL: refused */
	int offset;	       /* of the fault; BAD: any */
};

static void check_row(const struct row *row)
{
	struct arena a = { 0 };
	struct strbuf out = { 0 };
	struct ast *t = NULL;
	struct diag d = { 0 };
	int r = parse_condition(str_of(row->text), LIMIT_CONDITION_DEPTH, &a, &t, &d);

	if (row->canonical) {
		if (r != 0)
			fail_msg("%s: refused: %s", row->text, d.text);
		ast_print(t, &out);
		assert_string_equal(strbuf_z(&out), row->canonical);
		struct ast *copy = ast_clone(t, &a);

		assert_non_null(copy);
		strbuf_clear(&out);
		ast_print(copy, &out);
		assert_string_equal(strbuf_z(&out), row->canonical);
	} else {
		if (r != -EINVAL)
			fail_msg("%s: accepted", row->text);
		if (row->offset != BAD && d.offset != (uint32_t)row->offset)
			fail_msg("%s: fault at %u, not %d: %s", row->text, d.offset, row->offset,
				 d.text);
		assert_int_not_equal(d.text[0], 0);
	}
	strbuf_done(&out);
	arena_done(&a);
}

static void conditions_parse(void **state)
{
	static const struct row rows[] = {
		{ "web", "web", 0 },
		{ " ( web ) ", "web", 0 },
		{ "x.y=1 and x.z!=2 or w", "((x.y = 1 and x.z != 2) or w)", 0 },
		{ "not not x.y exists", "x.y exists", 0 },
		{ "not(not x.y exists)", "not not x.y exists", 0 },
		{ "not x.y exists", "not x.y exists", 0 },
		{ "nothing", "nothing", 0 },
		{ "x.y existsand w", "(x.y exists and w)", 0 },
		{ "x.y inside", "x.y in side", 0 },
		{ "x.y in (p,q , \"r s\")", "x.y in (p, q, \"r s\")", 0 },
		{ "x.y in ()", "x.y in ()", 0 },
		{ "x.y = oneof", "x.y = oneof", 0 },
		{ "x.y = oneof z", "x.y = oneof z", 0 },
		{ "x.y contains anyof (p,q)", "x.y contains anyof (p, q)", 0 },
		{ "x.y = allof and w", "(x.y = allof and w)", 0 },
		{ "x.y = allof android", "x.y = allof android", 0 },
		{ "x.y[\"\"] = ''", "x.y[\"\"] = ", 0 },
		{ "x.y[0]>=-1.5e+3", "x.y[0] >= -1.5e+3", 0 },
		{ "x.y = val( z.w )", "x.y = val(z.w)", 0 },
		{ "join(\"-\", (x.y , z.w)) = p", "join(-,(x.y,z.w)) = p", 0 },
		{ "getopt(x.y, \"ab:\")[a] exists", "getopt(x.y,ab:)[a] exists", 0 },
		{ "w and(v) or u", "((w and v) or u)", 0 },
		{ "x.y = \"a\\x41\\n\"", "x.y = \"aA\\n\"", 0 },
		{ "", NULL, 0 },
		{ "x.y", NULL, 3 },
		{ "w or(v) and u", NULL, 8 },
		{ "x.y = p=q", NULL, 7 },
		{ "x.y = p,q", NULL, 7 },
		{ "x.y === p", NULL, 6 },
		{ "x.y = oneof(p)", NULL, 11 },
		{ "x.y =oneof (p)", NULL, BAD },
		{ "x.y > 1e5", NULL, 7 },
		{ "x.y > p", NULL, 6 },
		{ "x.y in (p,)", NULL, 10 },
		{ "x.y = \"\\u0041\"", NULL, 14 },
		{ "x.y = \"open", NULL, 6 },
		{ "x.y[] exists", NULL, 4 },
		{ "w)", NULL, 1 },
		{ "w orv", NULL, 4 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_row(&rows[i]);
}

static void depth_is_limited(void **state)
{
	char text[128];

	for (unsigned n = 17; n <= 20; n++) {
		memset(text, '(', n);
		memcpy(text + n, "x.y=1", 5);
		memset(text + n + 5, ')', n);
		text[2 * n + 5] = '\0';
		check_row(&(struct row){ text, n <= 18 ? "x.y = 1" : NULL, BAD });
	}
}

static int put_in(struct ast *node, void *ctx)
{
	const struct ast *body = ctx;

	*node = *body;
	return 0;
}

static void count_node(const struct ast *node, void *ctx)
{
	((int *)ctx)[0]++;
}

static void count_expr(const struct expr *e, bool right, void *ctx)
{
	((int *)ctx)[right ? 2 : 1]++;
}

static void macros_are_put_in(void **state)
{
	struct arena a = { 0 };
	struct strbuf out = { 0 };
	struct ast *t = NULL, *body = NULL;
	struct diag d = { 0 };
	int seen[3] = { 0 };

	assert_int_equal(parse_condition(STR("m and not m"), 100, &a, &t, &d), 0);
	assert_int_equal(parse_condition(STR("x.y=val(z.w) or u.v=1"), 100, &a, &body, &d), 0);
	assert_int_equal(ast_macros(t, put_in, body), 0);
	ast_print(t, &out);
	assert_string_equal(strbuf_z(&out), "((x.y = val(z.w) or u.v = 1) and "
					    "not (x.y = val(z.w) or u.v = 1))");
	ast_walk(t, count_node, count_expr, seen);
	assert_int_equal(seen[0], 8);
	assert_int_equal(seen[1], 4);
	assert_int_equal(seen[2], 2);
	strbuf_done(&out);
	arena_done(&a);
}

static void output_expressions_are_longest(void **state)
{
	static const struct {
		const char *text;
		size_t taken;
		const char *canonical;
	} rows[] = {
		{ "x.y end", 3, "x.y" },
		{ "x.y.z)", 5, "x.y.z" },
		{ "x.y[2]z", 6, "x.y[2]" },
		{ "x.y[2 z", 3, "x.y" },
		{ "toupper( x.y )z", 14, "toupper(x.y)" },
		{ "toupper(x.y", 0, NULL },
		{ "val(x.y)", 0, NULL },
		{ "x", 0, NULL },
		{ "", 0, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct arena a = { 0 };
		struct strbuf out = { 0 };
		struct expr *e = NULL;

		assert_int_equal(parse_output_expr(str_of(rows[i].text), &a, &e), rows[i].taken);
		if (rows[i].taken) {
			expr_print(e, &out);
			assert_string_equal(strbuf_z(&out), rows[i].canonical);
		}
		strbuf_done(&out);
		arena_done(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions_parse),
		cmocka_unit_test(depth_is_limited),
		cmocka_unit_test(macros_are_put_in),
		cmocka_unit_test(output_expressions_are_longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
