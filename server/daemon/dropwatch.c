/* SPDX-License-Identifier: Apache-2.0 */
/* See dropwatch.h. All values are texts, as clients of Falco expect them. */
#include "daemon/dropwatch.h"

#include <inttypes.h>
#include <stdio.h>

#include "config/config.h"

static uint64_t events_of(const struct bpf_stats *s)
{
	return s->events + s->discarded + bpf_stats_drops(s);
}

static void add(struct drop_report *r, const char *key, uint64_t value)
{
	char *text = r->texts[r->npairs];

	snprintf(text, DROP_TEXT, "%" PRIu64, value);
	r->pairs[r->npairs++] = (struct alert_pair){ .key = key, .value = str_of(text) };
}

static void fill(const struct bpf_stats *last, const struct bpf_stats *now, uint64_t drops,
		 struct drop_report *r)
{
	static const char *const keys[BPF_NFAMILIES] = {
#define X(id, name) [BPF_##id] = "n_drops_buffer_" #name "_exit",
		BPF_FAMILIES(X)
#undef X
	};
	const enum probe_drop ring = PROBE_DROP_RING, slot = PROBE_DROP_SLOT;
	uint64_t full = now->drops[ring] - last->drops[ring];
	uint64_t scratch = now->drops[slot] - last->drops[slot];

	*r = (struct drop_report){ 0 };
	snprintf(r->message, sizeof(r->message),
		 DROP_RULE ": %" PRIu64 " events dropped in the last second", drops);
	add(r, "n_evts", events_of(now) - events_of(last));
	add(r, "n_drops", drops);
	add(r, "n_drops_buffer_total", full);
	for (unsigned f = 0; f < BPF_NFAMILIES; f++)
		add(r, keys[f], now->lost[f] - last->lost[f]);
	add(r, "n_drops_scratch_map", scratch);
	add(r, "n_drops_page_faults", 0);
	/* Longer than a record may be, or without a program: neither should be. */
	add(r, "n_drops_bug", bpf_stats_drops(now) - bpf_stats_drops(last) - full - scratch);
	add(r, "ebpf_enabled", 1);
}

unsigned drop_watch_look(struct drop_watch *w, const struct bpf_stats *now, uint64_t now_ns,
			 struct drop_report *ret)
{
	const struct drop_policy *p = &w->policy;
	uint64_t drops = bpf_stats_drops(now) - bpf_stats_drops(&w->last) + p->simulate;
	uint64_t events = events_of(now) - events_of(&w->last);
	const struct bpf_stats last = w->last;

	w->last = *now;
	if (!drops || !p->actions)
		return 0;
	if (!p->simulate && (double)drops <= p->threshold * (double)events)
		return 0;
	if (!bucket_take(&w->bucket, p->rate, p->burst, now_ns))
		return 0;
	fill(&last, now, drops, ret);
	return p->actions;
}
