/* SPDX-License-Identifier: Apache-2.0 */
/* Writing protobuf messages; see wire.h. */
#include "alert/wire.h"

#include "base/clock.h"

enum { WIRE_VARINT = 0, WIRE_BYTES = 2 };

/* At most ten bytes; returns how many. */
static size_t put_varint(char *to, uint64_t v)
{
	size_t n = 0;

	while (v >= 0x80) {
		to[n++] = (char)(v | 0x80);
		v >>= 7;
	}
	to[n++] = (char)v;
	return n;
}

static size_t varint_size(uint64_t v)
{
	size_t n = 1;

	while (v >= 0x80) {
		v >>= 7;
		n++;
	}
	return n;
}

/* A tag and the number behind it: the value, or the length of what follows. */
static void head(struct strbuf *out, unsigned field, unsigned type, uint64_t v)
{
	char *to = strbuf_room(out, 20);

	if (!to)
		return;
	size_t n = put_varint(to, (uint64_t)field << 3 | type);
	out->len += n + put_varint(to + n, v);
}

void wire_uint(struct strbuf *out, unsigned field, uint64_t v)
{
	if (v)
		head(out, field, WIRE_VARINT, v);
}

void wire_element(struct strbuf *out, unsigned field, struct str s)
{
	head(out, field, WIRE_BYTES, s.len);
	strbuf_add(out, s);
}

void wire_text(struct strbuf *out, unsigned field, struct str s)
{
	if (s.len)
		wire_element(out, field, s);
}

void wire_pair(struct strbuf *out, unsigned field, struct str key, struct str value)
{
	head(out, field, WIRE_BYTES,
	     1 + varint_size(key.len) + key.len + 1 + varint_size(value.len) + value.len);
	wire_element(out, 1, key);
	wire_element(out, 2, value);
}

void wire_time(struct strbuf *out, unsigned field, uint64_t ns)
{
	uint64_t sec = ns / NS_PER_SEC, rest = ns % NS_PER_SEC;
	size_t size = (sec ? 1 + varint_size(sec) : 0) + (rest ? 1 + varint_size(rest) : 0);

	head(out, field, WIRE_BYTES, size);
	wire_uint(out, 1, sec);
	wire_uint(out, 2, rest);
}
