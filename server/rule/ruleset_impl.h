/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a ruleset, for those who build one: compile.c fills it, select.c switches rules. */
#pragma once

#include "base/vec.h"
#include "rule/ruleset.h"

struct gates;
struct index;

struct rule_list {
	const struct rule **items; /* in order of definition */
	size_t n;
	bool many;
	const uint32_t *slots; /* when there are many: those whose values find rules */
	size_t nslots;
};

struct ruleset {
	_Atomic unsigned refs;
	struct arena arena;
	struct program *program;
	struct rule **rules; /* in order of definition */
	size_t nrules;
	struct bitset events;
	VEC(struct str) host_names;   /* texts of the arena */
	struct rule_list *candidates; /* by event code; NULL before ruleset_finish */
	size_t ncodes;
	struct index *index;
	struct gates *gates; /* of the rules that are not in the index */
};

/* One reference, nothing in it; room for n rules. NULL when memory is out. */
struct ruleset *ruleset_new(const struct catalogue *c, size_t n);
/* Seals the program and makes the candidate lists; nothing changes any more afterwards. 0 or -ENOMEM. */
int ruleset_finish(struct ruleset *rs);
