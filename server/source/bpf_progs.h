/* SPDX-License-Identifier: Apache-2.0 */
/* Programs of the probe that are attached by themselves, and which event each is needed for. */
#pragma once

#include <stddef.h>
#include <stdint.h>

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

extern const struct bpf_hook bpf_hooks[];
extern const size_t bpf_nhooks;
