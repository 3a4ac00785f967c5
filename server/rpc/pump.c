/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tag and outcome travel as one word through a bounded queue, the outcome in the tag's lowest bit. When the
 * queue is full the pump waits: gRPC then holds the completions, nothing is lost.
 *
 * gRPC reads from its sockets only in this thread's call for the next completion. So the pump does not ask for
 * another one while many wait for the loop: whoever sends calls and resets faster than we can deal with them is
 * held up by his own connection, and does not fill our memory with calls that nobody has looked at.
 */
#include "rpc/pump.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/queue.h"

enum {
	PUMP_QUEUE = 1024,
	PUMP_ENOUGH = 256, /* waiting for the loop: no more is read */
	PUMP_TURN = 1024,  /* delivered in one turn of the loop */
	PUMP_STEP_US = 100,
};

struct pump {
	grpc_completion_queue *cq;
	struct queue *queue;
	uv_async_t wake;
	pthread_t thread;
	pump_fn *fn;
	_Atomic bool finished;
};

static void *pump_thread(void *arg)
{
	struct pump *p = arg;

	for (;;) {
		while (queue_length(p->queue) > PUMP_ENOUGH)
			usleep(PUMP_STEP_US);
		grpc_event ev =
			grpc_completion_queue_next(p->cq, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);

		if (ev.type == GRPC_QUEUE_SHUTDOWN)
			break;
		if (ev.type != GRPC_OP_COMPLETE)
			continue;
		void *item = (void *)((uintptr_t)ev.tag | (ev.success ? 1 : 0));
		while (!queue_push(p->queue, item)) {
			uv_async_send(&p->wake);
			usleep(PUMP_STEP_US);
		}
		uv_async_send(&p->wake);
	}
	atomic_store(&p->finished, true);
	return NULL;
}

/* True: there may be more. */
static bool deliver(struct pump *p)
{
	for (int i = 0; i < PUMP_TURN; i++) {
		uintptr_t word = (uintptr_t)queue_pop(p->queue);

		if (!word)
			return false;
		p->fn((void *)(word & ~(uintptr_t)1), word & 1);
	}
	return true;
}

static void on_wake(uv_async_t *wake)
{
	if (deliver(wake->data))
		uv_async_send(wake);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

int pump_start(uv_loop_t *loop, grpc_completion_queue *cq, pump_fn *fn, struct pump **ret)
{
	struct pump *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->cq = cq;
	p->fn = fn;
	p->queue = queue_new(PUMP_QUEUE);
	if (!p->queue) {
		free(p);
		return -ENOMEM;
	}
	int r = uv_async_init(loop, &p->wake, on_wake);
	if (r < 0) {
		queue_free(p->queue);
		free(p);
		return r;
	}
	p->wake.data = p;
	r = -pthread_create(&p->thread, NULL, pump_thread, p);
	if (r < 0) {
		queue_free(p->queue);
		uv_close((uv_handle_t *)&p->wake, on_closed);
		return r;
	}
	*ret = p;
	return 0;
}

struct pump *pump_stop(struct pump *p)
{
	if (!p)
		return NULL;
	grpc_completion_queue_shutdown(p->cq);
	while (!atomic_load(&p->finished)) {
		deliver(p);
		usleep(PUMP_STEP_US);
	}
	pthread_join(p->thread, NULL);
	while (deliver(p))
		;
	grpc_completion_queue_destroy(p->cq);
	queue_free(p->queue);
	uv_close((uv_handle_t *)&p->wake, on_closed);
	return NULL;
}
