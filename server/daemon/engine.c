/* SPDX-License-Identifier: Apache-2.0 */
/* The engine thread; see engine.h. Other threads reach it by published pointers and one wake-up only. */
#include "daemon/engine.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <uv.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/queue.h"
#include "config/config.h"
#include "daemon/measure.h"
#include "daemon/notify.h"
#include "source/scan.h"
#include "source/users.h"

enum {
	DRAIN_BUDGET = 65536, /* records taken before the loop looks at its other handles */
	BUSY_MS = 1,
	WAITING_MS = 20, /* between looks at events that wait for metadata */
	LATE_NS = 2000000,
	IDLE_ROUNDS = 16, /* empty looks before going to sleep */
	INTERNAL_MAX = 64,
	RECORDS_MAX = 4096,
};

struct internal {
	const char *rule;
	enum priority priority;
	uint64_t ts_ns;
	struct str message; /* behind the pairs, with their texts */
	size_t npairs;
	struct alert_pair pairs[];
};

struct engine {
	struct engine_options o;
	pthread_t thread;
	uv_loop_t loop;
	uv_poll_t poll;
	uv_timer_t timer;
	uv_timer_t second;
	uv_timer_t waiting;
	uv_async_t wake;
	unsigned idle;
	_Atomic bool stop;
	_Atomic(struct engine_change *) next;
	struct queue *internals;	  /* struct internal, from the control thread */
	struct queue *records;		  /* struct rec_hdr, likewise */
	struct pipeline_counters copy[2]; /* the published one is copy[current] */
	_Atomic unsigned current;
	struct drop_watch drops;
	uint64_t newest_ns; /* stamp of the last record */
	uint64_t lag_ns;    /* the longest since it was shown */
};

static void feed(const struct rec_hdr *rec, void *ctx)
{
	struct engine *e = ctx;

	e->newest_ns = rec->ts_ns;
	if (rec->type == EV_SELFTEST) {
		stats_set(e->o.stats, STAT_HEARTBEAT, clock_boot_ns());
		return;
	}
	if (e->o.capture)
		capture_writer_write(e->o.capture, rec);
	pipeline_feed(rec, e->o.pipeline);
}

static void look(struct engine *e);

static void on_timer(uv_timer_t *t)
{
	look(t->data);
}

static void on_poll(uv_poll_t *p, int status, int events)
{
	struct engine *e = p->data;

	e->idle = 0;
	look(e);
}

/* Asleep: no timer; the ring's descriptor becomes readable with the next record. */
static void sleep_or_go_on(struct engine *e)
{
	if (bpf_source_sleep(e->o.source) > 0) {
		e->idle = 0;
		uv_timer_start(&e->timer, on_timer, 0, BUSY_MS);
		return;
	}
	uv_timer_stop(&e->timer);
}

/*
 * Answers are stamped when they are taken, so a capture shows them in the order in which they had effect. What
 * has waited is let go a moment late: records of before that time may still be on the rings.
 */
static void take_answers(struct engine *e)
{
	struct rec_hdr *rec;

	while ((rec = queue_pop(e->records)) ||
	       (e->o.runtime && (rec = runtime_take(e->o.runtime)))) {
		rec->ts_ns = clock_boot_ns();
		feed(rec, e);
		free(rec);
	}
	pipeline_tick(e->o.pipeline, clock_boot_ns() - LATE_NS);
}

static void on_waiting(uv_timer_t *t)
{
	take_answers(t->data);
}

static void look(struct engine *e)
{
	size_t n = bpf_source_drain(e->o.source, DRAIN_BUDGET, feed, e);
	uint64_t lag = n ? clock_boot_ns() - e->newest_ns : 0;

	e->lag_ns = lag > e->lag_ns ? lag : e->lag_ns;
	e->idle = n ? 0 : e->idle + 1;
	if (e->idle >= IDLE_ROUNDS)
		sleep_or_go_on(e);
	else if (!uv_is_active((uv_handle_t *)&e->timer))
		uv_timer_start(&e->timer, on_timer, BUSY_MS, BUSY_MS);
}

