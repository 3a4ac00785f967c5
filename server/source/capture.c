/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames are multiples of 8 bytes and so is the header: records stay aligned in the file and in the
 * reader's buffer, and need no copying. Every frame has its own CRC, so damage is found where it is, and
 * a file that was cut (power lost, disk full) is good up to the cut.
 */
#include "source/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/limits.h"

enum {
	VERSION = 1,
	BYTE_ORDER_MARK = 0x01020304,
	BUFFER = 4 * LIMIT_RECORD_BYTES,
};

enum frame_kind { FRAME_RECORD = 1, FRAME_END = 2 };

/* The first byte and the line ends show a file that went through a text filter. */
static const char magic[8] = { '\x89', 'T', 'C', 'A', 'P', '\r', '\n', '\x1a' };

struct header {
	char magic[8];
	uint32_t byte_order;
	uint32_t version;
	uint32_t len; /* of the header */
	uint32_t reserved;
	struct capture_info info;
	uint32_t padding;
	uint32_t crc; /* of all before */
};

struct frame {
	uint32_t len; /* of the payload, a multiple of 8 */
	uint32_t kind;
	uint32_t reserved;
	uint32_t crc; /* of the fields before and the payload */
};

_Static_assert(sizeof(struct header) % 8 == 0 && sizeof(struct frame) % 8 == 0, "alignment");
_Static_assert(sizeof(struct header) == 24 + 264 + 8, "no hidden padding");

/* CRC-32 of Ethernet and zlib, four bits at a time: the table is small, files are of a few MB. */
static uint32_t crc32_add(uint32_t crc, const void *data, size_t len)
{
	static const uint32_t table[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
		0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	const uint8_t *p = data;

	crc = ~crc;
	for (size_t i = 0; i < len; i++) {
		crc = table[(crc ^ p[i]) & 15] ^ (crc >> 4);
		crc = table[(crc ^ (p[i] >> 4)) & 15] ^ (crc >> 4);
	}
	return ~crc;
}

static uint32_t frame_crc(const struct frame *f, const void *payload)
{
	uint32_t crc = crc32_add(0, f, offsetof(struct frame, crc));

	return crc32_add(crc, payload, f->len);
}

/* Writing. */

struct capture_writer {
	int fd;
	int error;
	bool full; /* the limit was reached: only the end frame may follow */
	uint64_t bytes, max_bytes, records;
	size_t used;
	uint8_t buffer[BUFFER];
};

int capture_writer_flush(struct capture_writer *w)
{
	if (w->error)
		return w->error;
	w->error = io_write_all(w->fd, (struct str){ (const char *)w->buffer, w->used });
	w->used = 0;
	return w->error;
}

/* Never more than half a buffer at once. */
static int append(struct capture_writer *w, const void *data, size_t len)
{
	if (len > sizeof(w->buffer) - w->used && capture_writer_flush(w) < 0)
		return w->error;
	memcpy(w->buffer + w->used, data, len);
	w->used += len;
	w->bytes += len;
	return w->error;
}

static int write_frame(struct capture_writer *w, uint32_t kind, const void *payload, uint32_t len)
{
	struct frame f = { .len = len, .kind = kind };

	f.crc = frame_crc(&f, payload);
	int r = append(w, &f, sizeof(f));

	return r < 0 ? r : append(w, payload, len);
}

int capture_writer_open(const char *path, const struct capture_info *info, uint64_t max_bytes,
			struct capture_writer **ret)
{
	struct header h = { .byte_order = BYTE_ORDER_MARK,
			    .version = VERSION,
			    .len = sizeof(h),
			    .info.wall_offset_ns = info->wall_offset_ns };
	struct capture_writer *w = malloc(sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->error = 0;
	w->full = false;
	w->bytes = w->records = w->used = 0;
	w->max_bytes = max_bytes ? max_bytes : UINT64_MAX;
	w->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0600);
	if (w->fd < 0) {
		int r = -errno;

		free(w);
		return r;
	}
	memcpy(h.magic, magic, sizeof(magic));
	memcpy(h.info.hostname, info->hostname,
	       strnlen(info->hostname, sizeof(h.info.hostname) - 1));
	h.crc = crc32_add(0, &h, offsetof(struct header, crc));
	append(w, &h, sizeof(h));
	*ret = w;
	return 0;
}

int capture_writer_write(struct capture_writer *w, const struct rec_hdr *rec)
{
	if (w->error || w->full)
		return w->error ? w->error : -EFBIG;
	if (rec->len > LIMIT_RECORD_BYTES || rec->len % 8)
		return -EINVAL;
	if (w->bytes + sizeof(struct frame) + rec->len > w->max_bytes) {
		w->full = true;
		return -EFBIG;
	}
	w->records++;
	return write_frame(w, FRAME_RECORD, rec, rec->len);
}

uint64_t capture_writer_bytes(const struct capture_writer *w)
{
	return w->bytes;
}

int capture_writer_close(struct capture_writer *w)
{
	if (!w)
		return 0;
	write_frame(w, FRAME_END, &w->records, sizeof(w->records));
	capture_writer_flush(w);
	int r = w->error;

	if (close(w->fd) < 0 && r == 0)
		r = -errno;
	free(w);
	return r;
}

/* Reading. */

struct capture_reader {
	int fd;
	bool eof;
	char name[256];
	struct capture_info info;
	uint64_t offset; /* in the file, of `at` */
	uint64_t records;
	size_t at, filled; /* in the buffer */
	uint64_t buffer[BUFFER / 8];
};

static int damaged(const struct capture_reader *r, struct diag *diag, const char *what)
{
	diag_file(diag, r->name);
	diag->line = diag->column = 0;
	diag->offset = r->offset > UINT32_MAX ? UINT32_MAX : (uint32_t)r->offset;
	diag_set(diag, "%s at byte %" PRIu64, what, r->offset);
	return -EBADMSG;
}

/* At least n bytes from `at` on, unless the file ends before: then *ret_whole is false. */
static int fill(struct capture_reader *r, size_t n, bool *ret_whole)
{
	uint8_t *buffer = (uint8_t *)r->buffer;

	if (r->filled - r->at < n && !r->eof) {
		memmove(buffer, buffer + r->at, r->filled - r->at);
		r->filled -= r->at;
		r->at = 0;
	}
	while (r->filled - r->at < n && !r->eof) {
		ssize_t got = read(r->fd, buffer + r->filled, sizeof(r->buffer) - r->filled);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		r->eof = got == 0;
		r->filled += (size_t)got;
	}
	*ret_whole = r->filled - r->at >= n;
	return 0;
}

static const void *current(const struct capture_reader *r)
{
	return (const uint8_t *)r->buffer + r->at;
}

static void advance(struct capture_reader *r, size_t n)
{
	r->at += n;
	r->offset += n;
}

static int read_header(struct capture_reader *r, struct diag *diag)
{
	struct header h;
	bool whole;
	int outcome = fill(r, sizeof(h), &whole);

	if (outcome < 0)
		return outcome;
	if (!whole || memcmp(current(r), magic, sizeof(magic)) != 0)
		return damaged(r, diag, "not a capture file");
	memcpy(&h, current(r), sizeof(h));
	if (h.byte_order != BYTE_ORDER_MARK)
		return damaged(r, diag, "capture of a host with another byte order");
	if (h.version != VERSION)
		return damaged(r, diag, "capture of a version this program does not know");
	if (h.len != sizeof(h) || h.crc != crc32_add(0, &h, offsetof(struct header, crc)))
		return damaged(r, diag, "damaged header");
	r->info = h.info;
	r->info.hostname[sizeof(r->info.hostname) - 1] = '\0';
	advance(r, sizeof(h));
	return 0;
}

int capture_reader_open_fd(int fd, const char *name, struct capture_reader **ret, struct diag *diag)
{
	struct capture_reader *r = malloc(sizeof(*r));

	if (!r) {
		close(fd);
		return -ENOMEM;
	}
	r->fd = fd;
	r->eof = false;
	r->offset = r->records = r->at = r->filled = 0;
	struct str shown = str_cut(str_of(name), sizeof(r->name) - 1);

	memcpy(r->name, shown.ptr, shown.len);
	r->name[shown.len] = '\0';
	int outcome = read_header(r, diag);

	if (outcome < 0)
		capture_reader_close(r);
	else
		*ret = r;
	return outcome;
}

int capture_reader_open(const char *path, struct capture_reader **ret, struct diag *diag)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? -errno : capture_reader_open_fd(fd, path, ret, diag);
}

