/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests over unix sockets: HTTP/1.1 for Docker and podman, and gRPC calls for CRI, which are HTTP/2 posts
 * with a status in the trailer. libcurl does both, so nothing of gRPC's C core is needed in the sensor.
 * Every request has a time and a size limit. One thread, but http_wake.
 */
#pragma once

#include <stdint.h>

#include "base/strbuf.h"

struct http;

enum http_outcome {
	HTTP_OK,
	HTTP_NOT_FOUND,	  /* the runtime does not know it */
	HTTP_NOT_OFFERED, /* it does not know the method */
	HTTP_ERROR,	  /* it answers, but not this: its own error */
	HTTP_FAILED,	  /* refused, hung, garbage, too large */
	HTTP_STOPPED,	  /* by http_free; nothing may be started from there */
};

struct http_request {
	const char *socket;
	const char *path;
	struct str body;    /* a framed message; ptr NULL: an HTTP/1.1 GET */
	const char *header; /* of a call: one more, or NULL */
	bool stream;	    /* no time limit; on_data gets what comes */
	/* Of a stream: takes what it can off *data. False ends it. */
	bool (*on_data)(void *ctx, struct str *data);
	void (*on_end)(void *ctx, enum http_outcome outcome, struct str body);
	void *ctx;
};

struct http *http_new(void);
/* Requests still running end as HTTP_STOPPED. Returns NULL. */
struct http *http_free(struct http *h);
/* The texts are copied. -ENOMEM. */
int http_start(struct http *h, const struct http_request *r);
/* Works for at most so long. */
void http_run(struct http *h, unsigned timeout_ms);
/* Any thread: http_run returns. */
void http_wake(struct http *h);
