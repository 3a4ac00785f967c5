/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layout of the memfd: a page the writer publishes in, a page the reader answers in, then the data, mapped
 * twice in a row so that a frame is contiguous even where the ring ends. Positions are byte counts since the
 * start and never wrap.
 *
 * The reader runs without privileges and may be taken over. Therefore the writer keeps its own copy of every
 * position and of every frame's length and reads nothing back but two words of the reader's page (asleep,
 * acked), of which no value can do worse than a needless wake-up or a wrong counter. The file is sealed
 * against shrinking, so an access never faults. The wake-up is one end of a socket pair and not an eventfd:
 * a reader could make a shared eventfd blocking and full, while MSG_DONTWAIT holds for the one call.
 *
 * A reader may be overtaken while it copies. It copies first and then looks whether the frame was still
 * behind the tail, as with a sequence lock; each frame also carries its own position and a sum, so that a
 * damaged ring is noticed.
 */
#include "link/link.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/limits.h"

enum {
	LINK_PAGE = 4096,
	LINK_MAGIC = 0x6b6e6c74,
	LINK_VERSION = 1,
	LINK_MIN_BYTES = 4096,
};

struct link_shared { /* written by the writer only */
	uint32_t magic;
	uint32_t version;
	uint64_t bytes;
	_Atomic uint64_t head; /* end of the newest frame */
	_Atomic uint64_t tail; /* start of the oldest whole frame */
};

struct link_answer { /* written by the reader only */
	_Atomic uint32_t asleep;
	uint32_t pad;
	_Atomic uint64_t acked; /* newest sequence number handed out */
};

struct link_frame {
	uint64_t pos;
	uint64_t seq;
	uint32_t len;
	uint32_t sum;
};

struct link_map {
	struct link_shared *shared;
	struct link_answer *answer;
	char *data;
	uint64_t bytes;
	void *base;
	size_t total;
};

struct link_entry {
	uint64_t seq;
	uint64_t size; /* of the frame, padding included */
};

struct link_writer {
	struct link_map map;
	int ring_fd;
	int wake_fd;  /* ours */
	int event_fd; /* the reader's */
	uint64_t head;
	uint64_t tail;
	uint64_t overruns;
	struct link_entry *entries; /* frames between tail and head, as a ring */
	size_t first, count, cap;
};

struct link_reader {
	struct link_map map;
	int event_fd;
	uint64_t pos;
	uint64_t next_seq; /* UINT64_MAX: nothing was read yet */
	bool asleep;
};

/* Not atomic_thread_fence, which gcc refuses under TSan; the other side maps the pages elsewhere anyway. */
static inline void full_fence(void)
{
	__sync_synchronize();
}

static uint32_t link_sum(const struct link_frame *f)
{
	uint64_t h = (f->pos ^ (f->seq << 17) ^ f->len) * UINT64_C(0x9e3779b97f4a7c15);

	return (uint32_t)(h >> 32);
}

static uint64_t frame_size(size_t len)
{
	return (sizeof(struct link_frame) + len + 7) & ~UINT64_C(7);
}

static void map_done(struct link_map *m)
{
	if (m->base)
		munmap(m->base, m->total);
	*m = (struct link_map){ 0 };
}

