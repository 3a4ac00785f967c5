/* SPDX-License-Identifier: Apache-2.0 */
/* What is printed at the end (falco-compat.md 2.3): counts by severity and by rule. */
#pragma once

#include "base/strbuf.h"
#include "rule/ruleset.h"

void summary_print(const struct ruleset *rs, struct strbuf *out);
