/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of path prefixes. Paths are split at slashes, empty components dropped; a component of a prefix with
 * ? * or [ in it is a pattern for one component of the value (rules-language.md 3.7).
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"

struct pmatch;

/* In the arena, and as immutable as it lives; NULL when memory is out. */
struct pmatch *pmatch_new(struct arena *a);
/* -ENOMEM. */
int pmatch_add(struct pmatch *m, struct str prefix);
bool pmatch_has(const struct pmatch *m, struct str path);
/* Whether one of the prefixes can be a path directly in this directory. */
bool pmatch_below(const struct pmatch *m, struct str dir);
