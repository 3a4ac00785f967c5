/* SPDX-License-Identifier: Apache-2.0 */
/* Where published alerts go; see sink.h. Nothing here waits: a full channel counts and drops. */
#include "daemon/sink.h"

#include "base/clock.h"

void sink_publish(struct alert *alert, const struct rule *rule, void *ctx)
{
	struct sink *s = ctx;
	struct str block = { (const char *)&alert->wire, alert->wire.len };

	atomic_fetch_add_explicit(&s->by_priority[alert->wire.priority & 7], 1,
				  memory_order_relaxed);
	uint64_t now = clock_wall_ns(), then = alert->wire.time_ns;

	stats_observe(s->stats, STAT_ALERT_LATENCY, now > then ? now - then : 0);
	if (s->link && link_write(s->link, alert->wire.seq, block) < 0)
		atomic_fetch_add_explicit(&s->link_refused, 1, memory_order_relaxed);
	for (size_t i = 0; i < s->in_use.n; i++)
		channel_put(s->in_use.channels[i], alert);
	alert_unref(alert);
}

static bool has(const struct outlets *o, const struct channel *c)
{
	for (size_t i = 0; i < o->n; i++) {
		if (o->channels[i] == c)
			return true;
	}
	return false;
}

void sink_offer(struct sink *s, const struct outlets *wanted)
{
	s->leaving.n = 0;
	for (size_t i = 0; i < s->now.n; i++) {
		if (!has(wanted, s->now.channels[i]))
			s->leaving.channels[s->leaving.n++] = s->now.channels[i];
	}
	s->now = *wanted;
}

void sink_take(struct sink *s)
{
	s->in_use = s->now;
}

void sink_retire(struct sink *s)
{
	for (size_t i = 0; i < s->leaving.n; i++)
		channel_retire(s->leaving.channels[i]);
	s->leaving.n = 0;
}

void sink_reopen(struct sink *s)
{
	for (size_t i = 0; i < s->now.n; i++)
		channel_reopen(s->now.channels[i]);
}

void sink_stop(struct sink *s, unsigned deadline_ms)
{
	sink_retire(s);
	for (size_t i = 0; i < s->now.n; i++)
		channel_stop(s->now.channels[i], deadline_ms);
	s->now.n = 0;
}
