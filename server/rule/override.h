/* SPDX-License-Identifier: Apache-2.0 */
/* The `override` key of items (rules-language.md 1.7). */
#pragma once

#include "rule/read.h"

enum override_op { OVERRIDE_NONE, OVERRIDE_APPEND, OVERRIDE_REPLACE };

struct override_key { /* what may stand in `override` for a kind of item */
	const char *key;
	bool append, replace;
};

enum { OVERRIDE_KEYS = 16 };

struct overrides {
	enum override_op ops[OVERRIDE_KEYS]; /* by number of the key */
	bool any;
};

/* Reads and checks against the n keys of the kind and against what the item holds. */
int overrides_read(struct reading *r, const struct ynode *item, const struct place *place,
		   const struct override_key *keys, size_t n, struct overrides *ret);
