/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A check of one field against constants gives keys. Of a conjunction any part will do, so the cheapest is
 * taken; of a disjunction every part has to have one; a negation has none. Depth is that of the condition, which the
 * parser bounds.
 */
#include "filter/guard.h"

#include <errno.h>

#include "base/cleanup.h"
#include "filter/glob.h"
#include "filter/program.h"

/* ---- the keys of one operand: each of them has to hold where the operator does ---- */

static int emit_text(const struct node *n, enum guard_kind kind, struct str text, guard_fn fn,
		     void *ctx)
{
	struct guard_key key = { .slot = n->left->cell, .kind = kind, .text = text };

	if (!text.len && kind != GUARD_EQUAL)
		return 0; /* true of anything */
	if (text.len > GUARD_BYTES && kind == GUARD_EQUAL)
		key.kind = GUARD_PREFIX;
	if (text.len > GUARD_BYTES && kind == GUARD_SUFFIX)
		key.text = str_skip(text, text.len - GUARD_BYTES);
	key.text = str_cut(key.text, GUARD_BYTES);
	return fn(&key, ctx);
}

static int equal_keys(const struct node *n, const struct operand *o, guard_fn fn, void *ctx)
{
	char buf[MEMBER_BYTES];

	return emit_text(n, GUARD_EQUAL, member_key(n->left->type.type, &o->value, buf), fn, ctx);
}

static int prefix_keys(const struct node *n, const struct operand *o, guard_fn fn, void *ctx)
{
	return emit_text(n, GUARD_PREFIX, o->value.s, fn, ctx);
}

static int suffix_keys(const struct node *n, const struct operand *o, guard_fn fn, void *ctx)
{
	return emit_text(n, GUARD_SUFFIX, o->value.s, fn, ctx);
}

static int inside_keys(const struct node *n, const struct operand *o, guard_fn fn, void *ctx)
{
	return emit_text(n, GUARD_INSIDE, o->value.s, fn, ctx);
}

/*
 * The plain runs of a pattern, up to the first bracket or backslash. The last one is no suffix: the operator sees
 * a value only up to its first NUL.
 */
static int glob_keys(const struct node *n, const struct operand *o, guard_fn fn, void *ctx)
{
	struct str pattern = o->value.s;
	int r = 0;

	for (size_t at = 0, end; r == 0 && at < pattern.len; at = end + 1) {
		for (end = at; end < pattern.len && !memchr("*?[]\\", pattern.ptr[end], 5);)
			end++;
		r = emit_text(n, at ? GUARD_INSIDE : GUARD_PREFIX,
			      (struct str){ pattern.ptr + at, end - at }, fn, ctx);
		if (end < pattern.len && pattern.ptr[end] != '*' && pattern.ptr[end] != '?')
			break;
	}
	return r;
}

/* The plain components of a path; how many slashes are between those of a value does not matter. */
static int path_keys(const struct node *n, const struct operand *o, guard_fn fn, void *ctx)
{
	struct str path = o->value.s, part;
	int r = 0;

	while (r == 0 && str_split(&path, '/', &part))
		if (!glob_is_pattern(part))
			r = emit_text(n, GUARD_INSIDE, part, fn, ctx);
	return r;
}

typedef int (*operand_fn)(const struct node *n, const struct operand *o, guard_fn fn, void *ctx);

/* ---- checks ---- */

/* How the check gives keys; NULL: it gives none. */
static operand_fn keys_of(const struct node *n)
{
	static const struct {
		const char *op;
		operand_fn fn;
	} rows[] = {
		{ "=", equal_keys },	       { "==", equal_keys },
		{ "in", equal_keys },	       { "intersects", equal_keys },
		{ "startswith", prefix_keys }, { "bstartswith", prefix_keys },
		{ "endswith", suffix_keys },   { "contains", inside_keys },
		{ "bcontains", inside_keys },  { "glob", glob_keys },
		{ "pmatch", path_keys },
	};
	enum value_type type = n->left->type.type;

	if (n->left->kind != VEXPR_SLOT || n->right || type == VT_IPNET || type == VT_DOUBLE ||
	    type == VT_BOOL)
		return NULL;
	/* An empty list is in every set. */
	if (n->left->type.list && n->op->kind != OP_INTERSECTS)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(n->op->name, rows[i].op) == 0)
			return rows[i].fn;
	return NULL;
}

