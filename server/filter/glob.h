/* SPDX-License-Identifier: Apache-2.0 */
/* Shell patterns as fnmatch(3) without flags understands them (rules-language.md 3.7). */
#pragma once

#include "base/arena.h"
#include "base/str.h"

/* The pattern is NUL-terminated; a subject with a NUL in it ends there. The arena serves long subjects. */
bool glob_match(const char *pattern, struct str subject, bool fold_case, struct arena *a);
/* Whether the text has one of ? * [ in it. */
bool glob_is_pattern(struct str text);
