/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference's cases about rules files, run on the loader. Codes, item types, positions and compiled texts
 * have to agree; message texts are our own.
 */
#include "cases.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "event/event.h"
#include "fields/catalogue.h"
#include "filter/parser.h"
#include "rule/load.h"
#include "rule/result.h"
#include "rule/syscalls.h"
#include "rule/warn.h"

static unsigned failures;

/* Cases that come out differently on purpose, with the reason. */
static const struct {
	const char *id, *reason;
} deliberate[] = {
	{ "own/rule/evttype_transformer",
	  "the reference ends with an uncaught exception; here it is a compile error of the rule" },
};

static const char *deliberate_reason(const char *id)
{
	for (size_t i = 0; i < ARRAY_SIZE(deliberate); i++)
		if (strcmp(deliberate[i].id, id) == 0)
			return deliberate[i].reason;
	return NULL;
}

static const char *text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

/* Code points up to U+00FF stand for bytes. */
static void latin(const char *s, struct strbuf *out)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if ((c == 0xc2 || c == 0xc3) && s[1]) {
			s++;
			strbuf_addc(out, (char)(((c & 3) << 6) | ((unsigned char)*s & 0x3f)));
		} else {
			strbuf_addc(out, (char)c);
		}
	}
}

static void note(struct strbuf *why, const char *what, const char *wanted, const char *got)
{
	strbuf_printf(why, "    %s: wanted %s\n    %*s  got    %s\n", what, wanted,
		      (int)strlen(what), "", got);
}

static void settle(struct tally *t, const char *id, struct strbuf *why)
{
	tally_count(t, id, why->len ? strbuf_z(why) : NULL, deliberate_reason(id));
	strbuf_clear(why);
}

static void finish(const struct tally *t)
{
	tally_print(t);
	failures += t->wrong;
}

static json_t *results_of(const struct loader *l)
{
	struct strbuf b = { 0 };
	struct json j = json_to(&b);
	json_t *v;

	loader_json(l, &j);
	v = json_loadb(b.ptr, b.len, 0, NULL);
	strbuf_done(&b);
	return v;
}

static json_t *description_of(const struct loader *l)
{
	struct strbuf b = { 0 };
	struct json j = json_to(&b);
	json_t *v;

	loader_describe(l, (struct str){ 0 }, &j);
	v = json_loadb(b.ptr, b.len, 0, NULL);
	strbuf_done(&b);
	return v;
}

/* "CODE type[name]line:column ..." per issue. */
static void wanted_issues(const json_t *issues, struct strbuf *out)
{
	size_t i, k;
	const json_t *issue, *loc;

	json_array_foreach(issues, i, issue)
	{
		strbuf_printf(out, "%s", text(issue, "code"));
		if (text(issue, "deprecated_field")[0])
			strbuf_printf(out, "(%s)", text(issue, "deprecated_field"));
		json_array_foreach(json_object_get(issue, "locations"), k, loc) strbuf_printf(
			out, " %s[%s]%lld:%lld", json_string_value(json_array_get(loc, 0)),
			json_string_value(json_array_get(loc, 1)),
			json_integer_value(json_array_get(loc, 2)),
			json_integer_value(json_array_get(loc, 3)));
		strbuf_addz(out, "; ");
	}
}

static void got_issues(const json_t *issues, struct strbuf *out)
{
	size_t i, k;
	const json_t *issue, *loc;

	json_array_foreach(issues, i, issue)
	{
		strbuf_printf(out, "%s", text(issue, "code"));
		if (text(issue, "deprecated_field")[0])
			strbuf_printf(out, "(%s)", text(issue, "deprecated_field"));
		json_array_foreach(json_object_get(json_object_get(issue, "context"), "locations"),
				   k, loc)
		{
			const json_t *p = json_object_get(loc, "position");

			strbuf_printf(out, " %s[%s]%lld:%lld", text(loc, "item_type"),
				      text(loc, "item_name"),
				      json_integer_value(json_object_get(p, "line")),
				      json_integer_value(json_object_get(p, "column")));
		}
		strbuf_addz(out, "; ");
	}
}

