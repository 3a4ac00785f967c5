/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Growing arrays on the heap. `struct { T *items; size_t n, cap; }` with any T; zeroed is empty.
 *	VEC(struct rule *) rules = { 0 };
 *	if (vec_push(&rules, r) < 0) ...
 */
#pragma once

#include <errno.h>
#include <stdlib.h>

#define VEC(T)                                                                                     \
	struct {                                                                                   \
		T *items;                                                                          \
		size_t n, cap;                                                                     \
	}

/* 0, or -ENOMEM with the vector unchanged. */
#define vec_push(v, ...)                                                                           \
	({                                                                                         \
		int vec_r_ = vec_grow_((void **)&(v)->items, &(v)->cap, (v)->n,                    \
				       sizeof(*(v)->items));                                       \
		if (vec_r_ == 0)                                                                   \
			(v)->items[(v)->n++] = (__VA_ARGS__);                                      \
		vec_r_;                                                                            \
	})

#define vec_done(v)                                                                                \
	do {                                                                                       \
		free((v)->items);                                                                  \
		(v)->items = NULL;                                                                 \
		(v)->n = (v)->cap = 0;                                                             \
	} while (0)

#define vec_foreach(p, v)                                                                          \
	for (__typeof__((v)->items) p = (v)->items; (v)->n && p != (v)->items + (v)->n; p++)

static inline int vec_grow_(void **items, size_t *cap, size_t n, size_t size)
{
	if (n < *cap)
		return 0;
	size_t bigger = *cap ? *cap * 2 : 8;
	void *grown = reallocarray(*items, bigger, size);

	if (!grown)
		return -ENOMEM;
	*items = grown;
	*cap = bigger;
	return 0;
}
