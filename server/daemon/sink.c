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
	for (size_t i = 0; i < s->nchannels; i++)
		channel_put(s->channels[i], alert);
	alert_unref(alert);
}

void sink_reopen(struct sink *s)
{
	for (size_t i = 0; i < s->nchannels; i++)
		channel_reopen(s->channels[i]);
}

void sink_stop(struct sink *s, unsigned deadline_ms)
{
	for (size_t i = 0; i < s->nchannels; i++)
		channel_stop(s->channels[i], deadline_ms);
	s->nchannels = 0;
}
