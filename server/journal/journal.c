/* SPDX-License-Identifier: Apache-2.0 */
/* The loop's side: what is put, what came back, marks, gaps, and the watch over a disk that hangs. */
#include "journal/journal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "journal/internal.h"

enum { WATCH_MS = 250 };

static void mark_free(struct mark *m)
{
	if (m)
		free(m->key);
	free(m);
}

static struct mark *mark_find(const struct journal *j, struct str key)
{
	return strmap_find(&j->marks, key);
}

static void post_mark(struct journal *j, struct mark *m, uint64_t next)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return;
	job->kind = JOB_MARK;
	job->next = next;
	job->len = m->len;
	memcpy(job->text, m->key, m->len);
	m->wanted = next;
	if (!worker_post(&j->writer, job)) {
		m->wanted = 0; /* the watch tries again */
		free(job);
	}
}

static void forget_mark(struct journal *j, struct mark *m)
{
	if (m->kept)
		post_mark(j, m, 0);
	strmap_remove(&j->marks, (struct str){ m->key, m->len });
	mark_free(m);
}

static void forget_oldest_mark(struct journal *j)
{
	struct mark *oldest = NULL;
	size_t at = 0;
	struct str key;
	void *p;

	while (strmap_next(&j->marks, &at, &key, &p)) {
		struct mark *m = p;

		if (!oldest || m->tick < oldest->tick)
			oldest = m;
	}
	if (oldest)
		forget_mark(j, oldest);
}

static struct mark *mark_make(struct journal *j, struct str key)
{
	if (j->marks.count >= JOURNAL_MARKS)
		forget_oldest_mark(j);
	struct mark *m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	*m = (struct mark){ .key = str_dupz(key), .len = key.len };
	if (!m->key || strmap_put(&j->marks, (struct str){ m->key, m->len }, m) < 0) {
		mark_free(m);
		return NULL;
	}
	return m;
}

static void load_mark(struct str key, uint64_t next, void *ctx)
{
	struct journal *j = ctx;
	struct mark *m = next && key.len <= JOURNAL_KEY_BYTES ? mark_make(j, key) : NULL;

	if (!m)
		return;
	m->next = m->kept = next;
	m->tick = ++j->tick;
}

uint64_t journal_mark(const struct journal *j, struct str key)
{
	const struct mark *m = mark_find(j, key);

	return m ? m->next : 0;
}

uint64_t journal_marked(const struct journal *j, struct str key)
{
	const struct mark *m = mark_find(j, key);

	return m ? m->kept : 0;
}

int journal_set_mark(struct journal *j, struct str key, uint64_t next)
{
	if (!key.len || key.len > JOURNAL_KEY_BYTES)
		return -EINVAL;
	struct mark *m = mark_find(j, key);
	if (!m)
		m = mark_make(j, key);
	if (!m)
		return -ENOMEM;
	if (m->next == next)
		return 0;
	m->next = next;
	m->tick = ++j->tick;
	if (!m->wanted)
		post_mark(j, m, next);
	return 0;
}

bool journal_next_mark(const struct journal *j, struct str prefix, size_t *at, struct str *ret_key,
		       uint64_t *ret_next)
{
	void *p;

	while (strmap_next(&j->marks, at, ret_key, &p)) {
		if (!str_starts(*ret_key, prefix))
			continue;
		*ret_next = ((struct mark *)p)->next;
		return true;
	}
	return false;
}

static void mark_written(struct journal *j, const struct job *job)
{
	struct mark *m = mark_find(j, (struct str){ job->text, job->len });

	if (!m || !job->next)
		return;
	m->wanted = 0;
	if (job->error == 0)
		m->kept = job->next;
	if (m->next != m->kept && job->error == 0)
		post_mark(j, m, m->next);
}

/* Those that could not be written, or found the queue full. */
static void retry_marks(struct journal *j)
{
	size_t at = 0;
	struct str key;
	void *p;

	while (strmap_next(&j->marks, &at, &key, &p)) {
		struct mark *m = p;

		if (m->next != m->kept && !m->wanted)
			post_mark(j, m, m->next);
	}
}

static void tell_user(struct journal *j, const char *text, struct gap missed)
{
	if (j->settings.failed)
		j->settings.failed(text, missed, j->settings.arg);
}

static void on_job(struct journal *j, struct job *job)
{
	switch (job->kind) {
	case JOB_MARK: mark_written(j, job); break;
	case JOB_GAP: gaps_add(&j->gaps, job->gap); break;
	case JOB_FAILED: tell_user(j, job->error ? job->text : NULL, job->gap); break;
	case JOB_STOP: break;
	}
	free(job);
}

static void take_answers(struct journal *j)
{
	void *item;

	while ((item = queue_pop(j->writer.out)))
		on_job(j, item);
	while ((item = queue_pop(j->reader.out))) {
		struct journal_page *p = item;

		j->reading--;
		p->done(p);
	}
}

