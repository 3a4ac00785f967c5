/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From bytes to a view. Records also come from capture files, so nothing in them is trusted: every length
 * is checked against what is left, and a number whose width is not that of its type counts as absent.
 */
#include "event/event.h"

#include <errno.h>

#include "base/cleanup.h"

enum { ALIGN = 8 };

static size_t padded(size_t n)
{
	return (n + ALIGN - 1) / ALIGN * ALIGN;
}

struct cursor {
	const uint8_t *at;
	size_t left;
	bool failed;
};

static struct str take(struct cursor *c, uint16_t len)
{
	if (len == REC_MISSING)
		return (struct str){ 0 };
	if (padded(len) > c->left) {
		c->failed = true;
		return (struct str){ 0 };
	}
	struct str s = { (const char *)c->at, len };

	c->at += padded(len);
	c->left -= padded(len);
	return s;
}

/* Each is a descriptor and perhaps a path behind it; *last is the one that a path would belong to. */
static void set_stdio(struct event *e, uint16_t tag, struct str s, struct event_stdio **last)
{
	if (tag == REC_X_STDIO_PATH) {
		if (*last)
			(*last)->path = s;
		return;
	}
	const struct rec_fd *fd = (const struct rec_fd *)(const void *)s.ptr;

	*last = NULL;
	if (s.len < sizeof(*fd) || fd->num < 0 || fd->num >= (int64_t)ARRAY_SIZE(e->stdio))
		return;
	*last = &e->stdio[fd->num];
	**last = (struct event_stdio){ .fd = fd };
}

static void set_extra(struct event *e, uint16_t tag, struct str s)
{
	switch (tag) {
	case REC_X_BASE: e->base = s; break;
	case REC_X_PATH: e->path = s; break;
	case REC_X_BASE2: e->base2 = s; break;
	case REC_X_PATH2: e->path2 = s; break;
	case REC_X_CWD: e->cwd = s; break;
	case REC_X_CGROUPS: e->cgroups = s; break;
	case REC_X_FD:
		if (s.len >= sizeof(struct rec_fd))
			e->fd = (const struct rec_fd *)(const void *)s.ptr;
		break;
	case REC_X_CAPS:
		if (s.len == 3 * sizeof(*e->caps))
			e->caps = (const uint64_t *)(const void *)s.ptr;
		break;
	case REC_X_RUNTIME:
		if (s.len == 2 * sizeof(*e->runtime))
			e->runtime = (const uint64_t *)(const void *)s.ptr;
		break;
	case REC_X_EXEC:
		if (s.len >= sizeof(struct rec_exec))
			e->exec = (const struct rec_exec *)(const void *)s.ptr;
		break;
	case REC_X_TASK:
		if (s.len >= sizeof(struct rec_task))
			e->task = (const struct rec_task *)(const void *)s.ptr;
		break;
	case REC_X_KINDS: e->kinds = s; break;
	case REC_X_POLLED: e->polled = s; break;
	case REC_X_KEY:
		if (s.len == sizeof(struct probe_keys))
			e->keys = (const struct probe_keys *)(const void *)s.ptr;
		break;
	case REC_X_SID:
		if (s.len == sizeof(e->sid))
			memcpy(&e->sid, s.ptr, sizeof(e->sid));
		break;
	default: break;
	}
}

