/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the loader that need no fields: YAML trees, versions, requirements, wildcards. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <errno.h>

#include "base/cleanup.h"
#include "base/vec.h"
#include "rule/load.h"
#include "rule/needles.h"
#include "rule/requirements.h"
#include "rule/schema.h"
#include "rule/select.h"
#include "rule/yaml.h"

static void show(const struct ynode *n, struct strbuf *out)
{
	static const char kinds[] = "~s[{";

	strbuf_printf(out, "%c%u:%u:%u", kinds[n->kind], n->line, n->column, n->offset);
	if (n->kind == YN_SCALAR) {
		strbuf_addc(out, '=');
		strbuf_add(out, n->text);
	}
	for (uint32_t i = 0; i < n->nkids; i++) {
		strbuf_addc(out, ' ');
		show(n->kids[i], out);
	}
}

static void yaml_trees_have_positions(void **state)
{
	static const struct {
		const char *text, *wanted; /* NULL: an error at column `at` of line `line` */
		unsigned line, at;
	} rows[] = {
		{ "", "" },
		{ "# x\n", "" },
		{ "a", "s0:0:0=a" },
		{ "- a\n- 'b'\n", "[0:0:0 s0:2:2=a s1:2:6=b" },
		{ "\xef\xbb\xbf- a\r\n- b\r\n", "[0:0:0 s0:2:2=a s1:2:7=b" },
		{ "k: v\n", "{0:0:0 s0:0:0=k s0:3:3=v" },
		{ "- k:\n  l: x\n", "[0:0:0 {0:2:2 s0:2:2=k ~1:2:7 s1:2:7=l s1:5:10=x" },
		{ "- k: \xc3\xa9\xc3\xa9 \n- [\xc3\xa9, b]",
		  "[0:0:0 {0:2:2 s0:2:2=k s0:5:5=\xc3\xa9\xc3\xa9 "
		  "[1:2:13 s1:3:14=\xc3\xa9 s1:7:18=b" },
		{ "--- a\n--- b\n", "s0:4:4=a|s1:4:10=b" },
		{ "- &x [1]\n- *x\n", "[0:0:0 [0:2:2 s0:6:6=1 [0:2:2 s0:6:6=1" },
		{ "[~, null, 'null', \"\"]", "[0:0:0 ~0:1:1 ~0:4:4 s0:10:10=null s0:18:18=" },
		{ "this : is : not : yaml", NULL, 1, 11 },
		{ "- *nobody\n", NULL, 1, 3 },
		{ "- &a [*a]\n", NULL, 1, 7 },
		{ "\t- a\n", NULL, 1, 1 },
		{ "[a", NULL, 2, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct strbuf out = { 0 };
		struct arena a = { 0 };
		struct ydocs docs = { 0 };
		struct diag diag = { 0 };
		int rc = yaml_read(str_of(rows[i].text), &a, &docs, &diag);

		assert_int_equal(rc, rows[i].wanted ? 0 : -EINVAL);
		for (size_t d = 0; d < docs.n; d++) {
			strbuf_addz(&out, d ? "|" : "");
			show(docs.items[d], &out);
		}
		if (rows[i].wanted) {
			assert_string_equal(strbuf_z(&out), rows[i].wanted);
		} else {
			assert_int_equal(diag.line, rows[i].line);
			assert_int_equal(diag.column, rows[i].at);
		}
		vec_done(&docs);
		arena_done(&a);
		strbuf_done(&out);
	}
}

static void bombs_are_refused(void **state)
{
	struct strbuf deep = { 0 }, alias = { 0 };
	struct arena a = { 0 };
	struct ydocs docs = { 0 };
	struct diag diag = { 0 };

	for (unsigned i = 0; i < 5000; i++)
		strbuf_addc(&deep, '[');
	assert_int_equal(yaml_read(strbuf_str(&deep), &a, &docs, &diag), -EINVAL);
	strbuf_addz(&alias, "- &a0 [x]\n");
	for (unsigned i = 1; i < 40; i++)
		strbuf_printf(&alias, "- &a%u [*a%u, *a%u]\n", i, i - 1, i - 1);
	assert_int_equal(yaml_read(strbuf_str(&alias), &a, &docs, &diag), -EINVAL);
	assert_non_null(strstr(diag.text, "too many"));
	strbuf_done(&deep);
	strbuf_done(&alias);
	arena_done(&a);
}

static void versions_compare(void **state)
{
	static const struct {
		const char *have, *want;
		bool engine;
		int wanted; /* 1 accepted, 0 refused, -1 no version */
	} rows[] = {
		{ "0.63.0", "10", true, 1 },	 { "0.63.0", "63", true, 1 },
		{ "0.63.0", "64", true, 0 },	 { "0.63.0", "0.63.0", true, 1 },
		{ "0.63.0", "0.63.1", true, 0 }, { "0.63.0", "1.0.0", true, 0 },
		{ "0.63.0", "0.10", true, -1 },	 { "0.63.0", "x", true, -1 },
		{ "0.63.0", "", true, -1 },	 { "1.2.3-rc1", "1.2.3", false, 1 },
		{ "1.2.3", "7", false, -1 },	 { "1.2.3", "1.2.99999999999", false, -1 },
		{ "2.0.0", "1.9.9", false, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct version have, want;
		struct str text = str_of(rows[i].want);

		assert_int_equal(version_parse(str_of(rows[i].have), &have), 0);
		int rc = rows[i].engine ? version_parse_engine(text, &want)
					: version_parse(text, &want);

		assert_int_equal(rc < 0 ? -1 : version_accepts(have, want), rows[i].wanted);
	}
}

static void wildcards_do_not_backtrack(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool wanted;
	} rows[] = {
		{ "*", "", true },
		{ "*", "x", true },
		{ "a*", "abc", true },
		{ "*c", "abc", true },
		{ "*ab", "abab", false },
		{ "a*c*", "abcd", true },
		{ "abc", "abc", true },
		{ "abc", "abcd", false },
		{ "", "", true },
		{ "", "x", false },
		{ "*.yaml", "a.yaml", true },
		{ "*.yaml", "a.yaml.yaml", false },
		{ "**", "x", true },
		{ "?", "x", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(rule_wildcard(str_of(rows[i].pattern), str_of(rows[i].text)),
				 rows[i].wanted);
}

static void schemas_tell_the_first_fault(void **state)
{
	static const struct {
		const char *text;
		enum schema_state wanted;
	} rows[] = {
		{ "", SCHEMA_NONE },
		{ "- rule: r\n  priority: INFO\n  enabled: true\n", SCHEMA_OK },
		{ "- rule: r\n  priority: Info\n", SCHEMA_FAILED },
		{ "- rule: r\n  enabled: yes\n", SCHEMA_FAILED },
		{ "- rule: r\n  rule: s\n", SCHEMA_FAILED },
		{ "- rule: r\n  nonsense: s\n", SCHEMA_FAILED },
		{ "- rule: r\n  exceptions: [{fields: a}]\n", SCHEMA_FAILED },
		{ "- rule: r\n  exceptions: [{name: a, fields: {b: c}}]\n", SCHEMA_OK },
		{ "- rule: r\n  override: {}\n", SCHEMA_FAILED },
		{ "- list: l\n  items: [1, b]\n", SCHEMA_OK },
		{ "- list: l\n  items: [[b]]\n", SCHEMA_FAILED },
		{ "rule: r\n", SCHEMA_FAILED },
		{ "- required_plugin_versions: [{name: a, version: 1.0.0}]\n", SCHEMA_OK },
		{ "- required_plugin_versions: [{name: a}]\n", SCHEMA_FAILED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct arena a = { 0 };
		struct ydocs docs = { 0 };
		struct diag diag = { 0 };
		struct str text = { 0 };

		assert_int_equal(yaml_read(str_of(rows[i].text), &a, &docs, &diag), 0);
		assert_int_equal(schema_check(&docs, &a, &text), rows[i].wanted);
		vec_done(&docs);
		arena_done(&a);
	}
}

/* Against a search for one text after the other, over two letters, where everything overlaps. */
static void needles_are_all_found(void **state)
{
	enum { TEXTS = 60, PLACES = 300 };
	uint64_t seed = 7;

	for (unsigned round = 0; round < 20; round++) {
		char texts[TEXTS][8], where[PLACES];
		struct str needle[TEXTS];
		struct needles *n = needles_new();
		struct arena a = { 0 };
		uint64_t found = 0, wanted = 0;

		assert_non_null(n);
		for (unsigned i = 0; i < TEXTS; i++) {
			size_t len = 1 + (seed >> 40) % 7;

			for (size_t k = 0; k < sizeof(texts[i]); k++) {
				seed = seed * UINT64_C(6364136223846793005) + 1;
				texts[i][k] = (char)('a' + (seed >> 60) % 2);
			}
			needle[i] = (struct str){ texts[i], len };
			assert_int_equal(needles_add(n, needle[i], i), 0);
		}
		const struct needles_table *t = needles_seal(n, &a);

		assert_non_null(t);
		needles_free(n);
		for (size_t len = 0; len < PLACES; len = len * 2 + 1) {
			found = wanted = 0;
			for (size_t k = 0; k < len; k++) {
				seed = seed * UINT64_C(6364136223846793005) + 1;
				where[k] = (char)('a' + (seed >> 60) % 2);
			}
			needles_find(t, (struct str){ where, len }, &found);
			for (unsigned i = 0; i < TEXTS; i++)
				if (str_contains((struct str){ where, len }, needle[i]))
					wanted |= UINT64_C(1) << i;
			assert_int_equal(found, wanted);
		}
		arena_done(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(needles_are_all_found),
		cmocka_unit_test(yaml_trees_have_positions),
		cmocka_unit_test(bombs_are_refused),
		cmocka_unit_test(versions_compare),
		cmocka_unit_test(wildcards_do_not_backtrack),
		cmocka_unit_test(schemas_tell_the_first_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
