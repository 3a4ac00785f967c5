/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A finished ruleset is read by the engine without a lock. Rules are grouped by event code beforehand, so
 * that an event costs nothing for rules that are about other events.
 */
#include "rule/ruleset.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "filter/guard.h"
#include "rule/gates.h"
#include "rule/index.h"
#include "rule/ruleset_impl.h"

enum {
	INDEX_RULES = 8
}; /* candidates of an event above which looking values up is cheaper, as measured */

static const char *const priorities[] = { "Emergency", "Alert",	 "Critical",	  "Error",
					  "Warning",   "Notice", "Informational", "Debug" };

const char *priority_name(enum priority p)
{
	return (size_t)p < ARRAY_SIZE(priorities) ? priorities[p] : "Debug";
}

int priority_parse(struct str s, enum priority *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(priorities); i++)
		if (str_ieq(s, str_of(priorities[i]))) {
			*ret = (enum priority)i;
			return 0;
		}
	if (!str_ieq(s, STR("info")))
		return -EINVAL;
	*ret = PRIORITY_INFORMATIONAL;
	return 0;
}

struct ruleset *ruleset_new(const struct catalogue *c, size_t n)
{
	struct ruleset *rs = calloc(1, sizeof(*rs));

	if (!rs)
		return NULL;
	atomic_init(&rs->refs, 1);
	rs->program = program_new(c);
	rs->rules = arena_array(&rs->arena, n + 1, sizeof(struct rule *));
	if (!rs->program || !rs->rules)
		return ruleset_unref(rs);
	return rs;
}

struct ruleset *ruleset_ref(struct ruleset *rs)
{
	atomic_fetch_add_explicit(&rs->refs, 1, memory_order_relaxed);
	return rs;
}

struct ruleset *ruleset_unref(struct ruleset *rs)
{
	if (!rs || atomic_fetch_sub_explicit(&rs->refs, 1, memory_order_acq_rel) != 1)
		return NULL;
	program_free(rs->program);
	vec_done(&rs->host_names);
	arena_done(&rs->arena);
	free(rs);
	return NULL;
}

static size_t words(size_t bits)
{
	return (bits + 63) / 64;
}

