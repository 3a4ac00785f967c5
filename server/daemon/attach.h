/* SPDX-License-Identifier: Apache-2.0 */
/* Which events the probe has to deliver: what the rules ask for and what state needs. */
#pragma once

#include "base/bitset.h"
#include "rule/ruleset.h"

void attach_events(const struct ruleset *rs, struct bitset *ret_codes);