/* The writer's page and the data are writable for the writer, the answer page for the reader. */
static int map_init(struct link_map *m, int fd, uint64_t bytes, bool writer)
{
	int mine = PROT_READ | PROT_WRITE;
	size_t total = 2 * LINK_PAGE + 2 * (size_t)bytes;
	char *base = mmap(NULL, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (base == MAP_FAILED)
		return -errno;
	*m = (struct link_map){ .base = base, .total = total, .bytes = bytes };
	struct {
		size_t at, len;
		off_t offset;
		int prot;
	} parts[] = {
		{ 0, LINK_PAGE, 0, writer ? mine : PROT_READ },
		{ LINK_PAGE, LINK_PAGE, LINK_PAGE, mine },
		{ 2 * LINK_PAGE, bytes, 2 * LINK_PAGE, writer ? mine : PROT_READ },
		{ 2 * LINK_PAGE + bytes, bytes, 2 * LINK_PAGE, writer ? mine : PROT_READ },
	};
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (mmap(base + parts[i].at, parts[i].len, parts[i].prot, MAP_SHARED | MAP_FIXED,
			 fd, parts[i].offset) == MAP_FAILED) {
			int r = -errno;

			map_done(m);
			return r;
		}
	m->shared = (struct link_shared *)(void *)base;
	m->answer = (struct link_answer *)(void *)(base + LINK_PAGE);
	m->data = base + 2 * LINK_PAGE;
	return 0;
}

int link_writer_new(size_t bytes, struct link_writer **ret)
{
	if (bytes < LINK_MIN_BYTES || (bytes & (bytes - 1)) || bytes > (size_t)1 << 32)
		return -EINVAL;
	struct link_writer *w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->wake_fd = w->event_fd = -1;
	int pair[2];
	int r;
	w->ring_fd = memfd_create("link", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (w->ring_fd < 0 || ftruncate(w->ring_fd, (off_t)(2 * LINK_PAGE + bytes)) < 0 ||
	    fcntl(w->ring_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0 ||
	    socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) < 0) {
		r = -errno;
		link_writer_free(w);
		return r;
	}
	w->wake_fd = pair[0];
	w->event_fd = pair[1];
	r = map_init(&w->map, w->ring_fd, bytes, true);
	if (r < 0) {
		link_writer_free(w);
		return r;
	}
	w->map.shared->magic = LINK_MAGIC;
	w->map.shared->version = LINK_VERSION;
	w->map.shared->bytes = bytes;
	*ret = w;
	return 0;
}

struct link_writer *link_writer_free(struct link_writer *w)
{
	if (!w)
		return NULL;
	map_done(&w->map);
	closep(&w->ring_fd);
	closep(&w->wake_fd);
	closep(&w->event_fd);
	free(w->entries);
	free(w);
	return NULL;
}

int link_writer_ring_fd(const struct link_writer *w)
{
	return w->ring_fd;
}

int link_writer_event_fd(const struct link_writer *w)
{
	return w->event_fd;
}

uint64_t link_overruns(const struct link_writer *w)
{
	return w->overruns;
}

static int entries_grow(struct link_writer *w)
{
	size_t cap = w->cap ? w->cap * 2 : 1024;
	struct link_entry *grown = calloc(cap, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	for (size_t i = 0; i < w->count; i++)
		grown[i] = w->entries[(w->first + i) & (w->cap - 1)];
	free(w->entries);
	w->entries = grown;
	w->cap = cap;
	w->first = 0;
	return 0;
}

/* Gives up the oldest frames until size bytes are free, before any of their bytes is touched. */
static void make_room(struct link_writer *w, uint64_t size)
{
	uint64_t tail = w->tail;
	uint64_t acked = atomic_load_explicit(&w->map.answer->acked, memory_order_relaxed);

	while (w->count && w->head + size - w->tail > w->map.bytes) {
		const struct link_entry *e = &w->entries[w->first];

		if (e->seq > acked)
			w->overruns++;
		w->tail += e->size;
		w->first = (w->first + 1) & (w->cap - 1);
		w->count--;
	}
	if (w->tail != tail) {
		atomic_store_explicit(&w->map.shared->tail, w->tail, memory_order_relaxed);
		full_fence();
	}
}

int link_write(struct link_writer *w, uint64_t seq, struct str block)
{
	if (block.len > w->map.bytes / 4)
		return -EMSGSIZE;
	if (w->count == w->cap) {
		int r = entries_grow(w);
		if (r < 0)
			return r;
	}
	struct link_frame frame = { .pos = w->head, .seq = seq, .len = (uint32_t)block.len };
	uint64_t size = frame_size(block.len);
	char *at = w->map.data + (w->head & (w->map.bytes - 1));

	frame.sum = link_sum(&frame);
	make_room(w, size);
	memcpy(at, &frame, sizeof(frame));
	if (block.len)
		memcpy(at + sizeof(frame), block.ptr, block.len);
	w->entries[(w->first + w->count++) & (w->cap - 1)] = (struct link_entry){ .seq = seq,
										  .size = size };
	w->head += size;
	atomic_store_explicit(&w->map.shared->head, w->head, memory_order_release);
	/* Either the reader sees the new head after having gone to sleep, or we see it asleep. */
	full_fence();
	if (atomic_load_explicit(&w->map.answer->asleep, memory_order_relaxed) &&
	    atomic_exchange(&w->map.answer->asleep, 0))
		/* Full means that a wake-up is on its way; nobody at the other end is no fault. */
		(void)send(w->wake_fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	return 0;
}

int link_reader_new(int ring_fd, int event_fd, struct link_reader **ret)
{
	struct link_shared head;
	struct stat st;

	if (fstat(ring_fd, &st) < 0 ||
	    pread(ring_fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head))
		return errno ? -errno : -EBADMSG;
	if (head.magic != LINK_MAGIC || head.version != LINK_VERSION ||
	    head.bytes < LINK_MIN_BYTES || (head.bytes & (head.bytes - 1)) ||
	    head.bytes > UINT64_C(1) << 32 || (uint64_t)st.st_size != 2 * LINK_PAGE + head.bytes)
		return -EBADMSG;
	struct link_reader *r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	int e = map_init(&r->map, ring_fd, head.bytes, false);
	if (e < 0) {
		free(r);
		return e;
	}
	r->event_fd = event_fd;
	r->pos = atomic_load_explicit(&r->map.shared->tail, memory_order_acquire);
	/* What an earlier reader had is read again; what was lost between the two is a gap. */
	r->next_seq = UINT64_MAX;
	*ret = r;
	return 0;
}

struct link_reader *link_reader_free(struct link_reader *r)
{
	if (!r)
		return NULL;
	map_done(&r->map);
	free(r);
	return NULL;
}

static void reader_wake(struct link_reader *r)
{
	char drop[64];

	if (!r->asleep)
		return;
	r->asleep = false;
	atomic_store(&r->map.answer->asleep, 0);
	while (recv(r->event_fd, drop, sizeof(drop), MSG_DONTWAIT) > 0)
		;
}

/* 1: a frame was copied; 0: it was overtaken; -EBADMSG; -EMSGSIZE. */
static int copy_frame(struct link_reader *r, uint64_t head, void *out, size_t room,
		      struct link_frame *frame)
{
	const char *at = r->map.data + (r->pos & (r->map.bytes - 1));
	int outcome = 1;

	memcpy(frame, at, sizeof(*frame));
	if (frame->pos != r->pos || frame->sum != link_sum(frame) || (r->pos & 7) ||
	    frame->len > r->map.bytes / 4 || r->pos + frame_size(frame->len) > head)
		outcome = -EBADMSG;
	else if (frame->len > room)
		outcome = -EMSGSIZE;
	else if (frame->len)
		memcpy(out, at + sizeof(*frame), frame->len);
	full_fence();
	return atomic_load_explicit(&r->map.shared->tail, memory_order_relaxed) > r->pos ? 0
											 : outcome;
}

/* How many blocks lie between what is known to have been read and seq. */
static uint64_t missed_before(struct link_reader *r, uint64_t seq)
{
	if (r->next_seq != UINT64_MAX)
		return seq > r->next_seq ? seq - r->next_seq : 0;
	uint64_t acked = atomic_load_explicit(&r->map.answer->acked, memory_order_relaxed);
	return acked && seq > acked + 1 ? seq - acked - 1 : 0;
}

int link_read(struct link_reader *r, void *out, size_t room, uint64_t *ret_seq, size_t *ret_len,
	      uint64_t *ret_missed)
{
	reader_wake(r);
	for (;;) {
		uint64_t head = atomic_load_explicit(&r->map.shared->head, memory_order_acquire);
		uint64_t tail = atomic_load_explicit(&r->map.shared->tail, memory_order_acquire);

		if (r->pos < tail)
			r->pos = tail;
		if (r->pos == head) {
			if (r->asleep)
				return 0;
			r->asleep = true;
			atomic_store(&r->map.answer->asleep, 1);
			full_fence();
			continue; /* look once more: the writer may not have seen us */
		}
		if (r->asleep) {
			r->asleep = false;
			atomic_store(&r->map.answer->asleep, 0);
		}
		struct link_frame frame;
		int outcome = r->pos > head ? -EBADMSG : copy_frame(r, head, out, room, &frame);
		if (outcome == 0)
			continue;
		if (outcome == -EBADMSG) {
			r->pos = head; /* go on with what comes next */
			return outcome;
		}
		r->pos += frame_size(frame.len);
		if (outcome < 0)
			return outcome;
		*ret_missed = missed_before(r, frame.seq);
		*ret_seq = frame.seq;
		*ret_len = frame.len;
		r->next_seq = frame.seq + 1;
		atomic_store_explicit(&r->map.answer->acked, frame.seq, memory_order_relaxed);
		return 1;
	}
}
