/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A finished ruleset is read by the engine without a lock. Rules are grouped by event code beforehand, so
 * that an event costs nothing for rules that are about other events.
 */
#include "rule/ruleset.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "rule/ruleset_impl.h"

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
	arena_done(&rs->arena);
	free(rs);
	return NULL;
}

static int candidates_make(struct ruleset *rs, size_t code)
{
	struct rule_list *list = &rs->candidates[code];
	size_t n = 0;

	for (size_t i = 0; i < rs->nrules; i++)
		n += rs->rules[i]->enabled && bitset_has(&rs->rules[i]->events, code);
	if (!n)
		return 0;
	list->items = arena_array(&rs->arena, n, sizeof(*list->items));
	if (!list->items)
		return -ENOMEM;
	for (size_t i = 0; i < rs->nrules; i++)
		if (rs->rules[i]->enabled && bitset_has(&rs->rules[i]->events, code))
			list->items[list->n++] = rs->rules[i];
	return 0;
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

const struct bitset *ruleset_events(const struct ruleset *rs)
{
	return &rs->events;
}

struct bitset ruleset_syscalls(const struct ruleset *rs)
{
	struct bitset set = { 0 };

	for (size_t i = 0; i < rs->nrules; i++)
		if (rs->rules[i]->enabled)
			bitset_or(&set, &rs->rules[i]->syscalls);
	return set;
}
