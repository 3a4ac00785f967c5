/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the conformance cases of the language, on a catalogue made of the reference's tables and, where nothing
 * is evaluated, on that of fields/ too. Cases that describe a live event are run_fields' to run.
 */
#include "base/cleanup.h"
#include "base/limits.h"
#include "cases.h"
#include "fields/catalogue.h"
#include "filter/filter.h"
#include "filter/format.h"
#include "filter/glob.h"
#include "filter/parser.h"
#include "filter/pmatch.h"
#include "rule/select.h"
#include "table_catalogue.h"

/* ---- counting ---- */

enum outcome { AGREED, DISAGREED, ELSEWHERE };

struct difference {
	const char *id, *reason;
};

/* Where we are different on purpose, or cannot agree. */
static const struct difference differences[] = {
	{ "TO031",
	  "pread64 selects the event of the call, not the generic one; neither is named so" },
	{ NULL, NULL },
};

struct run {
	const struct catalogue *c;
	bool real;   /* c is that of fields/, which has no artificial fields */
	json_t *one; /* the case */
	struct arena arena;
	struct strbuf why; /* of a disagreement */
	unsigned failed;
};

static const char *text_of(const json_t *one, const char *key)
{
	const char *text = json_string_value(json_object_get(one, key));

	return text ? text : "";
}

static struct str latin_of(struct run *run, const char *key)
{
	return latin_text(json_object_get(run->one, key), &run->arena);
}

static enum outcome disagree(struct run *run, const char *what, struct str got)
{
	strbuf_printf(&run->why, "%s: got " STR_FMT, what, STR_ARG(got));
	return DISAGREED;
}

static enum outcome agree_if(struct run *run, bool ok, const char *what)
{
	return ok ? AGREED : disagree(run, what, STR("the opposite"));
}

static const char *difference_of(const char *id)
{
	for (const struct difference *d = differences; d->id; d++) {
		if (strcmp(d->id, id) == 0)
			return d->reason;
	}
	return NULL;
}

/* ---- parser ---- */

static enum outcome check_place(struct run *run, const struct diag *diag)
{
	const json_t *place = json_object_get(run->one, "error_pos");
	const uint32_t got[] = { diag->offset, diag->line, diag->column };

	for (size_t i = 0; place && i < ARRAY_SIZE(got); i++) {
		if (json_integer_value(json_array_get(place, i)) != got[i])
			return disagree(run, "place of the fault", str_of(diag->text));
	}
	return AGREED;
}

static enum outcome check_parse(struct run *run, struct str text)
{
	const json_t *depth = json_object_get(run->one, "max_depth");
	struct diag diag = { 0 };
	struct ast *tree;
	int r = parse_condition(text,
				depth ? (unsigned)json_integer_value(depth) : LIMIT_CONDITION_DEPTH,
				&run->arena, &tree, &diag);

	if ((r == 0) != json_is_true(json_object_get(run->one, "valid")))
		return disagree(run, "validity", str_of(r ? diag.text : "valid"));
	if (r != 0)
		return check_place(run, &diag);
	struct strbuf got = { 0 };
	ast_print(tree, &got);
	enum outcome o = str_eq(strbuf_str(&got), latin_of(run, "ast"))
				 ? AGREED
				 : disagree(run, "canonical text", strbuf_str(&got));
	strbuf_done(&got);
	return o;
}

/* The text with every blank made into `blank`, and `around` at both ends. */
static struct str respaced(struct run *run, struct str text, const char *blank, const char *around)
{
	struct strbuf out = { 0 };

	strbuf_addz(&out, around);
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == ' ')
			strbuf_addz(&out, blank);
		else
			strbuf_addc(&out, text.ptr[i]);
	}
	strbuf_addz(&out, around);
	struct str copy = arena_dup(&run->arena, strbuf_str(&out));

	strbuf_done(&out);
	return copy;
}

static enum outcome run_parser(struct run *run)
{
	struct str text = latin_of(run, "expr");
	enum outcome o = check_parse(run, text);
	bool quoted = str_chr(text, '"') < text.len || str_chr(text, '\'') < text.len;

	/* Blanks inside quotes are the author's; the canonical text would show the difference. */
	if (o != AGREED || quoted ||
	    !json_is_true(json_object_get(run->one, "whitespace_variants")))
		return o;
	static const char *const blanks[] = { "\t", "\n", "  ", " \r\n " };

