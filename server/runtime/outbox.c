/* SPDX-License-Identifier: Apache-2.0 */
/* The engine empties it whenever it looks, and is never behind for long: a full queue is waited for. */
#include "runtime/outbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"

enum { FULL_WAIT_US = 1000 };

int outbox_init(struct outbox *o, void (*wake)(void *ctx), void *wake_ctx, const _Atomic bool *stop)
{
	*o = (struct outbox){ .queue = queue_new(LIMIT_RUNTIME_REQUESTS),
			      .wake = wake,
			      .wake_ctx = wake_ctx,
			      .stop = stop };
	return o->queue ? 0 : -ENOMEM;
}

void outbox_done(struct outbox *o)
{
	for (void *rec; o->queue && (rec = queue_pop(o->queue));)
		free(rec);
	o->queue = queue_free(o->queue);
}

void outbox_push(struct outbox *o, const struct rec_hdr *rec)
{
	struct rec_hdr *copy = rec ? malloc(rec->len) : NULL;

	if (!copy) {
		atomic_fetch_add_explicit(&o->lost, 1, memory_order_relaxed);
		return;
	}
	memcpy(copy, rec, rec->len);
	while (!queue_push(o->queue, copy)) {
		if (atomic_load(o->stop)) {
			free(copy);
			return;
		}
		o->wake(o->wake_ctx);
		usleep(FULL_WAIT_US);
	}
	if (!atomic_load(o->stop))
		o->wake(o->wake_ctx);
}

struct rec_hdr *outbox_take(struct outbox *o)
{
	return queue_pop(o->queue);
}
