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

#include "base/cleanup.h"
#include "filter/guard.h"
#include "filter/set.h"
#include "rule/needles.h"

enum {
	LENGTH_WORDS = GUARD_BYTES / 64 + 1,
	SLOT_BITS = 64,
	SHARED_KEY = 32, /* rules, from which on a key tells little */
	LONG_KEY = 16,	 /* bytes, from which on a key that is no whole value is as good as one */
	SLOT_RULES = 3,	 /* that have to be found by a slot's value for looking it up to pay */
};

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

struct keys { /* of a slot */
	struct lengths lengths;
	struct needles *building;
	const struct needles_table *inside; /* NULL: none of that kind */
};

struct index {
	struct entry *entries;
	size_t cap, count;  /* power of two, at most half full */
	struct keys **keys; /* by slot; NULL: none */
	uint32_t nslots;
	const struct program *program;
	const struct posting *
		*filed; /* by rule: its slots, as postings of slot numbers; NULL: none */
	struct arena *arena;
	/* While it is built: */
	const struct rule *filing;
	uint32_t *part_uses;  /* by cond_id */
	uint64_t most_uses;   /* of one key of a rule */
	bool shares;	      /* a rule has a part that many have */
	uint32_t *slot_rules; /* filed if all keys were allowed */
	uint32_t slot_of;     /* the key noted last */
	bool counting;
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

/* The type of an event is in no key: rules are sorted by that already. Short texts are found in most values. */
static uint64_t key_cost(const struct guard_key *key, void *ctx)
{
	const struct index *x = ctx;
	uint64_t vague = 0;

	if (program_slot_ref(x->program, key->slot)->def->flags & FIELD_EVT_TYPE ||
	    (!x->counting && x->slot_rules[key->slot] < SLOT_RULES))
		return UINT64_MAX;
	if (key->kind != GUARD_EQUAL && key->text.len < LONG_KEY)
		vague = LONG_KEY - key->text.len;
	return entry_find(x, hash_key(key))->uses * LONG_KEY + vague;
}

static int note_uses(const struct guard_key *key, void *ctx)
{
	struct index *x = ctx;
	uint64_t uses = entry_find(x, hash_key(key))->uses;

	x->most_uses = uses > x->most_uses ? uses : x->most_uses;
	return 0;
}

static int note_slot(const struct guard_key *key, void *ctx)
{
	struct index *x = ctx;

	if (x->slot_of != key->slot)
		x->slot_rules[key->slot]++;
	x->slot_of = key->slot;
	return 0;
}

static int count_part(const struct cond *part, void *ctx)
{
	struct index *x = ctx;

	x->part_uses[cond_id(part)]++;
	return 0;
}

static int note_part(const struct cond *part, void *ctx)
{
	struct index *x = ctx;

	x->shares = x->shares || x->part_uses[cond_id(part)] > SHARED_KEY;
	return 0;
}

/* Whether gates find the rule at less cost than its keys would. */
static bool better_gated(struct index *x, const struct rule *rule)
{
	x->most_uses = 0;
	x->shares = false;
	guard_best(rule->cond, key_cost, note_uses, x);
	if (x->most_uses > SHARED_KEY)
		guard_parts(x->program, rule->cond, note_part, x);
	return x->shares;
}

static void note_length(struct lengths *l, const struct guard_key *key)
{
	l->has[key->kind][key->text.len / 64] |= UINT64_C(1) << key->text.len % 64;
	if (key->text.len > l->longest[key->kind])
		l->longest[key->kind] = (uint16_t)key->text.len;
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
	struct keys **keys = &x->keys[key->slot];
	int r;

	if (!*keys)
		*keys = arena_new(x->arena, struct keys);
	if (!*keys)
		return -ENOMEM;
	if (key->kind == GUARD_INSIDE) {
		if (!(*keys)->building)
			(*keys)->building = needles_new();
		r = (*keys)->building ? needles_add((*keys)->building, key->text, x->filing->index)
				      : -ENOMEM;
	} else {
		note_length(&(*keys)->lengths, key);
		r = push(x, &entry_find(x, hash_key(key))->rules, x->filing->index);
	}
	return r < 0 ? r : push(x, &x->filed[x->filing->index], key->slot);
}

static bool is_asked(const struct rule *rule)
{
	return rule->enabled && !rule->repeats;
}

static int file_rules(struct index *x, const struct rule *const *rules, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		if (!is_asked(rules[i]))
			continue;
		r = guard_each(rules[i]->cond, count_key, x);
		guard_parts(x->program, rules[i]->cond, count_part, x);
	}
	x->counting = true;
	for (size_t i = 0; r == 0 && i < n; i++) {
		x->slot_of = x->nslots;
		if (is_asked(rules[i]) && !better_gated(x, rules[i]))
			guard_best(rules[i]->cond, key_cost, note_slot, x);
	}
	x->counting = false;
	for (size_t i = 0; r == 0 && i < n; i++) {
		x->filing = rules[i];
		if (is_asked(rules[i]) && !better_gated(x, rules[i]))
			r = guard_best(rules[i]->cond, key_cost, file_key, x);
		if (r == -ENOENT)
			r = 0;
	}
	for (uint32_t i = 0; i < x->nslots; i++) {
		struct keys *k = x->keys[i];

		if (!k || !k->building)
			continue;
		if (r == 0)
			k->inside = needles_seal(k->building, x->arena);
		if (r == 0 && !k->inside)
			r = -ENOMEM;
		k->building = needles_free(k->building);
	}
	return r;
}

