/* SPDX-License-Identifier: Apache-2.0 */
/* One message from three sources: the shared counters, those of this process, and the open streams. */
#include "rpc/status.h"

#include <errno.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "journal/journal.h"
#include "link/pack.h"
#include "link/stats.h"
#include "rpc/backlog.h"
#include "rpc/call.h"
#include "rpc/method.h"
#include "rpc/stream.h"
#include "rpc/times.h"
#include "tiercel.pb-c.h"

typedef Tiercel__V1__StatusResponse Answer;
typedef Tiercel__V1__StatusResponse__DroppedEntry Dropped;

static char *dup_text(struct arena *a, struct str s)
{
	return (char *)(uintptr_t)arena_dup(a, s).ptr;
}

static int add_time(struct arena *a, uint64_t ns, Google__Protobuf__Timestamp **ret)
{
	Google__Protobuf__Timestamp *t = ns ? arena_new(a, Google__Protobuf__Timestamp) : NULL;

	if (!ns)
		return 0;
	if (!t)
		return -ENOMEM;
	*t = timestamp_of(ns);
	*ret = t;
	return 0;
}

static int add_uptime(struct arena *a, uint64_t seconds, Answer *m)
{
	if (!m->started)
		return 0;
	m->uptime = arena_new(a, Google__Protobuf__Duration);
	if (!m->uptime)
		return -ENOMEM;
	google__protobuf__duration__init(m->uptime);
	m->uptime->seconds = (int64_t)seconds;
	return 0;
}

static uint64_t sum(const struct stats *s, enum stat_id id)
{
	uint64_t all = 0;

	for (size_t i = 0; i < stats_nseries(s, stats_row(id)->side); i++) {
		struct stats_series one;

		if (stats_series_at(s, stats_row(id)->side, i, &one) && one.id == id)
			all += one.value;
	}
	return all;
}

static int add_dropped(struct arena *a, const struct rpc_shared *shared, Answer *m)
{
	const struct stats *s = shared->stats;
	const struct {
		const char *key;
		uint64_t value;
	} rows[] = {
		{ "kernel_ring", stats_get(s, STAT_KERNEL_DROPS_RING) },
		{ "kernel_slot", stats_get(s, STAT_KERNEL_DROPS_SLOT) },
		{ "kernel_overflow", stats_get(s, STAT_KERNEL_DROPS_OVERFLOW) },
		{ "kernel_program", stats_get(s, STAT_KERNEL_DROPS_PROGRAM) },
		{ "memory", stats_get(s, STAT_ALERTS_LOST) },
		{ "link", shared->counters->link_missed },
		{ "link_size", stats_get(s, STAT_LINK_REFUSED) },
		{ "outputs", stats_get(s, STAT_OUTPUTS_QUEUE_DROPS) },
		{ "streams", shared->lost },
		{ "http", sum(s, STAT_HTTP_DROPPED) },
	};
	Dropped *entries = arena_array(a, ARRAY_SIZE(rows), sizeof(*entries));
	Dropped **list = arena_array(a, ARRAY_SIZE(rows), sizeof(*list));

	if (!entries || !list)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		tiercel__v1__status_response__dropped_entry__init(&entries[i]);
		entries[i].key = (char *)(uintptr_t)rows[i].key;
		entries[i].value = rows[i].value;
		list[i] = &entries[i];
	}
	m->dropped = list;
	m->n_dropped = ARRAY_SIZE(rows);
	return 0;
}

/* Behind "consumer:LENGTH:IDENTITY:" (stream_start.c). */
static struct str consumer_of(const struct rpc_call *call)
{
	struct str key = str_of(call->stream->key);
	size_t colon = str_chr(key, ':');

	key = str_skip(key, colon + 1);
	return str_skip(key, str_chr(key, ':') + 1 + strlen(call->identity) + 1);
}

