/* SPDX-License-Identifier: Apache-2.0 */
/* Rules files of our own: what is found in them and where, and what becomes of the rules. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "event/event.h"
#include "fields/catalogue.h"
#include "rule/load.h"

#define RULE(name, cond)                                                                           \
	"- rule: " name "\n  desc: d\n  condition: " cond "\n  output: o\n  priority: INFO\n"

static struct loader *load(const char *text, const struct load_options *more)
{
	struct load_options o = more ? *more : (struct load_options){ 0 };
	struct loader *l;

	o.catalogue = fields_catalogue();
	if (!more)
		o.min_priority = PRIORITY_DEBUG;
	l = loader_new(&o);
	assert_non_null(l);
	loader_add(l, "f.yaml", str_of(text));
	return l;
}

static void first_errors_have_places(void **state)
{
	static const struct {
		const char *text, *wanted; /* the start of the message; "" for none */
	} rows[] = {
		{ RULE("r", "evt.type=open"), "" },
		{ RULE("r", "evt.type=open and proc.nam=x"), "f.yaml:3:32: " },
		{ RULE("r", ">\n    evt.type=open\n    and proc.nam=x"), "f.yaml:5:9: " },
		{ RULE("r", "'evt.type=open and proc.nam=x'"), "f.yaml:3:33: " },
		{ RULE("r", "opens"), "f.yaml:3:14: there is no macro opens" },
		{ "- macro: opened\n  condition: evt.type=open\n" RULE("r", "opend"),
		  "f.yaml:5:14: there is no macro opend; did you mean opened?" },
		{ "- rule: r\n  desc: d\n  condtion: a\n  output: o\n  priority: INFO\n",
		  "f.yaml:1:3: the key `condition` is missing; is `condtion` meant for it?" },
		{ "- rule: r\n  desc: d\n  condition: evt.type=open\n  output: o\n  priority: high\n",
		  "f.yaml:5:13: `high` is no priority" },
		{ "a: b: c\n", "f.yaml:1:5: not valid YAML" },
		{ "rule: r\n", "f.yaml:1:1: a rules file is a sequence" },
		{ "- required_engine_version: 99.0.0\n",
		  "f.yaml:1:3: the rules need engine version 99.0.0, this is 0.63.0" },
		{ "- list: l\n  items: [a]\n  override: {item: append}\n",
		  "f.yaml:3:14: `item` cannot be overridden; did you mean `items`?" },
		{ RULE("r",
		       "evt.type=open") "  exceptions:\n    - {name: e, fields: [proc.name], comps: [contain]}\n",
		  "f.yaml:7:7: `contain` is no operator an exception can use; did you mean `contains`?" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct loader *l = load(rows[i].text, NULL);
		struct strbuf b = { 0 };

		loader_first_error(l, &b);
		if (!str_starts(strbuf_str(&b), str_of(rows[i].wanted)) ||
		    (b.len && !rows[i].wanted[0]))
			fail_msg("row %zu: wanted %s, got %.*s", i, rows[i].wanted,
				 STR_ARG(strbuf_str(&b)));
		assert_int_equal(loader_errors(l), rows[i].wanted[0] != 0);
		strbuf_done(&b);
		loader_free(l);
	}
}

