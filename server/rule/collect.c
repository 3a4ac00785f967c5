/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Definitions in order. A second definition overwrites the first in its place, so that everything keeps the
 * order in which names first appeared.
 */
#include <errno.h>

#include "base/limits.h"
#include "rule/items.h"

void collection_done(struct collection *c)
{
	vec_done(&c->lists);
	vec_done(&c->macros);
	vec_done(&c->rules);
	strmap_done(&c->list_names);
	strmap_done(&c->macro_names);
	strmap_done(&c->rule_names);
}

static void *grown(struct arena *a, void *items, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return items;
	size_t bigger = *cap ? *cap * 2 : 4;
	void *p = arena_array(a, bigger, size);

	if (!p)
		return NULL;
	if (n)
		memcpy(p, items, n * size);
	*cap = bigger;
	return p;
}

int texts_push(struct arena *a, struct texts *t, struct str s)
{
	struct str *p = grown(a, t->items, t->n, &t->cap, sizeof(*p));

	if (!p)
		return -ENOMEM;
	t->items = p;
	p[t->n++] = s;
	return 0;
}

int exception_push(struct arena *a, struct exception *e, const struct exc_value *v)
{
	const struct exc_value **p = grown(a, e->values, e->nvalues, &e->cap, sizeof(*p));

	if (!p)
		return -ENOMEM;
	e->values = p;
	p[e->nvalues++] = v;
	return 0;
}

int text_append(struct arena *a, struct text *to, struct str more)
{
	size_t need = to->s.len + 1 + more.len;

	if (need > to->cap || !to->cap) {
		char *p = arena_alloc(a, need * 2);

		if (!p)
			return -ENOMEM;
		if (to->s.len)
			memcpy(p, to->s.ptr, to->s.len);
		to->s.ptr = p;
		to->cap = need * 2;
	}
	char *end = (char *)(uintptr_t)to->s.ptr + to->s.len;

	end[0] = ' ';
	if (more.len)
		memcpy(end + 1, more.ptr, more.len);
	to->s.len = need;
	return 0;
}

static int too_many(struct reading *r, const struct place *place, const char *what)
{
	return result_add(r->result, LOAD_ERR_VALIDATE, place, "more than %d %s", LIMIT_RULES,
			  what);
}

int collect_list(struct reading *r, struct list_item *item, bool append)
{
	struct collection *c = r->items;
	struct list_item *old = strmap_find(&c->list_names, item->name);

	item->visibility = c->next_index++;
	if (append && !old)
		return result_add(r->result, LOAD_ERR_VALIDATE, item->place,
				  "there is no list %.*s yet to append to", STR_ARG(item->name));
	if (append) {
		for (size_t i = 0; i < item->items.n; i++)
			if (texts_push(r->arena, &old->items, item->items.items[i]) < 0)
				return -ENOMEM;
		old->visibility = item->visibility;
		return 0;
	}
	if (old) {
		item->index = old->index;
		*old = *item;
		return 0;
	}
	item->index = item->visibility;
	if (c->lists.n >= LIMIT_RULES)
		return too_many(r, item->place, "lists");
	if (vec_push(&c->lists, item) < 0)
		return -ENOMEM;
	return strmap_put(&c->list_names, item->name, item);
}

int collect_macro(struct reading *r, struct macro_item *item, bool append)
{
	struct collection *c = r->items;
	struct macro_item *old = strmap_find(&c->macro_names, item->name);

	item->visibility = c->next_index++;
	if (append && !old)
		return result_add(r->result, LOAD_ERR_VALIDATE, item->place,
				  "there is no macro %.*s yet to append to", STR_ARG(item->name));
	if (append) {
		old->visibility = item->visibility;
		return text_append(r->arena, &old->cond, item->cond.s);
	}
	if (old) {
		item->index = old->index;
		*old = *item;
		return 0;
	}
	item->index = item->visibility;
	if (c->macros.n >= LIMIT_RULES)
		return too_many(r, item->place, "macros");
	if (vec_push(&c->macros, item) < 0)
		return -ENOMEM;
	return strmap_put(&c->macro_names, item->name, item);
}

int collect_rule(struct reading *r, struct rule_item *item)
{
	struct collection *c = r->items;
	struct rule_item *old = strmap_find(&c->rule_names, item->name);

	if (old) {
		*old = *item;
		return 0;
	}
	if (c->rules.n >= LIMIT_RULES)
		return too_many(r, item->place, "rules");
	if (vec_push(&c->rules, item) < 0)
		return -ENOMEM;
	return strmap_put(&c->rule_names, item->name, item);
}
