/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reading thread: pages for streams that are behind what is in memory, and what would hold the writer up:
 * syncing and checkpoints. A page is short, so neither waits for long.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "journal/internal.h"

struct reader {
	struct journal *j;
	struct db *db;
	uint64_t synced_ns;
	uint64_t opened_ns; /* the last attempt */
};

static int reader_open(struct reader *r)
{
	struct diag d;

	if (r->db)
		return 0;
	if (atomic_load(&r->j->aside))
		return -EBUSY;
	atomic_store(&r->j->reader_closed, false);
	if (db_open(r->j->dir, &r->db, &d))
		return -EIO;
	return 0;
}

static void reader_close(struct reader *r)
{
	r->db = db_close(r->db);
	atomic_store(&r->j->reader_closed, true);
}

static int find(struct reader *r, struct journal_page *p)
{
	uint64_t seq = 0;
	int e = p->find == JOURNAL_TIME ? db_find_time(r->db, p->time_ns, &seq)
					: db_find_last(r->db, p->from, &seq);

	if (e == 0)
		p->next = seq ? seq : atomic_load(&r->j->newest) + 1;
	return e;
}

static int fill(struct reader *r, struct journal_page *p)
{
	uint64_t newest = atomic_load(&r->j->newest);

	p->next = newest >= p->from ? newest + 1 : p->from;
	if (p->from > newest)
		return 0;
	int e = db_read(r->db, p->from, newest, JOURNAL_PAGE_ALERTS, JOURNAL_PAGE_BYTES, p->entries,
			&p->n);
	if (e == 0 && p->n)
		p->next = p->entries[p->n - 1]->seq + 1;
	return e;
}

static void serve(struct reader *r, struct journal_page *p)
{
	int e = reader_open(r);

	if (e == 0)
		e = p->find == JOURNAL_FROM ? fill(r, p) : find(r, p);
	p->error = e > 0 ? -EIO : e;
	queue_push(r->j->reader.out, p); /* as large as the inbox */
	uv_async_send(&r->j->wake);
}

static void sync_now(struct reader *r)
{
	struct journal *j = r->j;

	r->synced_ns = journal_now_ns();
	atomic_store(&j->unsynced, false);
	if (reader_open(r) || db_sync(r->db)) {
		atomic_store(&j->unsynced, true); /* tried again in a while */
		return;
	}
	if (atomic_load(&j->log_bytes) > j->max_log / 4)
		(void)db_checkpoint(r->db);
}

void *journal_reader(void *arg)
{
	struct reader r = { .j = arg };
	struct journal *j = arg;

	while (!atomic_load(&j->stop_reader)) {
		uint64_t due = r.synced_ns + JOURNAL_SYNC_MS * NS_PER_MS, now = journal_now_ns();
		bool unsynced = atomic_load(&j->unsynced);
		void *page;

		if (!unsynced)
			worker_wait(&j->reader, -1);
		else if (now < due)
			worker_wait(&j->reader, (int)((due - now) / NS_PER_MS) + 1);
		if (atomic_load(&j->aside))
			reader_close(&r);
		if ((page = queue_pop(j->reader.in)))
			serve(&r, page);
		if (atomic_load(&j->unsynced) &&
		    journal_now_ns() - r.synced_ns >= JOURNAL_SYNC_MS * NS_PER_MS &&
		    !atomic_load(&j->aside))
			sync_now(&r);
	}
	reader_close(&r);
	return NULL;
}
