/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that works through an inbox and answers into an outbox; both bounded. What is in them is the user's.
 * The functions say whose thread they are for: ours (who made it) or its own.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/queue.h"

struct worker {
	struct queue *in, *out;
	int wake_fd; /* eventfd; -1: not made */
	_Atomic bool asleep;
	bool running;
	pthread_t thread;
};

int worker_init(struct worker *w, size_t capacity);
int worker_start(struct worker *w, void *(*main)(void *), void *arg);
/* Ours: waits for its end; false: it did not come within the time and goes on by itself. */
bool worker_join(struct worker *w, unsigned timeout_ms);
void worker_done(struct worker *w);
/* Ours. False: full. */
bool worker_post(struct worker *w, void *item);
/* Any thread: ends its waiting. */
void worker_wake(struct worker *w);
/* Its own: until something is posted, someone wakes it, or timeout_ms (-1: none) is over. */
void worker_wait(struct worker *w, int timeout_ms);
