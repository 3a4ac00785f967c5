/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A test names a rule of the files loaded before it, or brings a condition, which may use their macros and
 * lists. A failed one says what was expected, what came out and which sub-condition decided.
 */
#include "rule/ruletest.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/limits.h"
#include "base/suggest.h"
#include "base/vec.h"
#include "rule/load_impl.h"
#include "rule/testevent.h"

enum verdict { V_FALSE, V_TRUE, V_ERROR };

static const char *const verdicts[] = { "false", "true", "error" };

struct run {
	struct test_catalogue catalogue;
	struct load_options options;
	bool json;
	struct json j;
	struct strbuf *out;
	size_t passed, failed;
	/* of the file being run */
	const char *path;
	struct loader *loader;
	struct ruleset *rules;
	struct eval *eval;
	struct str load_error; /* of the last `rules` */
	struct arena arena;
};

struct outcome {
	enum verdict got;
	struct strbuf why;	/* what went wrong, or what decided */
	struct strbuf rendered; /* the output */
	bool has_output;
};

static void report(struct run *r, const struct ynode *at, struct str name, enum verdict want,
		   const struct str *want_output, const struct outcome *o)
{
	bool output_ok = !want_output || o->got == V_ERROR ||
			 (o->has_output && str_eq(*want_output, strbuf_str(&o->rendered)));
	bool ok = want == o->got && output_ok;

	r->passed += ok;
	r->failed += !ok;
	if (r->json) {
		json_open(&r->j, '{');
		json_key_text(&r->j, "test", name);
		json_key(&r->j, STR("ok"));
		json_bool(&r->j, ok);
		json_key(&r->j, STR("got"));
		if (o->got == V_ERROR)
			json_text(&r->j, STR("error"));
		else
			json_bool(&r->j, o->got == V_TRUE);
		json_close(&r->j, '}');
		return;
	}
	if (ok)
		return;
	strbuf_printf(r->out, "%s:%u:%u: FAILED: %.*s\n", r->path, at ? at->line + 1 : 1,
		      at ? at->column + 1 : 1, STR_ARG(name));
	if (want != o->got || o->got == V_ERROR)
		strbuf_printf(r->out, "  expected %s, got %s\n", verdicts[want], verdicts[o->got]);
	if (o->why.len)
		strbuf_printf(r->out,
			      o->got == V_ERROR ? "  error: %.*s\n" : "  decided by: %.*s\n",
			      STR_ARG(strbuf_str(&o->why)));
	if (!output_ok) {
		strbuf_printf(r->out, "  expected output: %.*s\n", STR_ARG(*want_output));
		strbuf_printf(r->out, "  got output:      %.*s\n",
			      STR_ARG(strbuf_str(&o->rendered)));
	}
}

static void broken(struct run *r, const struct ynode *at, const char *text)
{
	struct outcome o = { .got = V_ERROR };
	struct str name = str_of(r->path);
	const struct ynode *test = ynode_get(at, "test");

	if (ynode_is(test, YN_SCALAR))
		name = test->text;
	strbuf_addz(&o.why, text);
	report(r, at, name, V_TRUE, NULL, &o);
	strbuf_done(&o.why);
}

static void forget_rules(struct run *r)
{
	r->eval = eval_free(r->eval);
	r->rules = ruleset_unref(r->rules);
	r->loader = loader_free(r->loader);
	r->load_error = (struct str){ 0 };
}

/* Paths are relative to the test file. */
static int load_one(struct run *r, struct str name)
{
	struct str own = str_of(r->path), dir = str_cut(own, str_rchr(own, '/'));
	struct strbuf path = { 0 };
	int rc = -ENOMEM;

	if (dir.len < own.len && name.len && name.ptr[0] != '/') {
		strbuf_add(&path, dir);
		strbuf_addc(&path, '/');
	}
	strbuf_add(&path, name);
	if (strbuf_z(&path))
		rc = loader_add_file(r->loader, strbuf_z(&path));
	strbuf_done(&path);
	return rc;
}

