/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key path is a run of steps: a name, an index `[N]`, or `[]` for one more element. Each step goes one
 * level down, making what is missing; the last one puts the value. See override.h.
 */
#include "config/override.h"

#include <errno.h>
#include <string.h>

#include "base/limits.h"

enum step_kind { STEP_NAME, STEP_INDEX, STEP_NEW };

struct step {
	enum step_kind kind;
	struct str name;
	uint64_t index;
};

struct path {
	struct arena *arena;
	struct str rest;
	const char *label; /* stands in for the file's name in messages */
	struct config_report *report;
	unsigned depth;
};

static int bad(const struct path *p, const char *what)
{
	return tree_fail(p->report, &(struct tree){ .file = p->label }, "%s", what);
}

static int step_brackets(struct path *p, struct step *ret)
{
	size_t end = str_chr(p->rest, ']');

	if (end == p->rest.len)
		return bad(p, "a [ without its ]");
	struct str inside = { p->rest.ptr + 1, end - 1 };
	p->rest = str_skip(p->rest, end + 1);
	*ret = (struct step){ .kind = inside.len ? STEP_INDEX : STEP_NEW };
	if (inside.len && str_to_u64(inside, &ret->index) < 0)
		return bad(p, "expected a number or nothing between [ and ]");
	return 0;
}

static int step_name(struct path *p, struct step *ret)
{
	struct strbuf b = { 0 };
	size_t i = 0;

	for (; i < p->rest.len && !strchr(".[", p->rest.ptr[i]); i++) {
		if (p->rest.ptr[i] == '\\' && i + 1 < p->rest.len)
			i++;
		strbuf_addc(&b, p->rest.ptr[i]);
	}
	p->rest = str_skip(p->rest, i);
	*ret = (struct step){ .kind = STEP_NAME };
	ret->name = b.failed ? (struct str){ 0 } : arena_dup(p->arena, strbuf_str(&b));
	strbuf_done(&b);
	if (!ret->name.ptr)
		return -ENOMEM;
	return ret->name.len ? 0 : bad(p, "a part of the key is empty");
}

static int step_next(struct path *p, struct step *ret)
{
	if (++p->depth > LIMIT_YAML_DEPTH)
		return bad(p, "the key has too many parts");
	if (p->rest.len && p->rest.ptr[0] == '[' && p->depth > 1)
		return step_brackets(p, ret);
	if (p->rest.len && p->rest.ptr[0] == '.' && p->depth > 1)
		p->rest = str_skip(p->rest, 1);
	return step_name(p, ret);
}

/* Makes t what the next step needs: a scalar before `[]` becomes the first element of a list. */
static int become(struct path *p, struct tree *t, enum tree_kind wanted)
{
	if (t->kind == wanted)
		return 0;
	struct tree keep = *t;
	t->kind = wanted;
	t->first = t->last = NULL;
	if (wanted == TREE_LIST && keep.kind == TREE_TEXT) {
		struct tree *only = tree_new(p->arena, TREE_TEXT, keep.file);
		if (!only)
			return -ENOMEM;
		*only = keep;
		tree_append(t, only);
	}
	return 0;
}

/* The child of t that the step names; made when absent. */
static int descend(struct path *p, struct tree *t, const struct step *s, struct tree **ret)
{
	int r = become(p, t, s->kind == STEP_NAME ? TREE_MAP : TREE_LIST);
	if (r < 0)
		return r;
	struct tree *n = NULL;
	if (s->kind == STEP_NAME) {
		n = tree_get(t, s->name);
	} else if (s->kind == STEP_INDEX) {
		if (s->index > tree_count(t))
			return bad(p, "the index is behind the end of the list");
		n = tree_at(t, s->index);
	}
	if (!n) {
		n = tree_new(p->arena, TREE_NULL, p->label);
		if (!n)
			return -ENOMEM;
		n->key = s->name;
		tree_append(t, n);
	}
	*ret = n;
	return 0;
}

static int value_of(struct path *p, struct str text, struct tree **ret)
{
	struct str trimmed = str_trim(text);

	if (str_starts(trimmed, STR("{")) && str_ends(trimmed, STR("}")))
		return tree_parse(p->arena, p->label, trimmed, false, ret, p->report);
	*ret = tree_text(p->arena, text, p->label);
	if (!*ret)
		return -ENOMEM;
	(*ret)->plain = true;
	return 0;
}

bool override_is_include(const char *text)
{
	struct str s = str_of(text);

	if (!str_starts(s, STR("config_files")))
		return false;
	s = str_skip(s, strlen("config_files"));
	return s.len && strchr("=[.", s.ptr[0]);
}

int override_apply(struct arena *a, struct tree *root, const char *text,
		   struct config_report *report)
{
	struct str whole = str_of(text);
	size_t eq = str_chr(whole, '=');
	struct str label = arena_printf(a, "-o %.200s", text);

	if (!label.ptr)
		return -ENOMEM;
	struct path p = { .arena = a,
			  .rest = str_trim(str_cut(whole, eq)),
			  .label = label.ptr,
			  .report = report };
	if (eq == whole.len)
		return bad(&p, "expected key=value");
	struct tree *value, *at = root;
	int r = value_of(&p, str_skip(whole, eq + 1), &value);
	do {
		struct step s;
		if (r == 0)
			r = step_next(&p, &s);
		if (r == 0)
			r = descend(&p, at, &s, &at);
	} while (r == 0 && p.rest.len);
	if (r)
		return r;
	at->kind = value->kind;
	at->plain = value->plain;
	at->text = value->text;
	at->first = value->first;
	at->last = value->last;
	at->file = label.ptr;
	at->line = at->column = 0;
	return 0;
}
