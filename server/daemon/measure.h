/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sensor writes into the shared counters (link/stats): the engine thread what it alone may read, the
 * control thread the rest, once a second. Nothing of it is on an event's way.
 */
#pragma once

#include <uv.h>

#include "config/config.h"
#include "daemon/args.h"
#include "daemon/netproc.h"
#include "daemon/pipeline.h"
#include "daemon/sink.h"
#include "link/stats.h"
#include "runtime/runtime.h"
#include "source/bpf.h"

struct measure;

/* Engine thread. */
void measure_engine(struct stats *s, const struct pipeline *p, const struct bpf_stats *probe);
void measure_runtime(struct stats *s, const struct runtime *runtime);

/* All that is pointed to must outlive the measure. */
struct measure_options {
	uv_loop_t *loop;
	struct stats *stats; /* NULL: nothing is counted */
	const struct config *config;
	const struct args *args;
	const struct sink *sink;
	const struct netproc *net; /* NULL: no network process */
	struct ruleset *rules;	   /* a reference is taken */
	struct bpf_source *source;
};

/* Control thread, as everything below. -ENOMEM. */
int measure_start(const struct measure_options *options, struct measure **ret);
/* These settings and rules count from now on; what other rules counted stays. */
void measure_change(struct measure *m, const struct config *config, struct ruleset *rs);
/* The rules in force; borrowed. */
const struct ruleset *measure_ruleset(const struct measure *m);
/* How often a rule of them has matched since the start, also before it was loaded again. */
uint64_t measure_matches(const struct measure *m, const struct rule *rule);
struct measure *measure_stop(struct measure *m); /* NULL */
