/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's counters, in memory that both processes share (ARCHITECTURE.md, decision 13). Which there are
 * is the table stats.def. Each process has one memfd it writes and maps the other's; both are the sensor's, so
 * counters live on when the network process is started again. The sensor's is sealed against any other writer:
 * what decides about the sensor (the drop policy) cannot be forged from the network side.
 *
 * A cell has one writing thread; that is all that is needed to count without locked instructions. Any thread
 * of either process reads. struct stats * may be NULL everywhere: nothing is counted, everything reads 0.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "base/strbuf.h"

enum stats_side { STATS_SENSOR, STATS_NETWORK };
enum stats_kind { STATS_COUNTER, STATS_GAUGE, STATS_SECONDS, STATS_NANOS_COUNTER, STATS_RATIO };

#define STAT(id, ...)	   STAT_##id,
#define SERIES(id, ...)	   STAT_##id,
#define HISTOGRAM(id, ...) STAT_##id,
enum stat_id {
#include "link/stats.def"
	STAT_IDS,
};
#undef STAT
#undef SERIES
#undef HISTOGRAM

enum {
	STATS_BUCKETS = 16, /* of a histogram, the last without an upper bound */
	STATS_HISTOGRAMS = 8,
};

struct stats_row {
	const char *name, *labels, *help;
	enum stats_side side;
	enum stats_kind kind;
	bool series, histogram;
};

struct stats_area; /* shared memory */

struct stats {
	enum stats_side side; /* ours */
	struct stats_area *areas[2];
	_Atomic uint64_t *cells[2]; /* by stat_id, in the areas */
	int fds[2];
	struct stats_index *index; /* series we have made */
};

/* A labelled counter as another thread or process sees it. */
struct stats_series {
	enum stat_id id;
	struct str labels; /* name="value",... as in /metrics */
	uint64_t value;
};

struct stats_histogram {
	uint64_t counts[STATS_BUCKETS]; /* not cumulative */
	uint64_t sum_ns;
};

const struct stats_row *stats_row(enum stat_id id);
/* Upper bound of a bucket in nanoseconds; UINT64_MAX for the last. */
uint64_t stats_bound(unsigned bucket);

/* The sensor: makes both areas. Negative errno. */
int stats_new(struct stats **ret);
/* The network process, given both descriptors (which stay the caller's). Negative errno; -EBADMSG. */
int stats_open(int sensor_fd, int network_fd, struct stats **ret);
struct stats *stats_free(struct stats *s);
/* For the spawner; -1 when s is NULL. */
int stats_fd(const struct stats *s, enum stats_side side);

/*
 * The cell of a SERIES row with these labels, found or made, for stats_cell_*; never NULL: when there is no
 * room it is one that nobody reads, and STAT_STATS_LOST counts. One thread of each process makes all its
 * series (control, loop); the cell may then be given to the thread that writes it.
 */
_Atomic uint64_t *stats_series(struct stats *s, enum stat_id id, struct str labels);
/* Its value, without making it: 0 when it is not there. */
uint64_t stats_series_value(const struct stats *s, enum stat_id id, struct str labels);
/* Series of one side: 0 <= i < count. False: not readable (the other side damaged it). */
size_t stats_nseries(const struct stats *s, enum stats_side side);
bool stats_series_at(const struct stats *s, enum stats_side side, size_t i,
		     struct stats_series *ret);
void stats_histogram(const struct stats *s, enum stat_id id, struct stats_histogram *ret);

/* Adds name="value"; what may not stand in a label's name becomes '_', and the value is escaped. */
void stats_label(struct strbuf *out, struct str name, struct str value);

/* One observation; the row's one writer. */
void stats_observe(struct stats *s, enum stat_id id, uint64_t ns);

/*
 * Facts that are no numbers: the info lines of /metrics, one "name{labels}" a line, as a whole. The sensor's
 * control thread sets them; a reader gets the last complete text, which stays valid. -ENOSPC: the old stays.
 */
int stats_set_infos(struct stats *s, struct str text);
struct str stats_infos(const struct stats *s);

static inline void stats_cell_add(_Atomic uint64_t *cell, uint64_t n)
{
	atomic_store_explicit(cell, atomic_load_explicit(cell, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

static inline void stats_cell_set(_Atomic uint64_t *cell, uint64_t v)
{
	atomic_store_explicit(cell, v, memory_order_relaxed);
}

/* The row must be of our own side. */
static inline void stats_add(struct stats *s, enum stat_id id, uint64_t n)
{
	if (s)
		stats_cell_add(&s->cells[s->side][id], n);
}

static inline void stats_set(struct stats *s, enum stat_id id, uint64_t v)
{
	if (s)
		stats_cell_set(&s->cells[s->side][id], v);
}

uint64_t stats_get(const struct stats *s, enum stat_id id);
