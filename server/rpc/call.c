/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations of a call and their completions:
 *	accept	a call has come
 *	opened	initial metadata went out
 *	closed	the call is over: cancelled, or the status was taken
 *	read	a request, or the client's half-close
 *	write	a message was taken by the transport
 *	status	the status was taken
 * Each is started at most once at a time. When none is under way any more the call is freed.
 */
#include "rpc/call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/support/alloc.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/limits.h"
#include "journal/journal.h"
#include "rpc/access.h"
#include "rpc/backlog.h"
#include "rpc/inflow.h"
#include "rpc/method.h"
#include "rpc/relay.h"
#include "rpc/stream.h"

enum { CALL_LARGE = 4096 }; /* bytes of a request */

static void call_read(struct rpc_call *call);

static void call_free(struct rpc_call *call)
{
	peer_done(&call->peer);
	if (call->request)
		grpc_byte_buffer_destroy(call->request);
	if (call->message)
		grpc_byte_buffer_destroy(call->message);
	stream_free(call->stream);
	relay_free(call->relay);
	for (size_t i = 0; i < call->ninitial; i++)
		grpc_slice_unref(call->initial[i].value);
	grpc_slice_unref(call->details.method);
	grpc_slice_unref(call->details.host);
	grpc_metadata_array_destroy(&call->metadata);
	if (call->call)
		grpc_call_unref(call->call);
	free(call);
}

void rpc_call_drop(struct rpc_call *call)
{
	call_free(call);
}

static void call_end(struct rpc_call *call)
{
	if (call->ended)
		return;
	call->ended = true;
	if (call->method && call->method->gone)
		call->method->gone(call);
}

static void call_settle(struct rpc_call *call)
{
	if (call->pending)
		return;
	LIST_REMOVE(call, link);
	call->shared->ncalls--;
	if (call->method && call->method->stream)
		call->shared->nstreams--;
	call_end(call);
	call_free(call);
}

/* Starts one operation; what fails to start completes at once as failed. */
static void call_start(struct rpc_call *call, struct rpc_op *tag, const grpc_op *op)
{
	call->pending++;
	if (grpc_call_start_batch(call->call, op, 1, tag, NULL) == GRPC_CALL_OK)
		return;
	call->pending--;
	call_end(call);
	grpc_call_cancel(call->call, NULL);
}

static void on_accept(struct rpc_op *op, bool ok)
{
	struct rpc_call *call = op->owner;

	call->accept_fn(call, ok);
}

static void on_opened(struct rpc_op *op, bool ok)
{
	struct rpc_call *call = op->owner;

	call->pending--;
	call_settle(call);
}

static void on_closed(struct rpc_op *op, bool ok)
{
	struct rpc_call *call = op->owner;

	call->pending--;
	call_end(call);
	call_settle(call);
}

static void on_status(struct rpc_op *op, bool ok)
{
	struct rpc_call *call = op->owner;

	call->pending--;
	call_settle(call);
}

static void on_write(struct rpc_op *op, bool ok)
{
	struct rpc_call *call = op->owner;

	call->pending--;
	grpc_byte_buffer_destroy(TAKE(call->message));
	if (ok) {
		call->shared->sent++;
		if (call->ended)
			;
		else if (call->shared->stopping)
			rpc_call_finish(call, GRPC_STATUS_UNAVAILABLE, "the server is stopping");
		else if (call->method->turns)
			call_read(call);
		else if (call->method->written)
			call->method->written(call);
		else
			rpc_call_finish(call, GRPC_STATUS_OK, "");
	}
	call_settle(call);
}

