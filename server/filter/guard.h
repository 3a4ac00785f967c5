/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must be true of some text field whenever a condition is: "fd.name begins with /etc/", or one of several such
 * keys. A ruleset indexes its rules by them, so that an event only meets the rules whose key it has.
 */
#pragma once

#include "filter/filter.h"

enum guard_kind { GUARD_EQUAL, GUARD_PREFIX, GUARD_SUFFIX, GUARD_KINDS };

struct guard_key {
	uint32_t slot;
	enum guard_kind kind;
	struct str text; /* at most GUARD_BYTES; the program's arena */
};

enum { GUARD_BYTES = 255 }; /* of a longer text, its beginning or end is the key */

/* 0 to go on; anything else ends the walk and is handed up. */
typedef int (*guard_fn)(const struct guard_key *key, void *ctx);
/* How many rules share the key: what the choice between several guards goes by. */
typedef uint64_t (*guard_cost_fn)(const struct guard_key *key, void *ctx);

/* Every key that could be part of a guard, any number of times. */
int guard_each(const struct cond *c, guard_fn fn, void *ctx);
/*
 * The keys of the cheapest guard: whenever the condition is true, at least one of them holds. -ENOENT: it has
 * no guard, and fn was not called.
 */
int guard_best(const struct cond *c, guard_cost_fn cost, guard_fn fn, void *ctx);
