/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network process as the sensor sees it: started by executing this program anew with the ring, the
 * eventfd and one end of the control channel, and started again when it dies. The ring belongs to the
 * sensor, so nothing in it is lost by that. Control thread only.
 */
#pragma once

#include <uv.h>

#include "base/diag.h"
#include "config/config.h"
#include "link/control.h"
#include "link/link.h"
#include "link/stats.h"

struct engine;
struct netproc;

/*
 * Starts it and waits until it listens. A broken certificate, a taken port or socket is found here: -EINVAL
 * with *diag. A reference to the configuration is taken; the
 * counters must outlive it.
 */
int netproc_start(struct config *config, uv_loop_t *loop, struct link_writer *link,
		  struct stats *stats, struct netproc **ret, struct diag *diag);
/* Its process id; 0: there is none now. n may be NULL. */
pid_t netproc_pid(const struct netproc *n);
/* Starts after the first. n may be NULL. */
uint64_t netproc_restarts(const struct netproc *n);
/* Internal alerts that the process asks for are raised here; NULL: no more. */
void netproc_engine(struct netproc *n, struct engine *engine);
/* What the process asks (CONTROL_ASK) goes to fn; NULL: it is told "not now". n may be NULL. */
void netproc_asked(struct netproc *n, void (*fn)(const struct control_ask *ask, void *ctx),
		   void *ctx);
/* To the process there is now, which drops what it has not asked. */
void netproc_answer(struct netproc *n, const struct control_answer *answer);
/* Answers of the process come here; fn NULL: no more. n may be NULL. */
typedef void (*netproc_answer_fn)(const struct control_answer *a, void *ctx);
void netproc_answers(struct netproc *n, netproc_answer_fn fn, void *ctx);
/* 0, or negative errno: it is not asked; -ENOTCONN: there is no such process now. n may be NULL. */
int netproc_ask(struct netproc *n, const struct control_ask *ask);
/* Asks it to end, waits a little, and frees. Returns NULL. */
struct netproc *netproc_stop(struct netproc *n);
/* The files these settings name are good: 0, or -EINVAL with *diag. n may be NULL. */
int netproc_check(const struct netproc *n, const struct config *config, struct diag *diag);
/*
 * Other settings from now on: what can change while the process runs does, the rest with its next start. n may be NULL:
 * what would need the process is told to count from the next start of the program on. A reference is taken.
 */
void netproc_change(struct netproc *n, struct config *config);
/* The number the first alert of this run gets, so that none is used twice (journal/). */
uint64_t netproc_first_seq(const struct netproc *n);