static void call_request(struct rpc_call *call, grpc_byte_buffer *buffer)
{
	const ProtobufCMessageDescriptor *type = rpc_method_descriptor(call->method)->input;
	grpc_byte_buffer_reader reader;
	ProtobufCMessage *message = NULL;

	if (grpc_byte_buffer_reader_init(&reader, buffer)) {
		grpc_slice all = grpc_byte_buffer_reader_readall(&reader);

		message = protobuf_c_message_unpack(type, NULL, GRPC_SLICE_LENGTH(all),
						    GRPC_SLICE_START_PTR(all));
		grpc_slice_unref(all);
		grpc_byte_buffer_reader_destroy(&reader);
	}
	if (message) {
		call->method->request(call, message);
		protobuf_c_message_free_unpacked(message, NULL);
	} else {
		rpc_call_abort(call, GRPC_STATUS_INVALID_ARGUMENT, "the request is malformed");
	}
}

/* Large ones are rare, and would else count as a flood. */
static void note_taken(struct rpc_call *call, size_t bytes)
{
	if (bytes < CALL_LARGE)
		return;
	if (!call->found) {
		char *peer = grpc_call_get_peer(call->call);

		call->socket = inflow_find(peer);
		call->found = true;
		gpr_free(peer);
	}
	inflow_taken(call->socket, bytes);
}

static void on_read(struct rpc_op *op, bool ok)
{
	struct rpc_call *call = op->owner;
	grpc_byte_buffer *buffer = TAKE(call->request);

	call->pending--;
	if (!call->ended && buffer) {
		note_taken(call, grpc_byte_buffer_length(buffer));
		call_request(call, buffer);
		if (call->method->many && !call->ended)
			call_read(call);
	} else if (!call->ended && ok) {
		call->half_closed = true;
		if (call->method->half_closed)
			call->method->half_closed(call);
		else
			rpc_call_finish(call, GRPC_STATUS_INVALID_ARGUMENT, "expected a request");
	}
	if (buffer)
		grpc_byte_buffer_destroy(buffer);
	call_settle(call);
}

static void call_read(struct rpc_call *call)
{
	const grpc_op op = { .op = GRPC_OP_RECV_MESSAGE,
			     .data.recv_message.recv_message = &call->request };

	call_start(call, &call->read, &op);
}

int rpc_call_request(struct rpc_shared *shared, grpc_server *server, grpc_completion_queue *cq,
		     void (*accepted)(struct rpc_call *call, bool ok), struct rpc_call **ret)
{
	struct rpc_call *call = calloc(1, sizeof(*call));

	if (!call)
		return -ENOMEM;
	call->shared = shared;
	call->peer.slot = -1;
	call->accept_fn = accepted;
	call->accept = (struct rpc_op){ on_accept, call };
	call->opened = (struct rpc_op){ on_opened, call };
	call->closed = (struct rpc_op){ on_closed, call };
	call->read = (struct rpc_op){ on_read, call };
	call->write = (struct rpc_op){ on_write, call };
	call->status = (struct rpc_op){ on_status, call };
	grpc_call_details_init(&call->details);
	grpc_metadata_array_init(&call->metadata);
	if (grpc_server_request_call(server, &call->call, &call->details, &call->metadata, cq, cq,
				     &call->accept) != GRPC_CALL_OK) {
		call_free(call);
		return -EIO;
	}
	*ret = call;
	return 0;
}

static void initial_add(struct rpc_call *call, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	call->initial[call->ninitial++] = (grpc_metadata){
		.key = grpc_slice_from_static_string(key),
		.value = grpc_slice_from_copied_string(text),
	};
}

/* How a new client learns that it talks to a server which knows fields from 100 on. */
static void call_open(struct rpc_call *call)
{
	initial_add(call, "tiercel-api", 1);
	initial_add(call, "tiercel-epoch", rpc_epoch(call->shared));
	initial_add(call, "tiercel-oldest", rpc_oldest(call->shared));
	initial_add(call, "tiercel-newest", rpc_newest(call->shared));
	const grpc_op op = {
		.op = GRPC_OP_SEND_INITIAL_METADATA,
		.data.send_initial_metadata = { .count = call->ninitial,
						.metadata = call->initial },
	};
	call_start(call, &call->opened, &op);
}

