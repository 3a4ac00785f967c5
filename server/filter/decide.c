/* SPDX-License-Identifier: Apache-2.0 */
/* Which checks of a condition some values decide, and what can follow for the whole, whatever the others are. */
#include "filter/program.h"

static struct outcomes add(struct outcomes a, struct outcomes b)
{
	return (struct outcomes){ a.can_be_true || b.can_be_true,
				  a.can_be_false || b.can_be_false };
}

static struct outcomes both(struct outcomes a, struct outcomes b)
{
	return (struct outcomes){ a.can_be_true && b.can_be_true,
				  a.can_be_false && b.can_be_false };
}

static struct outcomes node_outcomes(const struct program *p, const struct node *n,
				     const uint8_t *known)
{
	if (n->kind == NODE_CHECK && n->left->kind == VEXPR_SLOT &&
	    p->slots.items[n->left->cell].ref.def->flags & FIELD_EVT_TYPE)
		return (struct outcomes){ true, false }; /* others are not asked */
	if (n->kind == NODE_CHECK) {
		bool decided = check_decided(p, n, known);

		return (struct outcomes){ decided, decided };
	}
	struct outcomes any = node_outcomes(p, n->kids[0], known), all = any;

	for (uint32_t i = 1; i < n->nkids; i++) {
		struct outcomes kid = node_outcomes(p, n->kids[i], known);

		any = add(any, kid);
		all = both(all, kid);
	}
	switch (n->kind) {
	case NODE_NOT: return (struct outcomes){ any.can_be_false, any.can_be_true };
	case NODE_AND: return (struct outcomes){ all.can_be_true, any.can_be_false };
	default: return (struct outcomes){ any.can_be_true, all.can_be_false };
	}
}

struct outcomes cond_outcomes(const struct program *p, const struct cond *c, const uint8_t *known)
{
	return node_outcomes(p, &c->top, known);
}

static void node_checks(const struct program *p, const struct node *n, const uint8_t *known,
			void (*fn)(struct str text, bool decided, void *ctx), void *ctx)
{
	if (n->kind == NODE_CHECK)
		fn(n->text, check_decided(p, n, known), ctx);
	for (uint32_t i = 0; i < n->nkids; i++)
		node_checks(p, n->kids[i], known, fn, ctx);
}

void cond_checks(const struct program *p, const struct cond *c, const uint8_t *known,
		 void (*fn)(struct str text, bool decided, void *ctx), void *ctx)
{
	node_checks(p, &c->top, known, fn, ctx);
}
