/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields against the recorded cases: ../shared/conformance/field_cases.json and the cases of
 * eval_cases.json and format_cases.json that have a context. A context becomes records, which go through the real decoder and
 * the real state; the language reads the result. Cases whose events are described by constructors of the
 * reference that are not rebuilt here wait. Cases that differ on purpose are listed with the reason.
 */
#include <stdio.h>
#include <stdlib.h>

#include "alert/alert.h"
#include "base/cleanup.h"
#include "cases.h"
#include "field_world.h"
#include "fields/catalogue.h"
#include "filter/filter.h"
#include "filter/format.h"
#include "filter/parser.h"

#define LOCAL	 "the record tells which end is ours; no guess by interfaces"
#define OTHER_FD "descriptors of other calls are not tracked; only the event's own is known"
#define NO_PID	 "no process has such a number: Linux ends at 2^22"
#define NO_ENTRY "calls are seen once; the name that the kernel opened is compared beside this one"
#define THREADS	 "the other threads live on when the first has ended"

/* What we do otherwise, and why. */
static const struct {
	const char *context, *text, *why;
} on_purpose[] = {
	{ "conn", "fd.lip", LOCAL },
	{ "conn", "fd.lport", LOCAL },
	{ "net_ipv4_connect", "fd.rip", LOCAL },
	{ "net_ipv4_connect", "fd.lip", LOCAL },
	{ "net_ipv4_connect", "fd.rport", LOCAL },
	{ "net_ipv4_connect", "fd.lport", LOCAL },
	{ "net_ipv6_multiple_connects", "fd.rip", LOCAL },
	{ "net_ipv6_multiple_connects", "fd.lip", LOCAL },
	{ "net_ipv6_multiple_connects", "fd.rport", LOCAL },
	{ "net_ipv6_multiple_connects", "fd.lport", LOCAL },
	{ "net_connect_exit_event_fails", "fd.rip", LOCAL },
	{ "net_connect_exit_event_fails", "fd.lip", LOCAL },
	{ "net_connect_exit_event_fails", "fd.rport", LOCAL },
	{ "net_connect_exit_event_fails", "fd.lport", LOCAL },
	{ "net_connect_enter_event_is_empty", "fd.rip", LOCAL },
	{ "net_connect_enter_event_is_empty", "fd.lip", LOCAL },
	{ "net_connect_enter_event_is_empty", "fd.rport", LOCAL },
	{ "net_connect_enter_event_is_empty", "fd.lport", LOCAL },
	{ "test_fdtypes", "fd.types[1]", OTHER_FD },
	{ "test_fdtypes", "fd.types", OTHER_FD },
	{ "check_some_fd_fields", "fd.types", OTHER_FD },
	{ "filename_toctou", "fd.name", NO_ENTRY },
	{ "PROC_FILTER_nthreads", "proc.nthreads", THREADS },
	{ "PROC_FILTER_nchilds", "proc.nchilds", THREADS },
	{ "pid_over_32bit", "proc.pid", NO_PID },
	{ "pid_over_32bit", "thread.tid", NO_PID },
	{ "pid_over_32bit", "proc.vpid", NO_PID },
	{ "pid_over_32bit", "thread.vtid", NO_PID },
	{ "pid_over_32bit", "proc.ppid", NO_PID },
	{ "pid_over_32bit", "proc.apid[1]", NO_PID },
	{ "tree", "proc.apid", "prints the ancestors, as proc.aname does, not the process itself" },
	{ "spawn_process", "proc.aenv", "prints the ancestors', as proc.aname does, not its own" },
	{ "clone_tree_2", "*%proc.apid",
	  "prints the ancestors, as proc.aname does, not the process itself" },
	{ "conn", "fd.ip intersects (1.1.1.1)", "works instead of failing at run time" },
	{ "conn", "fd.port intersects (443)", "works instead of failing at run time" },
	{ "conn", "fd.net in (10.0.0.0/8, 142.251.0.0/16)", "looks at the whole list" },
	{ "conn", "fd.snet = anyof (142.251.0.0/16)", "anyof works on blocks" },
	{ "conn", "fd.snet = anyof (10.0.0.0/8, 142.251.0.0/16)", "anyof works on blocks" },
	{ "tree", "proc.aname startswith anyof (x,ini)", "the modifier counts for ancestors too" },
	{ "readev", "evt.rawarg.data=a", "compares bytes instead of failing at run time" },
	{ "readev", "evt.rawarg.data contains a", "searches bytes instead of failing at run time" },
};

static const char *deliberate(const char *context, const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(on_purpose); i++)
		if (str_eqz(world_context(context), on_purpose[i].context) &&
		    str_eqz(str_of(text), on_purpose[i].text))
			return on_purpose[i].why;
	return NULL;
}

