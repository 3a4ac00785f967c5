/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gRPC server: where it listens, with which certificates, and the calls it has. Loop thread only. Ends in
 * two steps, as handles do: stop, and later the callback.
 */
#pragma once

#include <stdint.h>

#include <uv.h>

#include "base/diag.h"
#include "base/str.h"
#include "base/strbuf.h"

struct access;
struct backlog;
struct control_message;
struct control_settings;
struct control_answer;
struct journal;
struct rpc_counters;
struct stats;
struct rpc_server;

/* What calls want to know of the other process; outlives the server. */
struct rpc_sensor {
	const struct stats *stats; /* NULL: nothing is counted */
	const struct rpc_counters *counters;
	void (*count)(void *ctx);				/* brings the counters up to date */
	int (*ask)(const struct control_message *m, void *ctx); /* as control_send */
	void *ctx;
};

/*
 * Listens on settings->bind_address: unix:///PATH or HOST:PORT, several separated by commas. TCP demands and
 * verifies a client certificate. The settings' texts are copied. access is taken over in each case; it may be
 * given new files as long as the server is not stopped. Negative errno with the fault in d.
 */
int rpc_server_start(uv_loop_t *loop, const struct control_settings *settings,
		     struct access *access, struct backlog *backlog, struct rpc_server **ret,
		     struct diag *d);
/* Before the loop runs: the journal (NULL: none), and the number this run of the sensor began with. */
void rpc_server_begin(struct rpc_server *s, const struct rpc_sensor *sensor,
		      struct journal *journal, uint64_t first_seq);
/* The addresses as they are, with the real port; borrowed. */
struct str rpc_server_addresses(const struct rpc_server *s);
/* The backlog has grown. */
void rpc_server_alerts(struct rpc_server *s);
/* Fills the counters of calls. */
void rpc_server_count(const struct rpc_server *s, struct rpc_counters *ret);
/* A StatusResponse, packed, at the end of out. -ENOMEM. */
int rpc_server_status(const struct rpc_server *s, struct strbuf *out);
/* The sensor's answer to a question asked by rpc_sensor.ask. */
void rpc_server_answer(struct rpc_server *s, const struct control_answer *a);
/* Ends all calls; stopped runs when everything is released and s is gone. */
void rpc_server_stop(struct rpc_server *s, void (*stopped)(void *arg), void *arg);
