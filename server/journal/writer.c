/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writing thread. Whatever waits is one transaction; under load the next one begins a millisecond after
 * the last, so that many alerts share the cost of a commit. The first alert after a pause is written at once.
 *
 * A number is reserved on disk, synced, before it may be sent for the first time. So even a power cut that takes
 * the last commits with it cannot make a later run use a number that a client has seen.
 *
 * When the disk fails, what it cannot take is counted into one gap and passed on; the disk is tried again
 * every second. A damaged file is moved aside and a new one begun, with a new epoch: its numbers are
 * not comparable with what clients remember, although they go on growing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "journal/internal.h"

enum {
	BATCH = 4096, /* jobs of one transaction */
	BATCH_BYTES = 512 << 10,
	TRIM_AGE_S = 10,
	TRIM_CHUNK = 4096,
	TRIM_LOOK = 256, /* alerts between looks at the size */
	IDLE_MS = 10000,
	ASIDE_MS = 3000,
};

uint64_t journal_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

static int begin_state(struct journal *j, struct db *db, struct db_state *st, struct gap *gap)
{
	uint64_t highest = st->reserved > st->newest ? st->reserved : st->newest;
	int r = db_begin(db);

	if (!st->epoch)
		st->epoch = clock_wall_ns();
	if (!j->first)
		j->first = st->next ? st->next : highest + 1;
	/* A new run after an unclean end: what lies between was reserved and may have been sent. */
	if (!j->settings.first_seq && !st->next && highest > st->newest) {
		*gap = (struct gap){ st->newest + 1, highest, LOSS_RESTART };
		if (r == 0)
			r = db_put_gap(db, gap);
	}
	if (r == 0)
		r = db_put_state(db, "epoch", st->epoch);
	if (r == 0)
		r = db_put_state(db, "next", 0);
	if (r == 0)
		r = db_commit(db);
	if (r == 0)
		r = db_sync(db);
	db_rollback(db);
	return r;
}

int journal_begin(struct journal *j, struct db *db)
{
	struct db_state st;
	struct gap gap = { 0 };
	int r = db_state(db, &st);

	if (r == 0)
		r = begin_state(j, db, &st, &gap);
	if (r == 0)
		r = db_limit_log(db, j->max_log);
	if (r)
		return r;
	j->w.db = db;
	j->w.newest = st.newest;
	j->w.reserved = st.reserved;
	atomic_store(&j->epoch, st.epoch);
	atomic_store(&j->oldest, st.oldest);
	atomic_store(&j->newest, st.newest);
	return 0;
}

static void tell(struct journal *j, struct job *job)
{
	if (!queue_push(j->writer.out, job))
		free(job);
}

static void tell_gap(struct journal *j, struct gap gap)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return;
	job->kind = JOB_GAP;
	job->gap = gap;
	tell(j, job);
}

/* error 0: the disk is back. */
static void tell_fault(struct journal *j, int error, const char *text, struct gap missed)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return;
	job->kind = JOB_FAILED;
	job->error = error;
	job->gap = missed;
	snprintf(job->text, sizeof(job->text), "%s", text);
	tell(j, job);
}

static void missed(struct journal *j, uint64_t seq)
{
	if (!j->w.missed.last)
		j->w.missed = (struct gap){ seq, seq, LOSS_DISK };
	else if (seq > j->w.missed.last)
		j->w.missed.last = seq;
}

static struct entry *entry_of(void *item)
{
	return (uintptr_t)item & 1 ? (struct entry *)((uintptr_t)item - 1) : NULL;
}

static int put_job(struct journal *j, struct job *job)
{
	switch (job->kind) {
	case JOB_GAP: return db_put_gap(j->w.db, &job->gap);
	case JOB_MARK:
		return db_put_mark(j->w.db, (struct str){ job->text, job->len }, job->next,
				   clock_wall_ns());
	default: return 0;
	}
}

static int put_items(struct journal *j, void *const *items, size_t n, struct gap *range)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		struct entry *e = entry_of(items[i]);

		r = e ? db_put(j->w.db, e) : put_job(j, items[i]);
		if (!e)
			continue;
		if (!range->first)
			range->first = e->seq;
		if (e->seq > range->last)
			range->last = e->seq;
	}
	return r;
}