/* The text of a field; false: no value (or a field that is not for printing). */
static bool field_text(struct world *w, const char *field, struct arena *a, struct strbuf *out)
{
	const struct catalogue *c = fields_catalogue();
	struct fields_event fe = { .ev = &w->ev, .state = w->state, .hostname = "" };
	struct str text = str_of(field);
	struct expr *e;
	struct field_ref ref;
	struct diag d = { 0 };
	struct value v;

	if (parse_output_expr(text, a, &e) != text.len ||
	    catalogue_bind(c, e->text, e->has_arg, e->arg, a, &ref, &d) != 0)
		return false;
	if (ref.def->flags & FIELD_FILTER_ONLY || !c->extract(c, &fe, &ref, false, a, &v))
		return false;
	value_print(&ref, &v, out);
	return true;
}

static void judge(struct tally *t, bool agrees, const char *id, const char *context,
		  const char *text, const char *got, const char *want)
{
	_cleanup_(strbuf_done) struct strbuf why = { 0 };

	strbuf_printf(&why, "%s in %s: got %s, want %s", text, context, got, want);
	tally_count(t, id, agrees ? NULL : strbuf_z(&why), deliberate(context, text));
}

/* Bytes above 0x7f are code points up to U+00FF in the files. */
static bool same_text(struct str got, const char *want)
{
	for (size_t i = 0; i < got.len; i++, want++) {
		unsigned char c = (unsigned char)*want;

		if ((c & 0xfc) == 0xc0) {
			c = (unsigned char)(c << 6 | (want[1] & 0x3f));
			want++;
		}
		if (!*want || c != (unsigned char)got.ptr[i])
			return false;
	}
	return !*want;
}

/* The world of a case; NULL, counted as waiting, when it is not rebuilt here. */
static struct world *world_of(struct tally *t, const char *context, unsigned index, unsigned step)
{
	struct world *w = malloc(sizeof(*w));

	if (!w)
		abort();
	if (world_make(w, context, index, step))
		return w;
	t->waiting++;
	return world_free(w);
}

/* How many cases before this one ask for the same field of the same event. */
static unsigned asked_before(const char *context, const char *field, unsigned index)
{
	static struct asked {
		const char *context, *field;
		unsigned index;
	} all[1024];
	static size_t n;
	unsigned times = 0;

	for (size_t i = 0; i < n; i++)
		times += all[i].index == index && strcmp(all[i].context, context) == 0 &&
			 strcmp(all[i].field, field) == 0;
	if (n < ARRAY_SIZE(all))
		all[n++] = (struct asked){ context, field, index };
	return times;
}

static void field_case(struct tally *t, const json_t *c)
{
	const char *id = json_string_value(json_object_get(c, "id"));
	const char *context = json_string_value(json_object_get(c, "context"));
	const char *field = json_string_value(json_object_get(c, "field"));
	const char *want = json_string_value(json_object_get(c, "expect"));
	unsigned index = (unsigned)json_integer_value(json_object_get(c, "event_index"));
	_cleanup_(arena_done) struct arena a = { 0 };
	_cleanup_(strbuf_done) struct strbuf got = { 0 };

	/* Of a plugin that only the reference's tests have. */
	if (str_starts(str_of(field), STR("sample."))) {
		t->waiting++;
		return;
	}
	struct world *w = world_of(t, context, index, asked_before(context, field, index));

	if (!w)
		return;
	bool has = field_text(w, field, &a, &got);

	judge(t, has == !!want && (!has || same_text(strbuf_str(&got), want)), id, context, field,
	      has ? strbuf_z(&got) : "(none)", want ? want : "(none)");
	world_free(w);
}

enum verdict { VERDICT_FALSE, VERDICT_TRUE, VERDICT_ERROR };

static enum verdict evaluate(struct world *w, const char *text, struct arena *a)
{
	struct fields_event fe = { .ev = &w->ev, .state = w->state, .hostname = "" };
	struct program *p = program_new(fields_catalogue());
	enum verdict verdict = VERDICT_ERROR;
	struct filter_warnings warnings = { 0 };
	struct diag d = { 0 };
	struct ast *tree;
	struct cond *cond;
	struct eval *e = NULL;

	if (p && parse_condition(str_of(text), LIMIT_CONDITION_DEPTH, a, &tree, &d) == 0 &&
	    filter_compile(p, tree, &cond, &warnings, &d) == 0 && program_seal(p) == 0 &&
	    (e = eval_new(p))) {
		eval_begin(e, &fe, a);
		verdict = eval_cond(e, cond) ? VERDICT_TRUE : VERDICT_FALSE;
	}
	eval_free(e);
	program_free(p);
	return verdict;
}

