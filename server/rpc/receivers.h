/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP receivers, any number, each with a channel of its own. What one gets is taken from memory, or from the journal
 * when it is far behind, and only as much as its queue holds: one that is down delays nobody, costs no memory, and
 * gets what it missed, in order, when it is back. How far it is is a mark in the journal, so that it goes on there after
 * any restart; without a journal the sensor remembers it, and what memory no longer has is lost and counted. Loop
 * thread only.
 */
#pragma once

#include <uv.h>

#include "journal/journal.h"
#include "link/control.h"
#include "link/stats.h"
#include "rpc/backlog.h"

struct receivers;

struct receivers_options {
	uv_loop_t *loop;
	const struct backlog *backlog;
	struct stats *stats; /* NULL: nothing is counted */
	/* Without a journal: the receiver has all up to this number. */
	void (*at)(struct str name, uint64_t seq, void *ctx);
	void *ctx;
};

/* Pointers must outlive it. -ENOMEM. */
int receivers_new(const struct receivers_options *options, struct receivers **ret);
/* One that is wanted; the texts are copied. -ENOMEM; -ENOSPC: too many. */
int receivers_want(struct receivers *r, const struct control_http *c);
/*
 * Those wanted since the last call are all from now on: others end, those as before go on, new ones start. Nothing is
 * sent before receivers_begin. -ENOMEM: some could not be started.
 */
int receivers_commit(struct receivers *r);
/* first_seq: of this run. j may be NULL. */
int receivers_begin(struct receivers *r, struct journal *j, uint64_t first_seq);
/* There are new alerts. */
void receivers_alerts(struct receivers *r);
size_t receivers_count(const struct receivers *r); /* wanted or at work */
void receivers_measure(struct receivers *r);
/* Waits a moment for what is queued, and writes the marks: before the journal is closed. NULL. */
struct receivers *receivers_stop(struct receivers *r);
