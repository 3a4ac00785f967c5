/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shell patterns with the meaning of fnmatch(3) without flags in the C locale (rules-language.md 3.7): * and ?
 * match slashes and leading dots too, [...] knows ranges, classes and negation, a backslash takes the next
 * byte as it is. A subject ends at its first NUL.
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"

struct glob;

/* Lives in the arena; NULL when memory is out. */
const struct glob *glob_new(struct str pattern, bool fold_case, struct arena *a);
/* Time is at most length of pattern times length of subject. */
bool glob_match(const struct glob *g, struct str subject);
/* Whether the text has one of ? * [ in it. */
bool glob_is_pattern(struct str text);
