/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many texts looked for inside another one, all in one pass whose time is linear in its length (Aho and Corasick,
 * 1975). Texts carry numbers.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct needles;

/* Empty; on the heap until needles_seal. NULL: memory. */
struct needles *needles_new(void);
struct needles *needles_free(struct needles *n);
/* text is not empty; a text may come again with another number. -ENOMEM. */
int needles_add(struct needles *n, struct str text, uint32_t number);

struct needles_table; /* immutable, in the arena */

/* NULL: memory. The needles may be freed afterwards. */
const struct needles_table *needles_seal(struct needles *n, struct arena *a);
/* Sets the bits of the numbers of all texts that occur in where. */
void needles_find(const struct needles_table *t, struct str where, uint64_t *ret_numbers);
