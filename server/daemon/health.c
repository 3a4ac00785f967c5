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
	struct stats *stats;
	const struct bpf_source *source;
	uv_timer_t timer;
	unsigned ticks;
	const char *fault; /* NULL: healthy */
};

static bool silent(const struct health *h, enum stat_id id, uint64_t now)
{
	return stats_get(h->stats, id) + LIMIT_SILENCE_SECONDS * NS_PER_SEC < now;
}

static void look(uv_timer_t *t)
{
	struct health *h = t->data;
	uint64_t now = clock_boot_ns();
	const char *fault = silent(h, STAT_ENGINE_TIME, now) ? "the engine does not answer"
			    : silent(h, STAT_HEARTBEAT, now) ? "no event comes from the kernel"
							     : NULL;

	if (h->ticks++ % SELFTEST_EVERY == 0)
		bpf_source_selftest(h->source);
	if (fault && !h->fault)
		log_error("not healthy: %s", fault);
	else if (!fault && h->fault)
		log_notice("healthy again: events flow");
	h->fault = fault;
	if (!fault)
		notify_alive();
}

int health_start(uv_loop_t *loop, struct stats *stats, const struct bpf_source *source,
		 struct health **ret)
{
	struct health *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	*h = (struct health){ .stats = stats, .source = source };
	h->timer.data = h;
	uv_timer_init(loop, &h->timer);
	uv_timer_start(&h->timer, look, 0, LOOK_MS);
	*ret = h;
	return 0;
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
