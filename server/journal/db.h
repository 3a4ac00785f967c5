/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal's file: SQLite in WAL mode, one row per alert. Each connection belongs to one thread and
 * all calls block. Outcomes: 0; DB_E_DAMAGED; negative errno (-ENOSPC, -EIO, -EROFS, -EBUSY, -ENOMEM ...).
 *
 * Commits are not synced by themselves (synchronous=NORMAL): what is committed is the kernel's and outlives
 * the process; db_sync makes it outlive the power. After a power cut the file is as at some commit after the last
 * db_sync.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/str.h"
#include "journal/entry.h"
#include "journal/gaps.h"

enum { DB_E_DAMAGED = 1 };

struct db;

struct db_state {
	uint64_t epoch;
	uint64_t oldest, newest; /* in the file; 0, 0: none */
	uint64_t reserved;	 /* no higher number was ever sent */
	uint64_t next;		 /* after a clean end: the next number; else 0 */
};

/* Opens or makes dir/alerts.db and its tables. d: what failed. */
int db_open(const char *dir, struct db **ret, struct diag *d);
struct db *db_close(struct db *db);
/* Out of the way: alerts.db becomes alerts.db.damaged. No connection may be open. */
int db_move_aside(const char *dir);
/* Text of the last failure. */
const char *db_error(const struct db *db);

int db_state(struct db *db, struct db_state *ret);
int db_gaps(struct db *db, struct gaps *ret);
/* Calls fn for each mark, the one unchanged for longest first. */
int db_marks(struct db *db, void (*fn)(struct str key, uint64_t next, void *ctx), void *ctx);

int db_begin(struct db *db);
int db_commit(struct db *db);
void db_rollback(struct db *db);
/* Inside a transaction. */
int db_put(struct db *db, const struct entry *e);
int db_put_gap(struct db *db, const struct gap *gap);
int db_put_mark(struct db *db, struct str key, uint64_t next,
		uint64_t time_ns);				   /* next 0: forget */
int db_put_state(struct db *db, const char *name, uint64_t value); /* "epoch", "reserved", "next" */
/* Takes out the n oldest alerts, or those before time_ns if that is not 0; *ret_oldest: what is left. */
int db_trim(struct db *db, size_t n, uint64_t time_ns, uint64_t *ret_oldest);

int db_sync(struct db *db);
/* Moves committed pages from the WAL into the file as far as readers allow. */
int db_checkpoint(struct db *db);
/* Bytes in use, without what is free for reuse. */
uint64_t db_bytes(struct db *db);
/* The write-ahead log since it began anew, as of the last commit. */
uint64_t db_log_bytes(const struct db *db);
/* Its file becomes no longer than that again when it begins anew. */
int db_limit_log(struct db *db, uint64_t bytes);

/* Up to max entries from number from to number to, at most about max_bytes; references of the caller's. */
int db_read(struct db *db, uint64_t from, uint64_t to, size_t max, size_t max_bytes,
	    struct entry **ret, size_t *ret_n);
/* First number whose alert is of time_ns or later, as far as times grow with numbers; 0: none. */
int db_find_time(struct db *db, uint64_t time_ns, uint64_t *ret_seq);
/* Number of the n-th newest, or of the oldest when there are fewer; 0: none. */
int db_find_last(struct db *db, uint64_t n, uint64_t *ret_seq);
