/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration's `rules:` selections (rules-language.md 1.11, 3.9). */
#pragma once

#include "rule/load.h"

struct ruleset;

/* The wildcard of rule names and of file names: only `*` is special, and there is no backtracking. */
bool rule_wildcard(struct str pattern, struct str text);
/* Applies one selection. min: rules less urgent than that are never enabled. */
void rule_select(struct ruleset *rs, const struct rule_selection *sel, enum priority min);
