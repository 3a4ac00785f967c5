/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The newest alerts, in memory, for subscribers. Serialised messages are counted slices: the backlog holds
 * one reference and every write in flight another, so streams share the bytes. Places are indices that only
 * grow; sequence numbers may have gaps, where the link was overrun. What the journal does not have yet is
 * there, but not shown. Loop thread only.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <grpc/slice.h>

#include "journal/entry.h"

struct backlog_entry {
	uint64_t seq;
	uint64_t time_ns;
	grpc_slice message;
};

struct backlog {
	struct backlog_entry *entries; /* place p is entries[p & (cap - 1)] */
	size_t cap;		       /* power of two */
	uint64_t first, end;	       /* places; equal: empty */
	uint64_t shown;		       /* places below it may be sent */
	uint64_t shown_seq; /* highest number that may be sent, here or from the journal */
	size_t bytes;
	size_t max_alerts, max_bytes;
};

/* -ENOMEM. */
int backlog_init(struct backlog *b, size_t max_alerts, size_t max_bytes);
void backlog_done(struct backlog *b);
/* Takes a reference; drops the oldest to stay within the bounds. */
void backlog_add(struct backlog *b, struct entry *e);
/* Everything up to this number may be sent; never goes back. */
void backlog_show(struct backlog *b, uint64_t seq);
/* The first place whose number is seq or higher; end when there is none. */
uint64_t backlog_find(const struct backlog *b, uint64_t seq);
/* The first place of that time or later, as far as times grow; end when there is none. */
uint64_t backlog_find_time(const struct backlog *b, uint64_t time_ns);
/* An entry's message as a counted slice that holds the entry. */
grpc_slice backlog_slice(struct entry *e);

static inline const struct backlog_entry *backlog_get(const struct backlog *b, uint64_t place)
{
	return &b->entries[place & (b->cap - 1)];
}
