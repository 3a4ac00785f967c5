/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trie of parts, the most shared ones next to its root, flattened: a gate is followed by what is behind it, and
 * knows where that ends. Parts of a single rule are left to the rule's own evaluation.
 */
#include "rule/gates.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/vec.h"
#include "filter/guard.h"

enum { MOST_PARTS = 12 }; /* of one rule, beyond which sharing gains little */

struct gate {
	const struct cond *part; /* NULL: always open */
	uint32_t end;		 /* the gate after everything behind this one */
	uint32_t rules, nrules;	 /* whose last gate this is */
	struct bitset events;	 /* of all rules behind it */
};

struct gates {
	struct gate *items;
	size_t n;
	const uint32_t *rules;
};

struct row { /* of one rule: its shared parts, as ranks, the most shared one first */
	uint32_t rule;
	uint32_t n;
	uint32_t parts[MOST_PARTS];
};

struct part {
	const struct cond *cond;
	uint32_t uses;
};

struct build {
	struct part *parts; /* by cond_id, later by rank */
	uint32_t *ranks;    /* by cond_id */
	struct row *row;
	VEC(struct row) rows;
	VEC(struct gate) gates;
	VEC(uint32_t) rules;
};

static int count_part(const struct cond *c, void *ctx)
{
	struct build *b = ctx;
	struct part *p = &b->parts[cond_id(c)];

	p->cond = c;
	p->uses++;
	return 0;
}

static int by_uses(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	if (x->uses != y->uses)
		return x->uses > y->uses ? -1 : 1;
	if (!x->uses)
		return 0;
	return cond_id(x->cond) < cond_id(y->cond) ? -1 : 1;
}

/* The ranks are inserted in order; of too many the most shared ones stay. */
static int note_part(const struct cond *c, void *ctx)
{
	struct build *b = ctx;
	struct row *row = b->row;
	uint32_t rank = b->ranks[cond_id(c)], at = 0;

	if (b->parts[rank].uses < 2)
		return 0;
	while (at < row->n && row->parts[at] < rank)
		at++;
	if (at == MOST_PARTS || (at < row->n && row->parts[at] == rank))
		return 0;
	if (row->n == MOST_PARTS)
		row->n--;
	memmove(&row->parts[at + 1], &row->parts[at], (row->n - at) * sizeof(row->parts[0]));
	row->parts[at] = rank;
	row->n++;
	return 0;
}

static int by_parts(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	for (uint32_t i = 0; i < x->n && i < y->n; i++)
		if (x->parts[i] != y->parts[i])
			return x->parts[i] < y->parts[i] ? -1 : 1;
	if (x->n != y->n)
		return x->n < y->n ? -1 : 1;
	return x->rule < y->rule ? -1 : 1;
}

static int make_rows(struct build *b, const struct program *p, const struct rule *const *rules,
		     size_t n, const uint64_t *wanted)
{
	for (size_t i = 0; i < n; i++)
		if (wanted[i / 64] >> i % 64 & 1)
			guard_parts(p, rules[i]->cond, count_part, b);
	qsort(b->parts, program_conds(p), sizeof(*b->parts), by_uses);
	for (uint32_t rank = 0; rank < program_conds(p) && b->parts[rank].uses; rank++)
		b->ranks[cond_id(b->parts[rank].cond)] = rank;
	for (size_t i = 0; i < n; i++) {
		if (!(wanted[i / 64] >> i % 64 & 1))
			continue;
		if (vec_push(&b->rows, (struct row){ .rule = (uint32_t)i }) < 0)
			return -ENOMEM;
		b->row = &b->rows.items[b->rows.n - 1];
		guard_parts(p, rules[i]->cond, note_part, b);
	}
	if (b->rows.n)
		qsort(b->rows.items, b->rows.n, sizeof(*b->rows.items), by_parts);
	return 0;
}

static int open_gate(struct build *b, const struct cond *part)
{
	return vec_push(&b->gates, (struct gate){ .part = part, .rules = (uint32_t)b->rules.n });
}

static int make_gates(struct build *b, const struct rule *const *rules)
{
	uint32_t path[MOST_PARTS +
		      1]; /* gates around the current row; the outermost is always open */
	const struct row *last = NULL;
	uint32_t depth = 0;

	vec_foreach (row, &b->rows) {
		uint32_t common = 0;

		while (last && common < last->n && common < row->n &&
		       last->parts[common] == row->parts[common])
			common++;
		for (; last && depth > common + 1; depth--)
			b->gates.items[path[depth - 1]].end = (uint32_t)b->gates.n;
		for (; depth < row->n + 1; depth++) {
			path[depth] = (uint32_t)b->gates.n;
			if (open_gate(b, depth ? b->parts[row->parts[depth - 1]].cond : NULL) < 0)
				return -ENOMEM;
		}
		if (vec_push(&b->rules, row->rule) < 0)
			return -ENOMEM;
		b->gates.items[path[depth - 1]].nrules++;
		for (uint32_t i = 0; i < depth; i++)
			bitset_or(&b->gates.items[path[i]].events, &rules[row->rule]->events);
		last = row;
	}
	while (depth)
		b->gates.items[path[--depth]].end = (uint32_t)b->gates.n;
	return 0;
}

int gates_build(const struct program *p, const struct rule *const *rules, size_t n,
		const uint64_t *wanted, struct arena *a, struct gates **ret)
{
	struct build b = { .parts = calloc(program_conds(p) + 1, sizeof(*b.parts)),
			   .ranks = calloc(program_conds(p) + 1, sizeof(*b.ranks)) };
	struct gates *g = arena_new(a, struct gates);
	int r = b.parts && b.ranks && g ? make_rows(&b, p, rules, n, wanted) : -ENOMEM;

	if (r == 0)
		r = make_gates(&b, rules);
	if (r == 0) {
		g->n = b.gates.n;
		g->items = arena_copy(a, b.gates.items, g->n, sizeof(*g->items));
		g->rules = arena_copy(a, b.rules.items, b.rules.n, sizeof(*g->rules));
		r = g->items && g->rules ? 0 : -ENOMEM;
	}
	if (r == 0)
		*ret = g;
	free(b.parts);
	free(b.ranks);
	vec_done(&b.rows);
	vec_done(&b.gates);
	vec_done(&b.rules);
	return r;
}

void gates_pass(const struct gates *g, unsigned code, struct eval *eval, uint64_t *ret_rules)
{
	for (size_t i = 0; i < g->n;) {
		const struct gate *gate = &g->items[i];

		if (!bitset_has(&gate->events, code) ||
		    (gate->part && !eval_cond(eval, gate->part))) {
			i = gate->end;
			continue;
		}
		for (uint32_t k = 0; k < gate->nrules; k++) {
			uint32_t rule = g->rules[gate->rules + k];

			ret_rules[rule / 64] |= UINT64_C(1) << rule % 64;
		}
		i++;
	}
}
