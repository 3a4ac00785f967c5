/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carries completions from gRPC's queue to the loop: a thread that blocks in the queue and never looks behind
 * a tag. Everything about calls then happens on the loop thread.
 */
#pragma once

#include <stdbool.h>

#include <grpc/grpc.h>
#include <uv.h>

struct pump;

/* On the loop thread, in the order of the queue. Tags are aligned to 2 and not NULL. */
typedef void pump_fn(void *tag, bool ok);

/* Negative errno. The pump owns the completion queue from here on. */
int pump_start(uv_loop_t *loop, grpc_completion_queue *cq, pump_fn *fn, struct pump **ret);
/* Once the queue's last tag may come: shuts it down, delivers what is left, joins; loop thread, not from fn.
 * The loop must run once more for the handle to go. Returns NULL. */
struct pump *pump_stop(struct pump *p);