static void compare_issues(const json_t *want, const json_t *got, const char *key,
			   struct strbuf *why)
{
	struct strbuf a = { 0 }, b = { 0 };

	wanted_issues(json_object_get(want, key), &a);
	got_issues(json_object_get(got, key), &b);
	if (!str_eq(strbuf_str(&a), strbuf_str(&b)))
		note(why, key, strbuf_z(&a), strbuf_z(&b));
	strbuf_done(&a);
	strbuf_done(&b);
}

static const char *schema_of(const json_t *result)
{
	if (json_is_true(json_object_get(result, "schema_valid")))
		return "ok";
	return json_array_size(json_object_get(result, "schema_warnings")) ? "failed" : "none";
}

static void compare_result(const json_t *want, const json_t *got, struct strbuf *why)
{
	const char *schema = text(want, "schema_validation");

	if (json_is_true(json_object_get(want, "successful")) !=
	    json_is_true(json_object_get(got, "successful")))
		note(why, "successful", "the other", "this");
	if (strncmp(schema, schema_of(got), strlen(schema_of(got))) != 0)
		note(why, "schema", schema, schema_of(got));
	compare_issues(want, got, "errors", why);
	compare_issues(want, got, "warnings", why);
}

static void compare_text(const json_t *want, const char *key, const char *got, struct strbuf *why)
{
	if (json_object_get(want, key) && strcmp(text(want, key), got) != 0)
		note(why, key, text(want, key), got);
}

static void compare_set(const json_t *want, const json_t *got, const char *key, struct strbuf *why)
{
	json_t *w = json_object_get(want, key), *g = json_object_get(got, key);
	struct strbuf a = { 0 };
	size_t i, k;
	const json_t *v, *u;

	json_array_foreach(w, i, v)
	{
		bool found = false;

		json_array_foreach(g, k, u) found |= json_equal(v, u);
		if (!found)
			strbuf_printf(&a, " -%s", json_string_value(v));
	}
	json_array_foreach(g, i, v)
	{
		bool found = false;

		json_array_foreach(w, k, u) found |= json_equal(v, u);
		if (!found)
			strbuf_printf(&a, " +%s", json_string_value(v));
	}
	if (a.len)
		note(why, key, "the set", strbuf_z(&a));
	strbuf_done(&a);
}

static const json_t *rule_named(const json_t *description, const char *name)
{
	size_t i;
	const json_t *r;

	json_array_foreach(json_object_get(description, "rules"), i,
			   r) if (strcmp(text(json_object_get(r, "info"), "name"), name) ==
				  0) return r;
	return NULL;
}

static void compare_rule(const json_t *want, const json_t *got, struct strbuf *why)
{
	const json_t *info = json_object_get(got, "info"),
		     *details = json_object_get(got, "details");
	const json_t *n = json_object_get(want, "n_events");
	size_t nevents = json_array_size(json_object_get(details, "events"));

	if (!got) {
		note(why, "rule", text(want, "name"), "none");
		return;
	}
	compare_text(want, "condition_compiled", text(details, "condition_compiled"), why);
	compare_text(want, "output_compiled", text(details, "output_compiled"), why);
	compare_text(want, "priority", text(info, "priority"), why);
	compare_text(want, "source", text(info, "source"), why);
	if (json_is_true(json_object_get(want, "enabled")) !=
	    json_is_true(json_object_get(info, "enabled")))
		note(why, "enabled", "the other", "this");
	compare_set(want, info, "tags", why);
	if (n && (size_t)json_integer_value(n) != nevents)
		strbuf_printf(why, "    n_events: wanted %lld, got %zu\n", json_integer_value(n),
			      nevents);
}

struct extras { /* a case's extra_format */
	struct append_output items[8];
	struct str tags[8][4];
	size_t n;
};