static void on_wake(uv_async_t *wake)
{
	struct journal *j = wake->data;

	if (j->closing)
		return;
	take_answers(j);
	gaps_trim(&j->gaps, atomic_load(&j->oldest));
	if (j->settings.kept)
		j->settings.kept(j->settings.arg);
}

/* A write that found no room becomes a gap as soon as there is some. */
static void post_refused(struct journal *j)
{
	if (!j->refused.last)
		return;
	struct job *job = calloc(1, sizeof(*job));
	if (!job)
		return;
	job->kind = JOB_GAP;
	job->gap = j->refused;
	if (!worker_post(&j->writer, job)) {
		free(job);
		return;
	}
	j->refused = (struct gap){ 0 };
}

static void on_watch(uv_timer_t *timer)
{
	struct journal *j = timer->data;
	uint64_t kept = atomic_load(&j->kept), now = uv_now(j->loop);
	bool was = j->stalled;

	if (kept != j->seen_kept || kept >= j->put || !j->put) {
		j->seen_kept = kept;
		j->progress_ms = now;
		j->stalled = false;
	} else if (now - j->progress_ms > JOURNAL_STALL_MS) {
		j->stalled = true;
	}
	if (was != j->stalled)
		tell_user(j,
			  j->stalled ? "the disk does not answer; alerts are kept in memory only"
				     : NULL,
			  j->refused);
	if (!j->stalled) {
		post_refused(j);
		retry_marks(j);
	} else if (j->settings.kept) {
		j->settings.kept(j->settings.arg);
	}
}

static int open_file(struct journal *j, struct db **ret, struct diag *d)
{
	int r = db_open(j->dir, ret, d);

	if (r == 0 && (r = journal_begin(j, *ret)) != 0) {
		diag_set(d, "%s/alerts.db: %s", j->dir, db_error(*ret));
		*ret = db_close(*ret);
	}
	return r;
}

static int load(struct journal *j, struct diag *d)
{
	struct db *db = NULL;
	int r = open_file(j, &db, d);

	if (r == DB_E_DAMAGED) {
		r = db_move_aside(j->dir);
		if (r == 0)
			r = open_file(j, &db, d);
		if (r == 0)
			tell_user(
				j,
				"the file was damaged; it is kept as alerts.db.damaged, a new one begins",
				(struct gap){ 0 });
	}
	if (r == 0)
		r = db_gaps(db, &j->gaps);
	if (r == 0)
		r = db_marks(db, load_mark, j);
	if (r > 0)
		r = -EIO;
	if (r < 0 && !d->text[0])
		diag_set(d, "%s/alerts.db: %s", j->dir, strerror(-r));
	return r;
}

static void release(struct journal *j)
{
	size_t at = 0;
	struct str key;
	void *p;

	while (strmap_next(&j->marks, &at, &key, &p))
		mark_free(p);
	strmap_done(&j->marks);
	worker_done(&j->writer);
	worker_done(&j->reader);
	db_close(j->w.db);
	journal_lock_done(&j->lock);
	free(j);
}

/* A fifth is the log's: it is what a burst may write before the file has to be touched. */
static void set_bounds(struct journal *j)
{
	uint64_t max = j->settings.max_bytes ? j->settings.max_bytes : 256 << 20;
	uint64_t log = max / 5;

	log = log < JOURNAL_LOG_MIN ? JOURNAL_LOG_MIN : log;
	j->max_log = log > JOURNAL_LOG_MAX ? JOURNAL_LOG_MAX : log;
	j->max_file = max > 2 * j->max_log ? max - j->max_log : max / 2;
}

int journal_open(uv_loop_t *loop, const struct journal_settings *settings, struct journal **ret,
		 struct diag *d)
{
	struct journal *j = calloc(1, sizeof(*j));

	*d = (struct diag){ 0 };
	if (!j)
		return -ENOMEM;
	j->loop = loop;
	j->lock.fd = -1;
	j->settings = *settings;
	set_bounds(j);
	j->first = settings->first_seq;
	snprintf(j->dir, sizeof(j->dir), "%s", settings->dir);
	int r = journal_lock_take(&j->lock, j->dir,
				  &(struct journal_lock_wait){ JOURNAL_LOCK_MS, JOURNAL_DRAIN_MS,
							       settings->waiting, settings->arg },
				  d);
	if (r == 0)
		r = load(j, d);
	if (r == 0)
		r = worker_init(&j->writer, JOURNAL_QUEUE);
	if (r == 0)
		r = worker_init(&j->reader, JOURNAL_QUEUE);
	if (r < 0) {
		release(j);
		return r;
	}
	j->kept_before = atomic_load(&j->newest);
	j->put = j->kept_before;
	atomic_store(&j->kept, j->kept_before);
	j->settings.dir = j->dir;
	uv_async_init(loop, &j->wake, on_wake);
	uv_timer_init(loop, &j->watch);
	j->wake.data = j->watch.data = j;
	uv_timer_start(&j->watch, on_watch, WATCH_MS, WATCH_MS);
	r = worker_start(&j->writer, journal_writer, j);
	if (r == 0)
		r = worker_start(&j->reader, journal_reader, j);
	if (r < 0) {
		diag_set(d, "threads: %s", strerror(-r));
		journal_close(j);
		return r;
	}
	*ret = j;
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct journal *j = handle->data;

