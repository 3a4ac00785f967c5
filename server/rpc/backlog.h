/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The newest alerts, in memory, for subscribers. Serialised messages are counted slices: the backlog holds
 * one reference and every write in flight another, so streams share the bytes. Places are indices that only
 * grow; sequence numbers may have gaps, where the link was overrun. Loop thread only.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <grpc/slice.h>

#include "base/str.h"

struct backlog_entry {
	uint64_t seq;
	uint64_t time_ns;
	grpc_slice message;
};

struct backlog {
	struct backlog_entry *entries; /* place p is entries[p & (cap - 1)] */
	size_t cap;		       /* power of two */
	uint64_t first, end;	       /* places; equal: empty */
	size_t bytes;
	size_t max_alerts, max_bytes;
};

/* -ENOMEM. */
int backlog_init(struct backlog *b, size_t max_alerts, size_t max_bytes);
void backlog_done(struct backlog *b);
/* Copies the message; drops the oldest to stay within the bounds. -ENOMEM: this one is not kept. */
int backlog_add(struct backlog *b, uint64_t seq, uint64_t time_ns, struct str message);
/* The first place whose number is seq or higher; end when there is none. */
uint64_t backlog_find(const struct backlog *b, uint64_t seq);

static inline const struct backlog_entry *backlog_get(const struct backlog *b, uint64_t place)
{
	return &b->entries[place & (b->cap - 1)];
}