static void watch_drops(struct engine *e, const struct bpf_stats *probe)
{
	struct drop_report report;
	uint64_t now = clock_boot_ns();
	unsigned actions = drop_watch_look(&e->drops, probe, now, &report);

	if (actions & CONFIG_DROP_LOG)
		log_line(LOG_LEVEL_CRITICAL, "%s", report.message);
	if (actions & CONFIG_DROP_ALERT)
		pipeline_internal(e->o.pipeline, now, DROP_RULE, PRIORITY_DEBUG,
				  str_of(report.message), report.pairs, report.npairs);
	if (actions & CONFIG_DROP_EXIT && !atomic_load(&e->stop))
		e->o.give_up(e->o.give_up_ctx);
}

static void on_second(uv_timer_t *t)
{
	struct engine *e = t->data;
	unsigned other = !atomic_load_explicit(&e->current, memory_order_relaxed);
	struct bpf_stats probe;

	pipeline_counters(e->o.pipeline, &e->copy[other]);
	atomic_store_explicit(&e->current, other, memory_order_release);
	bpf_source_stats(e->o.source, &probe);
	watch_drops(e, &probe);
	pipeline_second(e->o.pipeline, clock_boot_ns());
	measure_engine(e->o.stats, e->o.pipeline, &probe);
	if (e->o.runtime)
		measure_runtime(e->o.stats, e->o.runtime);
	stats_set(e->o.stats, STAT_EVENT_LAG, e->lag_ns);
	e->lag_ns = 0;
}

static void close_all(struct engine *e)
{
	uv_close((uv_handle_t *)&e->poll, NULL);
	uv_close((uv_handle_t *)&e->timer, NULL);
	uv_close((uv_handle_t *)&e->second, NULL);
	uv_close((uv_handle_t *)&e->waiting, NULL);
	uv_close((uv_handle_t *)&e->wake, NULL);
}

static void raise_internals(struct engine *e)
{
	struct internal *i;

	while ((i = queue_pop(e->internals))) {
		pipeline_internal(e->o.pipeline, i->ts_ns, i->rule, i->priority, i->message,
				  i->pairs, i->npairs);
		free(i);
	}
}

static void teach_generation(struct engine *e)
{
	bpf_source_generation(e->o.source, pipeline_generation(e->o.pipeline),
			      pipeline_endings(e->o.pipeline));
}

static struct engine_change *change_free(struct engine_change *c)
{
	if (c)
		ruleset_unref(c->rules);
	free(c);
	return NULL;
}

static void take_change(struct engine *e)
{
	struct engine_change *c = atomic_exchange(&e->next, NULL);

	if (!c)
		return;
	pipeline_manner(e->o.pipeline, &c->manner);
	if (pipeline_rules(e->o.pipeline, c->rules) < 0)
		log_error("out of memory: the old rules stay in force");
	teach_generation(e);
	e->drops.policy = c->drops;
	if (c->apply)
		c->apply(c->ctx);
	if (c->done)
		c->done(c->ctx);
	change_free(c);
}

static void on_wake(uv_async_t *a)
{
	struct engine *e = a->data;

	raise_internals(e);
	take_change(e);
	take_answers(e);
	if (atomic_load(&e->stop)) {
		/* Twice: the first round may have ended at the watermark of an idle ring. */
		bpf_source_drain(e->o.source, SIZE_MAX, feed, e);
		bpf_source_drain(e->o.source, SIZE_MAX, feed, e);
		pipeline_flush(e->o.pipeline);
		on_second(&e->second);
		close_all(e);
	}
}

static void *run(void *arg)
{
	struct engine *e = arg;
	char path[256];

	snprintf(path, sizeof(path), "%s/proc", e->o.host_root);
	/* Users first: the alerts of the first events already name them. */
	scan_users(e->o.host_root, (struct str){ 0 }, feed, e);
	if (scan_proc(path, feed, e) < 0)
		log_warning("%s cannot be read: processes older than the start stay unknown", path);
	on_second(&e->second);
	teach_generation(e);
	log_info("ready: watching events");
	notify_ready("watching events");
	look(e);
	uv_run(&e->loop, UV_RUN_DEFAULT);
	return NULL;
}

