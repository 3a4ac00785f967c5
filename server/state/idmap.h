/* SPDX-License-Identifier: Apache-2.0 */
/* A table from small numbers (pid, tid) to pointers; a number may be there more than once. One thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct idmap_slot {
	void *value; /* NULL: free */
	uint32_t key;
};

/* Zeroed is empty and valid. */
struct idmap {
	struct idmap_slot *slots;
	size_t cap; /* power of two or 0 */
	size_t count;
};

void idmap_done(struct idmap *m);
/* -ENOMEM. */
int idmap_add(struct idmap *m, uint32_t key, void *value);
void idmap_remove(struct idmap *m, uint32_t key, const void *value);
/* The first value of key, then with *at kept the next ones; NULL at the end. Start with *at SIZE_MAX. */
void *idmap_find(const struct idmap *m, uint32_t key, size_t *at);
/* Every value; start with *at 0; NULL at the end. No change of the map in between. */
void *idmap_next(const struct idmap *m, size_t *at);
