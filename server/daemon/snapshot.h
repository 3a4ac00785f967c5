/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters as regular snapshots (`metrics.*`, falco-compat.md 4.3 and 4.4): an internal alert, a line of a file, or both.
 * The figures are those of the shared counters. Control thread only.
 */
#pragma once

#include <uv.h>

#include "config/config.h"
#include "daemon/args.h"
#include "daemon/engine.h"
#include "link/stats.h"

struct snapshot;

/* All must outlive it, the configuration until the next snapshot_change. */
struct snapshot_options {
	uv_loop_t *loop;
	const struct config *config;
	const struct args *args;
	struct engine *engine;
	const struct stats *stats;
};

/* -ENOMEM. */
int snapshot_start(const struct snapshot_options *options, struct snapshot **ret);
/* Other settings, and other files perhaps: both count from now on. */
void snapshot_change(struct snapshot *s, const struct config *config);
struct snapshot *snapshot_stop(struct snapshot *s); /* NULL */