static void read_extras(const json_t *list, struct extras *x)
{
	size_t i, k;
	const json_t *e, *tag;

	json_array_foreach(list, i, e)
	{
		struct append_output *a = &x->items[i];

		if (i == ARRAY_SIZE(x->items))
			break;
		a->extra_output = str_of(json_string_value(json_array_get(e, 0)));
		a->source = str_of(json_string_value(json_array_get(e, 1)));
		json_array_foreach(json_array_get(e, 2), k, tag) if (k < ARRAY_SIZE(x->tags[i]))
		{
			x->tags[i][k] = str_of(json_string_value(tag));
			a->ntags = k + 1;
		}
		a->tags = x->tags[i];
		a->rule = str_of(json_string_value(json_array_get(e, 3)));
		x->n = i + 1;
	}
}

static void compare_loaded(const json_t *expect, struct loader *l, struct strbuf *why)
{
	json_t *results = results_of(l), *description = description_of(l);
	size_t i, enabled = 0;
	const json_t *want;
	const json_t *files = json_object_get(expect, "files");

	json_array_foreach(files, i, want) compare_result(want, json_array_get(results, i), why);
	json_array_foreach(json_object_get(expect, "rules"), i, want)
		compare_rule(want, rule_named(description, text(want, "name")), why);
	json_array_foreach(json_object_get(description, "rules"), i, want)
		enabled += json_is_true(json_object_get(json_object_get(want, "info"), "enabled"));
	want = json_object_get(expect, "enabled_rules");
	if (want && json_is_true(json_object_get(expect, "ok")) &&
	    (size_t)json_integer_value(want) != enabled)
		strbuf_printf(why, "    enabled_rules: wanted %lld, got %zu\n",
			      json_integer_value(want), enabled);
	json_decref(results);
	json_decref(description);
}

static void load_case(const json_t *root, const json_t *c, struct strbuf *why)
{
	const json_t *expect = json_object_get(c, "expect"), *file;
	struct extras extras = { 0 };
	struct load_options options = { .catalogue = fields_catalogue(),
					.min_priority = PRIORITY_DEBUG };
	struct strbuf content = { 0 };
	struct loader *l;
	size_t i;
	bool ok = true;

	read_extras(json_object_get(c, "extra_format"), &extras);
	options.append = extras.items;
	options.nappend = extras.n;
	l = loader_new(&options);
	json_array_foreach(json_object_get(c, "files"), i, file)
	{
		strbuf_clear(&content);
		latin(text(file, "content"), &content);
		if (ok)
			ok = loader_add(l, text(file, "name"), strbuf_str(&content)) == 0;
	}
	if (json_object_get(expect, "uncaught_exception"))
		strbuf_printf(why, "    the reference throws: %s; here: %s\n",
			      text(expect, "uncaught_exception"), ok ? "loads" : "an error");
	else
		compare_loaded(expect, l, why);
	loader_free(l);
	strbuf_done(&content);
}

static void selection_case(const json_t *root, const json_t *c, struct strbuf *why)
{
	struct rule_selection sel[16] = { 0 };
	struct load_options options = { .catalogue = fields_catalogue(),
					.min_priority = PRIORITY_DEBUG,
					.selections = sel };
	const json_t *op, *want = json_object_get(c, "enabled");
	struct diag diag = { 0 };
	struct loader *l;
	struct ruleset *rs;
	size_t i, k, n, enabled = 0;

	if (json_is_true(json_object_get(c, "from_empty")))
		sel[options.nselections++] = (struct rule_selection){ .rule = STR("*") };
	json_array_foreach(json_object_get(c, "ops"), i, op)
	{
		const json_t *on = json_object_get(op, "enable");
		const json_t *what = on ? on : json_object_get(op, "disable");

		sel[options.nselections++] =
			(struct rule_selection){ .enable = on,
						 .rule = str_of(text(what, "rule")),
						 .tag = str_of(text(what, "tag")) };
	}
	l = loader_new(&options);
	loader_add(l, "rules.yaml", str_of(text(root, "content")));
	rs = loader_finish(l, &diag);
	const struct rule *const *rules = rs ? ruleset_rules(rs, &n) : NULL;

	for (i = 0; rules && i < n; i++) {
		bool wanted = false;
		const json_t *name;

		json_array_foreach(want, k, name)
			wanted |= str_eqz(rules[i]->name, json_string_value(name));
		if (wanted != rules[i]->enabled)
			strbuf_printf(why, "    %.*s: wanted %d\n", STR_ARG(rules[i]->name),
				      wanted);
		enabled += rules[i]->enabled;
	}
	if (enabled != json_array_size(want))
		strbuf_printf(why, "    %zu rules enabled %s\n", enabled, diag.text);
	ruleset_unref(rs);
	loader_free(l);
}

