/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which rules an event can meet, by the values of its fields: each rule is filed under the keys of its cheapest
 * guard (filter/guard.h). An event looks its few values up instead of asking every rule, so its cost does not grow
 * with the number of rules. Immutable after index_build; lives in the ruleset's arena.
 */
#pragma once

#include "rule/ruleset.h"

struct index;

/*
 * A rule whose keys many others share, but whose condition has parts in common with others, is left out: gates
 * (rule/gates.h) tell such rules apart. Of rules with one condition only the first is filed. -ENOMEM.
 */
int index_build(const struct program *p, const struct rule *const *rules, size_t n, struct arena *a,
		struct index **ret);
/* Whether the rule is filed under keys. */
bool index_has(const struct index *x, const struct rule *rule);
/* Sets the bits of the slots that the rule's keys are about. */
void index_rule_slots(const struct index *x, const struct rule *rule, uint64_t *set);
/* Sets the bits, by rule->index, of all rules filed under a key that the slot's value has. */
void index_lookup(const struct index *x, uint32_t slot, const struct value *value,
		  uint64_t *ret_rules);