/* The table grows by doubling on the heap; what stays goes where the ruleset is. */
static int keep_entries(struct index *x)
{
	struct entry *kept = arena_copy(x->arena, x->entries, x->cap, sizeof(*kept));

	free(x->entries);
	x->entries = kept;
	return kept ? 0 : -ENOMEM;
}

int index_build(const struct program *p, const struct rule *const *rules, size_t n, struct arena *a,
		struct index **ret)
{
	struct index *x = arena_new(a, struct index);

	if (!x)
		return -ENOMEM;
	x->program = p;
	x->arena = a;
	x->nslots = (uint32_t)program_slots(p);
	x->keys = arena_array(a, x->nslots + 1, sizeof(*x->keys));
	x->filed = arena_array(a, n + 1, sizeof(*x->filed));
	x->part_uses = calloc(program_conds(p) + 1, sizeof(*x->part_uses));
	x->slot_rules = calloc(x->nslots + 1, sizeof(*x->slot_rules));
	int r = x->keys && x->filed && x->part_uses && x->slot_rules && grow(x) == 0
			? file_rules(x, rules, n)
			: -ENOMEM;
	free(TAKE(x->part_uses));
	free(TAKE(x->slot_rules));
	if (keep_entries(x) < 0)
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
	const struct lengths *l = &x->keys[slot]->lengths;
	size_t end = v.len < l->longest[kind] ? v.len : l->longest[kind];
	uint64_t h = hash_begin(slot, kind);

	for (size_t i = 0; i < end; i++) {
		h = hash_step(h, v.ptr[kind == GUARD_SUFFIX ? v.len - 1 - i : i]);
		if (has_length(l, kind, i + 1))
			take(x, h, rules);
	}
}

static void look_up(const struct index *x, uint32_t slot, enum value_type type,
		    const struct value *value, uint64_t *rules)
{
	const struct keys *k = x->keys[slot];
	char buf[MEMBER_BYTES];
	struct str v = member_key(type, value, buf);

	if (v.len <= GUARD_BYTES && has_length(&k->lengths, GUARD_EQUAL, v.len))
		take(x, hash_key(&(struct guard_key){ slot, GUARD_EQUAL, v }), rules);
	if (type != VT_STRING && type != VT_BYTES)
		return;
	look_along(x, slot, GUARD_PREFIX, v, rules);
	look_along(x, slot, GUARD_SUFFIX, v, rules);
	if (k->inside)
		needles_find(k->inside, v, rules);
}

void index_lookup(const struct index *x, uint32_t slot, const struct value *value,
		  uint64_t *ret_rules)
{
	const struct field_ref *ref = program_slot_ref(x->program, slot);

	if (!x->keys[slot])
		return;
	if (!ref->list && ref->match == MATCH_ONE) {
		look_up(x, slot, ref->type, value, ret_rules);
		return;
	}
	for (uint32_t i = 0; i < value->list.n; i++)
		look_up(x, slot, ref->type, &value->list.items[i], ret_rules);
}
