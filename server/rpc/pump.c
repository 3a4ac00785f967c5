/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tag and outcome travel as one word through a bounded queue, the outcome in the tag's lowest bit. When the
 * queue is full the pump waits: gRPC then holds the completions, nothing is lost.
 */
#include "rpc/pump.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/queue.h"

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
		grpc_event ev =
			grpc_completion_queue_next(p->cq, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);

		if (ev.type == GRPC_QUEUE_SHUTDOWN)
			break;
		if (ev.type != GRPC_OP_COMPLETE)
			continue;
		void *item = (void *)((uintptr_t)ev.tag | (ev.success ? 1 : 0));
		while (!queue_push(p->queue, item)) {
			uv_async_send(&p->wake);
			usleep(200);
		}
		uv_async_send(&p->wake);
	}
	atomic_store(&p->finished, true);
	return NULL;
}

static void deliver(struct pump *p)
{
	void *item;

	while ((item = queue_pop(p->queue))) {
		uintptr_t word = (uintptr_t)item;

		p->fn((void *)(word & ~(uintptr_t)1), word & 1);
	}
}

static void on_wake(uv_async_t *wake)
{
	deliver(wake->data);
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
	p->queue = queue_new(LIMIT_QUEUE);
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
		usleep(200);
	}
	pthread_join(p->thread, NULL);
	deliver(p);
	grpc_completion_queue_destroy(p->cq);
	queue_free(p->queue);
	uv_close((uv_handle_t *)&p->wake, on_closed);
	return NULL;
}
