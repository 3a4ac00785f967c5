/* SPDX-License-Identifier: Apache-2.0 */
/* What the loop's side of the journal shares with its two threads. */
#pragma once

#include <stdatomic.h>

#include "base/hash.h"
#include "journal/db.h"
#include "journal/journal.h"
#include "journal/lock.h"
#include "journal/worker.h"

enum {
	JOURNAL_QUEUE = 16384,		/* alerts waiting to be written */
	JOURNAL_QUEUE_BYTES = 16 << 20, /* and their messages */
	JOURNAL_RESERVE = 16384,	/* numbers reserved at once */
	JOURNAL_SYNC_MS = 100,		/* longest time between commit and sync */
	JOURNAL_BATCH_US = 1000,	/* between batches under load */
	JOURNAL_STALL_MS = 1000,	/* a writer that hangs for longer is not waited for */
	JOURNAL_RETRY_MS = 1000,	/* between attempts on a disk that fails */
	JOURNAL_CLOSE_MS = 5000,
	JOURNAL_LOG_MIN = 256 << 10, /* bytes of the write-ahead log */
	JOURNAL_LOG_MAX = 64 << 20,
	JOURNAL_LOCK_MS = 3000,	  /* for another server to begin its end */
	JOURNAL_DRAIN_MS = 30000, /* and to write all it has */
	JOURNAL_DIR = 4096 - 64,
};

/* What travels beside entries. An entry is posted as its pointer plus one. */
enum job_kind { JOB_GAP, JOB_MARK, JOB_STOP, JOB_FAILED };

struct job {
	enum job_kind kind;
	struct gap gap;
	int error;     /* of a mark, on its way back; of JOB_FAILED, 0: the disk is back */
	uint64_t next; /* of a mark */
	char text[JOURNAL_KEY_BYTES + 1]; /* of a mark: its key; of JOB_FAILED: why */
	size_t len;
};

struct mark {
	char *key;
	size_t len;
	uint64_t next;	 /* as set */
	uint64_t kept;	 /* as written */
	uint64_t wanted; /* being written; 0: nothing is under way */
	uint64_t tick;	 /* of the last change */
};

struct journal {
	/* Set before the threads start. */
	uv_loop_t *loop;
	struct journal_settings settings;
	char dir[JOURNAL_DIR];
	struct journal_lock lock;
	uint64_t first;
	uint64_t kept_before;	    /* newest number in the file at the start */
	uint64_t max_file, max_log; /* bytes: the parts of the bound */
	struct worker writer, reader;
	uv_async_t wake;

	/* Between the threads. */
	_Atomic uint64_t epoch, oldest, newest;
	_Atomic uint64_t kept;
	_Atomic uint64_t waiting_bytes;
	_Atomic bool unsynced;	    /* a commit since the last sync */
	_Atomic uint64_t log_bytes; /* as of the last commit */
	_Atomic bool aside;	    /* the reader must let go of the file */
	_Atomic bool reader_closed; /* it has */
	_Atomic bool stop_reader;

	/* Writer. */
	struct {
		struct db *db;
		uint64_t newest, reserved;
		struct gap missed; /* to be written down; last 0: none */
		bool failing;
		uint64_t retry_ns, batch_ns, aged_ns;
		size_t since_trim;
	} w;

	/* Loop. */
	uv_timer_t watch;
	struct gaps gaps;
	struct strmap marks;
	uint64_t tick;
	uint64_t put;	      /* newest number put or passed over */
	uint64_t seen_kept;   /* at the last look, */
	uint64_t progress_ms; /* and when it last grew */
	struct gap refused;   /* numbers that found no room; last 0: none */
	bool stalled;
	unsigned reading; /* pages under way */
	unsigned closing;
};

void *journal_writer(void *journal);
void *journal_reader(void *journal);
/* Makes the state of a file that is new, or of a new run; fills w, first and the atomics. Before the threads. */
int journal_begin(struct journal *j, struct db *db);
uint64_t journal_now_ns(void); /* monotonic */
