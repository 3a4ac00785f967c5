/* SPDX-License-Identifier: Apache-2.0 */
/* The stamps are the engine's, and before it starts the sensor's, so that nothing is unhealthy at once; see health.h. */
#include "daemon/health.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "daemon/notify.h"

enum { LOOK_MS = 1000, SELFTEST_EVERY = 2 };

struct health {
	struct health_options o;
	uv_timer_t timer;
	struct outlets blocked; /* those that have been told of */
	unsigned ticks;
	const char *fault; /* NULL: healthy */
};

static bool silent(const struct health *h, enum stat_id id, uint64_t now)
{
	return stats_get(h->o.stats, id) + LIMIT_SILENCE_SECONDS * NS_PER_SEC < now;
}

static bool told(const struct outlets *o, const struct channel *c)
{
	for (size_t i = 0; i < o->n; i++) {
		if (o->channels[i] == c)
			return true;
	}
	return false;
}

/* Once for each time that an output hangs for longer than output_timeout. */
static void look_at_outputs(struct health *h, uint64_t now)
{
	const struct outlets *all = &h->o.sink->now;
	struct outlets blocked = { 0 };

	for (size_t i = 0; i < all->n; i++) {
		struct channel *c = all->channels[i];
		struct channel_counters n = channel_counters(c);
		uint64_t limit = (uint64_t)h->o.config->output_timeout_ms * NS_PER_MS;

		if (!n.busy_ns || n.busy_ns + limit + LOOK_MS * NS_PER_MS > now)
			continue;
		blocked.channels[blocked.n++] = c;
		if (!told(&h->blocked, c))
			log_line(
				LOG_LEVEL_CRITICAL,
				"output %s: blocked for more than %d ms; its alerts wait, those of "
				"the others do not",
				channel_name(c), h->o.config->output_timeout_ms);
	}
	h->blocked = blocked;
}

static void look(uv_timer_t *t)
{
	struct health *h = t->data;
	uint64_t now = clock_boot_ns();
	const char *fault = silent(h, STAT_ENGINE_TIME, now) ? "the engine does not answer"
			    : silent(h, STAT_HEARTBEAT, now) ? "no event comes from the kernel"
							     : NULL;

	if (h->ticks++ % SELFTEST_EVERY == 0)
		bpf_source_selftest(h->o.source);
	if (fault && !h->fault)
		log_error("not healthy: %s", fault);
	else if (!fault && h->fault)
		log_notice("healthy again: events flow");
	h->fault = fault;
	look_at_outputs(h, now);
	if (!fault)
		notify_alive();
}

int health_start(const struct health_options *options, struct health **ret)
{
	struct health *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->o = *options;
	h->timer.data = h;
	uv_timer_init(h->o.loop, &h->timer);
	uv_timer_start(&h->timer, look, 0, LOOK_MS);
	*ret = h;
	return 0;
}

void health_change(struct health *h, const struct config *config)
{
	h->o.config = config;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

struct health *health_stop(struct health *h)
{
	if (h)
		uv_close((uv_handle_t *)&h->timer, on_closed);
	return NULL;
}
