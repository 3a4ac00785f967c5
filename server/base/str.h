/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A borrowed run of bytes: not terminated, may hold NUL, valid as long as what it points into.
 * All functions are pure and may be called from any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *ptr;
	size_t len;
};

/* For literals. */
#define STR(lit)   ((struct str){ .ptr = (lit), .len = sizeof(lit) - 1 })
#define STR_FMT	   "%.*s"
#define STR_ARG(s) ((int)(s).len), ((s).ptr ? (s).ptr : "")

/* NULL gives the empty text. */
static inline struct str str_of(const char *z)
{
	return (struct str){ .ptr = z, .len = z ? strlen(z) : 0 };
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool str_eqz(struct str a, const char *z)
{
	return str_eq(a, str_of(z));
}

static inline bool str_starts(struct str s, struct str prefix)
{
	return s.len >= prefix.len && (!prefix.len || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

static inline bool str_ends(struct str s, struct str tail)
{
	return s.len >= tail.len &&
	       (!tail.len || memcmp(s.ptr + s.len - tail.len, tail.ptr, tail.len) == 0);
}

/* The rest of s from byte n on; empty when s is shorter. */
static inline struct str str_skip(struct str s, size_t n)
{
	return n >= s.len ? (struct str){ 0 } : (struct str){ s.ptr + n, s.len - n };
}

static inline struct str str_cut(struct str s, size_t n)
{
	return (struct str){ s.ptr, s.len < n ? s.len : n };
}

/* Byte order, a shorter text first: <0, 0, >0. */
int str_cmp(struct str a, struct str b);
bool str_contains(struct str s, struct str part);
/* ASCII letters compare without case. */
bool str_icontains(struct str s, struct str part);
bool str_ieq(struct str a, struct str b);
/* Position of the first (last) byte c, or s.len when there is none. */
size_t str_chr(struct str s, char c);
size_t str_rchr(struct str s, char c);
/* Without the space, tab, CR, LF, VT and FF at both ends. */
struct str str_trim(struct str s);
/* Takes the text up to the next sep off the front of *s, sep dropped; false when *s is used up. */
bool str_split(struct str *s, char sep, struct str *ret_part);

/*
 * Decimal numbers that are the whole of s, with an optional sign (none for u64).
 * -EINVAL: not a number; -ERANGE: does not fit.
 */
int str_to_i64(struct str s, int64_t *ret);
int str_to_u64(struct str s, uint64_t *ret);
/* A floating-point number that is the whole of s; -EINVAL or -ERANGE. */
int str_to_double(struct str s, double *ret);

/* A terminated copy on the heap; NULL when memory is out. */
char *str_dupz(struct str s);