static int load_rules(struct run *r, const struct ynode *files)
{
	struct diag diag = { 0 };
	struct strbuf text = { 0 };
	int rc = 0;

	forget_rules(r);
	r->loader = loader_new(&r->options);
	if (!r->loader)
		return -ENOMEM;
	if (files->kind == YN_SCALAR)
		rc = load_one(r, files->text);
	for (uint32_t i = 0; rc == 0 && files->kind == YN_SEQ && i < files->nkids; i++)
		rc = load_one(r, files->kids[i]->text);
	if (rc < 0)
		return rc;
	if (rc == 0)
		r->rules = loader_finish(r->loader, &diag);
	if (r->rules) {
		r->eval = eval_new(ruleset_program(r->rules));
		return r->eval ? 0 : -ENOMEM;
	}
	if (rc == 0)
		strbuf_addz(&text, diag.text);
	else
		loader_first_error(r->loader, &text);
	r->load_error = arena_dup(&r->arena, strbuf_str(&text));
	broken(r, files, strbuf_z(&text));
	strbuf_done(&text);
	return 0;
}

static const struct rule *find_rule(struct run *r, struct str name, struct strbuf *why)
{
	struct suggest near = suggest_for(name);
	const struct rule *const *rules;
	size_t n;

	if (!r->rules) {
		strbuf_addz(why, r->load_error.len ? "the rules did not load"
						   : "no rules are loaded; `rules` is missing");
		return NULL;
	}
	rules = ruleset_rules(r->rules, &n);
	for (size_t i = 0; i < n; i++) {
		if (str_eq(rules[i]->name, name))
			return rules[i];
		suggest_offer(&near, rules[i]->name);
	}
	strbuf_printf(why, "there is no rule %.*s", STR_ARG(name));
	if (near.best.ptr)
		strbuf_printf(why, "; did you mean %.*s?", STR_ARG(near.best));
	return NULL;
}

static void evaluate(struct run *r, struct eval *e, const struct cond *cond,
		     const struct format *format, const struct ynode *event, struct outcome *o)
{
	struct arena scratch = { 0 };

	eval_begin(e, (void *)(uintptr_t)event, &scratch);
	eval_names(e, false);
	o->got = eval_cond(e, cond) ? V_TRUE : V_FALSE;
	eval_explain(e, cond, &o->why);
	if (format) {
		format_render(format, e, true, &o->rendered);
		o->has_output = true;
	}
	arena_done(&scratch);
}

static int test_rule(struct run *r, struct str name, const struct ynode *event, struct outcome *o)
{
	const struct rule *rule = find_rule(r, name, &o->why);

	if (rule)
		evaluate(r, r->eval, rule->cond, rule->format, event, o);
	return 0;
}

static int test_condition(struct run *r, struct str text, const struct ynode *event,
			  struct outcome *o)
{
	struct arena arena = { 0 };
	struct program *p = program_new(&r->catalogue.c);
	struct filter_warnings warnings = { 0 };
	struct diag diag = { 0 };
	struct eval *e = NULL;
	struct cond *cond;
	struct ast *tree;
	struct bitset events;
	int rc = -ENOMEM;

	if (p)
		rc = loader_expand(r->loader, text, &arena, &tree, &diag);
	if (rc == 0)
		rc = filter_compile(p, tree, &cond, &warnings, &diag);
	if (rc == 0)
		rc = filter_events(&r->catalogue.c, tree, &events, &diag);
	if (rc > 0 || rc == -EINVAL) {
		strbuf_addz(&o->why, diag.text);
		rc = 0;
	} else if (rc == 0) {
		rc = program_seal(p);
		e = rc == 0 ? eval_new(p) : NULL;
		if (e)
			evaluate(r, e, cond, NULL, event, o);
		else
			rc = -ENOMEM;
	}
	eval_free(e);
	program_free(p);
	arena_done(&arena);
	return rc;
}

static bool wanted(const struct ynode *n, enum verdict *ret)
{
	bool b;

	if (ynode_is(n, YN_SCALAR) && str_eqz(n->text, "error")) {
		*ret = V_ERROR;
		return true;
	}
	if (ynode_bool(n, &b) < 0)
		return false;
	*ret = b ? V_TRUE : V_FALSE;
	return true;
}