	for (size_t i = 0; o == AGREED && i < ARRAY_SIZE(blanks); i++)
		o = check_parse(run, respaced(run, text, blanks[i], blanks[i]));
	return o;
}

/* ---- conditions ---- */

struct compiled {
	struct program *program;
	struct cond *cond;
	struct ast *tree;
	struct filter_warnings warnings;
	struct diag diag;
	int r;
};

static void compile(struct run *run, const char *key, struct compiled *c)
{
	*c = (struct compiled){ .program = program_new(run->c) };
	c->r = parse_condition(latin_of(run, key), LIMIT_RULE_CONDITION_DEPTH, &run->arena,
			       &c->tree, &c->diag);
	if (c->r == 0)
		c->r = filter_compile(c->program, c->tree, &c->cond, &c->warnings, &c->diag);
	if (c->r == 0)
		program_seal(c->program);
}

static enum outcome check_compile(struct run *run, const struct compiled *c)
{
	const json_t *warnings = json_object_get(run->one, "warnings");
	bool want = json_is_true(json_object_get(run->one, "ok"));

	if ((c->r == 0) != want)
		return disagree(run, "validity", str_of(c->r ? c->diag.text : "valid"));
	if (c->r == 0 && warnings && (json_int_t)c->warnings.n != json_integer_value(warnings))
		return disagree(run, "number of warnings", str_of(c->warnings.last[0].text));
	return AGREED;
}

static enum outcome run_compile(struct run *run)
{
	struct compiled c;

	if (run->real && json_object_get(run->one, "mock_fields"))
		return ELSEWHERE;

	compile(run, "expr", &c);
	enum outcome o = check_compile(run, &c);

	program_free(c.program);
	return o;
}

static enum outcome check_eval(struct run *run, struct compiled *c, json_t *env)
{
	struct eval *e = eval_new(c->program);
	const json_t *expect = json_object_get(run->one, "expect");
	struct strbuf decider = { 0 };

	eval_begin(e, env, &run->arena);
	bool got = eval_cond(e, c->cond);
	bool explained = eval_explain(e, c->cond, &decider);

	strbuf_done(&decider);
	eval_free(e);
	if (got != explained)
		return disagree(run, "explanation", STR("another result than evaluation"));
	return agree_if(run, json_is_boolean(expect) && got == json_is_true(expect), "result");
}

/* The cases of one event leave out what the reference's sample plugin says of events that open nothing. */
static void complete_sample(json_t *env)
{
	const char *name = json_string_value(json_object_get(env, "proc.name"));
	json_t *says = json_pack("{s:s*, s:i, s:s}", "sample.proc_name", name, "sample.is_open", 0,
				 "sample.tick", "false");

	if (strcmp(text_of(env, "evt.type"), "getcwd") == 0)
		json_object_update_missing(env, says);
	json_decref(says);
}

static enum outcome run_eval(struct run *run)
{
	json_t *env = json_object_get(run->one, "env");
	bool fails = strcmp(text_of(run->one, "expect"), "error") == 0;
	struct compiled c;
	enum outcome o;

	if (!env)
		return ELSEWHERE;
	complete_sample(env);
	compile(run, "expr", &c);
	if (c.r != 0)
		o = fails ? AGREED : disagree(run, "compilation", str_of(c.diag.text));
	else
		o = check_eval(run, &c, env);
	program_free(c.program);
	return o;
}

/* ---- event sets ---- */

static bool events_of(struct run *run, const char *key, struct bitset *ret, struct diag *diag)
{
	struct ast *tree;

	return parse_condition(latin_of(run, key), LIMIT_RULE_CONDITION_DEPTH, &run->arena, &tree,
			       diag) == 0 &&
	       filter_events(run->c, tree, ret, diag) == 0;
}

static enum outcome check_event_names(struct run *run, const struct bitset *got)
{
	const json_t *names = json_object_get(run->one, "event_names");
	const json_t *generic = json_object_get(run->one, "has_generic");
	struct bitset wanted = { 0 };
	json_t *name;
	size_t i;

