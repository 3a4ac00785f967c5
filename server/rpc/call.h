/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call: a small state machine on the loop thread. gRPC's completions come as operations (struct rpc_op);
 * the call lives until its last one is back. What a call does with its requests is its method's (method.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <grpc/grpc.h>
#include <grpc/status.h>
#include <sys/queue.h>

#include "base/str.h"
#include "rpc/peer.h"

struct access;
struct backlog;
struct cursors;
struct descriptors;
struct control_message;
struct journal;
struct relay;
struct rpc_counters;
struct stats;
struct stream;
struct rpc_method;
struct rpc_call;

/* A tag. done runs on the loop thread. */
struct rpc_op {
	void (*done)(struct rpc_op *op, bool ok);
	void *owner;
};

enum { RPC_TICK_MS = 50 };

LIST_HEAD(rpc_calls, rpc_call);
LIST_HEAD(rpc_relays, relay);

/* What calls share; owned by the server. */
struct rpc_shared {
	struct backlog *backlog;
	struct journal *journal; /* NULL: there is none, memory is all */
	uint64_t first_seq;	 /* this run of the sensor began with it */
	struct cursors *cursors;
	struct access *access;
	struct descriptors *descriptors; /* made when reflection is first asked */
	struct rpc_calls calls;		 /* accepted and not yet gone */
	size_t ncalls, nstreams;
	uint64_t sent, lost, refused;
	uint64_t epoch;
	struct str version, engine_version, fields_checksum, hostname;
	bool stopping;
	struct rpc_relays relays; /* calls the sensor is to answer */
	size_t nrelays;
	uint64_t last_ask;		     /* id of the newest question to it */
	const struct stats *stats;	     /* of both processes; NULL: nothing is counted */
	const struct rpc_counters *counters; /* as of the last count */
	void (*count)(void *ctx);
	int (*ask)(const struct control_message *m, void *ctx); /* as control_send */
	void *sensor_ctx;
	/* Asks for method->again of this call on a later turn of the loop. */
	void (*again)(struct rpc_call *call);
};

struct rpc_call {
	LIST_ENTRY(rpc_call) link;
	struct rpc_shared *shared;
	const struct rpc_method *method;
	grpc_call *call;
	grpc_call_details details;
	grpc_metadata_array metadata;
	struct peer peer;
	const char *identity; /* the peer's name */
	uint64_t grant;	      /* what the policy said when it came in (access.c) */
	uint64_t opened_ns;   /* since 1970 */
	uint64_t max_calls;   /* its identity may have open */
	unsigned pending;     /* operations not back yet */
	void (*accept_fn)(struct rpc_call *call, bool ok);
	struct rpc_op accept, opened, closed, read, write, status;
	int was_cancelled;
	int socket; /* of its connection; -1: gone */
	bool found; /* it was looked for */
	grpc_byte_buffer *request;
	grpc_byte_buffer *message; /* being written */
	grpc_metadata initial[4];
	size_t ninitial;
	bool hungry;	  /* method->again was asked for */
	bool ended;	  /* a status was sent, or the peer is gone: start nothing more */
	bool half_closed; /* the client will send no more */
	bool clean;	  /* ended by us, all said */

	struct stream *stream; /* of streaming methods (stream.h) */
	struct relay *relay;   /* of methods the sensor answers (relay.h) */
};

/* Waits for a call on server; free on failure and at the end is the call's own affair. -ENOMEM, -EIO. */
int rpc_call_request(struct rpc_shared *shared, grpc_server *server, grpc_completion_queue *cq,
		     void (*accepted)(struct rpc_call *call, bool ok), struct rpc_call **ret);
/* After accepted(ok): answers the call. */
void rpc_call_begin(struct rpc_call *call);
/* A call that was never accepted. */
void rpc_call_drop(struct rpc_call *call);

/* One write at a time: method->written follows. Takes over a reference of each slice. more: another write will
 * follow at once, so the transport may wait with this one. */
void rpc_call_write(struct rpc_call *call, grpc_slice *slices, size_t n, bool more);
/* An operation that is not gRPC's: the call is not freed before it is let go. */
void rpc_call_hold(struct rpc_call *call);
void rpc_call_let_go(struct rpc_call *call);
/* No write may be under way. */
void rpc_call_finish(struct rpc_call *call, grpc_status_code code, const char *text);
/* At once, also under a write. */
void rpc_call_abort(struct rpc_call *call, grpc_status_code code, const char *text);
static inline bool rpc_call_writing(const struct rpc_call *call)
{
	return call->message != NULL;
}

/* What the numbers are of now, and the lowest and highest that can be sent; 0: none. */
uint64_t rpc_epoch(const struct rpc_shared *shared);
uint64_t rpc_oldest(const struct rpc_shared *shared);
uint64_t rpc_newest(const struct rpc_shared *shared);
