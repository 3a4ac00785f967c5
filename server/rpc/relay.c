/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A relay ends with its call: an answer that comes later finds nobody. Memory is bounded by how many may wait, or
 * collect a long question, at once.
 */
#include "rpc/relay.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/limits.h"
#include "link/control.h"
#include "link/pack.h"
#include "rpc/call.h"
#include "rpc/method.h"

#define RELAY_COLLECT_NS (30 * NS_PER_SEC)
#define RELAY_ANSWER_NS	 (60 * NS_PER_SEC)

struct relay {
	LIST_ENTRY(relay) link;
	struct rpc_call *call;
	uint64_t id; /* 0: not asked yet */
	uint64_t deadline_ns;
	struct strbuf question;
};

static const grpc_status_code codes[ANSWERS] = {
	[ANSWER_OK] = GRPC_STATUS_OK,
	[ANSWER_INVALID] = GRPC_STATUS_INVALID_ARGUMENT,
	[ANSWER_NOT_FOUND] = GRPC_STATUS_NOT_FOUND,
	[ANSWER_BUSY] = GRPC_STATUS_RESOURCE_EXHAUSTED,
	[ANSWER_LATE] = GRPC_STATUS_DEADLINE_EXCEEDED,
	[ANSWER_FAILED] = GRPC_STATUS_UNAVAILABLE,
};

struct relay *relay_free(struct relay *r)
{
	if (!r)
		return NULL;
	LIST_REMOVE(r, link);
	r->call->shared->nrelays--;
	strbuf_done(&r->question);
	free(r);
	return NULL;
}

static struct relay *begin(struct rpc_call *call)
{
	struct rpc_shared *shared = call->shared;
	struct relay *r = shared->nrelays < LIMIT_RELAYS ? calloc(1, sizeof(*r)) : NULL;

	if (!r) {
		rpc_call_finish(call, GRPC_STATUS_RESOURCE_EXHAUSTED,
				"too many such calls are open");
		return NULL;
	}
	r->call = call;
	r->question.limit = LIMIT_QUESTION;
	r->deadline_ns = clock_boot_ns() + RELAY_COLLECT_NS;
	LIST_INSERT_HEAD(&shared->relays, r, link);
	shared->nrelays++;
	call->relay = r;
	return r;
}

/* Packed messages one behind the other are one message: what is repeated in them is added up. */
static bool collect(struct rpc_call *call, const ProtobufCMessage *message)
{
	struct relay *r = call->relay ? call->relay : begin(call);

	if (!r)
		return false;
	if (pack_message(message, &r->question) == 0)
		return true;
	rpc_call_finish(call, GRPC_STATUS_RESOURCE_EXHAUSTED, "the request is too large");
	return false;
}

static void ask(struct rpc_call *call)
{
	struct rpc_shared *shared = call->shared;
	struct relay *r = call->relay;
	const struct control_message m = {
		.kind = CONTROL_ASK,
		.ask = { .id = ++shared->last_ask,
			 .what = call->method->ask,
			 .text = strbuf_str(&r->question) },
	};

	if (shared->ask(&m, shared->sensor_ctx) < 0) {
		rpc_call_finish(call, GRPC_STATUS_UNAVAILABLE, "the sensor cannot be asked now");
		return;
	}
	strbuf_done(&r->question);
	r->id = m.ask.id;
	r->deadline_ns = clock_boot_ns() + RELAY_ANSWER_NS;
}

void relay_request(struct rpc_call *call, const ProtobufCMessage *message)
{
	if (collect(call, message) && !call->method->many)
		ask(call);
}

/* Also when the client is gone before it was done, which looks the same. */
void relay_half_closed(struct rpc_call *call)
{
	if (call->relay)
		ask(call);
	else
		rpc_call_finish(call, GRPC_STATUS_INVALID_ARGUMENT, "expected a request");
}

void relay_gone(struct rpc_call *call)
{
	call->relay = relay_free(call->relay);
}

void relays_answer(struct rpc_shared *shared, const struct control_answer *a)
{
	struct relay *r;
	_cleanup_(freep) char *text = NULL;

	LIST_FOREACH(r, &shared->relays, link)
	{
		if (a->id && r->id == a->id)
			break;
	}
	if (!r)
		return;
	struct rpc_call *call = r->call;
	if (a->outcome == ANSWER_OK) {
		call->relay = relay_free(r);
		rpc_call_write_text(call, a->text);
		return;
	}
	text = str_dupz(a->text);
	rpc_call_finish(call, a->outcome < ANSWERS ? codes[a->outcome] : GRPC_STATUS_INTERNAL,
			text ? text : "out of memory");
}

void relays_tick(struct rpc_shared *shared)
{
	struct relay *r, *next;
	uint64_t now = clock_boot_ns();

	for (r = LIST_FIRST(&shared->relays); r; r = next) {
		next = LIST_NEXT(r, link);
		if (now > r->deadline_ns)
			rpc_call_finish(r->call, GRPC_STATUS_DEADLINE_EXCEEDED,
					r->id ? "the sensor does not answer"
					      : "the request takes too long");
	}
}
