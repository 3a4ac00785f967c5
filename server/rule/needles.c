/* SPDX-License-Identifier: Apache-2.0 */
/*
 * States are the beginnings of texts, 0 is the empty one. Edges are in one hash table, as most states have one; those
 * of state 0, which nearly every byte asks for, in an array. A byte follows at most as many links to shorter states
 * as earlier bytes made the state longer.
 */
#include "rule/needles.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/vec.h"

struct number {
	uint32_t number;
	uint32_t next; /* + 1; 0: the last one */
};

struct state {
	uint32_t fail;	  /* the longest other state that ends this one */
	uint32_t hit;	  /* the longest one on the way of those links that is a text; 0: none */
	uint32_t numbers; /* + 1; 0: no text ends here */
};

struct edge {
	uint32_t from, to; /* to 0: free */
	unsigned char byte;
};

/* What is needed only until the table is made. */
struct build {
	uint32_t parent;
	unsigned char byte;
};

struct needles_table {
	uint32_t first[256]; /* edges of state 0 */
	const struct state *states;
	const struct number *numbers;
	struct edge *edges;
	size_t cap; /* power of two, at most half full */
};

struct needles {
	struct needles_table t; /* its edges are on the heap */
	size_t nedges;
	VEC(struct state) states;
	VEC(struct build) builds;
	VEC(struct number) numbers;
};

struct needles *needles_new(void)
{
	struct needles *n = calloc(1, sizeof(*n));

	if (n && (vec_push(&n->states, (struct state){ 0 }) < 0 ||
		  vec_push(&n->builds, (struct build){ 0 }) < 0))
		return needles_free(n);
	return n;
}

struct needles *needles_free(struct needles *n)
{
	if (!n)
		return NULL;
	vec_done(&n->states);
	vec_done(&n->builds);
	vec_done(&n->numbers);
	free(n->t.edges);
	free(n);
	return NULL;
}

static struct edge *edge_find(const struct needles_table *t, uint32_t from, unsigned char byte)
{
	uint64_t h = ((uint64_t)from << 8 | byte) * UINT64_C(0x9e3779b97f4a7c15);
	size_t at = (h >> 32) & (t->cap - 1);

	while (t->edges[at].to && (t->edges[at].from != from || t->edges[at].byte != byte))
		at = (at + 1) & (t->cap - 1);
	return &t->edges[at];
}

/* 0: there is no such edge. */
static uint32_t step(const struct needles_table *t, uint32_t from, unsigned char byte)
{
	return !from ? t->first[byte] : t->cap ? edge_find(t, from, byte)->to : 0;
}

static int grow(struct needles *n)
{
	struct needles_table old = n->t;

	n->t.cap = old.cap ? old.cap * 2 : 64;
	n->t.edges = calloc(n->t.cap, sizeof(*n->t.edges));
	if (!n->t.edges) {
		n->t = old;
		return -ENOMEM;
	}
	for (size_t i = 0; i < old.cap; i++)
		if (old.edges[i].to)
			*edge_find(&n->t, old.edges[i].from, old.edges[i].byte) = old.edges[i];
	free(old.edges);
	return 0;
}

/* 0: memory. */
static uint32_t make_step(struct needles *n, uint32_t from, unsigned char byte)
{
	uint32_t to = step(&n->t, from, byte);

	if (to)
		return to;
	if (2 * (n->nedges + 1) > n->t.cap && grow(n) < 0)
		return 0;
	to = (uint32_t)n->states.n;
	if (vec_push(&n->builds, (struct build){ from, byte }) < 0)
		return 0;
	if (vec_push(&n->states, (struct state){ 0 }) < 0) {
		n->builds.n--;
		return 0;
	}
	if (!from) {
		n->t.first[byte] = to;
		return to;
	}
	*edge_find(&n->t, from, byte) = (struct edge){ from, to, byte };
	n->nedges++;
	return to;
}

int needles_add(struct needles *n, struct str text, uint32_t number)
{
	uint32_t at = 0;

	for (size_t i = 0; i < text.len; i++) {
		at = make_step(n, at, (unsigned char)text.ptr[i]);
		if (!at)
			return -ENOMEM;
	}
	struct state *s = &n->states.items[at];
	if (vec_push(&n->numbers, (struct number){ number, s->numbers }) < 0)
		return -ENOMEM;
	s->numbers = (uint32_t)n->numbers.n;
	return 0;
}

/* The state after byte, for those that are linked already. */
static uint32_t follow(const struct needles_table *t, const struct state *states, uint32_t at,
		       unsigned char byte)
{
	uint32_t to;

	while ((to = step(t, at, byte)) == 0 && at)
		at = states[at].fail;
	return to;
}

/*
 * Links of one length after the other. A state is numbered after the one it extends, but texts of any length come
 * in any order, so lengths are counted first.
 */
static int link_states(struct needles *n)
{
	size_t count = n->states.n;
	_cleanup_(freep) uint32_t *length = calloc(count, sizeof(*length));
	_cleanup_(freep) uint32_t *order = calloc(count, sizeof(*order));
	_cleanup_(freep) size_t *starts = calloc(count + 1, sizeof(*starts));

	if (!length || !order || !starts)
		return -ENOMEM;
	for (size_t i = 1; i < count; i++) {
		length[i] = length[n->builds.items[i].parent] + 1;
		starts[length[i]]++;
	}
	for (size_t i = 1, at = 0; i <= count; i++) {
		size_t here = starts[i];

		starts[i] = at;
		at += here;
	}
	for (size_t i = 1; i < count; i++)
		order[starts[length[i]]++] = (uint32_t)i;
	for (size_t i = 0; i + 1 < count; i++) {
		struct state *s = &n->states.items[order[i]];
		const struct build *b = &n->builds.items[order[i]];

		if (b->parent)
			s->fail = follow(&n->t, n->states.items, n->states.items[b->parent].fail,
					 b->byte);
		const struct state *fail = &n->states.items[s->fail];
		s->hit = fail->numbers ? s->fail : fail->hit;
	}
	return 0;
}

const struct needles_table *needles_seal(struct needles *n, struct arena *a)
{
	struct needles_table *t = arena_new(a, struct needles_table);

	if (!t || link_states(n) < 0)
		return NULL;
	*t = n->t;
	t->edges = arena_copy(a, n->t.edges, n->t.cap, sizeof(*t->edges));
	t->states = arena_copy(a, n->states.items, n->states.n, sizeof(*t->states));
	t->numbers = arena_copy(a, n->numbers.items, n->numbers.n, sizeof(*t->numbers));
	return t->edges && t->states && t->numbers ? t : NULL;
}

void needles_find(const struct needles_table *t, struct str where, uint64_t *ret_numbers)
{
	uint32_t at = 0;

	for (size_t i = 0; i < where.len; i++) {
		at = follow(t, t->states, at, (unsigned char)where.ptr[i]);
		uint32_t hit = t->states[at].numbers ? at : t->states[at].hit;

		for (; hit; hit = t->states[hit].hit)
			for (uint32_t k = t->states[hit].numbers; k; k = t->numbers[k - 1].next)
				ret_numbers[t->numbers[k - 1].number / 64] |=
					UINT64_C(1) << t->numbers[k - 1].number % 64;
	}
}