/* What an event of these rules has to look up. */
static int candidates_index(struct ruleset *rs, struct rule_list *list)
{
	size_t nslots = program_slots(rs->program);
	uint64_t *used = arena_array(&rs->arena, words(nslots) + 1, sizeof(*used));
	uint32_t *slots;
	size_t n = 0;

	if (!used)
		return -ENOMEM;
	for (size_t i = 0; i < list->n; i++)
		index_rule_slots(rs->index, list->items[i], used);
	for (size_t i = 0; i < words(nslots); i++)
		n += (size_t)__builtin_popcountll(used[i]);
	slots = arena_array(&rs->arena, n + 1, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (uint32_t slot = 0; slot < nslots; slot++)
		if (used[slot / 64] >> slot % 64 & 1)
			slots[list->nslots++] = slot;
	list->slots = slots;
	list->many = true;
	return 0;
}

static bool is_candidate(const struct rule *rule, size_t code)
{
	return rule->enabled && !rule->repeats && bitset_has(&rule->events, code);
}

static int candidates_make(struct ruleset *rs, size_t code)
{
	struct rule_list *list = &rs->candidates[code];
	size_t n = 0;

	for (size_t i = 0; i < rs->nrules; i++)
		n += is_candidate(rs->rules[i], code);
	if (!n)
		return 0;
	list->items = arena_array(&rs->arena, n, sizeof(*list->items));
	if (!list->items)
		return -ENOMEM;
	for (size_t i = 0; i < rs->nrules; i++)
		if (is_candidate(rs->rules[i], code))
			list->items[list->n++] = rs->rules[i];
	return n > INDEX_RULES ? candidates_index(rs, list) : 0;
}

/* Conditions that are the same are one object. */
static int find_repeats(struct ruleset *rs)
{
	_cleanup_(freep) struct rule **last = calloc(program_conds(rs->program) + 1,
						     sizeof(struct rule *));

	if (!last)
		return -ENOMEM;
	for (size_t i = 0; i < rs->nrules; i++) {
		struct rule *rule = rs->rules[i];

		if (!rule->enabled)
			continue;
		struct rule **before = &last[cond_id(rule->cond)];

		rule->repeats = *before != NULL;
		if (*before)
			(*before)->same = rule;
		*before = rule;
	}
	return 0;
}

/* The rules that are in no index. */
static int make_gates(struct ruleset *rs)
{
	_cleanup_(freep) uint64_t *rest = calloc(words(rs->nrules) + 1, sizeof(*rest));

	if (!rest)
		return -ENOMEM;
	for (size_t i = 0; i < rs->nrules; i++) {
		const struct rule *rule = rs->rules[i];

		if (rule->enabled && !rule->repeats && !index_has(rs->index, rule))
			rest[i / 64] |= UINT64_C(1) << i % 64;
	}
	return gates_build(rs->program, (const struct rule *const *)rs->rules, rs->nrules, rest,
			   &rs->arena, &rs->gates);
}

int ruleset_finish(struct ruleset *rs)
{
	int rc = program_seal(rs->program);

	if (rc < 0)
		return rc;
	rs->ncodes = program_catalogue(rs->program)->nevents;
	if (rs->ncodes > BITSET_BITS)
		rs->ncodes = BITSET_BITS;
	rs->candidates = arena_array(&rs->arena, rs->ncodes + 1, sizeof(*rs->candidates));
	if (!rs->candidates)
		return -ENOMEM;
	rs->events = (struct bitset){ 0 };
	for (size_t i = 0; i < rs->nrules; i++)
		if (rs->rules[i]->enabled)
			bitset_or(&rs->events, &rs->rules[i]->events);
	rc = find_repeats(rs);
	if (rc == 0)
		rc = index_build(rs->program, (const struct rule *const *)rs->rules, rs->nrules,
				 &rs->arena, &rs->index);
	if (rc == 0)
		rc = make_gates(rs);
	for (size_t code = 0; rc == 0 && code < rs->ncodes; code++)
		rc = candidates_make(rs, code);
	return rc;
}

const struct program *ruleset_program(const struct ruleset *rs)
{
	return rs->program;
}

const struct rule *const *ruleset_rules(const struct ruleset *rs, size_t *ret_n)
{
	*ret_n = rs->nrules;
	return (const struct rule *const *)rs->rules;
}

const struct rule *const *ruleset_candidates(const struct ruleset *rs, unsigned code, size_t *ret_n)
{
	if (code >= rs->ncodes || !rs->candidates) {
		*ret_n = 0;
		return NULL;
	}
	*ret_n = rs->candidates[code].n;
	return rs->candidates[code].items;
}

static void look_up(const struct ruleset *rs, unsigned code, struct eval *eval, bool only_names,
		    uint64_t *bits)
{
	const struct rule_list *list = &rs->candidates[code];

	gates_pass(rs->gates, code, eval, bits);
	for (size_t i = 0; i < list->nslots; i++) {
		const struct field_ref *ref = program_slot_ref(rs->program, list->slots[i]);

		if (only_names && !(ref->def->flags & FIELD_NAMES))
			continue;
		const struct value *v = eval_slot(eval, list->slots[i]);
		if (v)
			index_lookup(rs->index, list->slots[i], v, bits);
	}
}

/* The rules of the bits that are about events of this code: keys are shared by all events. */
static const struct rule **collect(const struct ruleset *rs, unsigned code, const uint64_t *bits,
				   struct arena *arena, size_t *ret_n)
{
	size_t most = 0, n = 0;

	for (size_t w = 0; w < words(rs->nrules); w++)
		most += (size_t)__builtin_popcountll(bits[w]);
	const struct rule **out = arena_array(arena, most + 1, sizeof(*out));
	for (size_t w = 0; out && w < words(rs->nrules); w++) {
		for (uint64_t left = bits[w]; left; left &= left - 1) {
			const struct rule *rule = rs->rules[w * 64 + (size_t)__builtin_ctzll(left)];

			if (bitset_has(&rule->events, code))
				out[n++] = rule;
		}
	}
	*ret_n = n;
	return out;
}

const struct rule *const *ruleset_select(const struct ruleset *rs, unsigned code, struct eval *eval,
					 bool both_names, struct arena *arena, size_t *ret_n)
{
	const struct rule *const *all = ruleset_candidates(rs, code, ret_n);

	if (!*ret_n || !rs->candidates[code].many)
		return all;
	uint64_t *bits = arena_array(arena, words(rs->nrules), sizeof(*bits));
	if (!bits)
		return all;
	look_up(rs, code, eval, false, bits);
	if (both_names) {
		eval_names(eval, true);
		look_up(rs, code, eval, true, bits);
		eval_names(eval, false);
	}
	size_t n;
	const struct rule **few = collect(rs, code, bits, arena, &n);
	if (!few)
		return all;
	*ret_n = n;
	return few;
}

const struct bitset *ruleset_events(const struct ruleset *rs)
{
	return &rs->events;
}

const struct str *ruleset_host_names(const struct ruleset *rs, size_t *ret_n)
{
	*ret_n = rs->host_names.n;
	return rs->host_names.items;
}

struct bitset ruleset_syscalls(const struct ruleset *rs)
{
	struct bitset set = { 0 };

	for (size_t i = 0; i < rs->nrules; i++)
		if (rs->rules[i]->enabled)
			bitset_or(&set, &rs->rules[i]->syscalls);
	return set;
}

void rule_mark_slots(const struct rule *rule, bool *marks)
{
	size_t n;
	const struct format_field *f = format_fields(rule->format, &n);

	cond_mark_slots(rule->cond, marks);
	for (size_t i = 0; i < n; i++)
		marks[f[i].slot] = true;
	for (size_t k = 0; k < rule->nextras; k++) {
		const struct extra_field *x = &rule->extras[k];

		if (!x->format) {
			marks[x->slot] = true;
			continue;
		}
		f = format_fields(x->format, &n);
		for (size_t i = 0; i < n; i++)
			marks[f[i].slot] = true;
	}
}
