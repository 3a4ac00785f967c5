/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One order out of several rings (decision 4). A record may be handed over when no ring can still
 * deliver an older one: a ring that holds something can not (its records come in order, but for
 * a preempted program), an empty ring can for as long as a program takes from its time stamp to its
 * hand-over, the slack. What comes later still is handed over at once, and counted as late.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source/source.h"

#define MERGE_SLACK_NS UINT64_C(500000)

/* Where records come from; rings in the sensor, arrays in tests. */
struct merge_input {
	const struct rec_hdr *(*peek)(void *in);
	void (*next)(void *in);
	void *in;
	_Atomic uint64_t taken; /* records handed over; other threads may read it */
};

struct merge {
	struct merge_input *inputs; /* the caller's */
	size_t n;
	uint64_t last_ns; /* stamp of the last record handed over */
	uint64_t events, late;
};

/* Hands over at most `budget` records with now_ns as the time of boot clock. Returns how many. */
size_t merge_run(struct merge *m, uint64_t now_ns, size_t budget, record_fn fn, void *ctx);
