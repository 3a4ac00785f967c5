/* SPDX-License-Identifier: Apache-2.0 */
/*
 * falco.outputs.service: sub and get. A stream is a place in the backlog that moves when a write has
 * completed; one write is under way at a time, so a slow client holds one reference and delays nobody.
 *
 * A place that the backlog has dropped, or a hole where the link was overrun, becomes an ordinary alert of
 * source "internal" that says how many are missing: legacy clients print it like any other.
 *
 * A completed write has reached the peer's buffers, not its program, and a legacy client cannot say what it
 * has read. When such a stream is cut off, its identity therefore resumes some seconds back: what is repeated
 * can be told by its time, what is missing cannot.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/cleanup.h"
#include "outputs.pb-c.h"
#include "rpc/backlog.h"
#include "rpc/call.h"
#include "rpc/cursors.h"
#include "rpc/method.h"

#define STREAM_UNREAD_NS (5 * NS_PER_SEC)

static char rule_lost[] = "Tiercel internal: alerts lost";
static char source_internal[] = "internal";

static void tell_loss(struct rpc_call *call, uint64_t first, uint64_t end)
{
	char output[160], n[24], from[24], to[24], hostname[256];
	Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	Falco__Outputs__Response m = FALCO__OUTPUTS__RESPONSE__INIT;
	struct {
		char *key, *value;
	} rows[] = { { (char[]){ "n_lost" }, n },
		     { (char[]){ "first_lost" }, from },
		     { (char[]){ "last_lost" }, to } };
	Falco__Outputs__Response__OutputFieldsEntry entries[ARRAY_SIZE(rows)];
	Falco__Outputs__Response__OutputFieldsEntry *fields[ARRAY_SIZE(rows)];
	uint64_t now = clock_wall_ns();

	snprintf(n, sizeof(n), "%" PRIu64, end - first);
	snprintf(from, sizeof(from), "%" PRIu64, first);
	snprintf(to, sizeof(to), "%" PRIu64, end - 1);
	snprintf(output, sizeof(output),
		 "%s. %s alerts did not reach this subscriber (sequence %s to %s)", rule_lost, n,
		 from, to);
	snprintf(hostname, sizeof(hostname), STR_FMT, STR_ARG(call->shared->hostname));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		falco__outputs__response__output_fields_entry__init(&entries[i]);
		entries[i].key = rows[i].key;
		entries[i].value = rows[i].value;
		fields[i] = &entries[i];
	}
	time.seconds = (int64_t)(now / NS_PER_SEC);
	time.nanos = (int32_t)(now % NS_PER_SEC);
	m.time = &time;
	m.priority = FALCO__SCHEMA__PRIORITY__WARNING;
	m.source_deprecated = FALCO__SCHEMA__SOURCE__INTERNAL;
	m.rule = rule_lost;
	m.output = output;
	m.output_fields = fields;
	m.n_output_fields = ARRAY_SIZE(rows);
	m.hostname = hostname;
	m.source = source_internal;
	call->stream.telling = true;
	call->shared->lost += end - first;
	rpc_call_pack(call, &m.base);
}

static void advance(struct rpc_call *call)
{
	const struct backlog *b = call->shared->backlog;

	if (!call->stream.begun || rpc_call_writing(call) || call->ended)
		return;
	if (call->stream.place < b->first)
		call->stream.place = b->first;
	if (call->stream.place >= call->stream.target) {
		rpc_call_finish(call, GRPC_STATUS_OK, "");
		return;
	}
	if (call->stream.place == b->end)
		return;
	const struct backlog_entry *e = backlog_get(b, call->stream.place);
	if (call->stream.next_seq && e->seq > call->stream.next_seq) {
		tell_loss(call, call->stream.next_seq, e->seq);
		call->stream.next_seq = e->seq;
		return;
	}
	call->stream.next_seq = e->seq;
	rpc_call_write(call, grpc_slice_ref(e->message));
}

static void begin(struct rpc_call *call)
{
	const struct backlog *b = call->shared->backlog;
	uint64_t next = cursors_take(call->shared->cursors, call->identity);

	call->stream.begun = true;
	call->stream.next_seq = next;
	call->stream.place = next ? backlog_find(b, next) : b->first;
	call->stream.target = UINT64_MAX;
	call->stream.mark_ns = clock_boot_ns();
	call->stream.mark_seq = call->stream.old_seq = next;
}

/* An empty first request is a legacy client; later ones are its polling and change nothing. */
void stream_request_sub(struct rpc_call *call, const ProtobufCMessage *message)
{
	const Falco__Outputs__Request *request = (const Falco__Outputs__Request *)message;

	if (call->stream.begun)
		return;
	begin(call);
	call->stream.follow = request->follow;
	advance(call);
}

void stream_request_get(struct rpc_call *call, const ProtobufCMessage *message)
{
	begin(call);
	call->stream.target = call->shared->backlog->end;
	advance(call);
}

void stream_half_closed(struct rpc_call *call)
{
	if (!call->stream.begun) {
		rpc_call_finish(call, GRPC_STATUS_OK, "");
		return;
	}
	if (!call->stream.follow)
		call->stream.target = call->shared->backlog->end;
	advance(call);
}

void stream_written(struct rpc_call *call)
{
	if (call->stream.telling) {
		call->stream.telling = false;
	} else {
		call->stream.place++;
		call->stream.next_seq++;
	}
	uint64_t now = clock_boot_ns();
	if (now - call->stream.mark_ns > STREAM_UNREAD_NS) {
		call->stream.old_seq = call->stream.mark_seq;
		call->stream.mark_seq = call->stream.next_seq;
		call->stream.mark_ns = now;
	}
	advance(call);
}

void stream_alerts(struct rpc_call *call)
{
	advance(call);
}

void stream_gone(struct rpc_call *call)
{
	if (call->stream.begun)
		cursors_release(call->shared->cursors, call->identity,
				call->clean ? call->stream.next_seq : call->stream.old_seq);
}
