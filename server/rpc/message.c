/* SPDX-License-Identifier: Apache-2.0 */
/* protobuf's wire format ("Encoding", Message structure): a key, then a number, eight or four bytes, or a
 * length and so many bytes. */
#include "rpc/message.h"

#include <stdlib.h>

#include "alert/wire.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"

enum {
	FIELD_TIME = 1,
	FIELD_PRIORITY = 2,
	FIELD_RULE = 4,
	FIELD_OUTPUT = 5,
	FIELD_OUTPUT_FIELDS = 6,
	FIELD_HOSTNAME = 7,
	FIELD_TAGS = 8,
	FIELD_SOURCE = 9,
	FIELD_OURS = 100, /* the first that is not Falco's */
	FIELD_FIELDS_JSON = 103,
};

struct part {
	uint64_t field;
	uint64_t number;
	struct str bytes;
};

static bool take_varint(struct str *in, uint64_t *ret)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64 && in->len; shift += 7) {
		unsigned char c = (unsigned char)in->ptr[0];

		*in = str_skip(*in, 1);
		v |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80)) {
			*ret = v;
			return true;
		}
	}
	return false;
}

static bool take_bytes(struct str *in, uint64_t n, struct str *ret)
{
	if (n > in->len)
		return false;
	*ret = str_cut(*in, (size_t)n);
	*in = str_skip(*in, (size_t)n);
	return true;
}

/* The next part off the front; false at the end, or where nothing sensible follows. */
static bool take_part(struct str *in, struct part *ret)
{
	uint64_t key, n;

	if (!in->len || !take_varint(in, &key))
		return false;
	*ret = (struct part){ .field = key >> 3 };
	switch (key & 7) {
	case 0: return take_varint(in, &ret->number);
	case 1: return take_bytes(in, 8, &ret->bytes);
	case 2: return take_varint(in, &n) && take_bytes(in, n, &ret->bytes);
	case 5: return take_bytes(in, 4, &ret->bytes);
	default: return false;
	}
}

static uint64_t read_time(struct str in)
{
	uint64_t sec = 0, ns = 0;
	struct part p;

	while (take_part(&in, &p)) {
		if (p.field == 1)
			sec = p.number;
		else if (p.field == 2)
			ns = p.number;
	}
	return sec * NS_PER_SEC + ns;
}

void message_read(struct str bytes, struct message *ret)
{
	struct str in = bytes;
	struct part p;

	*ret = (struct message){ .bytes = bytes };
	while (take_part(&in, &p)) {
		switch (p.field) {
		case FIELD_TIME: ret->time_ns = read_time(p.bytes); break;
		case FIELD_PRIORITY: ret->priority = p.number; break;
		case FIELD_RULE: ret->rule = p.bytes; break;
		case FIELD_OUTPUT: ret->output = p.bytes; break;
		case FIELD_HOSTNAME: ret->hostname = p.bytes; break;
		case FIELD_SOURCE: ret->source = p.bytes; break;
		default: break;
		}
	}
}

static void read_pair(struct str in, struct str *ret_key, struct str *ret_value)
{
	struct part p;

	*ret_key = *ret_value = (struct str){ "", 0 };
	while (take_part(&in, &p)) {
		if (p.field == 1)
			*ret_key = p.bytes;
		else if (p.field == 2)
			*ret_value = p.bytes;
	}
}

bool message_field(const struct message *m, struct str key, struct str *ret_value)
{
	struct str in = m->bytes, name, value;
	struct part p;
	bool found = false;

	while (take_part(&in, &p)) {
		if (p.field != FIELD_OUTPUT_FIELDS)
			continue;
		read_pair(p.bytes, &name, &value);
		if (!str_eq(name, key))
			continue;
		*ret_value = value; /* of equal keys the last counts */
		found = true;
	}
	return found;
}

bool message_tag(const struct message *m, size_t *at, struct str *ret_tag)
{
	struct str in = str_skip(m->bytes, *at);
	struct part p;

	while (take_part(&in, &p)) {
		if (p.field != FIELD_TAGS)
			continue;
		*at = m->bytes.len - in.len;
		*ret_tag = p.bytes;
		return true;
	}
	return false;
}

static int by_text(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

size_t message_legacy_len(struct str bytes)
{
	struct str in = bytes, before = bytes;
	struct part p;

	while (take_part(&in, &p) && p.field < FIELD_OURS)
		before = in;
	return bytes.len - before.len;
}

/* What a key looks like in JSON is compared, so that nothing has to be decoded. */
static bool wanted_member(struct str key, const struct str *keys, size_t nkeys)
{
	_cleanup_(strbuf_done) struct strbuf text = { 0 };

	if (!str_contains(key, STR("\\")))
		return bsearch(&key, keys, nkeys, sizeof(*keys), by_text) != NULL;
	for (size_t i = 0; i < nkeys; i++) {
		strbuf_clear(&text);
		json_escape(&text, keys[i]);
		if (str_eq(strbuf_str(&text), key))
			return true;
	}
	return false;
}

/* Bytes of the JSON value at the start of s: up to the comma or bracket that is not its own. */
static size_t value_len(struct str s)
{
	size_t depth = 0, i = 0;
	bool text = false;

	for (; i < s.len; i++) {
		char c = s.ptr[i];

		if (text && c == '\\')
			i++;
		else if (c == '"')
			text = !text;
		else if (!text && (c == '{' || c == '['))
			depth++;
		else if (!text && depth && (c == '}' || c == ']'))
			depth--;
		else if (!text && !depth && (c == ',' || c == '}'))
			break;
	}
	return i < s.len ? i : s.len;
}

/* The object, as alerts have it (no blanks), with only those members. */
static void select_members(struct str object, const struct str *keys, size_t nkeys,
			   struct strbuf *out)
{
	struct json j = json_to(out);

	json_open(&j, '{');
	object = str_skip(object, 1);
	while (str_starts(object, STR("\""))) {
		size_t key = 1;

		while (key < object.len && object.ptr[key] != '"')
			key += object.ptr[key] == '\\' ? 2 : 1;
		size_t end = value_len(str_skip(object, key + 2)) + key + 2;
		if (end > object.len)
			break;
		if (wanted_member(str_skip(str_cut(object, key), 1), keys, nkeys))
			json_raw(&j, str_cut(object, end));
		object = str_skip(object, end + 1);
	}
	json_close(&j, '}');
}

static bool wanted(const struct part *p, const struct str *keys, size_t nkeys)
{
	struct str key, value;

	if (p->field != FIELD_OUTPUT_FIELDS)
		return true;
	read_pair(p->bytes, &key, &value);
	return bsearch(&key, keys, nkeys, sizeof(*keys), by_text) != NULL;
}

static void add_typed(struct str object, const struct str *keys, size_t nkeys, struct strbuf *out)
{
	_cleanup_(strbuf_done) struct strbuf typed = { 0 };

	select_members(object, keys, nkeys, &typed);
	wire_text(out, FIELD_FIELDS_JSON, strbuf_str(&typed));
}

void message_select(struct str bytes, const struct str *keys, size_t nkeys, struct strbuf *out)
{
	struct str in = bytes, before = bytes;
	struct part p;

	while (take_part(&in, &p)) {
		if (p.field == FIELD_FIELDS_JSON)
			add_typed(p.bytes, keys, nkeys, out);
		else if (wanted(&p, keys, nkeys))
			strbuf_add(out, str_cut(before, before.len - in.len));
		before = in;
	}
}
