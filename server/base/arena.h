/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is released all at once: the ruleset, load and event lifetimes of CONVENTIONS.md.
 * One thread at a time. A zeroed arena is valid and has no limit.
 */
#pragma once

#include <stddef.h>

#include "base/str.h"

struct arena_block;

struct arena {
	struct arena_block *head;  /* the block in use; older ones behind it */
	struct arena_block *spare; /* kept by arena_rewind: a rewound arena does not allocate */
	size_t total;		   /* bytes taken from the heap */
	size_t limit;		   /* 0: none; beyond it allocations fail */
};

struct arena_mark {
	struct arena_block *head;
	size_t used;
};

/* limit: bytes from the heap, 0 for none. */
void arena_init(struct arena *a, size_t limit);
/* Frees everything; safe twice and on a zeroed arena. */
void arena_done(struct arena *a);

/* Zeroed memory aligned for any type, valid until the arena is rewound or done; NULL when out. */
void *arena_alloc(struct arena *a, size_t size) __attribute__((malloc));
/* n elements; NULL also when the product overflows. */
void *arena_array(struct arena *a, size_t n, size_t size) __attribute__((malloc));
#define arena_new(a, type) ((type *)arena_alloc((a), sizeof(type)))

/* A copy of n elements, NULL when memory is out: room for one is there even if n is 0. */
void *arena_copy(struct arena *a, const void *from, size_t n, size_t size);
/* Copies into the arena; ptr is NULL when memory is out (never for an empty s). Terminated. */
struct str arena_dup(struct arena *a, struct str s);
/* A formatted text; ptr is NULL when memory is out. */
struct str arena_printf(struct arena *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Everything allocated since the mark is given back to the arena, not to the heap. */
struct arena_mark arena_mark(const struct arena *a);
void arena_rewind(struct arena *a, struct arena_mark mark);
