/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of texts, open addressing at most half full. A mask of the lengths present refuses most misses before
 * anything is hashed.
 */
#include "filter/set.h"

#include <errno.h>

#include "base/hash.h"

static uint64_t length_bit(size_t len)
{
	return UINT64_C(1) << (len < 63 ? len : 63);
}

int set_init(struct set *s, size_t n, struct arena *a)
{
	*s = (struct set){ 0 };
	if (n == 0)
		return 0;
	s->cap = 4;
	while (s->cap < 2 * n)
		s->cap *= 2;
	s->slots = arena_array(a, s->cap, sizeof(struct set_entry));
	return s->slots ? 0 : -ENOMEM;
}

void set_add(struct set *s, struct str key)
{
	uint64_t hash = hash_str(key);
	size_t at = hash & (s->cap - 1);

	if (!key.ptr)
		key.ptr = "";
	while (s->slots[at].key.ptr && !str_eq(s->slots[at].key, key))
		at = (at + 1) & (s->cap - 1);
	s->slots[at] = (struct set_entry){ key, hash };
	s->lengths |= length_bit(key.len);
}

bool set_has(const struct set *s, struct str key, uint64_t *hash, bool *hashed)
{
	if (!(s->lengths & length_bit(key.len)))
		return false;
	if (!*hashed) {
		*hash = hash_str(key);
		*hashed = true;
	}
	for (size_t at = *hash & (s->cap - 1); s->slots[at].key.ptr; at = (at + 1) & (s->cap - 1)) {
		if (s->slots[at].hash == *hash && str_eq(s->slots[at].key, key))
			return true;
	}
	return false;
}

struct str member_key(enum value_type type, const struct value *v, char buf[MEMBER_BYTES])
{
	switch (type) {
	case VT_STRING:
	case VT_BYTES: return v->s;
	case VT_BOOL: buf[0] = v->b ? 1 : 0; return (struct str){ buf, 1 };
	case VT_IPADDR:
		buf[0] = (char)v->ip.family;
		memcpy(buf + 1, v->ip.bytes, sizeof(v->ip.bytes));
		return (struct str){ buf, v->ip.family == 6 ? 17 : 5 };
	default: memcpy(buf, &v->u, sizeof(v->u)); return (struct str){ buf, sizeof(v->u) };
	}
}
