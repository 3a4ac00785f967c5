/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses the names of hosts stand for. They come as records; nobody is asked here. One thread. */
#pragma once

#include "base/vec.h"
#include "event/event.h"
#include "state/state.h"

struct host;

/* Zeroed is empty and valid. */
struct hosts {
	VEC(struct host *) list;
};

void hosts_done(struct hosts *h);
/* All addresses of one name, in place of what it had. 0 or -ENOMEM; beyond LIMIT_HOST_NAMES it is not kept. */
int hosts_take(struct hosts *h, const struct event *e);
/*
 * The next name with this address (HOST_ADDRESS bytes) from *at on, which begins at 0; ptr NULL: there are no
 * more. Valid until the next record.
 */
struct str hosts_next(const struct hosts *h, const void *address, size_t *at);
/* All of them as records; the first negative outcome of emit ends it and is returned. */
int hosts_snapshot(const struct hosts *h, uint64_t now_ns, struct record_builder *b,
		   int (*emit)(const struct rec_hdr *rec, void *ctx), void *ctx);