static int run_test(struct run *r, const struct ynode *item)
{
	const struct ynode *name = ynode_get(item, "test"), *rule = ynode_get(item, "rule"),
			   *condition = ynode_get(item, "condition"),
			   *event = ynode_get(item, "event"), *output = ynode_get(item, "output");
	struct arena_mark mark = arena_mark(&r->arena);
	struct outcome o = { .got = V_ERROR };
	struct diag diag = { 0 };
	enum verdict want;
	int rc;

	if (!ynode_is(name, YN_SCALAR)) {
		broken(r, item, "`test` must be a text");
		return 0;
	}
	if (ynode_is(rule, YN_SCALAR) == ynode_is(condition, YN_SCALAR)) {
		broken(r, item, "a test needs either `rule` or `condition`");
		return 0;
	}
	if (!wanted(ynode_get(item, "expect"), &want)) {
		broken(r, item, "`expect` must be true, false or error");
		return 0;
	}
	rc = test_event_check(&r->catalogue, event, &r->arena, &diag);
	if (rc == -EINVAL)
		strbuf_addz(&o.why, diag.text);
	else if (rc == 0 && rule)
		rc = test_rule(r, rule->text, event, &o);
	else if (rc == 0)
		rc = test_condition(r, condition->text, event, &o);
	if (rc == 0 || rc == -EINVAL)
		report(r, item, name->text, want,
		       ynode_is(output, YN_SCALAR) ? &output->text : NULL, &o);
	strbuf_done(&o.why);
	strbuf_done(&o.rendered);
	arena_rewind(&r->arena, mark);
	return rc == -EINVAL ? 0 : rc;
}

static int run_documents(struct run *r, const struct ydocs *docs)
{
	int rc = 0;

	for (size_t d = 0; rc == 0 && d < docs->n; d++) {
		const struct ynode *doc = docs->items[d];

		if (doc->kind == YN_NULL)
			continue;
		if (doc->kind != YN_SEQ)
			broken(r, doc, "a test file is a sequence of `rules` and `test` items");
		for (uint32_t i = 0; rc == 0 && doc->kind == YN_SEQ && i < doc->nkids; i++) {
			const struct ynode *item = doc->kids[i];

			if (item->kind == YN_NULL)
				continue;
			if (ynode_get(item, "test"))
				rc = run_test(r, item);
			else if (ynode_get(item, "rules"))
				rc = load_rules(r, ynode_get(item, "rules"));
			else
				broken(r, item, "`test` or `rules` was expected");
		}
	}
	return rc;
}

static int run_file(struct run *r, const char *path)
{
	struct strbuf content = { 0 };
	struct ydocs docs = { 0 };
	struct diag diag = { 0 };
	int rc = io_read_file(path, LIMIT_RULES_FILE_BYTES, &content);

	r->path = path;
	if (rc < 0 && rc != -ENOMEM) {
		broken(r, NULL, strerror(-rc));
		rc = 0;
	} else if (rc == 0) {
		rc = yaml_read(strbuf_str(&content), &r->arena, &docs, &diag);
		if (rc == -EINVAL) {
			struct ynode at = { .line = diag.line - 1, .column = diag.column - 1 };

			broken(r, &at, diag.text);
			rc = 0;
		} else if (rc == 0) {
			rc = run_documents(r, &docs);
		}
	}
	forget_rules(r);
	vec_done(&docs);
	strbuf_done(&content);
	arena_done(&r->arena);
	return rc;
}

int ruletest_run(const struct catalogue *base, const struct loaded_plugin *plugins, size_t nplugins,
		 const char *const *paths, size_t n, bool json, struct strbuf *out,
		 size_t *ret_failed)
{
	struct strbuf tests = { 0 };
	struct run r = { .json = json, .out = out, .j = json_to(&tests) };
	int rc = 0;

	test_catalogue_init(&r.catalogue, base);
	r.options = (struct load_options){ .catalogue = &r.catalogue.c,
					   .min_priority = PRIORITY_DEBUG,
					   .plugins = plugins,
					   .nplugins = nplugins };
	json_open(&r.j, '[');
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = run_file(&r, paths[i]);
	json_close(&r.j, ']');
	if (rc == 0 && json) {
		strbuf_printf(out, "{\"passed\":%zu,\"failed\":%zu,\"tests\":", r.passed, r.failed);
		strbuf_add(out, strbuf_str(&tests));
		strbuf_addz(out, "}\n");
	} else if (rc == 0) {
		strbuf_printf(out, "%zu passed, %zu failed\n", r.passed, r.failed);
	}
	if (rc == 0)
		rc = strbuf_check(&tests) < 0 ? -ENOMEM : strbuf_check(out);
	strbuf_done(&tests);
	if (rc == 0)
		*ret_failed = r.failed;
	return rc;
}