int engine_start(const struct engine_options *options, struct engine **ret)
{
	struct engine *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->o = *options;
	e->drops.policy = options->drops;
	e->poll.data = e->timer.data = e->second.data = e->wake.data = e->waiting.data = e;
	e->internals = queue_new(INTERNAL_MAX);
	e->records = queue_new(RECORDS_MAX);
	int r = e->internals && e->records ? uv_loop_init(&e->loop) : -ENOMEM;
	if (r < 0) {
		queue_free(e->internals);
		queue_free(e->records);
		free(e);
		return r;
	}
	uv_poll_init(&e->loop, &e->poll, bpf_source_fd(e->o.source));
	uv_timer_init(&e->loop, &e->timer);
	uv_timer_init(&e->loop, &e->second);
	uv_timer_init(&e->loop, &e->waiting);
	uv_async_init(&e->loop, &e->wake, on_wake);
	uv_poll_start(&e->poll, UV_READABLE, on_poll);
	uv_timer_start(&e->second, on_second, 1000, 1000);
	if (e->o.runtime)
		uv_timer_start(&e->waiting, on_waiting, WAITING_MS, WAITING_MS);
	r = -pthread_create(&e->thread, NULL, run, e);
	if (r < 0) {
		close_all(e);
		uv_run(&e->loop, UV_RUN_DEFAULT);
		uv_loop_close(&e->loop);
		queue_free(e->internals);
		queue_free(e->records);
		free(e);
		return r;
	}
	*ret = e;
	return 0;
}

struct engine *engine_stop(struct engine *e)
{
	if (!e)
		return NULL;
	atomic_store(&e->stop, true);
	uv_async_send(&e->wake);
	pthread_join(e->thread, NULL);
	uv_loop_close(&e->loop);
	change_free(atomic_load(&e->next));
	for (void *left; (left = queue_pop(e->internals)) || (left = queue_pop(e->records));)
		free(left);
	queue_free(e->internals);
	queue_free(e->records);
	free(e);
	return NULL;
}

int engine_change(struct engine *e, const struct engine_change *change)
{
	struct engine_change *c = malloc(sizeof(*c));

	if (!c)
		return -ENOMEM;
	*c = *change;
	ruleset_ref(c->rules);
	/* From here on the kernel discards nothing by the verdicts of the old rules. */
	bpf_source_generation(e->o.source, 0, NULL);
	atomic_store(&e->next, c);
	uv_async_send(&e->wake);
	return 0;
}

void engine_wake(struct engine *e)
{
	if (e)
		uv_async_send(&e->wake);
}

int engine_record(struct engine *e, const struct rec_hdr *rec)
{
	struct rec_hdr *copy = malloc(rec->len);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, rec, rec->len);
	if (!queue_push(e->records, copy)) {
		free(copy);
		return -ENOBUFS;
	}
	uv_async_send(&e->wake);
	return 0;
}

/* Copies the text to *to, which moves on. */
static struct str put_text(char **to, struct str text)
{
	struct str copy = { *to, text.len };

	if (text.len)
		memcpy(*to, text.ptr, text.len);
	*to += text.len;
	return copy;
}

int engine_internal(struct engine *e, const char *rule, enum priority priority, struct str message,
		    const struct alert_pair *pairs, size_t npairs)
{
	size_t bytes = message.len;

	for (size_t k = 0; k < npairs; k++)
		bytes += pairs[k].value.len + strlen(pairs[k].key) + 1;
	struct internal *i = malloc(sizeof(*i) + npairs * sizeof(*pairs) + bytes);

	if (!i)
		return -ENOMEM;
	char *to = (char *)&i->pairs[npairs];
	*i = (struct internal){ .rule = rule,
				.priority = priority,
				.ts_ns = clock_boot_ns(),
				.message = put_text(&to, message),
				.npairs = npairs };
	for (size_t k = 0; k < npairs; k++) {
		i->pairs[k] = pairs[k];
		i->pairs[k].value = put_text(&to, pairs[k].value);
		i->pairs[k].key =
			put_text(&to, (struct str){ pairs[k].key, strlen(pairs[k].key) + 1 }).ptr;
	}
	if (!queue_push(e->internals, i)) {
		free(i);
		return -ENOBUFS;
	}
	uv_async_send(&e->wake);
	return 0;
}

void engine_counters(const struct engine *e, struct pipeline_counters *ret)
{
	*ret = e->copy[atomic_load_explicit(&e->current, memory_order_acquire)];
}
