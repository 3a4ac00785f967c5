/* SPDX-License-Identifier: Apache-2.0 */
/* protobuf's wire format ("Encoding", Message structure): a key, then a number, eight or four bytes, or a
 * length and so many bytes. */
#include "rpc/message.h"

#include <stdlib.h>

#include "base/clock.h"

enum {
	FIELD_TIME = 1,
	FIELD_PRIORITY = 2,
	FIELD_RULE = 4,
	FIELD_OUTPUT = 5,
	FIELD_OUTPUT_FIELDS = 6,
	FIELD_HOSTNAME = 7,
	FIELD_TAGS = 8,
	FIELD_SOURCE = 9,
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

static bool wanted(const struct part *p, const struct str *keys, size_t nkeys)
{
	struct str key, value;

	if (p->field == FIELD_FIELDS_JSON)
		return false;
	if (p->field != FIELD_OUTPUT_FIELDS)
		return true;
	read_pair(p->bytes, &key, &value);
	return bsearch(&key, keys, nkeys, sizeof(*keys), by_text) != NULL;
}

void message_select(struct str bytes, const struct str *keys, size_t nkeys, struct strbuf *out)
{
	struct str in = bytes, before = bytes;
	struct part p;

	while (take_part(&in, &p)) {
		if (wanted(&p, keys, nkeys))
			strbuf_add(out, str_cut(before, before.len - in.len));
		before = in;
	}
}
