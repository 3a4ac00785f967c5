/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The methods we answer, as rows: which method of which generated service, and what happens when. A test
 * demands a row for every method of the generated descriptors.
 */
#pragma once

#include <stdbool.h>

#include <protobuf-c/protobuf-c.h>

#include "base/str.h"
#include "link/control.h"

struct rpc_call;

struct rpc_method {
	const ProtobufCServiceDescriptor *service;
	const char *name;
	bool stream; /* counts as a stream and is told of new alerts */
	bool many;   /* the client may send more than one request */
	bool admin;  /* changes the sensor: without a policy for root only */
	bool turns;  /* the same, and each is answered by one write before the next is read */
	enum control_what ask; /* what to ask the sensor, of methods it answers (relay.h) */
	/* A request, unpacked with the descriptor's input type, the caller's to free. */
	void (*request)(struct rpc_call *call, const ProtobufCMessage *message);
	void (*half_closed)(struct rpc_call *call); /* no more requests */
	void (*written)(struct rpc_call *call);	    /* the write has completed */
	void (*alerts)(struct rpc_call *call);	    /* the backlog has grown */
	void (*stopping)(struct rpc_call *call);    /* the server ends: one last write */
	void (*tick)(struct rpc_call *call);	    /* some time has passed (RPC_TICK_MS) */
	void (*gone)(struct rpc_call *call);	    /* nothing more will be written */
};

/* path: "/package.service/method". NULL: no such method. */
const struct rpc_method *rpc_method_find(struct str path);
const ProtobufCMethodDescriptor *rpc_method_descriptor(const struct rpc_method *m);
/* The whole table. */
const struct rpc_method *rpc_methods(size_t *ret_n);
/* The services of the table, each once: NULL-terminated. */
extern const ProtobufCServiceDescriptor *const rpc_services[];

/* stream.c */
void stream_request_sub(struct rpc_call *call, const ProtobufCMessage *message);
void stream_request_get(struct rpc_call *call, const ProtobufCMessage *message);
void stream_half_closed(struct rpc_call *call);
void stream_written(struct rpc_call *call);
void stream_alerts(struct rpc_call *call);
void stream_tick(struct rpc_call *call);
void stream_gone(struct rpc_call *call);
/* health.c */
void health_request_check(struct rpc_call *call, const ProtobufCMessage *message);
void health_request_watch(struct rpc_call *call, const ProtobufCMessage *message);
void health_watch_written(struct rpc_call *call);
void health_watch_stopping(struct rpc_call *call);
/* reflection.c */
void reflection_request_info(struct rpc_call *call, const ProtobufCMessage *message);
void reflection_half_closed(struct rpc_call *call);
/* relay.c */
void relay_request(struct rpc_call *call, const ProtobufCMessage *message);
void relay_half_closed(struct rpc_call *call);
void relay_gone(struct rpc_call *call);
/* status.c */
void status_request(struct rpc_call *call, const ProtobufCMessage *message);
/* version.c */
void version_request(struct rpc_call *call, const ProtobufCMessage *message);

/* whoami.c */
void whoami_request(struct rpc_call *call, const ProtobufCMessage *message);

/* The message, packed, as the call's next write. */
void rpc_call_pack(struct rpc_call *call, const ProtobufCMessage *message);
/* The same of a message that is packed already; the text is copied. */
void rpc_call_write_text(struct rpc_call *call, struct str packed);
