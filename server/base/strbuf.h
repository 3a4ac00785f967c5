/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing text with a sticky error: append freely, check once at the end. A zeroed one is valid.
 * Reused with strbuf_clear it stops allocating once it is as large as its largest text.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct strbuf {
	char *ptr;
	size_t len;
	size_t cap;
	size_t limit; /* 0: none; beyond it appends fail */
	bool failed;  /* out of memory or over the limit; the text is incomplete */
};

void strbuf_done(struct strbuf *b);
/* Empty again, the error forgotten, the memory kept. */
void strbuf_clear(struct strbuf *b);
/* -ENOMEM when an append has failed since the last clear. */
int strbuf_check(const struct strbuf *b);

void strbuf_add(struct strbuf *b, struct str s);
void strbuf_addz(struct strbuf *b, const char *z);
void strbuf_addc(struct strbuf *b, char c);
void strbuf_add_i64(struct strbuf *b, int64_t v);
void strbuf_add_u64(struct strbuf *b, uint64_t v);
/* Text that begins at `column`, wrapped between words to lines of `width` bytes, the others indented. */
void strbuf_add_wrapped(struct strbuf *b, struct str text, size_t column, size_t width);
void strbuf_add_base64(struct strbuf *b, struct str bytes);
void strbuf_printf(struct strbuf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Room for n more bytes, of which the caller then adds up to n to len; NULL when out. */
char *strbuf_room(struct strbuf *b, size_t n);

/* The text; valid until the next append. */
static inline struct str strbuf_str(const struct strbuf *b)
{
	return (struct str){ b->ptr ? b->ptr : "", b->len };
}
/* The text terminated by NUL, valid until the next append; NULL when memory is out. */
const char *strbuf_z(struct strbuf *b);
/* The terminated text as heap memory of the caller's; the buffer is empty. NULL when failed. */
char *strbuf_take(struct strbuf *b);