static void eval_case(struct tally *t, const json_t *c)
{
	static const char *const words[] = { "false", "true", "error" };
	const char *id = json_string_value(json_object_get(c, "id"));
	const char *context = json_string_value(json_object_get(c, "context"));
	const char *text = json_string_value(json_object_get(c, "expr"));
	const json_t *expect = json_object_get(c, "expect");
	enum verdict want = json_is_true(expect)    ? VERDICT_TRUE
			    : json_is_false(expect) ? VERDICT_FALSE
						    : VERDICT_ERROR;
	_cleanup_(arena_done) struct arena a = { 0 };

	if (!context)
		return; /* of the language alone: another runner's */
	struct world *w = world_of(t, context, 0, 0);

	if (!w)
		return;
	enum verdict got = evaluate(w, text, &a);

	judge(t, got == want, id, context, text, words[got], words[want]);
	world_free(w);
}

/* ---- formats ---- */

/* Some contexts are described in a note only. */
static const char *format_context(const json_t *c)
{
	const char *context = json_string_value(json_object_get(c, "context"));
	const char *note = json_string_value(json_object_get(json_object_get(c, "env"), "_note"));

	if (!context && note)
		context = strstr(note, "event on thread 2") ? "clone_tree_2" : "clone_tree_3";
	return context;
}

/* The output fields of an alert whose output is the format, in the order of the case's text. */
static bool same_fields(struct world *w, const struct format *f, struct eval *e, const char *want,
			struct strbuf *got)
{
	const struct alert_settings settings = { .json_output = true,
						 .json_include_output_fields_property = true };
	const struct rule rule = { .name = STR("r"),
				   .source = STR("syscall"),
				   .format = (void *)f };
	struct alert_builder *b = alert_builder_new(&settings);
	struct alert *alert = b ? alert_build(b, &rule, e, &w->ev) : NULL;

	if (!alert)
		abort();
	struct str line = alert_line(&alert->wire);
	json_t *all = json_loadb(line.ptr, line.len, 0, NULL), *wanted = json_loads(want, 0, NULL);
	json_t *fields = json_object_get(all, "output_fields");

	if (!json_object_get(wanted, "evt.time")) /* that of the prefix */
		json_object_del(fields, "evt.time");
	bool same = json_equal(fields, wanted);
	strbuf_add(got, line);
	json_decref(all);
	json_decref(wanted);
	alert_unref(alert);
	alert_builder_free(b);
	return same;
}

static bool same_output(struct world *w, const struct format *f, struct eval *e, const json_t *c,
			struct strbuf *got)
{
	const char *want = json_string_value(json_object_get(c, "output"));
	const char *mode = json_string_value(json_object_get(c, "mode"));

	if (want && strcmp(mode, "json") == 0)
		return same_fields(w, f, e, want, got);
	bool complete = format_render(f, e, false, got);
	return complete == json_is_true(json_object_get(c, "ok")) &&
	       (!want || same_text(strbuf_str(got), want));
}

static void format_case(struct tally *t, const json_t *c)
{
	const char *context = format_context(c);
	const char *text = json_string_value(json_object_get(c, "format"));
	const char *want = json_string_value(json_object_get(c, "output"));
	struct world *w = context ? world_of(t, context, 0, 0) : NULL;
	struct program *p = program_new(fields_catalogue());
	_cleanup_(arena_done) struct arena a = { 0 };
	_cleanup_(strbuf_done) struct strbuf got = { 0 };
	struct format *f;
	struct eval *e = NULL;
	struct diag d = { 0 };

	if (w && p && format_compile(p, str_of(text), &f, &d) == 0 && program_seal(p) == 0 &&
	    (e = eval_new(p))) {
		struct fields_event fe = { .ev = &w->ev, .state = w->state, .hostname = "" };

		eval_begin(e, &fe, &a);
		bool same = same_output(w, f, e, c, &got);
		judge(t, same, json_string_value(json_object_get(c, "id")), context, text,
		      strbuf_z(&got), want);
	} else if (w) {
		judge(t, false, json_string_value(json_object_get(c, "id")), context, text, d.text,
		      want);
	}
	eval_free(e);
	program_free(p);
	world_free(w);
}

/* How many are wrong. */
static unsigned run(const char *name, void (*one)(struct tally *t, const json_t *c))
{
	struct tally t = { .file = name };
	json_t *j = cases_load(name), *c;
	size_t i;

	json_array_foreach(json_object_get(j, "cases"), i, c) one(&t, c);
	tally_print(&t);
	json_decref(j);
	return t.wrong + !j;
}

int main(void)
{
	const struct static_field example = { STR("example"), STR("example_value") };

	setenv("TZ", "UTC", 1);
	if (fields_declare_static(&example, 1) < 0)
		return 1;
	if (!cases_root()) {
		printf("no conformance cases beside the source tree: nothing to run\n");
		return 0;
	}
	unsigned wrong = run("field_cases", field_case);

	wrong += run("eval_cases", eval_case);
	wrong += run("format_cases", format_case);
	return wrong != 0;
}
