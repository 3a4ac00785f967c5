/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of entries, bounded by number and by bytes. The slices' memory is released by whoever lets go last,
 * which may be a thread of gRPC's.
 */
#include "rpc/backlog.h"

#include <errno.h>
#include <stdlib.h>

enum { BACKLOG_ENTRY_COST = 128 }; /* what an entry costs beside its message */

int backlog_init(struct backlog *b, size_t max_alerts, size_t max_bytes)
{
	size_t cap = 64;

	while (cap < max_alerts)
		cap *= 2;
	*b = (struct backlog){ .cap = cap, .max_alerts = max_alerts, .max_bytes = max_bytes };
	b->entries = calloc(cap, sizeof(*b->entries));
	return b->entries ? 0 : -ENOMEM;
}

static void drop_oldest(struct backlog *b)
{
	struct backlog_entry *e = &b->entries[b->first++ & (b->cap - 1)];

	b->bytes -= GRPC_SLICE_LENGTH(e->message) + BACKLOG_ENTRY_COST;
	grpc_slice_unref(e->message);
}

void backlog_done(struct backlog *b)
{
	while (b->first < b->end)
		drop_oldest(b);
	free(b->entries);
	*b = (struct backlog){ 0 };
}

static void let_go(void *entry)
{
	entry_unref(entry);
}

grpc_slice backlog_slice(struct entry *e)
{
	return grpc_slice_new_with_user_data(e->message, e->len, let_go, entry_ref(e));
}

void backlog_add(struct backlog *b, struct entry *e)
{
	size_t cost = e->len + BACKLOG_ENTRY_COST;

	while (b->first < b->end &&
	       (b->end - b->first >= b->max_alerts || b->bytes + cost > b->max_bytes))
		drop_oldest(b);
	b->entries[b->end++ & (b->cap - 1)] = (struct backlog_entry){
		.seq = e->seq,
		.time_ns = e->time_ns,
		.message = backlog_slice(e),
	};
	b->bytes += cost;
}

void backlog_show(struct backlog *b, uint64_t seq)
{
	if (b->shown < b->first)
		b->shown = b->first;
	while (b->shown < b->end && backlog_get(b, b->shown)->seq <= seq)
		b->shown++;
	if (seq > b->shown_seq)
		b->shown_seq = seq;
}

uint64_t backlog_find(const struct backlog *b, uint64_t seq)
{
	uint64_t low = b->first, high = b->end;

	while (low < high) {
		uint64_t mid = low + (high - low) / 2;

		if (backlog_get(b, mid)->seq < seq)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

uint64_t backlog_find_time(const struct backlog *b, uint64_t time_ns)
{
	uint64_t low = b->first, high = b->end;

	while (low < high) {
		uint64_t mid = low + (high - low) / 2;

		if (backlog_get(b, mid)->time_ns < time_ns)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}