static void conditions_are_put_together(void **state)
{
	static const struct {
		const char *text, *wanted; /* of the last rule */
	} rows[] = {
		{ RULE("r", "evt.type=open"), "evt.type = open" },
		{ "- list: l\n  items: [a, 'b c']\n" RULE("r", "proc.name in (l,d)"),
		  "proc.name in (a, \"b c\", d)" },
		{ "- list: l\n  items: ['\"b c\"', \"d 'e'\"]\n" RULE("r", "proc.name in (l)"),
		  "proc.name in (\"b c\", \"d 'e'\")" },
		{ "- list: l\n  items: ['', a]\n" RULE("r", "proc.name in (l)"),
		  "proc.name in (a)" },
		{ "- list: l\n  items: [a, b]\n" RULE("r", "proc.name in (l,d)"),
		  "proc.name in (a, b, d)" },
		{ "- list: l\n  items: []\n" RULE("r", "proc.name in (d,l)"), "proc.name in (d)" },
		{ "- list: l\n  items: []\n" RULE("r", "proc.name in (l,d)"), "proc.name in (d)" },
		{ "- list: l\n  items: []\n" RULE("r", "proc.name in (a, l, d)"),
		  "proc.name in (a, d)" },
		{ "- list: l\n  items: [x]\n" RULE("r", "proc.name in (l, l)"),
		  "proc.name in (x, x)" },
		{ "- macro: m\n  condition: proc.name=a or proc.name=b\n" RULE("r", "not m"),
		  "not (proc.name = a or proc.name = b)" },
		{ RULE("r",
		       "evt.type=open") "  exceptions: [{name: e, fields: proc.name, values: [x, y z]}]\n",
		  "(evt.type = open and not proc.name in (x, \"y z\"))" },
		{ RULE("r", "evt.type=open") "- rule: r\n  condition: or evt.type=close\n"
					     "  override: {condition: append}\n",
		  "(evt.type = open or evt.type = close)" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct loader *l = load(rows[i].text, NULL);
		struct diag diag = { 0 };
		struct ruleset *rs = loader_finish(l, &diag);
		size_t n = 0;

		if (!rows[i].wanted) {
			assert_null(rs);
		} else {
			if (!rs)
				fail_msg("row %zu: %s", i, diag.text);
			const struct rule *const *rules = ruleset_rules(rs, &n);

			assert_int_equal(n, 1);
			if (!str_eqz(rules[0]->condition_compiled, rows[i].wanted))
				fail_msg("row %zu: wanted %s, got %.*s", i, rows[i].wanted,
					 STR_ARG(rules[0]->condition_compiled));
		}
		loader_free(l);
		ruleset_unref(rs);
	}
}

/* The ruleset outlives its loader. */
static void candidates_are_in_order(void **state)
{
	struct loader *l = load(
		RULE("a", "evt.type=open") RULE("b", "evt.type in (close, open)")
			RULE("c", "evt.type=close")
				RULE("d", "evt.type=open") "- rule: d\n  enabled: false\n" RULE(
					"a", "evt.type=openat or evt.type=open"),
		NULL);
	struct diag diag = { 0 };
	struct ruleset *rs = loader_finish(l, &diag);
	size_t n;

	loader_free(l);
	assert_non_null(rs);
	const struct rule *const *rules = ruleset_candidates(rs, EV_SYSCALL_OPEN_X, &n);

	assert_int_equal(n, 2);
	assert_true(str_eqz(rules[0]->name, "a"));
	assert_true(str_eqz(rules[1]->name, "b"));
	ruleset_candidates(rs, EV_ASYNCEVENT_E, &n);
	assert_int_equal(n, 3);
	ruleset_candidates(rs, 100000, &n);
	assert_int_equal(n, 0);
	assert_true(bitset_has(ruleset_events(rs), EV_SYSCALL_CLOSE_X));
	assert_null(ruleset_unref(ruleset_ref(rs)));
	assert_null(ruleset_unref(rs));
}

static void options_are_applied(void **state)
{
	static const struct {
		struct str key, format;
	} fields[] = { { STR("proc.pid"), { 0 } }, { STR("who"), STR("%user.name") } };
	const struct append_output append = { .extra_output = STR("pid=%proc.pid"),
					      .fields = (const void *)fields,
					      .nfields = 2 };
	const struct rule_selection off = { .enable = false, .tag = STR("t") };
	const struct load_options o = { .min_priority = PRIORITY_INFORMATIONAL,
					.append = &append,
					.nappend = 1,
					.selections = &off,
					.nselections = 1 };
	struct loader *l = load(
		RULE("a", "evt.type=open") "  tags: [t]\n" RULE(
			"b",
			"evt.type=open") "- {rule: c, desc: d, output: o, condition: evt.type=open, priority: debug}\n",
		&o);
	struct diag diag = { 0 };
	struct ruleset *rs = loader_finish(l, &diag);
	size_t n;

	assert_non_null(rs);
	const struct rule *const *rules = ruleset_rules(rs, &n);

	assert_int_equal(n, 3);
	assert_false(rules[0]->enabled);
	assert_true(rules[1]->enabled);
	assert_false(rules[2]->enabled);
	assert_int_equal(rules[1]->nextras, 2);
	assert_null(rules[1]->extras[0].format);
	assert_non_null(rules[1]->extras[1].format);
	assert_true(str_eqz(format_text(rules[1]->format), "o pid=%proc.pid"));
	ruleset_unref(rs);
	loader_free(l);
}

static void suggested_fields_are_appended(void **state)
{
	const struct append_output append = { .suggested_output = true };
	const struct load_options o = { .min_priority = PRIORITY_DEBUG,
					.append = &append,
					.nappend = 1 };
	struct loader *l = load(RULE("a", "evt.type=open"), &o);
	struct diag diag = { 0 };
	struct ruleset *rs = loader_finish(l, &diag);
	size_t n;

	assert_non_null(rs);
	assert_string_equal(format_text(ruleset_rules(rs, &n)[0]->format).ptr,
			    "o container_id=%container.id container_name=%container.name "
			    "container_image_repository=%container.image.repository "
			    "container_image_tag=%container.image.tag k8s_pod_name=%k8s.pod.name "
			    "k8s_ns_name=%k8s.ns.name");
	ruleset_unref(rs);
	loader_free(l);
}

static void results_are_printed(void **state)
{
	struct loader *l =
		load("- macro: m\n  condition: evt.type=open\n" RULE("r", "evt.type=opn"), NULL);
	struct strbuf b = { 0 };

	loader_print(l, false, &b);
	assert_true(str_starts(strbuf_str(&b), STR("f.yaml: Invalid\n1 error, 0 warnings\n")));
	assert_non_null(strstr(strbuf_z(&b), "[LOAD_ERR_COMPILE_CONDITION]"));
	assert_non_null(strstr(strbuf_z(&b), "    evt.type=opn\n    ^\n"));
	strbuf_done(&b);
	loader_free(l);
	/* Under the fault also behind wide characters, and with nothing a terminal would obey. */
	l = load(RULE("r", "\"evt.type in (op\u00e9n) \\e[31m x\""), NULL);
	strbuf_clear(&b);
	loader_print(l, false, &b);
	if (!strstr(strbuf_z(&b), "    evt.type in (op\u00e9n) \xef\xbf\xbd[31m x\n") ||
	    !strstr(strbuf_z(&b), "\n                       ^\n") || strchr(strbuf_z(&b), 27))
		fail_msg("%s", strbuf_z(&b));
	loader_free(l);
	l = load("- rule: \xff\n", NULL);
	strbuf_clear(&b);
	loader_print(l, false, &b);
	assert_non_null(strstr(strbuf_z(&b), "    - rule: \xef\xbf\xbd\n"));
	strbuf_clear(&b);
	loader_free(l);
	l = load("- macro: m\n  condition: evt.type=open\n", NULL);
	loader_print(l, false, &b);
	assert_string_equal(strbuf_z(&b), "f.yaml: Ok, with warnings\n");
	strbuf_done(&b);
	loader_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_errors_have_places),
		cmocka_unit_test(conditions_are_put_together),
		cmocka_unit_test(candidates_are_in_order),
		cmocka_unit_test(options_are_applied),
		cmocka_unit_test(suggested_fields_are_appended),
		cmocka_unit_test(results_are_printed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
