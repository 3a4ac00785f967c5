/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns become globs, exact texts stay; the condition is a program of its own over the alert's fields. A
 * request is bounded already; what could still be large when compiled is bounded here by number and length.
 */
#include "rpc/select.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "filter/filter.h"
#include "filter/glob.h"
#include "filter/parser.h"
#include "rpc/alert_fields.h"
#include "rpc/message.h"

struct patterns {
	const struct glob **globs; /* NULL at i: texts[i] is exact */
	struct str *texts;
	size_t n;
};

struct one_filter {
	bool has_priority;
	uint64_t min_priority;
	struct patterns rule, source, tags, hostname;
	struct str *fields; /* names, with globs beside them */
	struct patterns globs;
};

struct filter_list {
	struct one_filter *items;
	size_t n;
};

struct select {
	struct arena arena, event;
	struct filter_list allow, deny, require;
	struct patterns tags;
	struct str *fields; /* to keep, sorted */
	size_t nfields;
	struct program *program;
	struct cond *cond;
	struct eval *eval;
	size_t patterns; /* so far */
};

static int wrong(struct diag *d, const char *place, const char *text)
{
	diag_set(d, "%s: %s", place, text);
	return -EINVAL;
}

static int count_pattern(struct select *s, struct diag *d, const char *place)
{
	return ++s->patterns > LIMIT_STREAM_PATTERNS ? wrong(d, place, "too many patterns") : 0;
}

static int patterns_make(struct select *s, char *const *texts, size_t n, bool globs,
			 const char *place, struct patterns *ret, struct diag *d)
{
	ret->texts = arena_array(&s->arena, n ? n : 1, sizeof(*ret->texts));
	ret->globs = arena_array(&s->arena, n ? n : 1, sizeof(const struct glob *));
	if (!ret->texts || !ret->globs)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		char at[96];
		struct str text = str_of(texts[i]);

		snprintf(at, sizeof(at), "%s[%zu]", place, i);
		if (count_pattern(s, d, at) < 0)
			return -EINVAL;
		if (text.len > LIMIT_PATH)
			return wrong(d, at, "too long");
		ret->texts[i] = arena_dup(&s->arena, text);
		if (globs && (glob_is_pattern(text) || str_chr(text, '\\') < text.len))
			ret->globs[i] = glob_new(ret->texts[i], false, &s->arena);
		if (!ret->texts[i].ptr || (globs && glob_is_pattern(text) && !ret->globs[i]))
			return -ENOMEM;
	}
	ret->n = n;
	return 0;
}

static bool pattern_fits(const struct patterns *p, size_t i, struct str text)
{
	return p->globs[i] ? glob_match(p->globs[i], text) : str_eq(p->texts[i], text);
}

/* An empty list passes everything. */
static bool patterns_pass(const struct patterns *p, struct str text)
{
	for (size_t i = 0; i < p->n; i++)
		if (pattern_fits(p, i, text))
			return true;
	return p->n == 0;
}

static bool tags_pass(const struct patterns *p, const struct message *m)
{
	struct str tag;
	size_t at = 0;

	while (p->n && message_tag(m, &at, &tag))
		if (patterns_pass(p, tag))
			return true;
	return p->n == 0;
}

static int globs_make(struct select *s, const Falco__Outputs__Filter *f, const char *place,
		      struct one_filter *ret, struct diag *d)
{
	size_t n = f->n_field_glob;
	char **texts = arena_array(&s->arena, n ? n : 1, sizeof(char *));

	ret->fields = arena_array(&s->arena, n ? n : 1, sizeof(*ret->fields));
	if (!texts || !ret->fields)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const Falco__Outputs__Filter__FieldGlobEntry *e = f->field_glob[i];

		if (!e->key[0])
			return wrong(d, place, "a field without a name");
		ret->fields[i] = arena_dup(&s->arena, str_of(e->key));
		if (!ret->fields[i].ptr)
			return -ENOMEM;
		texts[i] = e->value;
	}
	return patterns_make(s, texts, n, true, place, &ret->globs, d);
}

