/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread pops alerts, hands lines to the output, and flushes when the queue is empty or a batch is
 * large. Before it sleeps it says so in `asleep`, then looks once more; a writer that finds the word set
 * clears and wakes. Both sides use read-modify-write operations on that word, so that one of them always
 * sees the other: no wake-up is lost, and a busy channel costs its writer no system call.
 */
#include "output/channel.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "alert/alert.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/queue.h"

enum {
	BATCH_BYTES = 64 << 10,
	RETRY_FIRST_MS = 100,
	RETRY_MAX_MS = 5000,
	NAP_MS = 10,	   /* how soon a wait notices that the end has come */
	RETIRE_MS = 10000, /* an output that is no longer wanted is given so long */
	LOOK_MS = 5,
	DROP_NOTICE_SECONDS = 10, /* an attacker can cause drops at will */
};

struct channel {
	const struct output_ops *ops;
	char *name, *target;
	bool keep_alive;
	size_t capacity, batch;
	unsigned retry_ms;
	struct output_tally tally;
	struct output *output;
	struct queue *queue;
	pthread_t thread;
	_Atomic uint32_t asleep; /* futex word */
	_Atomic bool stop, reopen;
	_Atomic bool hurry;	  /* the deadline has passed: what is left is dropped */
	_Atomic unsigned holders; /* the thread and the owner */
	_Atomic uint64_t delivered, dropped, failed, retries, last_seq;
	_Atomic uint64_t busy_ns;   /* when what the thread is just doing began; 0: nothing */
	_Atomic uint64_t retire_ns; /* when it is given up; 0: never */

	/* The thread's own. */
	size_t batch_lines, batch_bytes;
	uint64_t newest_seq; /* of those in the batch */
	bool faulty;
	uint64_t failed_before; /* value of failed when the fault began */
	uint64_t dropped_told, dropped_told_ns;
};

