/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A keyed hash of bytes and a table from byte strings to pointers. The key is drawn once per process,
 * so that names chosen by an attacker cannot be made to collide.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Any thread; the same value for the same bytes within one process. */
uint64_t hash_bytes(const void *data, size_t len);
uint64_t hash_u64(uint64_t v);

static inline uint64_t hash_str(struct str s)
{
	return hash_bytes(s.ptr, s.len);
}

struct strmap_entry {
	struct str key; /* borrowed: the caller keeps it alive while it is in the map */
	void *value;
	uint64_t hash;
};

/* Zeroed is empty and valid. Insertion order is not kept. One thread at a time. */
struct strmap {
	struct strmap_entry *slots; /* key.ptr NULL: free */
	size_t cap;		    /* power of two or 0 */
	size_t count;
};

void strmap_done(struct strmap *m);
/* NULL when absent. */
void *strmap_find(const struct strmap *m, struct str key);
/* Sets or replaces; value must not be NULL. -ENOMEM. */
int strmap_put(struct strmap *m, struct str key, void *value);
/* The removed value, NULL when absent. */
void *strmap_remove(struct strmap *m, struct str key);
/* Iterates: start with *at 0; false at the end. No change of the map in between. */
bool strmap_next(const struct strmap *m, size_t *at, struct str *ret_key, void **ret_value);
