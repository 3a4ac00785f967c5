/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row for each syscall and each hook. Several numbers of i386 may lead to one native call (ids of
 * 16 and 32 bits), and one program may serve several calls; it then asks for the number itself.
 */
#include "source/bpf_progs.h"

#include "base/cleanup.h"
#include "probe/abi/record.h"

/* Numbers of x86-64 and i386 (arch/x86/entry/syscalls). */
const struct bpf_syscall bpf_syscalls[] = {
	{ 2, 5, EV_SYSCALL_OPEN_X, "open_exit" },
	{ 257, 295, EV_SYSCALL_OPENAT_2_X, "openat_exit" },
	{ 437, 437, EV_SYSCALL_OPENAT2_X, "openat2_exit" },
	{ 85, 8, EV_SYSCALL_CREAT_X, "creat_exit" },
	{ 304, 342, EV_SYSCALL_OPEN_BY_HANDLE_AT_X, "open_handle_exit" },
	{ 56, 120, EV_SYSCALL_CLONE_20_X, "clone_exit" },
	{ 57, 2, EV_SYSCALL_FORK_20_X, "clone_exit" },
	{ 58, 190, EV_SYSCALL_VFORK_20_X, "clone_exit" },
	{ 435, 435, EV_SYSCALL_CLONE3_X, "clone_exit" },
	{ 59, 11, EV_SYSCALL_EXECVE_19_X, "exec_exit" },
	{ 322, 358, EV_SYSCALL_EXECVEAT_X, "exec_exit" },
};
const size_t bpf_nsyscalls = ARRAY_SIZE(bpf_syscalls);

#define BTF_TRACEPOINT "BTF and BPF_PROG_TYPE_TRACING (CONFIG_DEBUG_INFO_BTF, 5.8 or newer)"

const struct bpf_hook bpf_hooks[] = {
	{ "sys_exit", 0, HOOK_IF_SYSCALLS, BTF_TRACEPOINT },
	{ "task_fork", EV_TASK_FORK, HOOK_IF_EVENT_OR_SCOPE, BTF_TRACEPOINT },
	{ "task_free", 0, HOOK_IF_PID_SCOPE, BTF_TRACEPOINT },
	{ "task_exec", EV_SYSCALL_EXECVE_19_X, HOOK_IF_EVENT, BTF_TRACEPOINT },
	{ "task_exit", EV_PROCEXIT_1_E, HOOK_IF_EVENT, BTF_TRACEPOINT },
	{ "task_rename", EV_TASK_RENAME, HOOK_IF_EVENT, BTF_TRACEPOINT },
};
const size_t bpf_nhooks = ARRAY_SIZE(bpf_hooks);