	if (generic && json_is_true(generic) != bitset_has(got, 1))
		return disagree(run, "generic event", STR("the opposite"));
	if (!names)
		return AGREED;
	json_array_foreach(names, i, name)
	{
		struct bitset one = { 0 };

		run->c->events_named(run->c, str_of(json_string_value(name)), &one);
		bitset_or(&wanted, &one);
	}
	if (bitset_has(got, 1)) {
		bitset_add(&wanted, 0);
		bitset_add(&wanted, 1);
	}
	return agree_if(run, memcmp(&wanted, got, sizeof(wanted)) == 0, "set of events");
}

static enum outcome run_evttype(struct run *run)
{
	struct bitset got = { 0 }, same = { 0 };
	struct diag diag = { 0 };
	bool ok = events_of(run, "expr", &got, &diag);
	const json_t *count = json_object_get(run->one, "n_event_codes");

	if (ok == json_is_true(json_object_get(run->one, "error")))
		return disagree(run, "validity", str_of(ok ? "valid" : diag.text));
	if (!ok || !count)
		return AGREED;
	if (bitset_count(&got) != (size_t)json_integer_value(count)) {
		strbuf_printf(&run->why, "%zu events", bitset_count(&got));
		return DISAGREED;
	}
	if (json_object_get(run->one, "same_set_as")) {
		events_of(run, "same_set_as", &same, &diag);
		return agree_if(run, memcmp(&same, &got, sizeof(got)) == 0, "set of events");
	}
	return check_event_names(run, &got);
}

/* ---- formats ---- */

static enum outcome check_fields(struct run *run, const struct format *f)
{
	const json_t *fields = json_object_get(run->one, "fields");
	const json_t *field;
	size_t n, at = 0, i;
	const struct format_field *got = format_fields(f, &n);

	if (!fields)
		return AGREED;
	json_array_foreach(fields, i, field)
	{
		/* Calls are listed by the reference, but no alert shows them. */
		if (strchr(json_string_value(field), '('))
			continue;
		if (at >= n || !str_eqz(got[at].key, json_string_value(field)))
			return disagree(run, "field", at < n ? got[at].key : STR("too few"));
		at++;
	}
	return agree_if(run, at == n, "number of fields");
}

static enum outcome check_values(struct run *run, struct eval *e, const struct format *f)
{
	size_t n;
	const struct format_field *fields = format_fields(f, &n);

	for (size_t i = 0; i < n; i++) {
		json_t *wanted = json_object_getn(json_object_get(run->one, "values"),
						  fields[i].key.ptr, fields[i].key.len);
		struct strbuf got = { 0 };
		const struct value *v = eval_slot(e, fields[i].slot);

		value_print(program_slot_ref(eval_program(e), fields[i].slot), v, &got);
		bool same = !wanted || str_eqz(strbuf_str(&got), json_string_value(wanted));

		if (!same)
			disagree(run, "value", strbuf_str(&got));
		strbuf_done(&got);
		if (!same)
			return DISAGREED;
	}
	return AGREED;
}

static enum outcome check_render(struct run *run, struct program *p, const struct format *f)
{
	struct eval *e = eval_new(p);
	struct strbuf got = { 0 };
	enum outcome o = AGREED;

	eval_begin(e, json_object_get(run->one, "env"), &run->arena);
	bool ok = format_render(f, e, false, &got);
	const json_t *want_ok = json_object_get(run->one, "ok");

	if (want_ok && ok != json_is_true(want_ok))
		o = disagree(run, "completeness", strbuf_str(&got));
	else if (want_ok && strcmp(text_of(run->one, "mode"), "text") == 0 &&
		 !str_eq(strbuf_str(&got), latin_of(run, "output")))
		o = disagree(run, "text", strbuf_str(&got));
	else if (ok)
		o = check_values(run, e, f);
	strbuf_done(&got);
	eval_free(e);
	return o;
}

static enum outcome run_format(struct run *run)
{
	const json_t *env = json_object_get(run->one, "env");
	struct program *p;
	struct format *f = NULL;
	struct diag diag = { 0 };
	enum outcome o;

	if (json_object_get(run->one, "context") || json_object_get(env, "_note"))
		return ELSEWHERE;
	p = program_new(run->c);
	int r = format_compile(p, latin_of(run, "format"), &f, &diag);
	bool fails = json_is_true(json_object_get(run->one, "error"));

