/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a stream says itself. A loss is a message of its own for clients with `control`, and for others an
 * ordinary alert of source "internal", which they print like any other.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "rpc/backlog.h"
#include "rpc/call.h"
#include "rpc/method.h"
#include "rpc/stream.h"
#include "rpc/times.h"

static char rule_lost[] = "Tiercel internal: alerts lost";
static char source_internal[] = "internal";

static const char *const reasons[] = {
	[LOSS_UNSPECIFIED] = "they are missing",
	[LOSS_EXPIRED] = "they are older than what is kept",
	[LOSS_OVERRUN] = "they came faster than they could be kept",
	[LOSS_RESTART] =
		"the server ended uncleanly; some of these numbers may never have been used",
	[LOSS_DISK] = "the disk was full or failed",
	[LOSS_EPOCH] = "the position is of another numbering",
};

size_t pack_position(uint64_t epoch, uint64_t seq, uint8_t out[POSITION_BYTES])
{
	Falco__Outputs__Cursor cursor = FALCO__OUTPUTS__CURSOR__INIT;
	Falco__Outputs__Response m = FALCO__OUTPUTS__RESPONSE__INIT;

	cursor.epoch = epoch;
	cursor.seq = seq;
	m.position = &cursor;
	return falco__outputs__response__pack(&m, out);
}

static void loss_alert(struct rpc_call *call, const struct gap *lost, uint64_t count)
{
	char output[512], n[24], from[24], to[24], hostname[256];
	char why[120];
	Google__Protobuf__Timestamp time = timestamp_of(clock_wall_ns());
	Falco__Outputs__Response m = FALCO__OUTPUTS__RESPONSE__INIT;
	struct {
		char *key, *value;
	} rows[] = { { (char[]){ "n_lost" }, n },
		     { (char[]){ "first_lost" }, from },
		     { (char[]){ "last_lost" }, to },
		     { (char[]){ "reason" }, why } };
	Falco__Outputs__Response__OutputFieldsEntry entries[ARRAY_SIZE(rows)];
	Falco__Outputs__Response__OutputFieldsEntry *fields[ARRAY_SIZE(rows)];

	snprintf(n, sizeof(n), "%" PRIu64, count);
	snprintf(from, sizeof(from), "%" PRIu64, lost->first);
	snprintf(to, sizeof(to), "%" PRIu64, lost->last);
	snprintf(why, sizeof(why), "%s", reasons[lost->reason]);
	snprintf(output, sizeof(output),
		 "%s. %s%s alerts did not reach this subscriber (sequence %s to %s): %s", rule_lost,
		 lost->reason == LOSS_RESTART ? "Up to " : "", n, from, to, why);
	snprintf(hostname, sizeof(hostname), STR_FMT, STR_ARG(call->shared->hostname));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		falco__outputs__response__output_fields_entry__init(&entries[i]);
		entries[i].key = rows[i].key;
		entries[i].value = rows[i].value;
		fields[i] = &entries[i];
	}
	m.time = &time;
	m.priority = FALCO__SCHEMA__PRIORITY__WARNING;
	m.source_deprecated = FALCO__SCHEMA__SOURCE__INTERNAL;
	m.rule = rule_lost;
	m.output = output;
	m.output_fields = fields;
	m.n_output_fields = ARRAY_SIZE(rows);
	m.hostname = hostname;
	m.source = source_internal;
	rpc_call_pack(call, &m.base);
}

static void loss_control(struct rpc_call *call, const struct gap *lost, uint64_t count)
{
	Falco__Outputs__Response m = FALCO__OUTPUTS__RESPONSE__INIT;
	Falco__Outputs__Loss loss = FALCO__OUTPUTS__LOSS__INIT;
	Falco__Outputs__Cursor first = FALCO__OUTPUTS__CURSOR__INIT;
	Falco__Outputs__Cursor last = FALCO__OUTPUTS__CURSOR__INIT;
	Google__Protobuf__Timestamp time = timestamp_of(clock_wall_ns());

	first.epoch = last.epoch = rpc_epoch(call->shared);
	first.seq = lost->first;
	last.seq = lost->last;
	loss.count = count;
	if (lost->reason != LOSS_EPOCH) {
		loss.first = &first;
		loss.last = &last;
		m.position = &last;
	}
	loss.reason = (Falco__Outputs__Loss__Cause)lost->reason;
	m.time = &time;
	m.lost = &loss;
	rpc_call_pack(call, &m.base);
}

void tell_loss(struct rpc_call *call)
{
	struct stream *s = call->stream;
	const struct gap lost = s->lost;
	uint64_t count = lost.reason == LOSS_EPOCH ? 0 : lost.last - lost.first + 1;

	s->lost = (struct gap){ 0 };
	s->writing = WRITE_LOSS;
	s->told_ns = clock_boot_ns();
	call->shared->lost += count;
	s->nlost += count;
	if (s->control)
		loss_control(call, &lost, count);
	else
		loss_alert(call, &lost, count);
}

void tell_bookmark(struct rpc_call *call)
{
	struct stream *s = call->stream;
	Falco__Outputs__Response m = FALCO__OUTPUTS__RESPONSE__INIT;
	Falco__Outputs__Cursor at = FALCO__OUTPUTS__CURSOR__INIT;
	Falco__Outputs__Cursor acked = FALCO__OUTPUTS__CURSOR__INIT;
	Google__Protobuf__Timestamp time = timestamp_of(clock_wall_ns());

	at.epoch = acked.epoch = rpc_epoch(call->shared);
	at.seq = s->next_seq - 1;
	m.time = &time;
	m.position = &at;
	m.bookmark = true;
	if (s->key && s->acked_told) {
		acked.seq = s->acked_told - 1;
		m.acked = &acked;
	}
	s->ack_due = false;
	s->writing = WRITE_MARK;
	s->told_ns = clock_boot_ns();
	rpc_call_pack(call, &m.base);
}