void rpc_call_begin(struct rpc_call *call)
{
	struct rpc_shared *shared = call->shared;
	const grpc_op close = { .op = GRPC_OP_RECV_CLOSE_ON_SERVER,
				.data.recv_close_on_server.cancelled = &call->was_cancelled };
	struct str path = { (const char *)GRPC_SLICE_START_PTR(call->details.method),
			    GRPC_SLICE_LENGTH(call->details.method) };

	LIST_INSERT_HEAD(&shared->calls, call, link);
	shared->ncalls++;
	call->opened_ns = clock_wall_ns();
	call->pending++; /* ours, until everything is started */
	call->method = rpc_method_find(path);
	const char *why = "";
	grpc_status_code code = access_begin(shared->access, call, &why);
	call->identity = call->peer.name ? call->peer.name : "unknown";
	if (call->method && call->method->stream)
		shared->nstreams++;
	call_start(call, &call->closed, &close);
	call_open(call);
	if (shared->stopping) {
		rpc_call_finish(call, GRPC_STATUS_UNAVAILABLE, "the server is stopping");
	} else if (code != GRPC_STATUS_OK) {
		shared->refused++;
		rpc_call_finish(call, code, why);
	} else if (!call->method) {
		rpc_call_finish(call, GRPC_STATUS_UNIMPLEMENTED, "no such method");
	} else {
		call_read(call);
	}
	call->pending--;
	call_settle(call);
}

void rpc_call_write(struct rpc_call *call, grpc_slice *slices, size_t n, bool more)
{
	call->message = grpc_raw_byte_buffer_create(slices, n);
	for (size_t i = 0; i < n; i++)
		grpc_slice_unref(slices[i]);
	const grpc_op op = { .op = GRPC_OP_SEND_MESSAGE,
			     .flags = more ? GRPC_WRITE_BUFFER_HINT : 0,
			     .data.send_message.send_message = call->message };

	call_start(call, &call->write, &op);
}

void rpc_call_hold(struct rpc_call *call)
{
	call->pending++;
}

void rpc_call_let_go(struct rpc_call *call)
{
	call->pending--;
	call_settle(call);
}

void rpc_call_abort(struct rpc_call *call, grpc_status_code code, const char *text)
{
	if (!rpc_call_writing(call)) {
		rpc_call_finish(call, code, text);
		return;
	}
	call_end(call);
	grpc_call_cancel_with_status(call->call, code, text, NULL);
}

uint64_t rpc_epoch(const struct rpc_shared *shared)
{
	return shared->journal ? journal_epoch(shared->journal) : shared->epoch;
}

uint64_t rpc_oldest(const struct rpc_shared *shared)
{
	const struct backlog *b = shared->backlog;
	uint64_t memory = b->first < b->shown ? backlog_get(b, b->first)->seq : 0;
	uint64_t oldest = 0, newest;

	if (shared->journal)
		journal_range(shared->journal, &oldest, &newest);
	return oldest && (!memory || oldest < memory) ? oldest : memory;
}

uint64_t rpc_newest(const struct rpc_shared *shared)
{
	return rpc_oldest(shared) ? shared->backlog->shown_seq : 0;
}

void rpc_call_finish(struct rpc_call *call, grpc_status_code code, const char *text)
{
	if (call->ended)
		return;
	grpc_slice details = grpc_slice_from_copied_string(text);
	const grpc_op op = {
		.op = GRPC_OP_SEND_STATUS_FROM_SERVER,
		.data.send_status_from_server = { .status = code,
						  .status_details = code ? &details : NULL },
	};
	call->clean = code == GRPC_STATUS_OK;
	/* What the client may ask for once it sees the status must be settled before. */
	call_end(call);
	call_start(call, &call->status, &op);
	grpc_slice_unref(details);
}
