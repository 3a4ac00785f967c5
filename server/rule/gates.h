/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules sorted by what their conditions have in common: a part that many rules share is asked once for all of them,
 * and when it is false they are passed over together. For rules that no value of the event can find
 * (rule/index.h). Immutable after gates_build; lives in the ruleset's arena.
 */
#pragma once

#include "rule/ruleset.h"

struct gates;

/* The rules of the bits, by rule->index. -ENOMEM. */
int gates_build(const struct program *p, const struct rule *const *rules, size_t n,
		const uint64_t *wanted, struct arena *a, struct gates **ret);
/* Sets the bits of the rules whose shared parts are all true of the event, which is of this code. */
void gates_pass(const struct gates *g, unsigned code, struct eval *eval, uint64_t *ret_rules);