/* The fields of these cases do not exist, so only the visitor is asked. */
static void warning_case(const json_t *root, const json_t *c, struct strbuf *why)
{
	struct arena a = { 0 };
	struct source_file f = { .name = STR("case") };
	struct result r = { .arena = &a, .file = &f };
	struct diag diag = { 0 };
	struct ast *tree;
	bool want = json_is_true(json_object_get(c, "warns"));

	if (parse_condition(str_of(text(c, "expr")), 100, &a, &tree, &diag) < 0)
		note(why, "expr", "valid", diag.text);
	else
		warn_condition(tree, place_file(&a, &f), str_of(text(c, "expr")), &r);
	if ((r.nwarnings > 0) != want)
		note(why, "warns", want ? "yes" : "no", want ? "no" : "yes");
	arena_done(&a);
}

static void first_error_code(const struct loader *l, const char *want, struct strbuf *why)
{
	json_t *results = results_of(l);
	const json_t *errors = json_object_get(json_array_get(results, 0), "errors");
	const char *got = text(json_array_get(errors, 0), "code");

	if (strcmp(want, got) != 0)
		note(why, "code", want, got);
	json_decref(results);
}

static void requirement_case(const json_t *root, const json_t *c, struct strbuf *why)
{
	struct loaded_plugin plugins[8];
	struct load_options options = { .catalogue = fields_catalogue(),
					.min_priority = PRIORITY_DEBUG,
					.plugins = plugins };
	const json_t *codes = json_object_get(c, "load_errors");
	struct diag diag = { 0 };
	const json_t *p;
	size_t k;

	json_array_foreach(json_object_get(c, "loaded_plugins"), k, p)
	{
		if (k < ARRAY_SIZE(plugins))
			plugins[options.nplugins++] = (struct loaded_plugin){ text(p, "name"),
									      text(p, "version") };
	}
	struct loader *l = loader_new(&options);
	bool load_ok = loader_add(l, "rules.yaml", str_of(text(c, "content"))) == 0;
	struct ruleset *rs = loader_finish(l, &diag);

	if (load_ok != json_is_true(json_object_get(c, "load_ok")))
		note(why, "load_ok", load_ok ? "false" : "true", load_ok ? "true" : "false");
	if ((rs != NULL) != json_is_true(json_object_get(c, "ok")))
		note(why, "ok", rs ? "false" : "true", rs ? "true" : diag.text);
	if (codes)
		first_error_code(l, json_string_value(json_array_get(json_array_get(codes, 0), 0)),
				 why);
	ruleset_unref(rs);
	loader_free(l);
}

static bool named(const struct bitset *set, const char *type)
{
	size_t n;
	const struct syscall_info *calls = syscall_infos(&n);

	for (size_t i = 0; i < n; i++)
		if (bitset_has(set, i) && strcmp(calls[i].type, type) == 0)
			return true;
	return false;
}

static void add_names(struct bitset *set, const json_t *names)
{
	size_t i, k, n;
	const struct syscall_info *calls = syscall_infos(&n);
	const json_t *v;

	json_array_foreach(names, i, v) for (k = 0; k < n;
					     k++) if (strcmp(calls[k].type, json_string_value(v)) ==
						      0) bitset_add(set, k);
}

