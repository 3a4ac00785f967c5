/* SPDX-License-Identifier: Apache-2.0 */
/* The nearest known name to a misspelt one. */
#pragma once

#include <stddef.h>

#include "base/str.h"

/* Number of insertions, deletions, substitutions and swaps of neighbours; texts over 63 bytes: 64. */
unsigned suggest_distance(struct str a, struct str b);

struct suggest {
	struct str wanted;
	struct str best; /* ptr NULL: nothing near enough yet */
	unsigned distance;
};

static inline struct suggest suggest_for(struct str wanted)
{
	/* A third of the letters may be wrong. */
	return (struct suggest){ .wanted = wanted, .distance = (unsigned)(wanted.len / 3) + 1 };
}

/* Offers one known name; it stays borrowed. */
void suggest_offer(struct suggest *s, struct str known);
