/* SPDX-License-Identifier: Apache-2.0 */
/* Their order is that of being attached: what dispatches calls first, as it waits for wanted ones. */
#include "source/bpf_progs.h"

#include "base/cleanup.h"
#include "probe/abi/record.h"

#define BTF_TRACEPOINT "BTF and BPF_PROG_TYPE_TRACING (CONFIG_DEBUG_INFO_BTF, 5.8 or newer)"

const struct bpf_hook bpf_hooks[] = {
	{ "sys_exit", 0, HOOK_IF_SYSCALLS, BTF_TRACEPOINT },
	{ "task_fork", EV_TASK_FORK, HOOK_IF_EVENT_OR_SCOPE, BTF_TRACEPOINT },
	{ "task_free", 0, HOOK_IF_PID_SCOPE, BTF_TRACEPOINT },
	{ "task_exec", EV_SYSCALL_EXECVE_19_X, HOOK_IF_EXEC, BTF_TRACEPOINT },
	{ "task_exit", EV_PROCEXIT_1_E, HOOK_IF_EVENT, BTF_TRACEPOINT },
	{ "task_rename", EV_TASK_RENAME, HOOK_IF_EVENT, BTF_TRACEPOINT },
	{ "close_enter", EV_SYSCALL_CLOSE_X, HOOK_IF_EVENT, BTF_TRACEPOINT },
	{ "task_switch", EV_SCHEDSWITCH_6_E, HOOK_IF_EVENT, BTF_TRACEPOINT },
	{ "task_signal", EV_SIGNALDELIVER_E, HOOK_IF_EVENT, BTF_TRACEPOINT },
	{ "fault_user", EV_PAGE_FAULT_E, HOOK_IF_EVENT, BTF_TRACEPOINT },
	{ "fault_kernel", EV_PAGE_FAULT_E, HOOK_IF_EVENT, BTF_TRACEPOINT },
};
const size_t bpf_nhooks = ARRAY_SIZE(bpf_hooks);
