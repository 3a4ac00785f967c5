/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether events flow. Now and then a call is made that comes back through the kernel's hook and the rings
 * (bpf_source_selftest); when it does not, or the engine says nothing, the program is not healthy: the web endpoint
 * says so, the log does, and a service manager with a watchdog gets no sign of life. Control thread only.
 */
#pragma once

#include <uv.h>

#include "link/stats.h"
#include "source/bpf.h"

struct health;

/* All must outlive it. -ENOMEM. */
int health_start(uv_loop_t *loop, struct stats *stats, const struct bpf_source *source,
		 struct health **ret);
struct health *health_stop(struct health *h); /* NULL */