static void count(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static uint64_t read_counter(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static bool flag(const _Atomic bool *f)
{
	return atomic_load_explicit(f, memory_order_acquire);
}

static void wake(struct channel *c)
{
	if (atomic_exchange_explicit(&c->asleep, 0, memory_order_acq_rel))
		syscall(SYS_futex, &c->asleep, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void release(struct channel *c)
{
	struct alert *a;

	if (atomic_fetch_sub_explicit(&c->holders, 1, memory_order_acq_rel) != 1)
		return;
	while (c->queue && (a = queue_pop(c->queue)))
		alert_unref(a);
	queue_free(c->queue);
	if (c->output)
		c->ops->close(c->output);
	free(c->name);
	free(c->target);
	free(c);
}

/* One line in the log when a fault begins and one when it is over. */
static void note_fault(struct channel *c, int r, bool again)
{
	const char *why = c->ops->why ? c->ops->why(c->output) : NULL;

	if (!c->faulty) {
		c->failed_before = read_counter(&c->failed);
		log_error("output %s: %s%s", c->name,
			  why		 ? why
			  : r == -ECHILD ? "the program failed"
					 : strerror(-r),
			  again ? "; trying again" : "");
	}
	c->faulty = true;
}

static void note_end(struct channel *c)
{
	if (c->faulty)
		log_notice("output %s: works again, %llu alerts were lost", c->name,
			   (unsigned long long)(read_counter(&c->failed) - c->failed_before));
	c->faulty = false;
}

static void note_drops(struct channel *c)
{
	uint64_t dropped = read_counter(&c->dropped), now;

	if (dropped == c->dropped_told)
		return;
	now = clock_boot_ns();
	if (c->dropped_told_ns && now - c->dropped_told_ns < DROP_NOTICE_SECONDS * NS_PER_SEC)
		return;
	log_error("output %s: too slow, %llu alerts were dropped", c->name,
		  (unsigned long long)(dropped - c->dropped_told));
	c->dropped_told = dropped;
	c->dropped_told_ns = now;
}

static void set_busy(struct channel *c, uint64_t ns)
{
	atomic_store_explicit(&c->busy_ns, ns, memory_order_relaxed);
}

/* Half to the whole of the time, so that senders do not come back all at once. */
static void nap(const struct channel *c, unsigned ms)
{
	uint64_t now = clock_boot_ns();
	uint64_t until = now + (ms / 2 + hash_u64(now) % (ms / 2 + 1)) * NS_PER_MS;

	while (!flag(&c->hurry) && clock_boot_ns() < until)
		usleep(NAP_MS * 1000);
}

/* Whether what failed just now may go well later. */
static bool patient(const struct channel *c, int r, uint64_t began)
{
	uint64_t now = clock_boot_ns(), retire = read_counter(&c->retire_ns);

	if (!c->ops->forget || r == -EBADMSG || r == -ENOMEM || flag(&c->hurry) ||
	    (retire && now > retire))
		return false;
	return c->retry_ms == OUTPUT_FOREVER || now - began < c->retry_ms * NS_PER_MS;
}

static int flush_patiently(struct channel *c)
{
	uint64_t began = clock_boot_ns();
	int r;

	set_busy(c, began);
	for (unsigned ms = RETRY_FIRST_MS; (r = c->ops->flush(c->output)) < 0; ms *= 2) {
		if (!patient(c, r, began))
			break;
		note_fault(c, r, true);
		count(&c->retries, 1);
		nap(c, ms > RETRY_MAX_MS ? RETRY_MAX_MS : ms);
		ms = ms > RETRY_MAX_MS ? RETRY_MAX_MS / 2 : ms;
		set_busy(c, clock_boot_ns());
	}
	return r;
}

static void flush(struct channel *c)
{
	size_t lost = 0;

	if (!c->batch_lines)
		return;
	int r = flush_patiently(c);
	if (r < 0) {
		lost = c->ops->forget ? c->ops->forget(c->output) : c->batch_lines;
		note_fault(c, r, false);
	}
	count(&c->failed, lost);
	count(&c->delivered, c->batch_lines - lost);
	atomic_store_explicit(&c->last_seq, c->newest_seq, memory_order_relaxed);
	if (r == 0)
		note_end(c);
	set_busy(c, 0);
	c->batch_lines = c->batch_bytes = 0;
	note_drops(c);
}

static void deliver(struct channel *c, struct alert *a)
{
	struct str line = alert_line(&a->wire);

	set_busy(c, clock_boot_ns());
	int r = c->ops->write(c->output, line, (int)a->wire.priority);
	set_busy(c, 0);
	c->newest_seq = a->wire.seq;
	if (r < 0) {
		note_fault(c, r, false);
		count(&c->failed, 1);
	} else {
		c->batch_lines++;
	}
	c->batch_bytes += line.len;
	alert_unref(a);
	if (c->batch_bytes >= BATCH_BYTES || (c->batch && c->batch_lines >= c->batch))
		flush(c);
}

/* Everything before the request goes to where it was meant to go. */
static void serve_reopen(struct channel *c)
{
	if (!flag(&c->reopen))
		return;
	atomic_store_explicit(&c->reopen, false, memory_order_release);
	flush(c);
	if (c->ops->reopen)
		c->ops->reopen(c->output);
}

static struct alert *next(struct channel *c)
{
	struct alert *a = queue_pop(c->queue);

	if (a)
		return a;
	flush(c);
	while (!flag(&c->stop)) {
		atomic_exchange_explicit(&c->asleep, 1, memory_order_acq_rel);
		a = queue_pop(c->queue);
		if (a || flag(&c->stop) || flag(&c->reopen)) {
			atomic_store_explicit(&c->asleep, 0, memory_order_relaxed);
			return a;
		}
		syscall(SYS_futex, &c->asleep, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0);
	}
	return queue_pop(c->queue);
}

static void *run(void *arg)
{
	struct channel *c = arg;
	bool stopping;

	do {
		stopping = flag(&c->stop);
		struct alert *a = next(c);
		/* After the pop: an alert put behind a request sees the new file. */
		serve_reopen(c);
		if (a && flag(&c->hurry)) {
			count(&c->dropped, 1);
			alert_unref(a);
		} else if (a) {
			deliver(c, a);
			stopping = false;
		}
	} while (!stopping || queue_length(c->queue));
	flush(c);
	release(c);
	return NULL;
}

/* Signals are the control thread's; a broken pipe is an error of the write that meets it. */
static int start_thread(struct channel *c)
{
	sigset_t all, before;

	sigfillset(&all);
	int r = pthread_sigmask(SIG_SETMASK, &all, &before);
	if (r == 0) {
		r = pthread_create(&c->thread, NULL, run, c);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	return -r;
}

static const char *name_of(const struct output_settings *s)
{
	return s->name ? s->name : s->ops->name;
}

static int keep_settings(struct channel *c, const struct output_settings *s)
{
	c->ops = s->ops;
	c->name = str_dupz(str_of(name_of(s)));
	c->target = s->target ? str_dupz(str_of(s->target)) : NULL;
	c->keep_alive = s->keep_alive;
	c->capacity = s->capacity;
	c->batch = s->batch;
	c->retry_ms = s->retry_ms;
	return c->name && (c->target || !s->target) ? 0 : -ENOMEM;
}

struct channel *channel_start(const struct output_settings *settings)
{
	struct channel *c = calloc(1, sizeof(*c));
	int r = -ENOMEM;

	if (c && keep_settings(c, settings) == 0) {
		c->queue = queue_new(settings->capacity ? settings->capacity : LIMIT_QUEUE);
		struct output_settings own = *settings;

		own.tally = &c->tally;
		c->output = settings->ops->open(&own);
	}
	if (c)
		c->holders = 1;
	if (c && c->queue && c->output) {
		c->holders = 2;
		r = start_thread(c);
		if (r == 0)
			return c;
		c->holders = 1;
	}
	log_error("output %s: not started: %s", name_of(settings), strerror(-r));
	if (c)
		release(c);
	return NULL;
}

bool channel_put(struct channel *c, struct alert *a)
{
	if (!queue_push(c->queue, alert_ref(a))) {
		alert_unref(a);
		count(&c->dropped, 1);
		return false;
	}
	wake(c);
	return true;
}

void channel_reopen(struct channel *c)
{
	atomic_store_explicit(&c->reopen, true, memory_order_release);
	wake(c);
}

static struct timespec deadline_in(unsigned ms)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

struct channel *channel_stop(struct channel *c, unsigned deadline_ms)
{
	if (!c)
		return NULL;
	struct timespec until = deadline_in(deadline_ms);
	atomic_store_explicit(&c->stop, true, memory_order_release);
	wake(c);
	if (pthread_timedjoin_np(c->thread, NULL, &until) != 0) {
		atomic_store_explicit(&c->hurry, true, memory_order_release);
		log_error("output %s: hangs, %zu alerts are not delivered", c->name,
			  queue_length(c->queue));
		pthread_detach(c->thread);
	}
	release(c);
	return NULL;
}

void channel_drain(struct channel *c, unsigned deadline_ms)
{
	for (unsigned waited = 0; waited < deadline_ms; waited += LOOK_MS) {
		if (!queue_length(c->queue) && !read_counter(&c->busy_ns))
			return;
		usleep(LOOK_MS * 1000);
	}
}

struct channel *channel_abandon(struct channel *c)
{
	atomic_store_explicit(&c->hurry, true, memory_order_release);
	return channel_retire(c);
}

struct channel *channel_retire(struct channel *c)
{
	atomic_store_explicit(&c->retire_ns, clock_boot_ns() + RETIRE_MS * NS_PER_MS,
			      memory_order_relaxed);
	atomic_store_explicit(&c->stop, true, memory_order_release);
	wake(c);
	pthread_detach(c->thread);
	release(c);
	return NULL;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool channel_is(const struct channel *c, const struct output_settings *settings)
{
	return c->ops == settings->ops && same_text(c->name, name_of(settings)) &&
	       same_text(c->target, settings->target) && c->keep_alive == settings->keep_alive &&
	       c->capacity == settings->capacity && c->retry_ms == settings->retry_ms;
}

struct channel_counters channel_counters(const struct channel *c)
{
	return (struct channel_counters){
		.delivered = read_counter(&c->delivered),
		.dropped = read_counter(&c->dropped),
		.failed = read_counter(&c->failed),
		.queued = queue_length(c->queue),
		.last_seq = read_counter(&c->last_seq),
		.retries = read_counter(&c->retries),
		.bytes = read_counter(&c->tally.bytes),
		.busy_ns = read_counter(&c->busy_ns),
	};
}

const char *channel_name(const struct channel *c)
{
	return c->name;
}
