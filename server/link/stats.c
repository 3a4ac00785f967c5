/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layout of an area: header, cells by stat_id, histograms, slots of series, a heap of texts. Slots and texts
 * are only ever appended, and published by a count, so a reader needs no lock and no text moves. Areas are
 * sparse files: what is not used costs address space only.
 *
 * What the other side wrote is believed as far as numbers go; every offset is checked against the area.
 */
#include "link/stats.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/limits.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010 /* linux/fcntl.h, 5.1 */
#endif

enum { STATS_MAGIC = 0x73746174, STATS_VERSION = 1 };

struct stats_slot {
	_Atomic uint64_t value;
	uint32_t id;
	uint32_t text, len; /* of the labels, in the heap */
	uint32_t pad;
};

struct stats_head {
	uint32_t magic, version, ids, size;
};

struct stats_area {
	struct stats_head head;
	_Atomic uint32_t nslots;
	_Atomic uint32_t heap_used;
	_Atomic uint64_t infos; /* offset << 32 | length, in the heap */
	_Atomic uint64_t cells[STAT_IDS];
	_Atomic uint64_t histograms[STATS_HISTOGRAMS][STATS_BUCKETS + 1]; /* the last: sum */
	struct stats_slot slots[LIMIT_SERIES];
	char heap[LIMIT_SERIES_TEXT];
};

struct stats_index {
	struct strmap by_key;	/* "id labels" to slot */
	_Atomic uint64_t spare; /* for those that found no room */
};