	if ((r != 0) != fails)
		o = disagree(run, "validity", str_of(r ? diag.text : "valid"));
	else if (r != 0)
		o = AGREED;
	else
		o = check_fields(run, f);
	if (o == AGREED && r == 0 && env && !run->real && program_seal(p) == 0)
		o = check_render(run, p, f);
	program_free(p);
	return o;
}

/* ---- escapes and patterns ---- */

static enum outcome run_escaping(struct run *run)
{
	struct str input = latin_of(run, "input"), got = { 0 };
	struct strbuf quoted = { 0 };

	if (strcmp(text_of(run->one, "op"), "escape") == 0) {
		ast_quote(input, &quoted);
		got = arena_dup(&run->arena, strbuf_str(&quoted));
		strbuf_done(&quoted);
	} else {
		struct str inner = { input.ptr + 1, input.len - 2 };
		int r = parse_unescape(inner, input.ptr[0], &run->arena, &got);

		if (json_object_get(run->one, "error"))
			return agree_if(run, r < 0, "validity");
	}
	return str_eq(got, latin_of(run, "expect")) ? AGREED : disagree(run, "text", got);
}

static enum outcome run_glob(struct run *run)
{
	const char *kind = text_of(run->one, "kind");
	bool expect = json_is_true(json_object_get(run->one, "expect"));
	struct str subject = latin_of(run, "subject");
	bool got;

	if (strcmp(kind, "rule_wildcard") == 0) {
		got = rule_wildcard(latin_of(run, "pattern"), subject);
	} else if (strcmp(kind, "pmatch") == 0) {
		struct pmatch *m = pmatch_new(&run->arena);
		json_t *pattern;
		size_t i;

		json_array_foreach(json_object_get(run->one, "patterns"), i, pattern)
			pmatch_add(m, latin_text(pattern, &run->arena));
		got = pmatch_has(m, subject);
	} else {
		got = glob_match(
			glob_new(latin_of(run, "pattern"), strcmp(kind, "iglob") == 0, &run->arena),
			subject);
	}
	return agree_if(run, got == expect, "result");
}

/* ---- files ---- */

static const struct {
	const char *name;
	enum outcome (*run)(struct run *run);
	bool real; /* worth running on the fields of fields/ too: nothing is evaluated */
} files[] = {
	{ "parser_cases", run_parser, false }, { "compile_cases", run_compile, true },
	{ "eval_cases", run_eval, false },     { "evttype_cases", run_evttype, true },
	{ "format_cases", run_format, true },  { "escaping_cases", run_escaping, false },
	{ "glob_cases", run_glob, false },
};

static void run_one(struct run *run, struct tally *t, enum outcome (*fn)(struct run *run))
{
	const char *id = text_of(run->one, "id");
	enum outcome o = fn(run);

	if (o == DISAGREED)
		strbuf_printf(&run->why, " in %s%s", text_of(run->one, "expr"),
			      text_of(run->one, "format"));
	if (o != ELSEWHERE)
		tally_count(t, id, o == DISAGREED ? strbuf_z(&run->why) : NULL, difference_of(id));
	strbuf_clear(&run->why);
	arena_done(&run->arena);
}

static void run_file(struct run *run, const char *name, enum outcome (*fn)(struct run *run))
{
	char label[64];
	struct tally t = { .file = label };
	json_t *root = cases_load(name);
	size_t i;

	snprintf(label, sizeof(label), "%s%s", name, run->real ? ", our fields" : "");
	json_array_foreach(json_object_get(root, "cases"), i, run->one) run_one(run, &t, fn);
	tally_print(&t);
	run->failed += t.wrong + (root == NULL);
	json_decref(root);
}

int main(void)
{
	const char *shared = cases_root();
	char reference[4096];
	struct table_catalogue table;
	struct run run = { .c = &table.c };

	if (!shared) {
		printf("no conformance cases beside the source tree: nothing to run\n");
		return 0;
	}
	snprintf(reference, sizeof(reference), "%s/reference", shared);
	if (!table_catalogue_init(&table, reference)) {
		printf("the tables in %s cannot be read\n", reference);
		return 1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		run_file(&run, files[i].name, files[i].run);
	run.c = fields_catalogue();
	run.real = true;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (files[i].real)
			run_file(&run, files[i].name, files[i].run);
	}
	strbuf_done(&run.why);
	table_catalogue_done(&table);
	return run.failed ? 1 : 0;
}
