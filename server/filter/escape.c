/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Escapes of quoted literals (rules-language.md 3.2). Almost JSON, but not quite: \xHH gives a byte, a
 * backslash before a blank stands for itself and swallows the blank, and \u does not exist.
 */
#include "filter/parser.h"

#include <errno.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Decodes what follows a backslash at s; the bytes taken, or 0 when it is no escape. */
static size_t decode(struct str s, char quote, char *ret_byte)
{
	static const char letters[] = "bfnrt\\/ ";
	static const char bytes[] = "\b\f\n\r\t\\/\\";

	if (s.len == 0 || s.ptr[0] == '\0')
		return 0;
	const char *at = strchr(letters, s.ptr[0]);

	if (at) {
		*ret_byte = bytes[at - letters];
		return 1;
	}
	if (s.ptr[0] == quote) {
		*ret_byte = quote;
		return 1;
	}
	if (s.ptr[0] == 'x' && s.len >= 3 && hex_digit(s.ptr[1]) >= 0 && hex_digit(s.ptr[2]) >= 0) {
		*ret_byte = (char)(hex_digit(s.ptr[1]) << 4 | hex_digit(s.ptr[2]));
		return 3;
	}
	return 0;
}

int parse_unescape(struct str inner, char quote, struct arena *a, struct str *ret)
{
	if (str_chr(inner, '\\') == inner.len) {
		*ret = inner;
		return 0;
	}
	char *out = arena_alloc(a, inner.len + 1);
	size_t n = 0;

	if (!out)
		return -ENOMEM;
	while (inner.len) {
		if (inner.ptr[0] != '\\') {
			out[n++] = inner.ptr[0];
			inner = str_skip(inner, 1);
			continue;
		}
		inner = str_skip(inner, 1);
		size_t taken = decode(inner, quote, &out[n]);

		if (!taken)
			return -EINVAL;
		n++;
		inner = str_skip(inner, taken);
	}
	*ret = (struct str){ out, n };
	return 0;
}
