/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine thread: a libuv loop of its own that takes records off the rings and runs them through the
 * pipeline. It never waits and takes no lock. While events come it looks every millisecond; when none come
 * it goes to sleep and the probe wakes it by the first one.
 */
#pragma once

#include "daemon/dropwatch.h"
#include "daemon/pipeline.h"
#include "runtime/runtime.h"
#include "source/bpf.h"
#include "source/capture.h"

struct engine;

struct engine_options {
	struct bpf_source *source;
	struct pipeline *pipeline;	/* the engine's from start to stop */
	struct runtime *runtime;	/* NULL: nobody is asked about containers */
	struct capture_writer *capture; /* NULL: nothing is recorded */
	struct stats *stats;
	struct drop_policy drops;
	/* Engine thread: the drop policy wants the program to end. */
	void (*give_up)(void *ctx);
	void *give_up_ctx;
	const char *host_root; /* prefix of /proc and /etc; "" for none */
};

/* Starts the thread, which first reads /proc and the user tables. Negative errno. */
int engine_start(const struct engine_options *options, struct engine **ret);
/* Drains what is on the rings, ends the thread and frees. Returns NULL. */
struct engine *engine_stop(struct engine *e);
/* What a reload brings. */
struct engine_change {
	struct ruleset *rules;
	struct pipeline_manner manner;
	struct drop_policy drops;
	/* Engine thread, with the rest between two events: whatever else is to change with it. */
	void (*apply)(void *ctx);
	/* Engine thread: what was in force before is used no more. */
	void (*done)(void *ctx);
	void *ctx;
};

/* Control thread, and not again before done. A reference to the rules is taken. -ENOMEM. */
int engine_change(struct engine *e, const struct engine_change *c);
/* Any thread: the engine looks for what runtimes answered. engine may be NULL. */
void engine_wake(struct engine *e);
/* Control thread: a copy goes through the pipeline, stamped when it does. -ENOMEM; -ENOBUFS: too many wait. */
int engine_record(struct engine *e, const struct rec_hdr *rec);
/*
 * Control thread. An alert about the program itself, raised by the engine between two events: in order with all
 * others, through the same channels. rule is static; all other texts are copied. -ENOMEM;
 * -ENOBUFS: too many wait, this one is dropped.
 */
int engine_internal(struct engine *e, const char *rule, enum priority priority, struct str message,
		    const struct alert_pair *pairs, size_t npairs);
/* A snapshot of the pipeline's counters, at most a second old; any thread. */
void engine_counters(const struct engine *e, struct pipeline_counters *ret);
