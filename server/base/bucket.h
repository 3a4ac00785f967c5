/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token bucket: fills at a rate per second up to a burst, and is full at first. One thread; zeroed is ready.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

struct bucket {
	double used; /* tokens taken and not yet filled in again */
	uint64_t last_ns;
};

/* Takes one token if there is one. Times of one clock that do not go back. */
static inline bool bucket_take(struct bucket *b, double rate, double burst, uint64_t now_ns)
{
	double filled = (double)(now_ns - b->last_ns) / (double)NS_PER_SEC * rate;

	b->used = b->used > filled ? b->used - filled : 0;
	b->last_ns = now_ns;
	if (b->used + 1 > burst)
		return false;
	b->used += 1;
	return true;
}
