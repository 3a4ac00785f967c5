/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of small numbers of a fixed width, by value: events of a rule, syscalls of a ruleset. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BITSET_BITS = 1024, BITSET_WORDS = BITSET_BITS / 64 };

struct bitset {
	uint64_t w[BITSET_WORDS];
};

static inline void bitset_add(struct bitset *s, size_t n)
{
	s->w[n / 64] |= UINT64_C(1) << (n % 64);
}

static inline void bitset_remove(struct bitset *s, size_t n)
{
	s->w[n / 64] &= ~(UINT64_C(1) << (n % 64));
}

static inline bool bitset_has(const struct bitset *s, size_t n)
{
	return n < BITSET_BITS && (s->w[n / 64] >> (n % 64) & 1);
}

static inline void bitset_or(struct bitset *s, const struct bitset *o)
{
	for (size_t i = 0; i < BITSET_WORDS; i++)
		s->w[i] |= o->w[i];
}

static inline void bitset_and(struct bitset *s, const struct bitset *o)
{
	for (size_t i = 0; i < BITSET_WORDS; i++)
		s->w[i] &= o->w[i];
}

static inline void bitset_minus(struct bitset *s, const struct bitset *o)
{
	for (size_t i = 0; i < BITSET_WORDS; i++)
		s->w[i] &= ~o->w[i];
}

static inline size_t bitset_count(const struct bitset *s)
{
	size_t n = 0;

	for (size_t i = 0; i < BITSET_WORDS; i++)
		n += (size_t)__builtin_popcountll(s->w[i]);
	return n;
}
