/* SPDX-License-Identifier: Apache-2.0 */
/* Immutable sets of byte strings for `in`: a hash table in an arena. */
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "filter/value.h"

struct set_entry {
	struct str key; /* ptr NULL: free */
	uint64_t hash;
};

struct set {
	struct set_entry *slots;
	size_t cap;	  /* power of two, at least twice the members; 0: empty */
	uint64_t lengths; /* bit min(length, 63) of every member */
};

/* n: an upper bound of the members. -ENOMEM. */
int set_init(struct set *s, size_t n, struct arena *a);
/* The key stays borrowed. */
void set_add(struct set *s, struct str key);
/* hash: hash_str(key), computed when *hashed is false and kept there for the next set. */
bool set_has(const struct set *s, struct str key, uint64_t *hash, bool *hashed);
/* The text that stands for a value of any exact type; buf holds what is not a text itself. */
enum { MEMBER_BYTES = 24 };
struct str member_key(enum value_type type, const struct value *v, char buf[MEMBER_BYTES]);
