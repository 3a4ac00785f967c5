/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One output with a queue and a thread of its own, so that none delays another or the engine. A full queue
 * drops the newest alert and counts it (ARCHITECTURE.md, decision 13).
 */
#pragma once

#include <stdint.h>

#include "output/output.h"

struct alert;
struct channel;

struct channel_counters {
	uint64_t delivered, dropped,
		failed; /* dropped: the queue was full; failed: the output's fault */
	size_t queued;
	uint64_t last_seq; /* of the newest alert that the output has taken or refused; 0: none */
	uint64_t retries;  /* deliveries tried again */
	uint64_t bytes;	   /* sent, where the output counts them */
	uint64_t busy_ns;  /* boot time since when it does one thing; 0: it does nothing */
};

/* The settings are copied. NULL, after logging why, when memory or threads are out. */
struct channel *channel_start(const struct output_settings *settings);
/* Engine thread only; takes a reference of its own. False: dropped and counted. Never waits, and makes a
 * system call only when the channel's thread sleeps. */
bool channel_put(struct channel *c, struct alert *a);
/* Any thread; at once returns, done before the next alert is written. */
void channel_reopen(struct channel *c);
/*
 * Delivers what is queued, for at most deadline_ms, then ends; no more puts. An output that hangs beyond
 * that is left behind: its thread frees everything when it comes back. Returns NULL.
 */
struct channel *channel_stop(struct channel *c, unsigned deadline_ms);
/* Waits until everything is delivered, at most so long. */
void channel_drain(struct channel *c, unsigned deadline_ms);
/* Delivers no more than it is just about, then ends by itself; no more puts. Returns NULL. */
struct channel *channel_abandon(struct channel *c);
/* Delivers what is queued, if that is possible at all, then ends and is freed by itself; no more puts. NULL. */
struct channel *channel_retire(struct channel *c);
/* It was started with these settings. */
bool channel_is(const struct channel *c, const struct output_settings *settings);
/* Any thread; a snapshot. */
struct channel_counters channel_counters(const struct channel *c);
const char *channel_name(const struct channel *c);
