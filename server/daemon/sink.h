/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where published alerts go: every local channel and the link to the network process. Filled before the
 * engine starts; sink_publish is the pipeline's publish_fn and runs on the engine thread. A reload brings other
 * channels: the control thread makes them (sink_offer), the engine thread takes them between two events (sink_take),
 * and then the control thread lets go of those that are no longer wanted (sink_retire).
 */
#pragma once

#include <stdatomic.h>

#include "alert/alert.h"
#include "link/link.h"
#include "link/stats.h"
#include "output/channel.h"

enum { SINK_CHANNELS = 32 };

struct outlets {
	struct channel *channels[SINK_CHANNELS];
	size_t n;
};

struct sink {
	struct outlets now;	  /* the control thread's: those that are wanted */
	struct outlets in_use;	  /* the engine thread's */
	struct outlets leaving;	  /* wanted no more, and perhaps still in use */
	struct link_writer *link; /* NULL: none */
	struct stats *stats;
	_Atomic uint64_t by_priority[PRIORITY_DEBUG + 1];
	_Atomic uint64_t link_refused; /* too large for the ring */
};

/* ctx is the struct sink. Takes over the alert's reference. */
void sink_publish(struct alert *alert, const struct rule *rule, void *ctx);
/* Before the engine starts, or with sink_take to follow. Channels that both have are the same. */
void sink_offer(struct sink *s, const struct outlets *wanted);
/* Engine thread. */
void sink_take(struct sink *s);
/* After sink_take: the others deliver what they have, in their own time, and end. */
void sink_retire(struct sink *s);
/* Hands each channel its SIGUSR1. */
void sink_reopen(struct sink *s);
/* Drains and ends the channels, waiting at most deadline_ms for each. */
void sink_stop(struct sink *s, unsigned deadline_ms);
