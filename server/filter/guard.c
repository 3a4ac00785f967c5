/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A check of one text field against constants gives keys. Of a conjunction any part will do, so the cheapest is
 * taken; of a disjunction every part has to have one; a negation has none. Depth is that of the condition, which the
 * parser bounds.
 */
#include "filter/guard.h"

#include <errno.h>

#include "base/cleanup.h"
#include "filter/program.h"

enum { NO_GUARD = -1 };

/* The kind of key a check gives, or NO_GUARD. */
static int check_kind(const struct node *n)
{
	static const struct {
		const char *op;
		enum guard_kind kind;
	} kinds[] = {
		{ "=", GUARD_EQUAL },	      { "==", GUARD_EQUAL },
		{ "in", GUARD_EQUAL },	      { "startswith", GUARD_PREFIX },
		{ "endswith", GUARD_SUFFIX }, { "glob", GUARD_PREFIX },
	};
	enum value_type type = n->left->type.type;

	if (n->left->kind != VEXPR_SLOT || n->left->match != MATCH_ONE || n->left->type.list ||
	    n->right || (type != VT_STRING && type != VT_BYTES))
		return NO_GUARD;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(n->op->name, kinds[i].op) == 0)
			return (int)kinds[i].kind;
	}
	return NO_GUARD;
}

/* What every match of the pattern begins with. */
static struct str glob_literal(struct str pattern)
{
	size_t n = 0;

	while (n < pattern.len && !memchr("*?[]\\{}!^", pattern.ptr[n], 9))
		n++;
	return (struct str){ pattern.ptr, n };
}

/* False: an operand that is true of nearly anything. */
static bool operand_key(const struct node *n, enum guard_kind kind, const struct operand *o,
			struct guard_key *ret)
{
	struct str text = o->value.s;

	if (n->op->literal == LITERAL_GLOB)
		text = glob_literal(text);
	if (kind == GUARD_EQUAL && text.len > GUARD_BYTES)
		kind = GUARD_PREFIX;
	if (text.len > GUARD_BYTES && kind == GUARD_SUFFIX)
		text = str_skip(text, text.len - GUARD_BYTES);
	text = str_cut(text, GUARD_BYTES);
	*ret = (struct guard_key){ .slot = n->left->cell, .kind = kind, .text = text };
	return text.len || kind == GUARD_EQUAL;
}

/* The keys of one check: at least one operand has to hold, whatever the modifier. -ENOENT: none. */
static int check_keys(const struct node *n, guard_fn fn, void *ctx)
{
	int kind = check_kind(n);
	struct guard_key key;

	if (kind == NO_GUARD)
		return -ENOENT;
	for (uint32_t i = 0; i < n->noperands; i++) {
		if (!operand_key(n, (enum guard_kind)kind, &n->operands[i], &key))
			return -ENOENT;
	}
	for (uint32_t i = 0; i < n->noperands; i++) {
		operand_key(n, (enum guard_kind)kind, &n->operands[i], &key);
		int r = fn(&key, ctx);
		if (r)
			return r;
	}
	return 0;
}

static int each(const struct node *n, guard_fn fn, void *ctx)
{
	int r = 0;

	if (n->kind == NODE_NOT)
		return 0;
	if (n->kind == NODE_CHECK) {
		r = check_keys(n, fn, ctx);
		return r == -ENOENT ? 0 : r;
	}
	for (uint32_t i = 0; r == 0 && i < n->nkids; i++)
		r = each(n->kids[i], fn, ctx);
	return r;
}

int guard_each(const struct cond *c, guard_fn fn, void *ctx)
{
	return each(&c->top, fn, ctx);
}

struct costing {
	guard_cost_fn cost;
	void *ctx;
	uint64_t sum;
};

static int add_cost(const struct guard_key *key, void *ctx)
{
	struct costing *c = ctx;

	c->sum += c->cost(key, c->ctx);
	return 0;
}

/* UINT64_MAX: no guard. */
static uint64_t node_cost(const struct node *n, guard_cost_fn cost, void *ctx)
{
	struct costing c = { .cost = cost, .ctx = ctx };
	uint64_t best = UINT64_MAX, sum = 0;

	switch (n->kind) {
	case NODE_NOT: return UINT64_MAX;
	case NODE_CHECK: return check_keys(n, add_cost, &c) ? UINT64_MAX : c.sum;
	case NODE_AND:
		for (uint32_t i = 0; i < n->nkids; i++) {
			uint64_t one = node_cost(n->kids[i], cost, ctx);

			best = one < best ? one : best;
		}
		return best;
	case NODE_OR:
		for (uint32_t i = 0; i < n->nkids; i++) {
			uint64_t one = node_cost(n->kids[i], cost, ctx);

			if (one == UINT64_MAX)
				return UINT64_MAX;
			sum += one;
		}
		return sum;
	}
	return UINT64_MAX;
}

static int emit(const struct node *n, guard_cost_fn cost, guard_fn fn, void *ctx)
{
	const struct node *best = NULL;
	uint64_t least = UINT64_MAX;
	int r = 0;

	if (n->kind == NODE_CHECK)
		return check_keys(n, fn, ctx);
	for (uint32_t i = 0; r == 0 && n->kind == NODE_OR && i < n->nkids; i++)
		r = emit(n->kids[i], cost, fn, ctx);
	if (n->kind == NODE_OR)
		return r;
	for (uint32_t i = 0; i < n->nkids; i++) {
		uint64_t one = node_cost(n->kids[i], cost, ctx);

		if (one < least) {
			least = one;
			best = n->kids[i];
		}
	}
	return best ? emit(best, cost, fn, ctx) : -ENOENT;
}

int guard_best(const struct cond *c, guard_cost_fn cost, guard_fn fn, void *ctx)
{
	if (node_cost(&c->top, cost, ctx) == UINT64_MAX)
		return -ENOENT;
	return emit(&c->top, cost, fn, ctx);
}
