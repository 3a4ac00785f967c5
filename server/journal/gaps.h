/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where numbers are missing and why: a short sorted list without overlaps. Bounded: when it is full the two
 * oldest become one, so that a gap may say too much, never too little. One thread at a time.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Numbers of falco.outputs.loss.cause. */
enum loss_reason {
	LOSS_UNSPECIFIED,
	LOSS_EXPIRED,
	LOSS_OVERRUN,
	LOSS_RESTART,
	LOSS_DISK,
	LOSS_EPOCH,
};

enum { GAPS_MAX = 1024 };

struct gap {
	uint64_t first, last;
	enum loss_reason reason;
};

struct gaps {
	struct gap items[GAPS_MAX];
	size_t n;
};

/* Joins a gap of the same reason that it touches. Ranges come mostly in order. */
void gaps_add(struct gaps *g, struct gap gap);
/* Forgets what ends before seq. */
void gaps_trim(struct gaps *g, uint64_t seq);
/* The first gap with a part in first..last; NULL: none. */
const struct gap *gaps_find(const struct gaps *g, uint64_t first, uint64_t last);