int event_decode(const void *rec, size_t len, struct event *ret_event)
{
	const struct rec_hdr *hdr = rec;

	if ((uintptr_t)rec % ALIGN || len < sizeof(*hdr) || hdr->len < sizeof(*hdr) ||
	    hdr->len > len || hdr->len % ALIGN || hdr->len > LIMIT_RECORD_BYTES)
		return -EBADMSG;
	const struct event_info *info = event_info(hdr->type);

	if (!info || hdr->nparams > info->nparams || hdr->nparams > LIMIT_PARAMS)
		return -EBADMSG;
	size_t table = hdr->nparams * sizeof(uint16_t) + hdr->nextras * sizeof(struct rec_ext);

	if (padded(sizeof(*hdr) + table) > hdr->len)
		return -EBADMSG;
	const uint16_t *lens = (const uint16_t *)(hdr + 1);
	const uint8_t *exts = (const uint8_t *)(lens + hdr->nparams);
	struct cursor c = { .at = (const uint8_t *)rec + padded(sizeof(*hdr) + table),
			    .left = hdr->len - padded(sizeof(*hdr) + table) };
	/* Not initialised as a whole: the parameters that the event does not have are never looked at. */
	struct event *e = ret_event;

	e->hdr = hdr;
	e->info = info;
	e->num = e->wall_ns = 0;
	e->base = e->path = e->base2 = e->path2 = e->cwd = e->cgroups = e->kinds =
		(struct str){ 0 };
	e->fd = NULL;
	e->exec = NULL;
	e->task = NULL;
	e->keys = NULL;
	e->sid = 0;
	e->caps = NULL;
	e->proc = NULL;
	memset(e->stdio, 0, sizeof(e->stdio));
	for (unsigned i = 0; i < hdr->nparams; i++)
		e->params[i] = take(&c, lens[i]);
	for (unsigned i = hdr->nparams; i < info->nparams; i++)
		e->params[i] = (struct str){ 0 };
	struct event_stdio *stdio = NULL;

	for (unsigned i = 0; i < hdr->nextras; i++) {
		struct rec_ext ext;

		memcpy(&ext, exts + i * sizeof(ext), sizeof(ext));
		struct str s = take(&c, ext.len);

		if (s.ptr && (ext.tag == REC_X_STDIO || ext.tag == REC_X_STDIO_PATH))
			set_stdio(e, ext.tag, s, &stdio);
		else if (s.ptr)
			set_extra(e, ext.tag, s);
	}
	return c.failed ? -EBADMSG : 0;
}

static const struct {
	uint8_t width;
	bool is_signed;
} numbers[] = {
	[PT_INT8] = { 1, true },	 [PT_INT16] = { 2, true },
	[PT_INT32] = { 4, true },	 [PT_INT64] = { 8, true },
	[PT_UINT8] = { 1, false },	 [PT_UINT16] = { 2, false },
	[PT_UINT32] = { 4, false },	 [PT_UINT64] = { 8, false },
	[PT_ERRNO] = { 8, true },	 [PT_FD] = { 8, true },
	[PT_PID] = { 8, true },		 [PT_SYSCALLID] = { 2, false },
	[PT_SIGTYPE] = { 1, false },	 [PT_RELTIME] = { 8, false },
	[PT_ABSTIME] = { 8, false },	 [PT_PORT] = { 2, false },
	[PT_BOOL] = { 4, false },	 [PT_DOUBLE] = { 8, false },
	[PT_UID] = { 4, false },	 [PT_GID] = { 4, false },
	[PT_FLAGS8] = { 1, false },	 [PT_FLAGS16] = { 2, false },
	[PT_FLAGS32] = { 4, false },	 [PT_ENUMFLAGS8] = { 1, false },
	[PT_ENUMFLAGS16] = { 2, false }, [PT_ENUMFLAGS32] = { 4, false },
	[PT_MODE] = { 4, false },	 [PT_SIGSET] = { 4, false },
	[PT_IPV4ADDR] = { 0, false },	 [PT_CHARBUF_PAIR_ARRAY] = { 0, false },
};

unsigned param_width(enum param_type type)
{
	return (size_t)type < ARRAY_SIZE(numbers) ? numbers[type].width : 0;
}

static bool number(struct str s, bool is_signed, uint64_t *ret)
{
	uint64_t v;

	switch (s.len) {
	case 1: v = (uint8_t)s.ptr[0]; break;
	case 2: {
		uint16_t w;

		memcpy(&w, s.ptr, sizeof(w));
		v = w;
		break;
	}
	case 4: {
		uint32_t w;

		memcpy(&w, s.ptr, sizeof(w));
		v = w;
		break;
	}
	case 8: memcpy(&v, s.ptr, sizeof(v)); break;
	default: return false;
	}
	unsigned unused = 64 - (unsigned)s.len * 8;

	*ret = is_signed && unused ? (uint64_t)((int64_t)(v << unused) >> unused) : v;
	return true;
}

static bool param_number(const struct event *e, unsigned i, uint64_t *ret)
{
	if (i >= e->info->nparams || !e->params[i].ptr)
		return false;
	enum param_type type = e->info->params[i].type;

	if (type == PT_DYN)
		return number(str_skip(e->params[i], 1), false, ret);
	unsigned width = param_width(type);

	return width && e->params[i].len == width &&
	       number(e->params[i], numbers[type].is_signed, ret);
}

int64_t event_i64(const struct event *e, unsigned i, int64_t missing)
{
	uint64_t v;

	return param_number(e, i, &v) ? (int64_t)v : missing;
}

uint64_t event_u64(const struct event *e, unsigned i, uint64_t missing)
{
	uint64_t v;

	return param_number(e, i, &v) ? v : missing;
}
