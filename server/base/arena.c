/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of blocks, each filled from its start. Rewinding keeps the blocks on a spare list: after a
 * few events the event arena never touches the heap again.
 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { BLOCK_MIN = 4096 };

struct arena_block {
	struct arena_block *next;
	size_t size;
	size_t used;
	alignas(max_align_t) char data[];
};

void arena_init(struct arena *a, size_t limit)
{
	*a = (struct arena){ .limit = limit };
}

static void free_list(struct arena_block *b)
{
	while (b) {
		struct arena_block *next = b->next;

		free(b);
		b = next;
	}
}

void arena_done(struct arena *a)
{
	free_list(a->head);
	free_list(a->spare);
	*a = (struct arena){ .limit = a->limit };
}

static struct arena_block *block_get(struct arena *a, size_t need)
{
	if (a->spare && a->spare->size >= need) {
		struct arena_block *b = a->spare;

		a->spare = b->next;
		return b;
	}
	/* Blocks grow with what is in use, so that a big ruleset is not thousands of blocks. */
	size_t size = a->total / 2 > BLOCK_MIN ? a->total / 2 : BLOCK_MIN;

	if (size > (1 << 20))
		size = 1 << 20;
	if (size < need)
		size = need;
	if (a->limit && (size > a->limit || a->total > a->limit - size)) {
		size = need;
		if (size > a->limit || a->total > a->limit - size)
			return NULL;
	}
	struct arena_block *b = malloc(sizeof(*b) + size);
	if (b) {
		b->size = size;
		a->total += size;
	}
	return b;
}

void *arena_alloc(struct arena *a, size_t size)
{
	size_t align = alignof(max_align_t);

	if (size > SIZE_MAX - align - sizeof(struct arena_block))
		return NULL;
	size = size ? (size + align - 1) & ~(align - 1) : align;
	if (!a->head || a->head->size - a->head->used < size) {
		struct arena_block *b = block_get(a, size);

		if (!b)
			return NULL;
		b->used = 0;
		b->next = a->head;
		a->head = b;
	}
	void *p = a->head->data + a->head->used;
	a->head->used += size;
	return memset(p, 0, size);
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	size_t bytes;

	return __builtin_mul_overflow(n, size, &bytes) ? NULL : arena_alloc(a, bytes);
}

void *arena_copy(struct arena *a, const void *from, size_t n, size_t size)
{
	void *to = arena_array(a, n ? n : 1, size);

	if (to && n)
		memcpy(to, from, n * size);
	return to;
}

struct str arena_dup(struct arena *a, struct str s)
{
	char *copy = arena_alloc(a, s.len + 1);

	if (!copy)
		return s.len ? (struct str){ 0 } : STR("");
	if (s.len)
		memcpy(copy, s.ptr, s.len);
	return (struct str){ copy, s.len };
}

struct str arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list args, again;

	va_start(args, fmt);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, fmt, args);
	char *text = n >= 0 ? arena_alloc(a, (size_t)n + 1) : NULL;
	if (text)
		vsnprintf(text, (size_t)n + 1, fmt, again);
	va_end(again);
	va_end(args);
	return text ? (struct str){ text, (size_t)n } : (struct str){ 0 };
}

struct arena_mark arena_mark(const struct arena *a)
{
	return (struct arena_mark){ a->head, a->head ? a->head->used : 0 };
}

void arena_rewind(struct arena *a, struct arena_mark mark)
{
	while (a->head && a->head != mark.head) {
		struct arena_block *b = a->head;

		a->head = b->next;
		b->next = a->spare;
		a->spare = b;
	}
	if (a->head)
		a->head->used = mark.used;
}
