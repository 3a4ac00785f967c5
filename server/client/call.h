/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call as a client makes it: one request, then answers until the end, waited for. One thread; grpc_init is
 * the caller's.
 */
#pragma once

#include <stdbool.h>

#include <grpc/status.h>

#include "base/diag.h"
#include "base/strbuf.h"

struct client_options;
struct client;
struct client_call;

/* Where the options, or else the configuration they name, say the server is. -EINVAL with *diag; -ENOMEM. */
int client_new(const struct client_options *o, struct client **ret, struct diag *diag);
struct client *client_free(struct client *c);
/* The address, for messages. */
const char *client_target(const struct client *c);

/*
 * method: "/package.service/method"; request: packed. Over a connection of its own. timeout_ms 0: as long as it
 * takes. -ENOMEM.
 */
int client_call(struct client *c, const char *method, struct str request, int timeout_ms,
		struct client_call **ret);
/* The next answer, packed; false: there is none, the call has ended. */
bool client_call_next(struct client_call *call, struct strbuf *ret);
/* Once it has ended; the text is valid as long as the call. */
grpc_status_code client_call_status(const struct client_call *call, struct str *ret_text);
/* The server has said that it is Tiercel. Known when there is an answer. */
bool client_call_is_tiercel(const struct client_call *call);
/* Cancels it if it is open. Returns NULL. */
struct client_call *client_call_free(struct client_call *call);
