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
#include "base/limits.h"
#include "base/log.h"
#include "base/queue.h"

enum {
	BATCH_BYTES = 64 << 10,
	DROP_NOTICE_SECONDS = 10, /* an attacker can cause drops at will */
};

struct channel {
	const struct output_ops *ops;
	char *name, *target;
	bool keep_alive;
	size_t capacity;
	struct output *output;
	struct queue *queue;
	pthread_t thread;
	_Atomic uint32_t asleep; /* futex word */
	_Atomic bool stop, reopen;
	_Atomic bool hurry;	  /* the deadline has passed: what is left is dropped */
	_Atomic unsigned holders; /* the thread and the owner */
	_Atomic uint64_t delivered, dropped, failed, last_seq;

	/* The thread's own. */
	size_t batch_lines, batch_bytes;
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
static void note(struct channel *c, int r, uint64_t lines)
{
	if (r == 0) {
		count(&c->delivered, lines);
		if (c->faulty && lines)
			log_notice(
				"output %s: works again, %llu alerts were lost", c->name,
				(unsigned long long)(read_counter(&c->failed) - c->failed_before));
		c->faulty = c->faulty && !lines;
		return;
	}
	if (!c->faulty) {
		c->failed_before = read_counter(&c->failed);
		log_error("output %s: %s", c->name,
			  r == -ECHILD ? "the program failed" : strerror(-r));
	}
	count(&c->failed, lines);
	c->faulty = true;
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

static void flush(struct channel *c)
{
	if (!c->batch_lines)
		return;
	note(c, c->ops->flush(c->output), c->batch_lines);
	c->batch_lines = c->batch_bytes = 0;
	note_drops(c);
}

static void deliver(struct channel *c, struct alert *a)
{
	struct str line = alert_line(&a->wire);
	int r = c->ops->write(c->output, line, (int)a->wire.priority);

	if (r < 0)
		note(c, r, 1);
	else
		c->batch_lines++;
	c->batch_bytes += line.len;
	atomic_store_explicit(&c->last_seq, a->wire.seq, memory_order_relaxed);
	alert_unref(a);
	if (c->batch_bytes >= BATCH_BYTES)
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
	return c->name && (c->target || !s->target) ? 0 : -ENOMEM;
}

struct channel *channel_start(const struct output_settings *settings)
{
	struct channel *c = calloc(1, sizeof(*c));
	int r = -ENOMEM;

	if (c && keep_settings(c, settings) == 0) {
		c->queue = queue_new(settings->capacity ? settings->capacity : LIMIT_QUEUE);
		c->output = settings->ops->open(settings);
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

struct channel *channel_retire(struct channel *c)
{
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
	       c->capacity == settings->capacity;
}

struct channel_counters channel_counters(const struct channel *c)
{
	return (struct channel_counters){
		.delivered = read_counter(&c->delivered),
		.dropped = read_counter(&c->dropped),
		.failed = read_counter(&c->failed),
		.queued = queue_length(c->queue),
		.last_seq = read_counter(&c->last_seq),
	};
}

const char *channel_name(const struct channel *c)
{
	return c->name;
}
