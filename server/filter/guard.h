/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must be true of an event whenever a condition is: some field has one of these values ("fd.name begins with
 * /etc/"), or some other condition holds too, perhaps one that many rules share. A ruleset sorts its rules by that,
 * so that an event only meets rules it may satisfy.
 */
#pragma once

#include "filter/filter.h"

enum guard_kind { GUARD_EQUAL, GUARD_PREFIX, GUARD_SUFFIX, GUARD_INSIDE, GUARD_KINDS };

struct guard_key {
	uint32_t slot;
	enum guard_kind kind;
	struct str
		text; /* at most GUARD_BYTES; valid during the call. Numbers are texts by member_key() */
};

enum { GUARD_BYTES = 255 }; /* of a longer text, its beginning or end is the key */

/* 0 to go on; anything else ends the walk and is handed up. */
typedef int (*guard_fn)(const struct guard_key *key, void *ctx);
/* How little the key tells: what the choice between several guards goes by. */
typedef uint64_t (*guard_cost_fn)(const struct guard_key *key, void *ctx);

/* Every key that could be part of a guard, any number of times. */
int guard_each(const struct cond *c, guard_fn fn, void *ctx);
/*
 * The keys of the cheapest guard: whenever the condition is true, at least one of them holds for the value of its
 * slot, or for one of the values if there are several. -ENOENT: it has no guard, and fn was not called.
 */
int guard_best(const struct cond *c, guard_cost_fn cost, guard_fn fn, void *ctx);
/* What guard_best chooses costs this much; UINT64_MAX: there is no guard. */
uint64_t guard_cost(const struct cond *c, guard_cost_fn cost, void *ctx);

/*
 * The conditions of which this one is the conjunction, itself if it is none, except those that only tell events of
 * different types apart. The same condition in two rules of a program is one pointer.
 */
typedef int (*guard_part_fn)(const struct cond *part, void *ctx);
int guard_parts(const struct program *p, const struct cond *c, guard_part_fn fn, void *ctx);
/* A number of the condition that no other one of its program has, below program_conds(). */
uint32_t cond_id(const struct cond *c);
uint32_t program_conds(const struct program *p);