const struct capture_info *capture_reader_info(const struct capture_reader *r)
{
	return &r->info;
}

static int cut(const struct capture_reader *r, struct diag *diag)
{
	damaged(r, diag, "the file was cut");
	return CAPTURE_E_CUT;
}

static int take_end(const struct capture_reader *r, const struct frame *f, const void *payload,
		    struct diag *diag)
{
	uint64_t records;

	if (f->len != sizeof(records))
		return damaged(r, diag, "damaged frame");
	memcpy(&records, payload, sizeof(records));
	return records == r->records ? CAPTURE_E_END
				     : damaged(r, diag, "records are missing before the end");
}

int capture_reader_next(struct capture_reader *r, const struct rec_hdr **ret, struct diag *diag)
{
	struct frame f;
	bool whole;
	int outcome = fill(r, sizeof(f), &whole);

	if (outcome < 0)
		return outcome;
	if (!whole)
		return cut(r, diag);
	memcpy(&f, current(r), sizeof(f));
	if (f.len > LIMIT_RECORD_BYTES || f.len % 8)
		return damaged(r, diag, "damaged frame");
	outcome = fill(r, sizeof(f) + f.len, &whole);
	if (outcome < 0)
		return outcome;
	if (!whole)
		return cut(r, diag);
	const void *payload = (const uint8_t *)current(r) + sizeof(f);

	if (f.crc != frame_crc(&f, payload))
		return damaged(r, diag, "damaged frame");
	if (f.kind == FRAME_END)
		return take_end(r, &f, payload, diag);
	const struct rec_hdr *rec = payload;

	if (f.kind != FRAME_RECORD || f.len < sizeof(*rec) || rec->len != f.len)
		return damaged(r, diag, "damaged record");
	advance(r, sizeof(f) + f.len);
	r->records++;
	*ret = rec;
	return 0;
}

struct capture_reader *capture_reader_close(struct capture_reader *r)
{
	if (r) {
		close(r->fd);
		free(r);
	}
	return NULL;
}