static void same_syscalls(const struct bitset *want, const struct bitset *got, struct strbuf *why)
{
	size_t n;
	const struct syscall_info *calls = syscall_infos(&n);

	for (size_t i = 0; i < n; i++)
		if (bitset_has(want, i) != bitset_has(got, i))
			strbuf_printf(why, "    %c%s\n", bitset_has(want, i) ? '-' : '+',
				      calls[i].name);
}

static struct bitset expected_syscalls(const char *what, const json_t *root,
				       const struct bitset *rules)
{
	const json_t *sets = json_object_get(root, "sets");
	struct bitset set = *rules, minus = { 0 };

	if (strstr(what, "repair"))
		return syscalls_repair(rules);
	add_names(&set, json_object_get(sets, "state"));
	if (strstr(what, "minus io_ignored"))
		add_names(&minus, json_object_get(sets, "io_ignored"));
	else if (strstr(what, "minus accept, accept4"))
		syscalls_named(STR("accept"), &minus);
	bitset_minus(&set, &minus);
	return set;
}

static struct ruleset *rules_of(const json_t *conditions, struct diag *diag)
{
	struct load_options options = { .catalogue = fields_catalogue(),
					.min_priority = PRIORITY_DEBUG };
	struct loader *l = loader_new(&options);
	struct strbuf b = { 0 };
	struct ruleset *rs;
	size_t i;
	const json_t *c;

	json_array_foreach(conditions, i, c) strbuf_printf(
		&b, "- {rule: r%zu, desc: d, output: o, priority: INFO, condition: '%s'}\n", i,
		json_string_value(c));
	loader_add(l, "rules.yaml", strbuf_str(&b));
	rs = loader_finish(l, diag);
	loader_free(l);
	strbuf_done(&b);
	return rs;
}

static void syscall_case(const json_t *root, const json_t *c, struct strbuf *why)
{
	const json_t *config = json_object_get(c, "config"), *v, *want;
	struct str custom[8];
	struct base_syscalls base = { .custom = custom,
				      .repair = json_is_true(json_object_get(config, "repair")),
				      .all = json_is_true(json_object_get(config, "all")) };
	struct bitset rules, got = { 0 }, lost, wanted = { 0 };
	struct diag diag = { 0 };
	struct ruleset *rs = rules_of(json_object_get(c, "conditions"), &diag);
	size_t i;

	if (!rs) {
		note(why, "conditions", "valid", diag.text);
		return;
	}
	rules = ruleset_syscalls(rs);
	json_array_foreach(json_object_get(config, "custom_set"), i, v) if (i < ARRAY_SIZE(custom))
		custom[base.ncustom++] = str_of(json_string_value(v));
	got = rules;
	if (config && syscalls_select(&base, &rules, &got, &lost, &diag) < 0)
		note(why, "config", "valid", diag.text);
	want = json_object_get(c, "syscalls");
	want = want ? want : json_object_get(c, "exactly");
	if (want) {
		add_names(&wanted, want);
		same_syscalls(&wanted, &got, why);
	}
	if (json_object_get(c, "equals")) {
		wanted = expected_syscalls(text(c, "equals"), root, &rules);
		same_syscalls(&wanted, &got, why);
	}
	json_array_foreach(json_object_get(c, "contains"), i,
			   v) if (!named(&got, json_string_value(v)))
		note(why, "contains", json_string_value(v), "not");
	json_array_foreach(json_object_get(json_object_get(root, "sets"), text(c, "excludes")), i,
			   v) if (named(&got, json_string_value(v)))
		note(why, "excludes", json_string_value(v), "has it");
	ruleset_unref(rs);
}