static int filter_make(struct select *s, const Falco__Outputs__Filter *f, const char *place,
		       struct one_filter *ret, struct diag *d)
{
	const struct {
		const char *name;
		char **texts;
		size_t n;
		bool globs;
		struct patterns *to;
	} rows[] = {
		{ "rule", f->rule, f->n_rule, true, &ret->rule },
		{ "source", f->source, f->n_source, false, &ret->source },
		{ "tags", f->tags, f->n_tags, false, &ret->tags },
		{ "hostname", f->hostname, f->n_hostname, true, &ret->hostname },
	};
	char at[64];

	*ret = (struct one_filter){ 0 };
	if (f->threshold_case == FALCO__OUTPUTS__FILTER__THRESHOLD_MIN_PRIORITY) {
		snprintf(at, sizeof(at), "%s.min_priority", place);
		if ((int)f->min_priority < 0 || f->min_priority > 7)
			return wrong(d, at, "no such priority");
		ret->has_priority = true;
		ret->min_priority = (uint64_t)f->min_priority;
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(at, sizeof(at), "%s.%s", place, rows[i].name);
		int r = patterns_make(s, rows[i].texts, rows[i].n, rows[i].globs, at, rows[i].to,
				      d);
		if (r < 0)
			return r;
	}
	snprintf(at, sizeof(at), "%s.field_glob", place);
	return globs_make(s, f, at, ret, d);
}

static int list_make(struct select *s, Falco__Outputs__Filter *const *filters, size_t n,
		     const char *name, struct filter_list *ret, struct diag *d)
{
	char place[32];

	if (n > LIMIT_STREAM_FILTERS)
		return wrong(d, name, "too many filters");
	ret->items = arena_array(&s->arena, n ? n : 1, sizeof(*ret->items));
	if (!ret->items)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		snprintf(place, sizeof(place), "%s[%zu]", name, i);
		int r = filter_make(s, filters[i], place, &ret->items[i], d);
		if (r < 0)
			return r;
	}
	ret->n = n;
	return 0;
}

static bool filter_passes(const struct one_filter *f, const struct message *m)
{
	struct str text;

	if ((f->has_priority && m->priority > f->min_priority) ||
	    !patterns_pass(&f->rule, m->rule) || !patterns_pass(&f->source, m->source) ||
	    !patterns_pass(&f->hostname, m->hostname) || !tags_pass(&f->tags, m))
		return false;
	for (size_t i = 0; i < f->globs.n; i++)
		if (!message_field(m, f->fields[i], &text) || !pattern_fits(&f->globs, i, text))
			return false;
	return true;
}

static bool any_passes(const struct filter_list *l, const struct message *m)
{
	for (size_t i = 0; i < l->n; i++)
		if (filter_passes(&l->items[i], m))
			return true;
	return false;
}

struct regexes {
	size_t n, longest;
};

static void count_regexes(const struct ast *node, void *ctx)
{
	struct regexes *r = ctx;

	if (node->kind != AST_CHECK || !str_eqz(node->op, "regex") || !node->right)
		return;
	const struct expr *e = node->right;
	size_t n = e->kind == EXPR_LIST ? e->nargs : 1;
	for (size_t i = 0; i < n; i++) {
		size_t len = e->kind == EXPR_LIST ? e->args[i]->text.len : e->text.len;

		r->n++;
		r->longest = len > r->longest ? len : r->longest;
	}
}

static void no_expr(const struct expr *e, bool right_side, void *ctx)
{
}

static int condition_compile(struct select *s, const struct ast *tree, struct diag *d)
{
	struct filter_warnings warnings = { 0 };
	struct regexes regexes = { 0 };

	ast_walk(tree, count_regexes, no_expr, &regexes);
	if (regexes.n > LIMIT_STREAM_REGEXES || regexes.longest > LIMIT_STREAM_REGEX) {
		diag_set(d, regexes.n > LIMIT_STREAM_REGEXES ? "too many regular expressions"
							     : "a regular expression is too long");
		return -EINVAL;
	}
	const struct catalogue *fields = alert_fields();
	s->program = fields ? program_new(fields) : NULL;
	if (!s->program)
		return -ENOMEM;
	int r = filter_compile(s->program, tree, &s->cond, &warnings, d);
	if (r == 0)
		r = program_seal(s->program);
	if (r == 0 && !(s->eval = eval_new(s->program)))
		r = -ENOMEM;
	return r > 0 ? -EINVAL : r;
}

