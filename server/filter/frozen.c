/* SPDX-License-Identifier: Apache-2.0 */
/* Only marked slots are kept, in order of their numbers: a ruleset has hundreds, an event reads some tens. */
#include "filter/frozen.h"

#include <stdlib.h>

#include "filter/program.h"

struct frozen_slot {
	uint32_t slot;
	bool has[2]; /* by names: as given, resolved */
	struct value value[2];
};

struct frozen {
	size_t n;
	struct frozen_slot slots[];
};

static void mark_expr(const struct vexpr *v, bool *marks)
{
	if (!v)
		return;
	if (v->kind == VEXPR_SLOT)
		marks[v->cell] = true;
	for (uint32_t i = 0; i < v->nargs; i++)
		mark_expr(v->args[i], marks);
}

static void mark_node(const struct node *n, bool *marks)
{
	if (n->kind == NODE_CHECK) {
		mark_expr(n->left, marks);
		mark_expr(n->right, marks);
		return;
	}
	for (uint32_t i = 0; i < n->nkids; i++)
		mark_node(n->kids[i], marks);
}

void cond_mark_slots(const struct cond *c, bool *marks)
{
	mark_node(&c->top, marks);
}

static bool copy_one(enum value_type type, struct value *v, struct arena *a)
{
	if (type != VT_STRING && type != VT_BYTES)
		return true;
	v->s = arena_dup(a, v->s);
	return v->s.ptr;
}

static bool copy(const struct field_ref *ref, const struct value *from, struct value *to,
		 struct arena *a)
{
	*to = *from;
	if (!ref->list && ref->match == MATCH_ONE)
		return copy_one(ref->type, to, a);
	struct value *items = arena_array(a, from->list.n + 1, sizeof(*items));

	for (uint32_t i = 0; items && i < from->list.n; i++) {
		items[i] = from->list.items[i];
		if (!copy_one(ref->type, &items[i], a))
			return false;
	}
	to->list.items = items;
	return items;
}

static bool keep_names(struct eval *e, struct frozen *f, bool resolved, struct arena *a)
{
	const struct program *p = eval_program(e);

	eval_names(e, resolved);
	for (size_t i = 0; i < f->n; i++) {
		struct frozen_slot *s = &f->slots[i];
		const struct value *v = eval_slot(e, s->slot);

		s->has[resolved] = v;
		if (v && !copy(&p->slots.items[s->slot].ref, v, &s->value[resolved], a))
			return false;
	}
	return true;
}

struct frozen *eval_freeze(struct eval *e, const bool *marks, bool both, struct arena *a)
{
	const struct program *p = eval_program(e);
	size_t n = 0;

	for (size_t i = 0; i < p->slots.n; i++)
		n += marks[i] && !(p->slots.items[i].ref.def->flags & FIELD_LATE);
	struct frozen *f = arena_alloc(a, sizeof(*f) + n * sizeof(f->slots[0]));

	if (!f)
		return NULL;
	for (size_t i = 0; i < p->slots.n; i++)
		if (marks[i] && !(p->slots.items[i].ref.def->flags & FIELD_LATE))
			f->slots[f->n++].slot = (uint32_t)i;
	bool ok = keep_names(e, f, false, a) && (!both || keep_names(e, f, true, a));

	eval_names(e, false);
	return ok ? f : NULL;
}

static int by_slot(const void *key, const void *item)
{
	uint32_t a = *(const uint32_t *)key, b = ((const struct frozen_slot *)item)->slot;

	return (a > b) - (a < b);
}

bool frozen_value(const struct frozen *f, uint32_t slot, bool resolved, struct value *ret)
{
	const struct frozen_slot *s = bsearch(&slot, f->slots, f->n, sizeof(f->slots[0]), by_slot);

	if (!s || !s->has[resolved])
		return false;
	*ret = s->value[resolved];
	return true;
}
