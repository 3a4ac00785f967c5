/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules files from who knows where, compiled (tiercel.v1.Tiercel/ValidateRules): in a process of its own, which
 * has become nobody and has limits of time and memory before it sees the first byte of them.
 */
#pragma once

#include <uv.h>

#include "base/str.h"
#include "config/config.h"
#include "daemon/args.h"
#include "link/control.h"

/* The process: a ValidateRulesRequest on stdin, a ValidateRulesResponse on stdout; its exit status. */
enum {
	VALIDATE_OK,
	VALIDATE_FAILED,  /* it could not begin, or what came is no request */
	VALIDATE_INVALID, /* no files */
	VALIDATE_MEMORY,
};
int validate_main(const struct config *config, const struct args *args);

/* The sensor's side: one such process at a time. Control thread. */
struct validator;

/* text: as in a control_answer, valid while fn runs. */
typedef void validated_fn(enum control_outcome outcome, struct str text, uint64_t id, void *ctx);

/* The process reads the configuration that the arguments name. They must outlive it. -ENOMEM. */
int validator_start(uv_loop_t *loop, const struct args *args, validated_fn *fn, void *ctx,
		    struct validator **ret);
/* request: a packed ValidateRulesRequest, copied. fn is called later. -ENOBUFS: too many wait; -ENOMEM. */
int validator_ask(struct validator *v, uint64_t id, struct str request);
/* Ends what is running, without a word. Returns NULL. */
struct validator *validator_stop(struct validator *v);
