/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table from (slot, kind, hash of the key's text) to the rules filed there. A value is hashed once from its
 * beginning and once from its end; at every length that some key of the slot has, the table is asked. Two texts of the
 * same hash only cost an evaluation: the condition decides. The hash needs no secret: the table's content comes
 * from the rules, and values only read it.
 */
#include "rule/index.h"

#include <errno.h>
#include <stdlib.h>

#include "filter/guard.h"

enum { LENGTH_WORDS = GUARD_BYTES / 64 + 1, SLOT_BITS = 64 };

struct posting {
	uint32_t rule; /* its index */
	const struct posting *next;
};

struct entry {
	uint64_t hash; /* of slot, kind and text */
	uint64_t uses; /* in all conditions; 0: free */
	const struct posting *rules;
};

struct lengths { /* of the keys of a slot, by kind */
	uint64_t has[GUARD_KINDS][LENGTH_WORDS];
	uint16_t longest[GUARD_KINDS];
};

struct index {
	struct entry *entries;
	size_t cap, count;	/* power of two, at most half full */
	struct lengths **slots; /* by slot; NULL: no keys */
	uint32_t nslots;
	const struct posting *
		*filed; /* by rule: its slots, as postings of slot numbers; NULL: none */
	struct arena *arena;
	const struct rule *filing;
};

static uint64_t hash_begin(uint32_t slot, enum guard_kind kind)
{
	return (UINT64_C(0xcbf29ce484222325) ^ (slot * GUARD_KINDS + (uint64_t)kind)) *
	       UINT64_C(0x100000001b3);
}

static uint64_t hash_step(uint64_t h, char c)
{
	return (h ^ (unsigned char)c) * UINT64_C(0x100000001b3);
}

static uint64_t hash_key(const struct guard_key *k)
{
	uint64_t h = hash_begin(k->slot, k->kind);

	for (size_t i = 0; i < k->text.len; i++)
		h = hash_step(h, k->text.ptr[k->kind == GUARD_SUFFIX ? k->text.len - 1 - i : i]);
	return h;
}

static struct entry *entry_find(const struct index *x, uint64_t hash)
{
	size_t at = (hash ^ hash >> 32) & (x->cap - 1);

	while (x->entries[at].uses && x->entries[at].hash != hash)
		at = (at + 1) & (x->cap - 1);
	return &x->entries[at];
}

static int grow(struct index *x)
{
	struct index old = *x;

	x->cap = old.cap ? old.cap * 2 : 64;
	x->entries = calloc(x->cap, sizeof(*x->entries));
	if (!x->entries) {
		*x = old;
		return -ENOMEM;
	}
	for (size_t i = 0; i < old.cap; i++) {
		if (old.entries[i].uses)
			*entry_find(x, old.entries[i].hash) = old.entries[i];
	}
	free(old.entries);
	return 0;
}

static int count_key(const struct guard_key *key, void *ctx)
{
	struct index *x = ctx;
	uint64_t hash = hash_key(key);

	if (2 * (x->count + 1) > x->cap && grow(x) < 0)
		return -ENOMEM;
	struct entry *e = entry_find(x, hash);
	x->count += e->uses == 0;
	e->hash = hash;
	e->uses++;
	return 0;
}

static uint64_t key_cost(const struct guard_key *key, void *ctx)
{
	return entry_find(ctx, hash_key(key))->uses;
}

static int note_length(struct index *x, const struct guard_key *key)
{
	struct lengths *l = x->slots[key->slot];

	if (!l)
		l = x->slots[key->slot] = arena_new(x->arena, struct lengths);
	if (!l)
		return -ENOMEM;
	l->has[key->kind][key->text.len / 64] |= UINT64_C(1) << key->text.len % 64;
	if (key->text.len > l->longest[key->kind])
		l->longest[key->kind] = (uint16_t)key->text.len;
	return 0;
}

static int push(struct index *x, const struct posting **list, uint32_t number)
{
	if (*list && (*list)->rule == number)
		return 0;
	struct posting *p = arena_new(x->arena, struct posting);
	if (!p)
		return -ENOMEM;
	*p = (struct posting){ .rule = number, .next = *list };
	*list = p;
	return 0;
}

static int file_key(const struct guard_key *key, void *ctx)
{
	struct index *x = ctx;
	int r = note_length(x, key);

	if (r == 0)
		r = push(x, &entry_find(x, hash_key(key))->rules, x->filing->index);
	if (r == 0)
		r = push(x, &x->filed[x->filing->index], key->slot);
	return r;
}

static int file_rules(struct index *x, const struct rule *const *rules, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = rules[i]->enabled ? guard_each(rules[i]->cond, count_key, x) : 0;
	for (size_t i = 0; r == 0 && i < n; i++) {
		x->filing = rules[i];
		if (rules[i]->enabled)
			r = guard_best(rules[i]->cond, key_cost, file_key, x);
		if (r == -ENOENT)
			r = 0;
	}
	return r;
}

int index_build(const struct program *p, const struct rule *const *rules, size_t n, struct arena *a,
		struct index **ret)
{
	struct index *x = arena_new(a, struct index);

	if (!x)
		return -ENOMEM;
	x->arena = a;
	x->nslots = (uint32_t)program_slots(p);
	x->slots = arena_array(a, x->nslots + 1, sizeof(struct lengths *));
	x->filed = arena_array(a, n + 1, sizeof(struct posting *));
	int r = x->slots && x->filed && grow(x) == 0 ? file_rules(x, rules, n) : -ENOMEM;
	/* The table grows by doubling on the heap; what stays goes where the ruleset is. */
	struct entry *kept = r == 0 ? arena_array(a, x->cap, sizeof(*kept)) : NULL;
	if (kept)
		memcpy(kept, x->entries, x->cap * sizeof(*kept));
	free(x->entries);
	x->entries = kept;
	if (r == 0 && !kept)
		r = -ENOMEM;
	if (r == 0)
		*ret = x;
	return r;
}

bool index_has(const struct index *x, const struct rule *rule)
{
	return x->filed[rule->index] != NULL;
}

void index_rule_slots(const struct index *x, const struct rule *rule, uint64_t *set)
{
	for (const struct posting *p = x->filed[rule->index]; p; p = p->next)
		set[p->rule / SLOT_BITS] |= UINT64_C(1) << p->rule % SLOT_BITS;
}

static void take(const struct index *x, uint64_t hash, uint64_t *rules)
{
	for (const struct posting *p = entry_find(x, hash)->rules; p; p = p->next)
		rules[p->rule / 64] |= UINT64_C(1) << p->rule % 64;
}

static bool has_length(const struct lengths *l, enum guard_kind kind, size_t len)
{
	return l->has[kind][len / 64] >> len % 64 & 1;
}

/* Keys of one kind that begin (or, backwards, end) the value. */
static void look_along(const struct index *x, uint32_t slot, enum guard_kind kind, struct str v,
		       uint64_t *rules)
{
	const struct lengths *l = x->slots[slot];
	size_t end = v.len < l->longest[kind] ? v.len : l->longest[kind];
	uint64_t h = hash_begin(slot, kind);

	for (size_t i = 0; i < end; i++) {
		h = hash_step(h, v.ptr[kind == GUARD_SUFFIX ? v.len - 1 - i : i]);
		if (has_length(l, kind, i + 1))
			take(x, h, rules);
	}
}

void index_lookup(const struct index *x, uint32_t slot, struct str v, uint64_t *ret_rules)
{
	const struct lengths *l = x->slots[slot];

	if (!l)
		return;
	look_along(x, slot, GUARD_PREFIX, v, ret_rules);
	look_along(x, slot, GUARD_SUFFIX, v, ret_rules);
	if (v.len <= GUARD_BYTES && has_length(l, GUARD_EQUAL, v.len))
		take(x, hash_key(&(struct guard_key){ slot, GUARD_EQUAL, v }), ret_rules);
}
