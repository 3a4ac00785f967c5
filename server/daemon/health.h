/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether events flow. Now and then a call is made that comes back through the kernel's hook and the rings
 * (bpf_source_selftest); when it does not, or the engine says nothing, the program is not healthy: the web endpoint
 * says so, the log does, and a service manager with a watchdog gets no sign of life. Also tells of local outputs that do
 * not come back from a delivery. Control thread only.
 */
#pragma once

#include <uv.h>

#include "config/config.h"
#include "daemon/sink.h"
#include "link/stats.h"
#include "source/bpf.h"

struct health;

/* All must outlive it, the configuration until the next health_change. */
struct health_options {
	uv_loop_t *loop;
	struct stats *stats;
	const struct bpf_source *source;
	const struct sink *sink;
	const struct config *config;
};

/* -ENOMEM. */
int health_start(const struct health_options *options, struct health **ret);
void health_change(struct health *h, const struct config *config);
struct health *health_stop(struct health *h); /* NULL */
