/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the record of each syscall event is made: by a program of its own, or as described by its row. The
 * types of the parameters are in events.def and are not said again here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probe/abi/call.h"
#include "probe/abi/probe.h"

struct bpf_call {
	uint16_t event;
	bool no_fd;	     /* no descriptor is told, though the event has the flags of one */
	bool caps;	     /* it may change capabilities: what they are afterwards is told */
	const char *program; /* NULL: described */
	struct call_param params[CALL_PARAMS];
};

extern const struct bpf_call bpf_calls[];
extern const size_t bpf_ncalls;

/* The row of an event; NULL: the probe does not make it at the end of a syscall. */
const struct bpf_call *bpf_call_find(unsigned event);
/* Program that runs at the end of this call. */
const char *bpf_call_program(const struct bpf_call *c);
/* What is written into the map of descriptions. */
struct call bpf_call_describe(const struct bpf_call *c);

/* What a syscall number stands for. */
struct bpf_number {
	const struct syscall_info *info; /* whose event it is; NULL: a call we do not know */
	uint16_t event;			 /* code of the exit event */
};

/* By the numbers of probe.h; of its i386 and x32 tables, what belongs there. */
struct bpf_numbers {
	struct bpf_number calls[PROBE_SYSCALLS];
	uint16_t compat[PROBE_NATIVE];
	uint16_t x32[PROBE_X32];
};

void bpf_numbers_get(struct bpf_numbers *ret);
