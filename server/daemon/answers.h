/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the network process asks the sensor (CONTROL_ASK): the rules and their counters, a reload, whether rules
 * files are good. Who may ask is decided over there; nothing here takes long or trusts the question. Control
 * thread.
 */
#pragma once

#include <uv.h>

#include "daemon/args.h"
#include "daemon/measure.h"
#include "daemon/netproc.h"
#include "daemon/reload.h"

struct answers;

/* All that is pointed to must outlive it. */
struct answers_options {
	uv_loop_t *loop;
	const struct args *args;
	struct netproc *net; /* which asks */
	struct reload *reload;
	const struct measure *measure;
};

/* -ENOMEM. */
int answers_start(const struct answers_options *options, struct answers **ret);
/* The reload must have been stopped. Returns NULL. */
struct answers *answers_stop(struct answers *a);
