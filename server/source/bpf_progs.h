/* SPDX-License-Identifier: Apache-2.0 */
/* The programs of the probe, and which event each is needed for. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* A program run by the dispatcher at the end of a syscall. */
struct bpf_syscall {
	uint16_t nr;   /* native; also what the record says */
	uint16_t nr32; /* of i386; 0: none */
	uint16_t event;
	const char *program;
};

/* A program attached by itself. */
struct bpf_hook {
	const char *program;
	uint16_t event; /* 0: see when */
	enum {
		HOOK_IF_EVENT,
		HOOK_IF_EXEC,
		HOOK_IF_SYSCALLS,
		HOOK_IF_PID_SCOPE,
		HOOK_IF_EVENT_OR_SCOPE
	} when;
	const char *needs; /* kernel feature, for the person who reads that it failed */
};

extern const struct bpf_syscall bpf_syscalls[];
extern const size_t bpf_nsyscalls;
extern const struct bpf_hook bpf_hooks[];
extern const size_t bpf_nhooks;
