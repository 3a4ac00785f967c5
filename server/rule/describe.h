/* SPDX-License-Identifier: Apache-2.0 */
/* What is loaded, as the JSON of `-L` and `-l` (rules-language.md 2.3, DESCRIBE). */
#pragma once

#include "rule/compile.h"

/* only: one rule's name, or empty for everything. */
void describe(const struct catalogue *cat, const struct collection *items, struct compiled *c,
	      struct str only, struct json *j);
