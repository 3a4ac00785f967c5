/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open addressing with linear probing at a load of at most one half; removal moves later entries back
 * instead of leaving marks, as processes come and go for ever. The kernel hands the numbers out in turn and
 * nobody without privileges chooses them, so a multiplication by the golden ratio is hash enough.
 */
#include "state/idmap.h"

#include <errno.h>
#include <stdlib.h>

enum { FIRST_CAP = 256 };

void idmap_done(struct idmap *m)
{
	free(m->slots);
	*m = (struct idmap){ 0 };
}

static size_t home(const struct idmap *m, uint32_t key)
{
	return (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (m->cap - 1);
}

static void place(struct idmap *m, uint32_t key, void *value)
{
	size_t i = home(m, key);

	while (m->slots[i].value)
		i = (i + 1) & (m->cap - 1);
	m->slots[i] = (struct idmap_slot){ .value = value, .key = key };
}

static int grow(struct idmap *m)
{
	struct idmap bigger = { .cap = m->cap ? m->cap * 2 : FIRST_CAP, .count = m->count };

	bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < m->cap; i++)
		if (m->slots[i].value)
			place(&bigger, m->slots[i].key, m->slots[i].value);
	free(m->slots);
	*m = bigger;
	return 0;
}

int idmap_add(struct idmap *m, uint32_t key, void *value)
{
	if ((m->count + 1) * 2 > m->cap && grow(m) < 0)
		return -ENOMEM;
	place(m, key, value);
	m->count++;
	return 0;
}

void *idmap_find(const struct idmap *m, uint32_t key, size_t *at)
{
	if (!m->cap)
		return NULL;
	size_t i = *at == SIZE_MAX ? home(m, key) : (*at + 1) & (m->cap - 1);

	for (; m->slots[i].value; i = (i + 1) & (m->cap - 1)) {
		if (m->slots[i].key != key)
			continue;
		*at = i;
		return m->slots[i].value;
	}
	return NULL;
}

void idmap_remove(struct idmap *m, uint32_t key, const void *value)
{
	size_t hole = SIZE_MAX;
	const void *found;

	do
		found = idmap_find(m, key, &hole);
	while (found && found != value);
	if (!found)
		return;
	for (size_t i = (hole + 1) & (m->cap - 1); m->slots[i].value; i = (i + 1) & (m->cap - 1)) {
		/* An entry may move back to the hole unless its home lies after it. */
		if (((i - home(m, m->slots[i].key)) & (m->cap - 1)) < ((i - hole) & (m->cap - 1)))
			continue;
		m->slots[hole] = m->slots[i];
		hole = i;
	}
	m->slots[hole].value = NULL;
	m->count--;
}

void *idmap_next(const struct idmap *m, size_t *at)
{
	while (*at < m->cap)
		if (m->slots[(*at)++].value)
			return m->slots[*at - 1].value;
	return NULL;
}