/* clang-format off */
#define STAT(id, side_, kind_, name_, labels_, help_)                                              \
	[STAT_##id] = { .name = name_, .labels = labels_, .help = help_,                           \
			.side = STATS_##side_, .kind = STATS_##kind_ },
#define SERIES(id, side_, kind_, name_, labels_, help_)                                            \
	[STAT_##id] = { .name = name_, .labels = labels_, .help = help_,                           \
			.side = STATS_##side_, .kind = STATS_##kind_, .series = true },
#define HISTOGRAM(id, side_, name_, help_)                                                         \
	[STAT_##id] = { .name = name_, .labels = "", .help = help_,                                \
			.side = STATS_##side_, .kind = STATS_NANOS_COUNTER, .histogram = true },
static const struct stats_row rows[STAT_IDS] = {
#include "link/stats.def"
};
/* clang-format on */

static const uint64_t bounds[STATS_BUCKETS] = {
	50000,	  100000,   250000,    500000,	  1000000,   2500000,	 5000000,    10000000,
	25000000, 50000000, 100000000, 250000000, 500000000, 1000000000, 5000000000, UINT64_MAX,
};

const struct stats_row *stats_row(enum stat_id id)
{
	return &rows[id];
}

uint64_t stats_bound(unsigned bucket)
{
	return bounds[bucket];
}

/* Histograms are few: their place is their rank among the rows. */
static unsigned histogram_rank(enum stat_id id)
{
	unsigned n = 0;

	for (unsigned i = 0; i < (unsigned)id; i++)
		n += rows[i].histogram;
	return n < STATS_HISTOGRAMS ? n : STATS_HISTOGRAMS - 1;
}

static int map(struct stats *s, enum stats_side side, int fd, bool writable)
{
	void *at = mmap(NULL, sizeof(struct stats_area), PROT_READ | (writable ? PROT_WRITE : 0),
			MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		return -errno;
	s->areas[side] = at;
	s->cells[side] = s->areas[side]->cells;
	return 0;
}

static int make(struct stats *s, enum stats_side side)
{
	int seals = F_SEAL_SHRINK | F_SEAL_GROW;

	s->fds[side] = memfd_create("stats", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (s->fds[side] < 0 || ftruncate(s->fds[side], sizeof(struct stats_area)) < 0)
		return -errno;
	/* Written once through a mapping that is kept; ours goes on when the seal is set. */
	int r = map(s, side, s->fds[side], true);
	if (r < 0)
		return r;
	s->areas[side]->head = (struct stats_head){ STATS_MAGIC, STATS_VERSION, STAT_IDS,
						    sizeof(struct stats_area) };
	if (side == STATS_SENSOR)
		seals |= F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;
	return fcntl(s->fds[side], F_ADD_SEALS, seals) < 0 ? -errno : 0;
}

static struct stats *alloc(enum stats_side side)
{
	struct stats *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->side = side;
	s->fds[0] = s->fds[1] = -1;
	s->index = calloc(1, sizeof(*s->index));
	return s->index ? s : stats_free(s);
}

int stats_new(struct stats **ret)
{
	struct stats *s = alloc(STATS_SENSOR);

	if (!s)
		return -ENOMEM;
	int r = make(s, STATS_SENSOR);
	if (r == 0)
		r = make(s, STATS_NETWORK);
	if (r < 0) {
		stats_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

static int check(int fd)
{
	struct stats_head head;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if ((size_t)st.st_size != sizeof(struct stats_area) ||
	    pread(fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
	    head.magic != STATS_MAGIC || head.version != STATS_VERSION || head.ids != STAT_IDS ||
	    head.size != sizeof(struct stats_area))
		return -EBADMSG;
	return 0;
}

/* What an earlier network process made goes on; what it damaged is begun anew. */
static int adopt_series(struct stats *s)
{
	struct stats_area *a = s->areas[s->side];
	size_t n = stats_nseries(s, s->side);
	_cleanup_(strbuf_done) struct strbuf key = { 0 };

	for (size_t i = 0; i < n; i++) {
		struct stats_series one;

		if (!stats_series_at(s, s->side, i, &one))
			continue;
		strbuf_clear(&key);
		strbuf_printf(&key, "%u " STR_FMT, (unsigned)one.id, STR_ARG(one.labels));
		if (strmap_find(&s->index->by_key, strbuf_str(&key)))
			continue;
		char *z = strbuf_take(&key);
		if (!z || strmap_put(&s->index->by_key, str_of(z), &a->slots[i]) < 0) {
			free(z);
			return -ENOMEM;
		}
	}
	return 0;
}

int stats_open(int sensor_fd, int network_fd, struct stats **ret)
{
	struct stats *s = alloc(STATS_NETWORK);
	int r = s ? check(sensor_fd) : -ENOMEM;

	if (r == 0)
		r = check(network_fd);
	if (r == 0)
		r = map(s, STATS_SENSOR, sensor_fd, false);
	if (r == 0)
		r = map(s, STATS_NETWORK, network_fd, true);
	if (r == 0)
		r = adopt_series(s);
	if (r < 0) {
		stats_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

struct stats *stats_free(struct stats *s)
{
	struct str key;
	void *value;

	if (!s)
		return NULL;
	for (int i = 0; i < 2; i++) {
		if (s->areas[i])
			munmap(s->areas[i], sizeof(struct stats_area));
		if (s->fds[i] >= 0)
			close(s->fds[i]);
	}
	for (size_t at = 0; s->index && strmap_next(&s->index->by_key, &at, &key, &value);)
		free((char *)(uintptr_t)key.ptr);
	if (s->index)
		strmap_done(&s->index->by_key);
	free(s->index);
	free(s);
	return NULL;
}

int stats_fd(const struct stats *s, enum stats_side side)
{
	return s ? s->fds[side] : -1;
}

uint64_t stats_get(const struct stats *s, enum stat_id id)
{
	return s ? atomic_load_explicit(&s->cells[rows[id].side][id], memory_order_relaxed) : 0;
}

/* Room in the heap of our area, filled; the offset, or -1. */
static int64_t heap_add(struct stats_area *a, struct str text)
{
	uint32_t used = atomic_load_explicit(&a->heap_used, memory_order_relaxed);

	if (used > sizeof(a->heap) || text.len > sizeof(a->heap) - used)
		return -1;
	if (text.len)
		memcpy(a->heap + used, text.ptr, text.len);
	atomic_store_explicit(&a->heap_used, used + (uint32_t)text.len, memory_order_relaxed);
	return used;
}

static struct stats_slot *slot_new(struct stats_area *a, enum stat_id id, struct str labels)
{
	uint32_t n = atomic_load_explicit(&a->nslots, memory_order_relaxed);

	if (n >= LIMIT_SERIES)
		return NULL;
	int64_t at = heap_add(a, labels);
	if (at < 0)
		return NULL;
	struct stats_slot *slot = &a->slots[n];
	slot->id = (uint32_t)id;
	slot->text = (uint32_t)at;
	slot->len = (uint32_t)labels.len;
	atomic_store_explicit(&a->nslots, n + 1, memory_order_release);
	return slot;
}

/* key: what it is found by. */
static struct stats_slot *slot_find(const struct stats *s, enum stat_id id, struct str labels,
				    struct strbuf *key)
{
	assert(rows[id].series && rows[id].side == s->side);
	strbuf_printf(key, "%u " STR_FMT, (unsigned)id, STR_ARG(labels));
	return strmap_find(&s->index->by_key, strbuf_str(key));
}

uint64_t stats_series_value(const struct stats *s, enum stat_id id, struct str labels)
{
	_cleanup_(strbuf_done) struct strbuf key = { 0 };
	const struct stats_slot *slot = s ? slot_find(s, id, labels, &key) : NULL;

	return slot ? atomic_load_explicit(&slot->value, memory_order_relaxed) : 0;
}

_Atomic uint64_t *stats_series(struct stats *s, enum stat_id id, struct str labels)
{
	static _Atomic uint64_t nowhere;
	_cleanup_(strbuf_done) struct strbuf key = { 0 };

	if (!s)
		return &nowhere;
	struct stats_slot *slot = slot_find(s, id, labels, &key);
	if (slot)
		return &slot->value;
	char *z = strbuf_take(&key);
	slot = z ? slot_new(s->areas[s->side], id, labels) : NULL;
	if (!slot || strmap_put(&s->index->by_key, str_of(z), slot) < 0) {
		free(z);
		if (s->side == STATS_SENSOR)
			stats_add(s, STAT_STATS_LOST, 1);
		return &s->index->spare;
	}
	return &slot->value;
}

size_t stats_nseries(const struct stats *s, enum stats_side side)
{
	uint32_t n = s ? atomic_load_explicit(&s->areas[side]->nslots, memory_order_acquire) : 0;

	return n < LIMIT_SERIES ? n : LIMIT_SERIES;
}

static struct str heap_text(const struct stats_area *a, uint32_t at, uint32_t len)
{
	if (at > sizeof(a->heap) || len > sizeof(a->heap) - at)
		return (struct str){ 0 };
	return (struct str){ a->heap + at, len };
}

bool stats_series_at(const struct stats *s, enum stats_side side, size_t i,
		     struct stats_series *ret)
{
	const struct stats_area *a = s->areas[side];
	const struct stats_slot *slot = &a->slots[i];
	uint32_t id = slot->id;

	if (id >= STAT_IDS || !rows[id].series || rows[id].side != side)
		return false;
	struct str labels = heap_text(a, slot->text, slot->len);
	if (!labels.ptr)
		return false;
	*ret = (struct stats_series){
		.id = (enum stat_id)id,
		.labels = labels,
		.value = atomic_load_explicit(&slot->value, memory_order_relaxed),
	};
	return true;
}

void stats_observe(struct stats *s, enum stat_id id, uint64_t ns)
{
	unsigned b = 0;

	if (!s)
		return;
	_Atomic uint64_t *h = s->areas[s->side]->histograms[histogram_rank(id)];
	while (ns > bounds[b])
		b++;
	stats_cell_add(&h[b], 1);
	stats_cell_add(&h[STATS_BUCKETS], ns);
}

void stats_histogram(const struct stats *s, enum stat_id id, struct stats_histogram *ret)
{
	*ret = (struct stats_histogram){ 0 };
	if (!s)
		return;
	const _Atomic uint64_t *h = s->areas[rows[id].side]->histograms[histogram_rank(id)];
	for (unsigned i = 0; i < STATS_BUCKETS; i++)
		ret->counts[i] = atomic_load_explicit(&h[i], memory_order_relaxed);
	ret->sum_ns = atomic_load_explicit(&h[STATS_BUCKETS], memory_order_relaxed);
}

void stats_label(struct strbuf *out, struct str name, struct str value)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		bool digit = c >= '0' && c <= '9';

		strbuf_addc(out, (digit && i) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
					 ? c
					 : '_');
	}
	strbuf_addz(out, "=\"");
	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];

		if (c == '\\' || c == '"')
			strbuf_addc(out, '\\');
		if (c == '\n')
			strbuf_addz(out, "\\n");
		else
			strbuf_addc(out, c);
	}
	strbuf_addc(out, '"');
}

int stats_set_infos(struct stats *s, struct str text)
{
	if (!s)
		return 0;
	struct stats_area *a = s->areas[s->side];
	if (str_eq(text, stats_infos(s)))
		return 0;
	int64_t at = heap_add(a, text);
	if (at < 0)
		return -ENOSPC;
	atomic_store_explicit(&a->infos, (uint64_t)at << 32 | text.len, memory_order_release);
	return 0;
}

struct str stats_infos(const struct stats *s)
{
	if (!s)
		return (struct str){ 0 };
	const struct stats_area *a = s->areas[STATS_SENSOR];
	uint64_t infos = atomic_load_explicit(&a->infos, memory_order_acquire);
	return heap_text(a, (uint32_t)(infos >> 32), (uint32_t)infos);
}