/* Oldest first, twice as many as came, until the size is right again. */
static int trim(struct journal *j, uint64_t *ret_oldest)
{
	uint64_t now = journal_now_ns();
	uint64_t max = j->max_file;
	int r = 0;

	if (j->w.since_trim >= TRIM_LOOK || now - j->w.aged_ns > TRIM_AGE_S * NS_PER_SEC) {
		if (db_bytes(j->w.db) > max)
			r = db_trim(j->w.db, 2 * j->w.since_trim + TRIM_LOOK, 0, ret_oldest);
		j->w.since_trim = 0;
	}
	if (r == 0 && j->settings.max_age_ns && now - j->w.aged_ns > TRIM_AGE_S * NS_PER_SEC) {
		uint64_t wall = clock_wall_ns();
		uint64_t before = *ret_oldest;

		if (wall > j->settings.max_age_ns)
			r = db_trim(j->w.db, TRIM_CHUNK, wall - j->settings.max_age_ns, ret_oldest);
		if (*ret_oldest != before)
			return r; /* there may be more: again with the next batch */
	}
	if (now - j->w.aged_ns > TRIM_AGE_S * NS_PER_SEC)
		j->w.aged_ns = now;
	return r;
}

/* One transaction; on failure nothing of it is in the file. */
static int store(struct journal *j, void *const *items, size_t n)
{
	struct gap range = { .last = j->w.newest };
	uint64_t reserved = j->w.reserved;
	uint64_t oldest = atomic_load(&j->oldest);
	int r = db_begin(j->w.db);

	if (r == 0 && j->w.missed.last)
		r = db_put_gap(j->w.db, &j->w.missed);
	if (r == 0)
		r = put_items(j, items, n, &range);
	if (r == 0 && range.last > reserved) {
		reserved = range.last + JOURNAL_RESERVE;
		r = db_put_state(j->w.db, "reserved", reserved);
	}
	j->w.since_trim += n;
	if (r == 0)
		r = trim(j, &oldest);
	if (r == 0)
		r = db_commit(j->w.db);
	if (r == 0 && reserved != j->w.reserved)
		r = db_sync(j->w.db);
	if (r) {
		db_rollback(j->w.db);
		return r;
	}
	j->w.newest = range.last;
	j->w.reserved = reserved;
	atomic_store(&j->newest, range.last);
	atomic_store(&j->oldest, oldest ? oldest : range.first);
	atomic_store(&j->log_bytes, db_log_bytes(j->w.db));
	if (!atomic_exchange(&j->unsynced, true))
		worker_wake(&j->reader);
	return 0;
}

/* The reader's connection has to be closed before the file can be moved. */
static int replace_file(struct journal *j)
{
	struct diag d;
	struct db *db;

	j->w.db = db_close(j->w.db);
	atomic_store(&j->aside, true);
	for (int ms = 0; !atomic_load(&j->reader_closed) && ms < ASIDE_MS; ms += 10) {
		worker_wake(&j->reader);
		usleep(10000);
	}
	struct gap lost = { atomic_load(&j->oldest), j->w.newest, LOSS_DISK };
	int r = atomic_load(&j->reader_closed) ? db_move_aside(j->dir) : -EBUSY;
	if (r == 0)
		r = db_open(j->dir, &db, &d);
	if (r == 0) {
		r = journal_begin(j, db);
		if (r)
			db_close(db);
	}
	if (r == 0 && lost.first) {
		if (j->w.missed.last)
			lost.last = j->w.missed.last;
		j->w.missed = lost;
	}
	atomic_store(&j->aside, false);
	return r;
}

static void recovered(struct journal *j)
{
	tell_fault(j, 0, "", j->w.missed);
	j->w.missed = (struct gap){ 0 };
	j->w.failing = false;
}

static int attempt(struct journal *j, void *const *items, size_t n)
{
	if (!j->w.db) {
		int r = replace_file(j);
		if (r)
			return r;
	}
	return store(j, items, n);
}