static int condition_make(struct select *s, struct str text, struct diag *d)
{
	struct arena load = { 0 };
	struct diag fault = { 0 };
	struct ast *tree = NULL;
	int r = parse_condition(text, LIMIT_CONDITION_DEPTH, &load, &tree, &fault);

	if (r == 0) {
		r = condition_compile(s, tree, &fault);
		if (r == -EINVAL)
			diag_place(&fault, text, fault.offset);
	}
	if (r == -EINVAL)
		diag_set(d, "condition:%u:%u: %s", fault.line, fault.column, fault.text);
	arena_done(&load);
	return r;
}

static int by_text(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static int fields_make(struct select *s, char *const *texts, size_t n, struct diag *d)
{
	struct patterns kept;
	int r = patterns_make(s, texts, n, false, "fields", &kept, d);

	if (r < 0)
		return r;
	s->fields = kept.texts;
	s->nfields = n;
	if (n)
		qsort(s->fields, n, sizeof(*s->fields), by_text);
	return 0;
}

static int compile(struct select *s, const Falco__Outputs__Request *q, struct diag *d)
{
	int r = patterns_make(s, q->tags, q->n_tags, false, "tags", &s->tags, d);

	if (r == 0)
		r = list_make(s, q->allow, q->n_allow, "allow", &s->allow, d);
	if (r == 0)
		r = list_make(s, q->deny, q->n_deny, "deny", &s->deny, d);
	if (r == 0)
		r = fields_make(s, q->fields, q->n_fields, d);
	if (r == 0 && q->condition[0])
		r = condition_make(s, str_of(q->condition), d);
	return r;
}

int select_new(const Falco__Outputs__Request *q, struct select **ret, struct diag *d)
{
	*d = (struct diag){ 0 };
	if (!q->n_tags && !q->n_allow && !q->n_deny && !q->n_fields && !q->condition[0]) {
		*ret = NULL;
		return 0;
	}
	struct select *s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	int r = compile(s, q, d);
	if (r < 0) {
		select_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

struct select *select_free(struct select *s)
{
	if (!s)
		return NULL;
	eval_free(s->eval);
	program_free(s->program);
	arena_done(&s->arena);
	arena_done(&s->event);
	free(s);
	return NULL;
}

int select_require(struct select **sp, const Falco__Outputs__Filter *filter, struct diag *d)
{
	*d = (struct diag){ 0 };
	if (!*sp)
		*sp = calloc(1, sizeof(**sp));
	struct select *s = *sp;
	if (!s)
		return -ENOMEM;
	struct one_filter *grown = arena_array(&s->arena, s->require.n + 1,
					       sizeof(*s->require.items));
	if (!grown)
		return -ENOMEM;
	if (s->require.n)
		memcpy(grown, s->require.items, s->require.n * sizeof(*grown));
	int r = filter_make(s, filter, "require", &grown[s->require.n], d);
	if (r < 0)
		return r;
	s->require.items = grown;
	s->require.n++;
	return 0;
}

static bool condition_holds(struct select *s, struct message *m)
{
	struct arena_mark mark = arena_mark(&s->event);

	eval_begin(s->eval, m, &s->event);
	bool holds = eval_cond(s->eval, s->cond);
	arena_rewind(&s->event, mark);
	return holds;
}

bool select_pass(struct select *s, struct str bytes)
{
	struct message m;

	if (!s)
		return true;
	message_read(bytes, &m);
	for (size_t i = 0; i < s->require.n; i++)
		if (!filter_passes(&s->require.items[i], &m))
			return false;
	return tags_pass(&s->tags, &m) && (!s->allow.n || any_passes(&s->allow, &m)) &&
	       !any_passes(&s->deny, &m) && (!s->cond || condition_holds(s, &m));
}

bool select_packs(const struct select *s)
{
	return s && s->nfields;
}

void select_pack(const struct select *s, struct str message, struct strbuf *out)
{
	message_select(message, s->fields, s->nfields, out);
}