static int each(const struct node *n, guard_fn fn, void *ctx)
{
	int r = 0;

	if (n->kind == NODE_NOT)
		return 0;
	if (n->kind == NODE_CHECK) {
		operand_fn keys = keys_of(n);

		for (uint32_t i = 0; r == 0 && keys && i < n->noperands; i++)
			r = keys(n, &n->operands[i], fn, ctx);
		return r;
	}
	for (uint32_t i = 0; r == 0 && i < n->nkids; i++)
		r = each(n->kids[i], fn, ctx);
	return r;
}

int guard_each(const struct cond *c, guard_fn fn, void *ctx)
{
	return each(&c->top, fn, ctx);
}

/* ---- the cheapest ---- */

struct choice { /* among the keys of one operand */
	guard_cost_fn cost;
	void *ctx;
	uint64_t least; /* UINT64_MAX: none yet */
	struct guard_key key;
	char text[MEMBER_BYTES];
};

static int choose(const struct guard_key *key, void *ctx)
{
	struct choice *c = ctx;
	uint64_t one = c->cost(key, c->ctx);

	if (one >= c->least)
		return 0;
	c->least = one;
	c->key = *key;
	if (key->text.len <= MEMBER_BYTES) {
		if (key->text.len)
			memcpy(c->text, key->text.ptr, key->text.len);
		c->key.text.ptr = c->text;
	}
	return 0;
}

static uint64_t add_costs(uint64_t a, uint64_t b)
{
	return a == UINT64_MAX || b > UINT64_MAX - a ? UINT64_MAX : a + b;
}

/* At least one operand has to hold, whatever the modifier. */
static uint64_t check_cost(const struct node *n, guard_cost_fn cost, void *ctx)
{
	operand_fn keys = keys_of(n);
	uint64_t sum = keys ? 0 : UINT64_MAX;

	for (uint32_t i = 0; keys && i < n->noperands; i++) {
		struct choice c = { .cost = cost, .ctx = ctx, .least = UINT64_MAX };

		keys(n, &n->operands[i], choose, &c);
		sum = add_costs(sum, c.least);
	}
	return sum;
}

/* UINT64_MAX: no guard. */
static uint64_t node_cost(const struct node *n, guard_cost_fn cost, void *ctx)
{
	uint64_t best = UINT64_MAX, sum = 0;

	switch (n->kind) {
	case NODE_NOT: return UINT64_MAX;
	case NODE_CHECK: return check_cost(n, cost, ctx);
	case NODE_AND:
		for (uint32_t i = 0; i < n->nkids; i++) {
			uint64_t one = node_cost(n->kids[i], cost, ctx);

			best = one < best ? one : best;
		}
		return best;
	case NODE_OR:
		for (uint32_t i = 0; i < n->nkids; i++)
			sum = add_costs(sum, node_cost(n->kids[i], cost, ctx));
		return sum;
	}
	return UINT64_MAX;
}

uint64_t guard_cost(const struct cond *c, guard_cost_fn cost, void *ctx)
{
	return node_cost(&c->top, cost, ctx);
}

static int emit_check(const struct node *n, guard_cost_fn cost, guard_fn fn, void *ctx)
{
	operand_fn keys = keys_of(n);
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < n->noperands; i++) {
		struct choice c = { .cost = cost, .ctx = ctx, .least = UINT64_MAX };

		keys(n, &n->operands[i], choose, &c);
		r = fn(&c.key, ctx);
	}
	return r;
}

/* The node has a guard. */
static int emit(const struct node *n, guard_cost_fn cost, guard_fn fn, void *ctx)
{
	const struct node *best = NULL;
	uint64_t least = UINT64_MAX;
	int r = 0;

	if (n->kind == NODE_CHECK)
		return emit_check(n, cost, fn, ctx);
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
	if (guard_cost(c, cost, ctx) == UINT64_MAX)
		return -ENOENT;
	return emit(&c->top, cost, fn, ctx);
}

/* ---- parts ---- */

static bool is_event_type(const struct program *p, const struct node *n)
{
	return n->kind == NODE_CHECK && n->left->kind == VEXPR_SLOT &&
	       p->slots.items[n->left->cell].ref.def->flags & FIELD_EVT_TYPE;
}

int guard_parts(const struct program *p, const struct cond *c, guard_part_fn fn, void *ctx)
{
	const struct node *n = &c->top;
	int r = 0;

	if (n->kind != NODE_AND)
		return is_event_type(p, n) ? 0 : fn(c, ctx);
	for (uint32_t i = 0; r == 0 && i < n->nkids; i++)
		r = guard_parts(p, (const struct cond *)n->kids[i], fn, ctx);
	return r;
}

uint32_t cond_id(const struct cond *c)
{
	return c->top.id;
}

uint32_t program_conds(const struct program *p)
{
	return p->nnodes;
}
