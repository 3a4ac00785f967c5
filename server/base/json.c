/* SPDX-License-Identifier: Apache-2.0 */
/* Writing JSON; see json.h. Runs of plain bytes are copied whole. */
#include "base/json.h"

#include <math.h>

static void element(struct json *j)
{
	if (j->comma)
		strbuf_addc(j->out, ',');
	j->comma = true;
}

void json_open(struct json *j, char bracket)
{
	element(j);
	strbuf_addc(j->out, bracket);
	j->comma = false;
}

void json_close(struct json *j, char bracket)
{
	strbuf_addc(j->out, bracket);
	j->comma = true;
}

void json_key(struct json *j, struct str key)
{
	json_text(j, key);
	strbuf_addc(j->out, ':');
	j->comma = false;
}

void json_text(struct json *j, struct str s)
{
	element(j);
	strbuf_addc(j->out, '"');
	json_escape(j->out, s);
	strbuf_addc(j->out, '"');
}

void json_i64(struct json *j, int64_t v)
{
	element(j);
	strbuf_add_i64(j->out, v);
}

void json_u64(struct json *j, uint64_t v)
{
	element(j);
	strbuf_add_u64(j->out, v);
}

void json_double(struct json *j, double v)
{
	if (!isfinite(v)) {
		json_null(j);
		return;
	}
	element(j);
	strbuf_printf(j->out, "%.17g", v);
}

void json_bool(struct json *j, bool v)
{
	element(j);
	strbuf_addz(j->out, v ? "true" : "false");
}

void json_null(struct json *j)
{
	element(j);
	strbuf_addz(j->out, "null");
}

void json_raw(struct json *j, struct str text)
{
	element(j);
	strbuf_add(j->out, text);
}

unsigned utf8_sequence(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.ptr;

	if (!s.len)
		return 0;
	if (p[0] < 0x80)
		return 1;
	unsigned n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4 || s.len < n)
		return 0;
	for (unsigned i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	/* No overlong forms, surrogates or code points above U+10FFFF (RFC 3629). */
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

static void escape_one(struct strbuf *out, unsigned char c)
{
	static const char short_form[] = { ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r',
					   ['\t'] = 't', ['"'] = '"',  ['\\'] = '\\' };

	if (c < sizeof(short_form) && short_form[c]) {
		strbuf_addc(out, '\\');
		strbuf_addc(out, short_form[c]);
	} else {
		strbuf_printf(out, "\\u%04x", c);
	}
}

static bool plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static void copy_text(struct strbuf *out, struct str s, bool escape)
{
	size_t from = 0, i = 0;

	while (i < s.len) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (plain(c) || (c < 0x80 && !escape)) {
			i++;
			continue;
		}
		unsigned n = c < 0x80 ? 1 : utf8_sequence(str_skip(s, i));
		if (n > 1) {
			i += n;
			continue;
		}
		strbuf_add(out, (struct str){ s.ptr + from, i - from });
		if (n == 1)
			escape_one(out, c);
		else
			strbuf_addz(out, "\xef\xbf\xbd");
		from = ++i;
	}
	if (from < s.len)
		strbuf_add(out, (struct str){ s.ptr + from, s.len - from });
}

void json_escape(struct strbuf *out, struct str s)
{
	copy_text(out, s, true);
}

void utf8_clean(struct strbuf *out, struct str s)
{
	copy_text(out, s, false);
}