static void fill_stream(const struct rpc_call *call, Tiercel__V1__Stream *m)
{
	const struct stream *s = call->stream;
	uint64_t newest = call->shared->backlog->shown_seq;

	m->legacy = s->legacy;
	m->next = s->next_seq;
	m->lag = newest >= s->next_seq ? newest - s->next_seq + 1 : 0;
	m->sent = s->nsent;
	m->lost = s->nlost;
	m->outstanding = s->sent_n;
}

static int add_stream(struct arena *a, const struct rpc_call *call, Tiercel__V1__Stream **ret)
{
	Tiercel__V1__Stream *m = arena_new(a, Tiercel__V1__Stream);

	if (!m)
		return -ENOMEM;
	tiercel__v1__stream__init(m);
	m->identity = dup_text(a, str_of(call->identity));
	m->method = (char *)(uintptr_t)call->method->name;
	m->consumer = dup_text(a, call->stream && call->stream->key ? consumer_of(call) : STR(""));
	if (!m->identity || !m->consumer || add_time(a, call->opened_ns, &m->opened) < 0)
		return -ENOMEM;
	if (call->stream)
		fill_stream(call, m);
	*ret = m;
	return 0;
}

static int add_streams(struct arena *a, const struct rpc_shared *shared, Answer *m)
{
	const struct rpc_call *call;

	m->streams = arena_array(a, shared->nstreams + 1, sizeof(*m->streams));
	if (!m->streams)
		return -ENOMEM;
	LIST_FOREACH(call, &shared->calls, link)
	{
		if (!call->method || !call->method->stream || call->ended)
			continue;
		if (add_stream(a, call, &m->streams[m->n_streams++]) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int fill(struct arena *a, const struct rpc_shared *shared, Answer *m)
{
	const struct stats *s = shared->stats;

	m->version = dup_text(a, shared->version);
	m->engine_version = dup_text(a, shared->engine_version);
	m->hostname = dup_text(a, shared->hostname);
	m->epoch = rpc_epoch(shared);
	m->oldest = rpc_oldest(shared);
	m->newest = rpc_newest(shared);
	m->first = shared->first_seq;
	m->journal = shared->journal != NULL;
	m->events = stats_get(s, STAT_EVENTS);
	m->alerts = stats_get(s, STAT_ALERTS);
	m->events_discarded = stats_get(s, STAT_KERNEL_DISCARDED);
	m->rules = stats_get(s, STAT_RULES);
	m->reloads = stats_get(s, STAT_RELOADS);
	m->reloads_failed = stats_get(s, STAT_RELOADS_FAILED);
	m->network_restarts = stats_get(s, STAT_NET_RESTARTS);
	m->calls = shared->counters->calls;
	m->sent = shared->counters->sent;
	m->refused = shared->counters->refused;
	m->backlog_alerts = shared->counters->kept;
	m->backlog_bytes = shared->counters->kept_bytes;
	m->received = shared->counters->alerts;
	if (!m->version || !m->engine_version || !m->hostname ||
	    add_time(a, stats_get(s, STAT_START_TIME), &m->started) < 0 ||
	    add_time(a, stats_get(s, STAT_RELOAD_TIME), &m->rules_loaded) < 0 ||
	    add_uptime(a, stats_get(s, STAT_DURATION), m) < 0 || add_dropped(a, shared, m) < 0)
		return -ENOMEM;
	return add_streams(a, shared, m);
}

int status_pack(const struct rpc_shared *shared, struct strbuf *out)
{
	Answer m = TIERCEL__V1__STATUS_RESPONSE__INIT;
	struct arena a;

	arena_init(&a, 0);
	shared->count(shared->sensor_ctx);
	int r = fill(&a, shared, &m);
	if (r == 0)
		r = pack_message(&m.base, out);
	arena_done(&a);
	return r;
}

void status_request(struct rpc_call *call, const ProtobufCMessage *message)
{
	_cleanup_(strbuf_done) struct strbuf text = { 0 };

	if (status_pack(call->shared, &text) < 0) {
		rpc_call_finish(call, GRPC_STATUS_RESOURCE_EXHAUSTED, "out of memory");
		return;
	}
	rpc_call_write_text(call, strbuf_str(&text));
}
