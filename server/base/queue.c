/* SPDX-License-Identifier: Apache-2.0 */
/* Head and tail on cache lines of their own; each side keeps the other's last seen position. */
#include "base/queue.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>

struct queue {
	size_t mask;
	void **items;
	alignas(64) _Atomic size_t head; /* next to write; the writer's */
	size_t tail_seen;
	alignas(64) _Atomic size_t tail; /* next to read; the reader's */
	size_t head_seen;
};

struct queue *queue_new(size_t capacity)
{
	size_t size = 2;
	while (size < capacity)
		size *= 2;
	struct queue *q = aligned_alloc(alignof(struct queue), sizeof(*q));
	if (!q)
		return NULL;
	*q = (struct queue){ .mask = size - 1, .items = calloc(size, sizeof(void *)) };
	if (!q->items)
		return queue_free(q);
	return q;
}

struct queue *queue_free(struct queue *q)
{
	if (q)
		free(q->items);
	free(q);
	return NULL;
}

bool queue_push(struct queue *q, void *item)
{
	size_t head = atomic_load_explicit(&q->head, memory_order_relaxed);

	if (head - q->tail_seen > q->mask) {
		q->tail_seen = atomic_load_explicit(&q->tail, memory_order_acquire);
		if (head - q->tail_seen > q->mask)
			return false;
	}
	q->items[head & q->mask] = item;
	atomic_store_explicit(&q->head, head + 1, memory_order_release);
	return true;
}

void *queue_pop(struct queue *q)
{
	size_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);

	if (tail == q->head_seen) {
		q->head_seen = atomic_load_explicit(&q->head, memory_order_acquire);
		if (tail == q->head_seen)
			return NULL;
	}
	void *item = q->items[tail & q->mask];
	atomic_store_explicit(&q->tail, tail + 1, memory_order_release);
	return item;
}

size_t queue_length(const struct queue *q)
{
	size_t tail = atomic_load_explicit(&q->tail, memory_order_acquire);

	return atomic_load_explicit(&q->head, memory_order_acquire) - tail;
}
