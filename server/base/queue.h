/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded queue of pointers from one thread to one other, without locks. A full queue refuses: the
 * writer drops the newest and counts (CONVENTIONS.md, Memory and threads).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct queue;

/* capacity is rounded up to a power of two; NULL when memory is out. */
struct queue *queue_new(size_t capacity);
/* What is still queued is the caller's to have taken out before. Returns NULL. */
struct queue *queue_free(struct queue *q);

/* Writer's thread. False: full. */
bool queue_push(struct queue *q, void *item);
/* Reader's thread. NULL: empty. */
void *queue_pop(struct queue *q);
/* Any thread; a snapshot. */
size_t queue_length(const struct queue *q);
