/* SPDX-License-Identifier: Apache-2.0 */
/* What is printed at the end (falco-compat.md 2.3): counts by severity and by rule. */
#pragma once

#include "base/strbuf.h"
#include "rule/ruleset.h"

/* How often a rule has matched. */
typedef uint64_t summary_fn(const struct rule *rule, const void *ctx);
uint64_t summary_of_rule(const struct rule *rule, const void *ctx); /* as its own counter says */

void summary_print(const struct ruleset *rs, summary_fn *matches, const void *ctx,
		   struct strbuf *out);
