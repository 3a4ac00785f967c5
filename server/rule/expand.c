/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists are text and macros are trees, as the reference has it. What macros unfold to is counted: a chain
 * of macros that each use the one before twice would otherwise fill the memory.
 */
#include "rule/expand.h"

#include <errno.h>

#include "base/limits.h"
#include "base/suggest.h"
#include "filter/parser.h"

enum { MAX_NODES = 1 << 20, MAX_HEIGHT = 4000, MAX_CHAIN = 500 };

void expand_quote(struct str value, struct strbuf *out)
{
	bool quote = value.len && value.ptr[0] != '"' && value.ptr[0] != '\'' &&
		     memchr(value.ptr, ' ', value.len);

	if (quote)
		strbuf_addc(out, '"');
	strbuf_add(out, value);
	if (quote)
		strbuf_addc(out, '"');
}

static int flatten(struct expander *x, struct flat_list *f)
{
	struct strbuf b = { .limit = LIMIT_CONDITION_BYTES };
	size_t len = 0; /* also of what no longer fits */
	int rc = 0;

	for (size_t i = 0; i < f->item->items.n; i++) {
		struct str text = f->item->items.items[i];
		struct list_item *other = strmap_find(&x->items->list_names, text);
		const struct texts *from = &f->item->items;
		size_t at = i, n = 1;

		if (other && other->index < f->item->visibility && other != f->item) {
			other->used = true;
			from = &other->items;
			at = 0;
			n = from->n;
		}
		for (size_t k = 0; k < n; k++) {
			if (len)
				strbuf_addz(&b, ", ");
			expand_quote(from->items[at + k], &b);
			len += from->items[at + k].len + (len ? 2 : 0);
		}
	}
	f->empty = !len;
	if (len > LIMIT_CONDITION_BYTES)
		rc = result_add(x->result, LOAD_ERR_VALIDATE, f->item->place,
				"the list is longer than %d bytes", LIMIT_CONDITION_BYTES);
	else if (strbuf_check(&b) < 0)
		rc = -ENOMEM;
	else
		f->text = arena_dup(x->arena, strbuf_str(&b));
	strbuf_done(&b);
	return rc < 0 ? rc : f->text.ptr ? 0 : -ENOMEM;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool delimiter(char c)
{
	return blank(c) || c == '(' || c == ')' || c == ',' || c == '=';
}

static size_t find(struct str text, size_t from, struct str name)
{
	const char *p;

	if (from > text.len || !name.len)
		return text.len;
	p = memmem(text.ptr + from, text.len - from, name.ptr, name.len);
	return p ? (size_t)(p - text.ptr) : text.len;
}

static bool stands_alone(struct str text, size_t at, size_t len)
{
	return (!at || delimiter(text.ptr[at - 1])) &&
	       (at + len >= text.len || delimiter(text.ptr[at + len]));
}

/* Replaces every occurrence of one list's name. True when there was one; out then holds the new text. */
static bool substitute(struct str text, const struct flat_list *list, struct strbuf *out)
{
	struct str name = list->item->name;
	size_t done = 0, at = find(text, 0, name);
	bool any = false;

	for (; at < text.len; at = find(text, at, name)) {
		size_t begin = at, end = at + name.len;

		if (!stands_alone(text, at, name.len)) {
			at++;
			continue;
		}
		if (!any)
			strbuf_clear(out);
		any = true;
		while (end < text.len && blank(text.ptr[end]))
			end++;
		while (begin > done && blank(text.ptr[begin - 1]))
			begin--;
		strbuf_add(out, (struct str){ text.ptr + done, begin - done });
		while (out->len && blank(out->ptr[out->len - 1]))
			out->len--;
		if (list->empty && out->len && out->ptr[out->len - 1] == ',')
			out->len--;
		else if (list->empty && end < text.len && text.ptr[end] == ',')
			end++;
		if (out->len)
			strbuf_addc(out, ' ');
		strbuf_add(out, list->text);
		strbuf_addc(out, ' ');
		done = at = end;
	}
	if (any)
		strbuf_add(out, str_skip(text, done));
	return any;
}

/*
 * The first list from the given one on that may be in the text: most texts name few lists, so a look at their words
 * saves looking for each list in them.
 */
static size_t next_list(const struct expander *x, struct str text, size_t from)
{
	size_t n = x->items->lists.n, next = n, begin = 0;

	if (x->odd_lists)
		return from;
	for (size_t i = 0; from < n && i <= text.len; i++) {
		if (i < text.len && !delimiter(text.ptr[i]))
			continue;
		const struct list_item *list =
			i > begin ? strmap_find(&x->items->list_names,
						(struct str){ text.ptr + begin, i - begin })
				  : NULL;
		if (list && list->number >= from && list->number < next)
			next = list->number;
		begin = i + 1;
	}
	return next;
}

int expand_lists(struct expander *x, struct str text, struct str *ret, struct texts *used)
{
	struct strbuf b[2] = { { .limit = LIMIT_CONDITION_BYTES },
			       { .limit = LIMIT_CONDITION_BYTES } };
	size_t nlists = x->items->lists.n;
	unsigned turn = 0;
	int rc = 0;

	for (size_t i = next_list(x, text, 0); rc == 0 && i < nlists;
	     i = next_list(x, text, i + 1)) {
		if (!substitute(text, &x->lists[i], &b[turn]))
			continue;
		x->lists[i].item->used = true;
		if (used)
			rc = texts_push(x->arena, used, x->lists[i].item->name);
		if (rc == 0)
			rc = strbuf_check(&b[turn]) < 0 ? -E2BIG : 0;
		text = strbuf_str(&b[turn]);
		turn = !turn;
	}
	if (rc == 0 && text.len > LIMIT_CONDITION_BYTES)
		rc = -E2BIG;
	if (rc == 0) {
		*ret = arena_dup(x->arena, text);
		rc = ret->ptr ? 0 : -ENOMEM;
	}
	strbuf_done(&b[0]);
	strbuf_done(&b[1]);
	return rc;
}

static void measure(const struct ast *t, size_t depth, size_t *nodes, size_t *height)
{
	++*nodes;
	if (depth > *height)
		*height = depth;
	for (uint32_t i = 0; i < t->nkids; i++)
		measure(t->kids[i], depth + 1, nodes, height);
}

static void move_expr(struct expr *e, uint32_t pos)
{
	if (!e)
		return;
	e->pos = pos;
	for (uint32_t i = 0; i < e->nargs; i++)
		move_expr(e->args[i], pos);
}

/* Faults inside a macro are shown where the macro is used. */
static void move_tree(struct ast *t, uint32_t pos)
{
	t->pos = pos;
	move_expr(t->left, pos);
	move_expr(t->right, pos);
	for (uint32_t i = 0; i < t->nkids; i++)
		move_tree(t->kids[i], pos);
}

struct resolving {
	struct expander *x;
	uint32_t visibility;
	unsigned chain;
	struct str text;
	const struct place *place, *written;
	struct texts *used;
	size_t nodes, height;
};

static int resolve_tree(struct expander *x, struct ast *tree, struct str text,
			const struct place *place, const struct place *written, uint32_t visibility,
			unsigned chain, struct texts *used, size_t *nodes, size_t *height);

static int undefined(struct resolving *v, struct str name, const struct place *at)
{
	struct suggest near = suggest_for(name);

	for (size_t i = 0; i < v->x->items->macros.n; i++)
		if (v->x->items->macros.items[i]->index < v->visibility)
			suggest_offer(&near, v->x->items->macros.items[i]->name);
	if (near.best.ptr)
		return result_add(v->x->result, LOAD_ERR_VALIDATE, at,
				  "there is no macro %.*s; did you mean %.*s?", STR_ARG(name),
				  STR_ARG(near.best));
	return result_add(v->x->result, LOAD_ERR_VALIDATE, at, "there is no macro %.*s",
			  STR_ARG(name));
}

static int resolve_macro(struct expander *x, struct macro_tree *m, unsigned chain)
{
	int rc;

	if (m->state == MACRO_RESOLVED)
		return 0;
	m->state = MACRO_BUSY;
	rc = resolve_tree(x, m->tree, m->text, m->item->place, m->item->cond_place,
			  m->item->visibility, chain, &m->uses, &m->nodes, &m->height);
	m->state = MACRO_RESOLVED;
	return rc;
}

/* Clones the macro's resolved tree into the node. */
static int put_macro(struct resolving *v, struct macro_tree *m, struct ast *node)
{
	struct expander *x = v->x;
	struct ast *copy;
	int rc = 0;

	m->item->used = true;
	v->nodes += m->nodes;
	if (m->height > v->height)
		v->height = m->height;
	if (v->nodes > MAX_NODES)
		return result_add(x->result, LOAD_ERR_VALIDATE, v->place,
				  "with its macros the condition has more than %d parts",
				  MAX_NODES);
	if (v->used)
		rc = texts_push(x->arena, v->used, node->text);
	if (rc < 0)
		return rc;
	copy = ast_clone(m->tree, x->arena);
	if (!copy)
		return -ENOMEM;
	move_tree(copy, node->pos);
	*node = *copy;
	return 0;
}

static int on_macro(struct ast *node, void *ctx)
{
	struct resolving *v = ctx;
	struct expander *x = v->x;
	struct macro_tree *m = strmap_find(&x->macro_names, node->text);
	const struct place *at;
	int rc;

	if (m && m->item->index < v->visibility && m->state == MACRO_RESOLVED)
		return put_macro(v, m, node);
	at = place_text(x->result->arena, v->place, v->written, v->text, node->pos, false);
	if (!m || m->item->index >= v->visibility)
		return undefined(v, node->text, at);
	if (m->state == MACRO_BUSY)
		return result_add(x->result, LOAD_ERR_VALIDATE, at,
				  "macro %.*s refers to itself by way of others",
				  STR_ARG(node->text));
	if (v->chain >= MAX_CHAIN)
		return result_add(x->result, LOAD_ERR_VALIDATE, at,
				  "macros refer to each other more than %d deep", MAX_CHAIN);
	rc = resolve_macro(x, m, v->chain + 1);
	return rc < 0 ? rc : put_macro(v, m, node);
}

static int resolve_tree(struct expander *x, struct ast *tree, struct str text,
			const struct place *place, const struct place *written, uint32_t visibility,
			unsigned chain, struct texts *used, size_t *nodes, size_t *height)
{
	struct resolving v = { .x = x,
			       .visibility = visibility,
			       .chain = chain,
			       .text = text,
			       .place = place,
			       .written = written,
			       .used = used };
	size_t own = 0, own_height = 0;
	int rc;

	measure(tree, 1, &own, &own_height);
	rc = ast_macros(tree, on_macro, &v);
	if (rc < 0)
		return rc;
	*nodes = own + v.nodes;
	*height = own_height + v.height;
	if (*height > MAX_HEIGHT)
		return result_add(x->result, LOAD_ERR_VALIDATE, place,
				  "with its macros the condition is nested more than %d deep",
				  MAX_HEIGHT);
	return 0;
}

int expand_macros(struct expander *x, struct ast *tree, struct str text, const struct place *place,
		  const struct place *written, struct texts *used)
{
	size_t nodes, height;

	return resolve_tree(x, tree, text, place, written, UINT32_MAX, 0, used, &nodes, &height);
}

static int parse_macro(struct expander *x, struct macro_tree *m)
{
	struct diag diag = { 0 };
	int rc = expand_lists(x, m->item->cond.s, &m->text, NULL);

	if (rc == -E2BIG)
		return result_add(x->result, LOAD_ERR_COMPILE_CONDITION, m->item->cond_place,
				  "with its lists the condition is longer than %d bytes",
				  LIMIT_CONDITION_BYTES);
	if (rc < 0)
		return rc;
	rc = parse_condition(m->text, LIMIT_RULE_CONDITION_DEPTH, x->arena, &m->tree, &diag);
	if (rc == -EINVAL)
		return result_add(x->result, LOAD_ERR_COMPILE_CONDITION,
				  place_text(x->result->arena, m->item->cond_place,
					     m->item->cond_place, m->text, diag.offset, false),
				  "%s", diag.text);
	return rc < 0 ? rc : strmap_put(&x->macro_names, m->item->name, m);
}

int expander_init(struct expander *x, struct collection *items, struct arena *arena,
		  struct result *result)
{
	int rc = 0;

	*x = (struct expander){ .arena = arena, .result = result, .items = items };
	x->lists = arena_array(arena, items->lists.n + 1, sizeof(*x->lists));
	x->macros = arena_array(arena, items->macros.n + 1, sizeof(*x->macros));
	if (!x->lists || !x->macros)
		return -ENOMEM;
	for (size_t i = 0; i < items->lists.n; i++)
		items->lists.items[i]->used = false;
	for (size_t i = 0; i < items->macros.n; i++)
		items->macros.items[i]->used = false;
	for (size_t i = 0; rc == 0 && i < items->lists.n; i++) {
		x->lists[i].item = items->lists.items[i];
		x->lists[i].item->number = (uint32_t)i;
		for (size_t k = 0; k < x->lists[i].item->name.len; k++)
			x->odd_lists |= delimiter(x->lists[i].item->name.ptr[k]);
		rc = flatten(x, &x->lists[i]);
	}
	for (size_t i = 0; rc == 0 && i < items->macros.n; i++) {
		x->macros[i].item = items->macros.items[i];
		rc = parse_macro(x, &x->macros[i]);
	}
	for (size_t i = 0; rc == 0 && i < items->macros.n; i++)
		rc = resolve_macro(x, &x->macros[i], 0);
	return rc;
}

void expander_done(struct expander *x)
{
	strmap_done(&x->macro_names);
}
