/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may come in, what they may call and how much of it: certificates, policy and limits, replaced as a whole
 * while calls live. A call that would not be let in any more ends. Loop thread only.
 */
#pragma once

#include <grpc/grpc.h>
#include <grpc/status.h>
#include <uv.h>

#include "base/diag.h"
#include "outputs.pb-c.h"

struct access;
struct control_access;
struct rpc_call;
struct rpc_method;
struct rpc_shared;

/* What cannot be changed while the server runs; as the first access_set found it. */
struct access_fixed {
	mode_t socket_mode;
	gid_t socket_group; /* -1: as it is made */
	int message_bytes, handshake_ms, ping_ms;
};

/* -ENOMEM. */
int access_new(uv_loop_t *loop, struct access **ret);
/* The texts are copied. On failure everything stays as it was. -EINVAL with the fault in d; -ENOMEM. */
int access_set(struct access *a, const struct control_access *c, struct diag *d);
const struct access_fixed *access_fixed(const struct access *a);
/* From here on calls are watched, until access_unwatch. */
void access_watch(struct access *a, struct rpc_shared *shared);
void access_unwatch(struct access *a);
/* The server is gone. Its handle closes with the loop. Returns NULL. */
struct access *access_free(struct access *a);

/* For one TLS port. NULL: there are no certificates. */
grpc_server_credentials *access_credentials(struct access *a);
/* A call has come, its method is found: who it is (call->peer), and GRPC_STATUS_OK or why not. */
grpc_status_code access_begin(struct access *a, struct rpc_call *call, const char **ret_why);
/* Whether the caller of this call may call that method. */
bool access_permits(const struct rpc_call *call, const struct rpc_method *m);
/* What every alert of this call must meet as well; NULL: anything. Valid until the next turn of the loop. */
const Falco__Outputs__Filter *access_filter(const struct rpc_call *call);
