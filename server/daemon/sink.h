/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where published alerts go: every local channel and the link to the network process. Filled before the
 * engine starts; sink_publish is the pipeline's publish_fn and runs on the engine thread.
 */
#pragma once

#include <stdatomic.h>

#include "alert/alert.h"
#include "link/link.h"
#include "link/stats.h"
#include "output/channel.h"

enum { SINK_CHANNELS = 8 };

struct sink {
	struct channel *channels[SINK_CHANNELS];
	size_t nchannels;
	struct link_writer *link; /* NULL: none */
	struct stats *stats;
	_Atomic uint64_t by_priority[PRIORITY_DEBUG + 1];
	_Atomic uint64_t link_refused; /* too large for the ring */
};

/* ctx is the struct sink. Takes over the alert's reference. */
void sink_publish(struct alert *alert, const struct rule *rule, void *ctx);
/* Hands each channel its SIGUSR1. */
void sink_reopen(struct sink *s);
/* Drains and ends the channels, waiting at most deadline_ms for each. */
void sink_stop(struct sink *s, unsigned deadline_ms);
