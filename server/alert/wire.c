/* SPDX-License-Identifier: Apache-2.0 */
/* Writing protobuf messages; see wire.h. */
#include "alert/wire.h"

#include "base/clock.h"

enum { WIRE_VARINT = 0, WIRE_BYTES = 2 };

static void varint(struct strbuf *out, uint64_t v)
{
	while (v >= 0x80) {
		strbuf_addc(out, (char)(v | 0x80));
		v >>= 7;
	}
	strbuf_addc(out, (char)v);
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

static void tag(struct strbuf *out, unsigned field, unsigned type)
{
	varint(out, (uint64_t)field << 3 | type);
}

void wire_uint(struct strbuf *out, unsigned field, uint64_t v)
{
	if (!v)
		return;
	tag(out, field, WIRE_VARINT);
	varint(out, v);
}

void wire_element(struct strbuf *out, unsigned field, struct str s)
{
	tag(out, field, WIRE_BYTES);
	varint(out, s.len);
	strbuf_add(out, s);
}

void wire_text(struct strbuf *out, unsigned field, struct str s)
{
	if (s.len)
		wire_element(out, field, s);
}

void wire_pair(struct strbuf *out, unsigned field, struct str key, struct str value)
{
	tag(out, field, WIRE_BYTES);
	varint(out, 1 + varint_size(key.len) + key.len + 1 + varint_size(value.len) + value.len);
	wire_element(out, 1, key);
	wire_element(out, 2, value);
}

void wire_time(struct strbuf *out, unsigned field, uint64_t ns)
{
	uint64_t sec = ns / NS_PER_SEC, rest = ns % NS_PER_SEC;
	size_t size = (sec ? 1 + varint_size(sec) : 0) + (rest ? 1 + varint_size(rest) : 0);

	tag(out, field, WIRE_BYTES);
	varint(out, size);
	wire_uint(out, 1, sec);
	wire_uint(out, 2, rest);
}
