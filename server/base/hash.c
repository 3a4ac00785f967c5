/* SPDX-License-Identifier: Apache-2.0 */
/* Multiply-and-fold hashing with a random key, and an open-addressed table with linear probing. */
#include "base/hash.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

static uint64_t key[2] = { 0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9 };
static pthread_once_t key_once = PTHREAD_ONCE_INIT;

static void key_draw(void)
{
	uint64_t fresh[2];

	/* Without randomness at boot the constants serve: only collision attacks get easier. */
	if (getrandom(fresh, sizeof(fresh), GRND_NONBLOCK) == (ssize_t)sizeof(fresh))
		memcpy(key, fresh, sizeof(key));
	key[0] |= 1;
	key[1] |= 1;
}

static uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

uint64_t hash_bytes(const void *data, size_t len)
{
	const unsigned char *p = data;
	uint64_t w;

	pthread_once(&key_once, key_draw);
	uint64_t h = key[0] ^ len;
	size_t left = len;
	for (; left >= 8; left -= 8, p += 8) {
		memcpy(&w, p, 8);
		h = fold(h ^ w, key[1]);
	}
	if (left) {
		w = 0;
		memcpy(&w, p, left);
		h = fold(h ^ w, key[1]);
	}
	return fold(h ^ key[1], key[0] ^ 0x94d049bb133111eb);
}

uint64_t hash_u64(uint64_t v)
{
	return hash_bytes(&v, sizeof(v));
}

void strmap_done(struct strmap *m)
{
	free(m->slots);
	*m = (struct strmap){ 0 };
}

/* The slot that holds the key, or the free one where it belongs. */
static struct strmap_entry *slot_of(const struct strmap *m, struct str k, uint64_t hash)
{
	for (size_t i = hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
		struct strmap_entry *e = &m->slots[i];

		if (!e->key.ptr || (e->hash == hash && str_eq(e->key, k)))
			return e;
	}
}

void *strmap_find(const struct strmap *m, struct str k)
{
	return m->count ? slot_of(m, k, hash_str(k))->value : NULL;
}

static int grow(struct strmap *m)
{
	struct strmap bigger = { .cap = m->cap ? m->cap * 2 : 16, .count = m->count };

	bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < m->cap; i++) {
		if (m->slots[i].key.ptr)
			*slot_of(&bigger, m->slots[i].key, m->slots[i].hash) = m->slots[i];
	}
	free(m->slots);
	*m = bigger;
	return 0;
}

int strmap_put(struct strmap *m, struct str k, void *value)
{
	if (!k.ptr)
		k = STR("");
	if ((m->count + 1) * 4 > m->cap * 3) {
		int r = grow(m);
		if (r < 0)
			return r;
	}
	uint64_t hash = hash_str(k);
	struct strmap_entry *e = slot_of(m, k, hash);
	if (!e->key.ptr)
		m->count++;
	*e = (struct strmap_entry){ .key = k, .value = value, .hash = hash };
	return 0;
}

void *strmap_remove(struct strmap *m, struct str k)
{
	if (!m->count)
		return NULL;
	struct strmap_entry *e = slot_of(m, k, hash_str(k));
	if (!e->key.ptr)
		return NULL;
	void *value = e->value;
	*e = (struct strmap_entry){ 0 };
	m->count--;
	/* Linear probing: entries behind the hole may belong before it. */
	for (size_t i = ((size_t)(e - m->slots) + 1) & (m->cap - 1); m->slots[i].key.ptr;
	     i = (i + 1) & (m->cap - 1)) {
		struct strmap_entry moved = m->slots[i];

		m->slots[i] = (struct strmap_entry){ 0 };
		*slot_of(m, moved.key, moved.hash) = moved;
	}
	return value;
}

bool strmap_next(const struct strmap *m, size_t *at, struct str *ret_key, void **ret_value)
{
	for (; *at < m->cap; (*at)++) {
		const struct strmap_entry *e = &m->slots[*at];

		if (e->key.ptr) {
			*ret_key = e->key;
			*ret_value = e->value;
			(*at)++;
			return true;
		}
	}
	return false;
}