static void give_up(struct journal *j, int r, void *const *items, size_t n)
{
	char text[256];
	struct gap batch = { .reason = LOSS_DISK };

	for (size_t i = 0; i < n; i++) {
		struct entry *e = entry_of(items[i]);

		if (!e)
			continue;
		missed(j, e->seq);
		batch.first = batch.first ? batch.first : e->seq;
		batch.last = e->seq;
	}
	if (batch.last)
		tell_gap(j, batch); /* for whoever comes when memory has let go of it */
	snprintf(text, sizeof(text), "%s; alerts are kept in memory only",
		 r == DB_E_DAMAGED ? "the file is damaged" : strerror(r < 0 ? -r : EIO));
	if (r == DB_E_DAMAGED)
		j->w.db = db_close(j->w.db); /* attempt makes a new one */
	if (!j->w.failing)
		tell_fault(j, r < 0 ? r : -EIO, text, (struct gap){ 0 });
	j->w.failing = true;
}

static void finish_items(struct journal *j, void *const *items, size_t n, int r)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < n; i++) {
		struct entry *e = entry_of(items[i]);
		struct job *job = items[i];

		if (e) {
			bytes += e->len;
			if (e->seq > atomic_load_explicit(&j->kept, memory_order_relaxed))
				atomic_store(&j->kept, e->seq);
			entry_unref(e);
		} else if (job->kind == JOB_MARK) {
			job->error = r;
			tell(j, job);
		} else {
			free(job);
		}
	}
	atomic_fetch_sub(&j->waiting_bytes, bytes);
	uv_async_send(&j->wake);
}

static void write_batch(struct journal *j, void *const *items, size_t n)
{
	bool rest = j->w.failing && journal_now_ns() < j->w.retry_ns;
	int r = rest ? -EIO : attempt(j, items, n);

	if (!rest)
		j->w.retry_ns = journal_now_ns() + JOURNAL_RETRY_MS * NS_PER_MS;
	if (r == DB_E_DAMAGED) { /* once more into a new file */
		give_up(j, r, NULL, 0);
		r = attempt(j, items, n);
	}
	if (r)
		give_up(j, r, items, n);
	else if (j->w.failing)
		recovered(j);
	finish_items(j, items, n, r);
	/* The reader does this beside us, unless it cannot keep up. */
	if (r == 0 && db_log_bytes(j->w.db) > j->max_log)
		(void)db_checkpoint(j->w.db);
}

static void pace(struct journal *j)
{
	uint64_t now = journal_now_ns(), next = j->w.batch_ns + JOURNAL_BATCH_US * 1000;

	if (now < next)
		usleep((useconds_t)((next - now) / 1000 + 1));
	j->w.batch_ns = journal_now_ns();
}

/* Everything was written: the next run goes on without a gap. */
static void end_clean(struct journal *j)
{
	uint64_t next = j->w.newest >= j->first ? j->w.newest + 1 : j->first;

	if (j->w.failing || !j->w.db)
		return;
	if (db_begin(j->w.db) == 0 && db_put_state(j->w.db, "next", next) == 0 &&
	    db_commit(j->w.db) == 0)
		(void)db_sync(j->w.db);
	db_rollback(j->w.db);
}

static size_t take_batch(struct journal *j, void **items, bool *stop)
{
	size_t n = 0, bytes = 0;

	while (n < BATCH && bytes < BATCH_BYTES && (items[n] = queue_pop(j->writer.in))) {
		const struct entry *e = entry_of(items[n]);

		bytes += e ? e->len : 0;
		*stop |= !e && ((struct job *)items[n])->kind == JOB_STOP;
		n++;
	}
	return n;
}

void *journal_writer(void *arg)
{
	struct journal *j = arg;
	void *items[BATCH];
	bool stop = false;

	while (!stop) {
		size_t n;

		if (queue_length(j->writer.in) == 0)
			worker_wait(&j->writer, j->w.failing ? JOURNAL_RETRY_MS : IDLE_MS);
		pace(j);
		n = take_batch(j, items, &stop);
		if (n || j->w.failing || j->settings.max_age_ns)
			write_batch(j, items, n);
	}
	end_clean(j);
	j->w.db = db_close(j->w.db);
	return NULL;
}
