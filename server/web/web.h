/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The web endpoint: health for Kubernetes, versions, metrics for Prometheus. Runs on the loop of the network
 * process; no request waits for anything, so one thread serves all.
 */
#pragma once

#include <stdint.h>

#include <uv.h>

#include "base/diag.h"
#include "base/str.h"
#include "link/stats.h"

struct web;

struct web_settings {
	struct str address; /* of IPv4 or IPv6 */
	uint16_t port;	    /* 0: any free one */
	struct str health_path;
	struct str versions; /* body of /versions */
	struct str pem;	     /* certificate and key: HTTPS; empty: HTTP */
	bool metrics;	     /* /metrics is served */
	unsigned groups;     /* enum metrics_group: those shown */
};

/* The texts are copied, stats are borrowed. Negative errno with the fault in d. */
int web_start(uv_loop_t *loop, const struct web_settings *settings, const struct stats *stats,
	      struct web **ret, struct diag *d);
/* Other settings while it runs; *web may be another afterwards. Negative errno with d: the old ones stay. */
int web_change(struct web **web, const struct web_settings *settings, struct diag *d);
uint16_t web_port(const struct web *w);
/* Requests since the start. */
uint64_t web_requests(const struct web *w);
/* Closes; the handles are gone when the loop has run once more. w may be NULL. Returns NULL. */
struct web *web_stop(struct web *w);
