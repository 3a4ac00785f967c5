/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The alerts that are kept (ARCHITECTURE.md, decision 12): on disk, bounded by size and age, found again by
 * number and time after a restart, a crash or a power cut.
 *
 * All functions are for the loop thread and none of them waits for the disk: a writer thread commits what is
 * put, in batches, and says how far it is (journal_kept); a reader thread answers journal_read page by page,
 * syncs at least every 100 ms and checkpoints. A batch is in the kernel's hands before anyone is sent its
 * alerts, so kill -9 loses nothing a client could have seen; a power cut may lose the last 100 ms, but no number
 * is ever used twice: numbers are reserved on disk in blocks before they are sent.
 *
 * When the disk is full, fails or hangs, journal_kept goes on nevertheless (what is in memory is sent) and the
 * gap is written down when the disk is back.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "base/diag.h"
#include "base/str.h"
#include "journal/entry.h"
#include "journal/gaps.h"

struct journal;

enum {
	JOURNAL_PAGE_ALERTS = 128, /* of one page */
	JOURNAL_PAGE_BYTES = 128 << 10,
	JOURNAL_KEY_BYTES = 512, /* of a mark's key */
	JOURNAL_MARKS = 4096,
};

struct journal_settings {
	const char *dir;     /* is there, and writable */
	uint64_t max_bytes;  /* of the file and its log together; 0: 256 MiB */
	uint64_t max_age_ns; /* 0: no bound */
	uint64_t first_seq;  /* of this run of the sensor; 0: a new run, the journal decides */
	/* Loop thread; both may be NULL. kept: journal_kept has grown, or a mark was written. failed: the disk failed
	 * (text), or is back (NULL), and what it missed (last 0: nothing). */
	void (*kept)(void *arg);
	void (*failed)(const char *text, struct gap missed, void *arg);
	/* From journal_open, about once a second while it waits for the server before us to end; may be NULL. */
	void (*waiting)(void *arg);
	void *arg;
};

/*
 * Opens or makes the file and starts the threads. A damaged file is moved aside (alerts.db.damaged) and a new
 * one with a new epoch takes its place. Waits for a server that is ending and still writes what it has, for up
 * to half a minute. Negative errno with *d: the directory cannot be used; -EBUSY: another server uses it.
 */
int journal_open(uv_loop_t *loop, const struct journal_settings *settings, struct journal **ret,
		 struct diag *d);
/* The end is near: from here on a successor waits for journal_close, whatever is still put before it. */
void journal_ending(struct journal *j);
/* Writes and syncs what was put (waiting at most some seconds), ends the threads, closes the handles on the
 * loop and frees. Returns NULL. Pages under way come back first, empty. */
struct journal *journal_close(struct journal *j);

/* Changes only when a damaged file was replaced while running. */
uint64_t journal_epoch(const struct journal *j);
/* The number this run of the sensor begins with. */
uint64_t journal_first(const struct journal *j);
/* Numbers of the oldest and newest alert in the file; 0, 0: it is empty. */
void journal_range(const struct journal *j, uint64_t *ret_oldest, uint64_t *ret_newest);
/* What is missing and why, also between what was put. Borrowed until the next call of the loop. */
const struct gaps *journal_gaps(const struct journal *j);

/* Takes a reference of its own. Numbers grow; one that is in the file already is passed over. -ENOBUFS: too
 * much is waiting, see journal_room; the alert will be a gap. */
int journal_put(struct journal *j, struct entry *e);
/* Whether it is better to wait with the next journal_put. Never false for long. */
bool journal_room(const struct journal *j);
/* These numbers will not come. */
void journal_missed(struct journal *j, struct gap gap);
/* Everything put up to this number is safe from the end of a process, or the disk fails: it may be sent. */
uint64_t journal_kept(const struct journal *j);

enum journal_find {
	JOURNAL_FROM, /* alerts from number `from` on */
	JOURNAL_TIME, /* no alerts: next is the first number of time_ns or later (clock steps aside) */
	JOURNAL_LAST, /* no alerts: next is the number of the `from`-th newest alert, or the oldest */
};

/* One page of reading; embed it or allocate it. Fill the first part, zero the rest. */
struct journal_page {
	enum journal_find find;
	uint64_t from;
	uint64_t time_ns;
	void (*done)(struct journal_page *p); /* loop thread */
	void *owner;
	/* The answer: references of the caller's, in order of numbers. */
	struct entry *entries[JOURNAL_PAGE_ALERTS];
	size_t n;
	uint64_t
		next; /* where the next page begins: behind the last alert, or behind all there is */
	int error;    /* negative errno: nothing could be read */
};

/* done follows. The page must stay until then. -ENOBUFS: too many are under way. */
int journal_read(struct journal *j, struct journal_page *p);

/*
 * Durable positions of whoever reads: a key (UTF-8, up to JOURNAL_KEY_BYTES) and the first number not yet dealt
 * with. The caller's identity is part of the key. Of more than JOURNAL_MARKS the one unchanged for longest is
 * forgotten. What was set is written within the next batch; journal_marked says what is.
 */
uint64_t journal_mark(const struct journal *j, struct str key); /* 0: none */
uint64_t journal_marked(const struct journal *j, struct str key);
/* -ENOMEM; -EINVAL: the key is too long. */
int journal_set_mark(struct journal *j, struct str key, uint64_t next);
/* Iterates over the marks whose key starts with prefix: *at from 0; false at the end. */
bool journal_next_mark(const struct journal *j, struct str prefix, size_t *at, struct str *ret_key,
		       uint64_t *ret_next);