static void repair_set(const json_t *root, const char *name, struct strbuf *why)
{
	struct strbuf key = { 0 };
	struct bitset from = { 0 }, want = { 0 }, got;

	strbuf_printf(&key, "repair_%s", name);
	syscalls_named(str_of(name), &from);
	if (strcmp(name, "accept") == 0) { /* the set was recorded for the one syscall */
		size_t n;
		const struct syscall_info *calls = syscall_infos(&n);

		for (size_t i = 0; i < n; i++)
			if (strcmp(calls[i].name, "accept") != 0)
				bitset_remove(&from, i);
	}
	got = syscalls_repair(&from);
	add_names(&want, json_object_get(json_object_get(root, "sets"), strbuf_z(&key)));
	same_syscalls(&want, &got, why);
	strbuf_done(&key);
}

static void run_shipped_file(struct tally *t, const json_t *root, const char *file)
{
	char path[4200];
	struct load_options options = { .catalogue = fields_catalogue(),
					.min_priority = PRIORITY_DEBUG };
	struct loader *l = loader_new(&options);
	struct strbuf why = { 0 };
	json_t *description;
	size_t i;
	const json_t *c;

	snprintf(path, sizeof(path), "%s/falco-rules/%s", cases_root(), file);
	if (loader_add_file(l, path) != 0 || loader_warnings(l)) {
		struct strbuf out = { 0 };

		loader_print(l, true, &out);
		printf("%s\n", strbuf_z(&out));
		strbuf_done(&out);
		failures++;
	}
	description = description_of(l);
	json_array_foreach(json_object_get(root, "cases"), i, c)
	{
		const json_t *got = rule_named(description, text(c, "name"));
		const json_t *details = json_object_get(got, "details");

		if (strcmp(text(c, "file"), file) != 0)
			continue;
		compare_rule(c, got, &why);
		compare_set(c, details, "events", &why);
		compare_set(c, details, "condition_fields", &why);
		compare_set(c, details, "condition_operators", &why);
		compare_set(c, details, "output_fields", &why);
		compare_set(c, details, "macros", &why);
		compare_set(c, details, "lists", &why);
		settle(t, text(c, "name"), &why);
	}
	json_decref(description);
	loader_free(l);
	strbuf_done(&why);
}

typedef void (*case_fn)(const json_t *root, const json_t *c, struct strbuf *why);

/* One file of cases, each with an id. */
static void run_cases(const char *file, case_fn one)
{
	struct tally t = { .file = file };
	json_t *root = cases_load(file);
	struct strbuf why = { 0 };
	size_t i;
	const json_t *c;

	json_array_foreach(json_object_get(root, "cases"), i, c)
	{
		one(root, c, &why);
		settle(&t, text(c, "id"), &why);
	}
	finish(&t);
	json_decref(root);
	strbuf_done(&why);
}

static void run_repairs(void)
{
	static const char *const repaired[] = { "execve", "open", "connect", "accept" };
	struct tally t = { .file = "syscall_selection_cases, repaired sets" };
	json_t *root = cases_load("syscall_selection_cases");
	struct strbuf why = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(repaired); i++) {
		repair_set(root, repaired[i], &why);
		settle(&t, repaired[i], &why);
	}
	finish(&t);
	json_decref(root);
	strbuf_done(&why);
}

static void run_shipped(void)
{
	struct tally t = { .file = "shipped_rules_compiled" };
	json_t *root = cases_load(t.file);

	run_shipped_file(&t, root, "falco_rules.yaml");
	run_shipped_file(&t, root, "falco-incubating_rules.yaml");
	finish(&t);
	json_decref(root);
}

int main(void)
{
	static const struct {
		const char *file;
		case_fn one;
	} files[] = {
		{ "rule_load_cases", load_case },
		{ "rule_selection_cases", selection_case },
		{ "condition_warning_cases", warning_case },
		{ "plugin_requirement_cases", requirement_case },
		{ "syscall_selection_cases", syscall_case },
	};

	if (!cases_root()) {
		printf("no conformance cases beside the source tree: nothing to run\n");
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		run_cases(files[i].file, files[i].one);
	run_repairs();
	run_shipped();
	return failures != 0;
}
