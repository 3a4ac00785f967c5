/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every setting is one row of table.c: its path, how it is read, where it lands, its default and range. The tree
 * is walked once; a key without a row is a warning with the nearest name, never an error, because files
 * written for other versions must load (falco-compat.md 1.1). Defaults go through the same setters, so a
 * row is the only place that knows a setting.
 */
#include "config/settings.h"

#include <errno.h>
#include <string.h>

#include "base/suggest.h"

/* The row of a path; *ret_section: it is the beginning of rows' paths. */
static const struct setting *find(struct str path, bool *ret_section)
{
	*ret_section = false;
	for (size_t i = 0; i < settings_nrows; i++) {
		struct str row = str_of(settings_rows[i].path);
		bool all = str_ends(row, STR(".*"));

		if (str_eq(all ? str_cut(row, row.len - 2) : row, path))
			return &settings_rows[i];
		if (str_starts(row, path) && row.ptr[path.len] == '.')
			*ret_section = true;
	}
	return NULL;
}

static void warn_unknown(struct setting_ctx *c, struct str path, const struct tree *t)
{
	struct suggest s = suggest_for(path);
	struct str shown = str_cut(path, 200);

	/* Searching names for a warning that is not kept would be a waste. */
	bool kept = c->report->nwarnings < CONFIG_WARNINGS_MAX;
	for (size_t i = 0; kept && i < settings_nrows; i++) {
		struct str row = str_of(settings_rows[i].path);

		if (!settings_rows[i].instead)
			suggest_offer(&s, row);
		if (!settings_rows[i].instead && str_chr(row, '.') < row.len)
			suggest_offer(&s, str_cut(row, str_chr(row, '.')));
	}
	if (s.best.ptr)
		tree_warn(c->report, t,
			  "unknown key " STR_FMT " is ignored; did you mean " STR_FMT "?",
			  STR_ARG(shown), STR_ARG(s.best));
	else
		tree_warn(c->report, t, "unknown key " STR_FMT " is ignored", STR_ARG(shown));
}

static bool is_default(const struct setting *s, const struct tree *t)
{
	return t->kind == TREE_NULL ||
	       (t->kind == TREE_TEXT && str_ieq(t->text, str_of(s->fallback)));
}

static int apply(struct setting_ctx *c, const struct setting *s, const struct tree *t)
{
	if (s->instead && !s->instead[0]) {
		tree_warn(c->report, t, "%.*s has no effect any more",
			  (int)strcspn(s->path, "*") - (strchr(s->path, '*') ? 1 : 0), s->path);
		return 0;
	}
	if (s->instead) {
		tree_warn(c->report, t, "%s is an old name, use %s", s->path, s->instead);
		if (tree_path(c->root, str_of(s->instead)))
			return 0;
	}
	if (s->missed && !is_default(s, t))
		tree_warn(c->report, t, "%s has no effect here: %s", s->path, s->idle);
	/* A key without a value is as good as absent. */
	return t->kind == TREE_NULL ? 0 : s->kind->set(c, s, t);
}

/* The depth is that of the tree, bounded by its parser and by the table. */
static int walk(struct setting_ctx *c, const struct tree *map, struct str prefix)
{
	for (const struct tree *t = map->first; t; t = t->next) {
		bool section;
		struct str path = arena_printf(c->arena, STR_FMT "%s" STR_FMT, STR_ARG(prefix),
					       prefix.len ? "." : "", STR_ARG(t->key));
		if (!path.ptr)
			return -ENOMEM;
		const struct setting *s = find(path, &section);
		int r = 0;
		if (s)
			r = apply(c, s, t);
		else if (!section)
			warn_unknown(c, path, t);
		else if (t->kind == TREE_MAP)
			r = walk(c, t, path);
		else if (t->kind != TREE_NULL)
			r = setting_wrong(c, t, "a map");
		if (r)
			return r;
	}
	return 0;
}

/* As if it had been written in a file. */
int setting_default(struct setting_ctx *c, const struct setting *s)
{
	struct tree text = { .kind = TREE_TEXT, .plain = true, .key = str_of(s->path) };
	struct tree *t = &text;
	int r = 0;

	if (!s->fallback)
		return 0;
	text.text = str_of(s->fallback);
	if (s->fallback[0] == '[')
		r = tree_parse(c->arena, s->path, text.text, false, &t, c->report);
	return r ? r : s->kind->set(c, s, t);
}

int settings_read(struct setting_ctx *c)
{
	c->base = c->config;
	for (size_t i = 0; i < settings_nrows; i++) {
		int r = setting_default(c, &settings_rows[i]);
		if (r)
			return r;
	}
	return walk(c, c->root, (struct str){ 0 });
}

static const struct tree *written(const struct tree *root, const struct setting *s)
{
	struct str path = str_of(s->path);
	const struct tree *t;

	if (str_ends(path, STR(".*")))
		path.len -= 2;
	t = tree_path(root, path);
	return t && t->kind != TREE_NULL ? t : NULL;
}

const struct tree *setting_origin(const struct tree *root, const struct setting *s)
{
	const struct tree *t = written(root, s);

	for (size_t i = 0; !t && i < settings_nrows; i++) {
		const struct setting *old = &settings_rows[i];

		if (old->instead && !strcmp(old->instead, s->path))
			t = written(root, old);
	}
	return t;
}