	if (--j->closing == 0)
		release(j);
}

static void on_abandoned(uv_handle_t *handle)
{
}

/* What the threads did not get to. */
static void empty_inboxes(struct journal *j)
{
	void *item;

	while ((item = queue_pop(j->writer.in))) {
		if ((uintptr_t)item & 1)
			entry_unref((struct entry *)((uintptr_t)item - 1));
		else
			free(item);
	}
	while ((item = queue_pop(j->reader.in))) {
		struct journal_page *p = item;

		p->error = -ECANCELED;
		j->reading--;
		p->done(p);
	}
}

void journal_ending(struct journal *j)
{
	journal_lock_ending(&j->lock);
}

struct journal *journal_close(struct journal *j)
{
	if (!j)
		return NULL;
	journal_ending(j);
	struct job *stop = calloc(1, sizeof(*stop));
	if (stop)
		stop->kind = JOB_STOP;
	post_refused(j);
	for (int ms = 0; stop && !worker_post(&j->writer, stop) && ms < JOURNAL_CLOSE_MS; ms += 10)
		usleep(10000);
	bool ended = !j->writer.running || worker_join(&j->writer, JOURNAL_CLOSE_MS);
	atomic_store(&j->stop_reader, true);
	worker_wake(&j->reader);
	for (int ms = 0; ms < 100 && j->reader.running && queue_length(j->reader.in); ms++)
		usleep(1000);
	ended = worker_join(&j->reader, JOURNAL_CLOSE_MS) && ended;
	if (ended)
		empty_inboxes(j);
	take_answers(j);
	j->closing = 2;
	/* A thread that hangs in the kernel may still look at j: then it is never freed. */
	uv_close((uv_handle_t *)&j->wake, ended ? on_closed : on_abandoned);
	uv_close((uv_handle_t *)&j->watch, ended ? on_closed : on_abandoned);
	return NULL;
}

uint64_t journal_epoch(const struct journal *j)
{
	return atomic_load(&j->epoch);
}

uint64_t journal_first(const struct journal *j)
{
	return j->first;
}

void journal_range(const struct journal *j, uint64_t *ret_oldest, uint64_t *ret_newest)
{
	*ret_oldest = atomic_load(&j->oldest);
	*ret_newest = atomic_load(&j->newest);
}

const struct gaps *journal_gaps(const struct journal *j)
{
	return &j->gaps;
}

static void refuse(struct journal *j, uint64_t seq)
{
	gaps_add(&j->gaps, (struct gap){ seq, seq, LOSS_DISK });
	if (!j->refused.last)
		j->refused = (struct gap){ seq, seq, LOSS_DISK };
	else
		j->refused.last = seq;
}

int journal_put(struct journal *j, struct entry *e)
{
	if (e->seq <= j->put)
		return 0;
	j->put = e->seq;
	uint64_t waiting = atomic_fetch_add(&j->waiting_bytes, e->len);
	void *item = (void *)((uintptr_t)entry_ref(e) + 1);
	if (waiting < 2 * JOURNAL_QUEUE_BYTES && worker_post(&j->writer, item))
		return 0;
	atomic_fetch_sub(&j->waiting_bytes, e->len);
	entry_unref(e);
	refuse(j, e->seq);
	return -ENOBUFS;
}

bool journal_room(const struct journal *j)
{
	return j->stalled || (queue_length(j->writer.in) < JOURNAL_QUEUE - 64 &&
			      atomic_load(&j->waiting_bytes) < JOURNAL_QUEUE_BYTES);
}

void journal_missed(struct journal *j, struct gap gap)
{
	gaps_add(&j->gaps, gap);
	struct job *job = calloc(1, sizeof(*job));
	if (!job)
		return;
	job->kind = JOB_GAP;
	job->gap = gap;
	if (!worker_post(&j->writer, job))
		free(job);
}

uint64_t journal_kept(const struct journal *j)
{
	return j->stalled ? j->put : atomic_load(&j->kept);
}

int journal_read(struct journal *j, struct journal_page *p)
{
	p->n = 0;
	p->error = 0;
	if (!worker_post(&j->reader, p))
		return -ENOBUFS;
	j->reading++;
	return 0;
}
