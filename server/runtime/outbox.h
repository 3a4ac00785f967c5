/* SPDX-License-Identifier: Apache-2.0 */
/* Records on their way to the engine: a bounded queue from one thread, and a wake-up. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/queue.h"
#include "probe/abi/record.h"

struct outbox {
	struct queue *queue; /* struct rec_hdr */
	void (*wake)(void *ctx);
	void *wake_ctx;
	const _Atomic bool *stop;
	_Atomic uint64_t lost; /* out of memory */
};

int outbox_init(struct outbox *o, void (*wake)(void *ctx), void *wake_ctx,
		const _Atomic bool *stop);
void outbox_done(struct outbox *o);
/* Copies it. Waits while the queue is full, unless the owner stops. NULL (a record that could not be made) is counted. */
void outbox_push(struct outbox *o, const struct rec_hdr *rec);
/* The engine's thread: the next, heap memory of the caller's; NULL: none. */
struct rec_hdr *outbox_take(struct outbox *o);
