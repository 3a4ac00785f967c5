/* SPDX-License-Identifier: Apache-2.0 */
/* A growing text with a sticky error; see strbuf.h. */
#include "base/strbuf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"

void strbuf_done(struct strbuf *b)
{
	free(b->ptr);
	*b = (struct strbuf){ .limit = b->limit };
}

void strbuf_clear(struct strbuf *b)
{
	b->len = 0;
	b->failed = false;
}

int strbuf_check(const struct strbuf *b)
{
	return b->failed ? -ENOMEM : 0;
}

char *strbuf_room(struct strbuf *b, size_t n)
{
	if (b->failed || n > SIZE_MAX / 4 || (b->limit && b->len + n > b->limit)) {
		b->failed = true;
		return NULL;
	}
	if (b->cap - b->len < n) {
		size_t cap = b->cap ? b->cap * 2 : 128;
		while (cap < b->len + n)
			cap *= 2;
		char *grown = realloc(b->ptr, cap);
		if (!grown) {
			b->failed = true;
			return NULL;
		}
		b->ptr = grown;
		b->cap = cap;
	}
	return b->ptr + b->len;
}

void strbuf_add(struct strbuf *b, struct str s)
{
	char *to = s.len ? strbuf_room(b, s.len) : NULL;

	if (!to)
		return;
	memcpy(to, s.ptr, s.len);
	b->len += s.len;
}

void strbuf_addz(struct strbuf *b, const char *z)
{
	strbuf_add(b, str_of(z));
}

void strbuf_addc(struct strbuf *b, char c)
{
	strbuf_add(b, (struct str){ &c, 1 });
}

void strbuf_add_u64(struct strbuf *b, uint64_t v)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	strbuf_add(b, (struct str){ digits + at, sizeof(digits) - at });
}

void strbuf_add_i64(struct strbuf *b, int64_t v)
{
	if (v < 0)
		strbuf_addc(b, '-');
	strbuf_add_u64(b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void strbuf_printf(struct strbuf *b, const char *fmt, ...)
{
	va_list args, again;

	va_start(args, fmt);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, fmt, args);
	char *to = n >= 0 ? strbuf_room(b, (size_t)n + 1) : NULL;
	if (to) {
		vsnprintf(to, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
	va_end(args);
}

const char *strbuf_z(struct strbuf *b)
{
	char *end = strbuf_room(b, 1);

	if (!end)
		return NULL;
	*end = '\0';
	return b->ptr;
}

char *strbuf_take(struct strbuf *b)
{
	if (!strbuf_z(b)) {
		strbuf_done(b);
		return NULL;
	}
	b->len = b->cap = 0;
	return TAKE(b->ptr);
}

void strbuf_add_wrapped(struct strbuf *b, struct str text, size_t column, size_t width)
{
	size_t at = column;
	bool first = true;

	for (size_t end; text.len; text = str_skip(text, end)) {
		for (end = 0; end < text.len && text.ptr[end] != ' ' && text.ptr[end] != '\n';)
			end++;
		if (!first && at + 1 + end > width) {
			strbuf_addc(b, '\n');
			for (at = 0; at < column; at++)
				strbuf_addc(b, ' ');
			first = true;
		}
		if (!first)
			strbuf_addc(b, ' ');
		strbuf_add(b, str_cut(text, end));
		at += end + !first;
		first = false;
		end += end < text.len;
	}
}

void strbuf_add_base64(struct strbuf *b, struct str s)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < s.len; i += 3) {
		size_t n = s.len - i < 3 ? s.len - i : 3;
		uint32_t v = 0;

		for (size_t k = 0; k < 3; k++)
			v = v << 8 | (k < n ? (uint8_t)s.ptr[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			strbuf_addc(b, k <= n ? digits[v >> (18 - 6 * k) & 63] : '=');
	}
}
