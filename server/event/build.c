/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records made in user space. Parameters and extras are gathered in order behind one another and laid out
 * when the record ends, because the table of lengths before them is only known then.
 */
#include "event/event.h"

enum { ALIGN = 8 };

static size_t padded(size_t n)
{
	return (n + ALIGN - 1) / ALIGN * ALIGN;
}

void record_begin(struct record_builder *b, uint16_t type, uint64_t ts_ns,
		  const struct rec_ident *who)
{
	b->hdr = (struct rec_hdr){ .type = type, .ts_ns = ts_ns, .syscall = 0xffff };
	if (who)
		b->hdr.who = *who;
	b->used = 0;
	b->failed = false;
}

static bool append(struct record_builder *b, const void *data, size_t len)
{
	if (len >= REC_MISSING || padded(len) > sizeof(b->data) - b->used) {
		b->failed = true;
		return false;
	}
	if (len)
		memcpy(b->data + b->used, data, len);
	memset(b->data + b->used + len, 0, padded(len) - len);
	b->used += padded(len);
	return true;
}

void record_param(struct record_builder *b, const void *data, size_t len)
{
	if (b->hdr.nparams >= LIMIT_PARAMS || b->hdr.nextras) {
		b->failed = true;
		return;
	}
	if (data && !append(b, data, len))
		return;
	b->lens[b->hdr.nparams++] = data ? (uint16_t)len : REC_MISSING;
}

void record_str(struct record_builder *b, struct str s)
{
	record_param(b, s.ptr, s.len);
}

void record_i64(struct record_builder *b, int64_t v)
{
	record_param(b, &v, sizeof(v));
}

void record_u64(struct record_builder *b, uint64_t v)
{
	record_param(b, &v, sizeof(v));
}

void record_u32(struct record_builder *b, uint32_t v)
{
	record_param(b, &v, sizeof(v));
}

void record_extra(struct record_builder *b, uint16_t tag, const void *data, size_t len)
{
	if (b->hdr.nextras >= LIMIT_PARAMS) {
		b->failed = true;
		return;
	}
	if (data && append(b, data, len))
		b->exts[b->hdr.nextras++] = (struct rec_ext){ .tag = tag, .len = (uint16_t)len };
}

const struct rec_hdr *record_end(struct record_builder *b)
{
	size_t lens = b->hdr.nparams * sizeof(b->lens[0]);
	size_t exts = b->hdr.nextras * sizeof(b->exts[0]);
	size_t head = padded(sizeof(b->hdr) + lens + exts);
	uint8_t *out = (uint8_t *)b->out;

	if (b->failed || head + b->used > sizeof(b->out))
		return NULL;
	b->hdr.len = (uint32_t)(head + b->used);
	memset(out, 0, head);
	memcpy(out, &b->hdr, sizeof(b->hdr));
	memcpy(out + sizeof(b->hdr), b->lens, lens);
	memcpy(out + sizeof(b->hdr) + lens, b->exts, exts);
	memcpy(out + head, b->data, b->used);
	return (const struct rec_hdr *)(const void *)b->out;
}
