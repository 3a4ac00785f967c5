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
	{ 2, 5, EV_SYSCALL_OPEN_X, "open_calls" },
	{ 257, 295, EV_SYSCALL_OPENAT_2_X, "open_calls" },
	{ 437, 437, EV_SYSCALL_OPENAT2_X, "open_calls" },
	{ 85, 8, EV_SYSCALL_CREAT_X, "open_calls" },
	{ 304, 342, EV_SYSCALL_OPEN_BY_HANDLE_AT_X, "open_calls" },
	{ 56, 120, EV_SYSCALL_CLONE_20_X, "clone_exit" },
	{ 57, 2, EV_SYSCALL_FORK_20_X, "clone_exit" },
	{ 58, 190, EV_SYSCALL_VFORK_20_X, "clone_exit" },
	{ 435, 435, EV_SYSCALL_CLONE3_X, "clone_exit" },
	{ 59, 11, EV_SYSCALL_EXECVE_19_X, "exec_exit" },
	{ 322, 358, EV_SYSCALL_EXECVEAT_X, "exec_exit" },
	{ 90, 15, EV_SYSCALL_CHMOD_X, "name_calls" },
	{ 91, 94, EV_SYSCALL_FCHMOD_X, "name_calls" },
	{ 268, 306, EV_SYSCALL_FCHMODAT_X, "name_calls" },
	{ 452, 452, EV_SYSCALL_FCHMODAT_X, "name_calls" },
	{ 83, 39, EV_SYSCALL_MKDIR_2_X, "name_calls" },
	{ 258, 296, EV_SYSCALL_MKDIRAT_X, "name_calls" },
	{ 84, 40, EV_SYSCALL_RMDIR_2_X, "name_calls" },
	{ 87, 10, EV_SYSCALL_UNLINK_2_X, "name_calls" },
	{ 263, 301, EV_SYSCALL_UNLINKAT_2_X, "name_calls" },
	{ 82, 38, EV_SYSCALL_RENAME_X, "name_calls" },
	{ 86, 9, EV_SYSCALL_LINK_2_X, "name_calls" },
	{ 264, 302, EV_SYSCALL_RENAMEAT_X, "name_calls" },
	{ 316, 353, EV_SYSCALL_RENAMEAT2_X, "name_calls" },
	{ 265, 303, EV_SYSCALL_LINKAT_2_X, "name_calls" },
	{ 88, 83, EV_SYSCALL_SYMLINK_X, "name_calls" },
	{ 266, 304, EV_SYSCALL_SYMLINKAT_X, "name_calls" },
	{ 41, 359, EV_SOCKET_SOCKET_X, "socket_calls" },
	{ 49, 361, EV_SOCKET_BIND_X, "socket_calls" },
	{ 42, 362, EV_SOCKET_CONNECT_X, "socket_calls" },
	{ 50, 363, EV_SOCKET_LISTEN_X, "socket_calls" },
	{ 43, 0, EV_SOCKET_ACCEPT_5_X, "socket_calls" },
	{ 288, 364, EV_SOCKET_ACCEPT4_6_X, "socket_calls" },
	{ 44, 369, EV_SOCKET_SENDTO_X, "socket_calls" },
	{ 46, 370, EV_SOCKET_SENDMSG_X, "socket_calls" },
	{ 105, 23, EV_SYSCALL_SETUID_X, "id_calls" },
	{ 105, 213, EV_SYSCALL_SETUID_X, "id_calls" },
	{ 106, 46, EV_SYSCALL_SETGID_X, "id_calls" },
	{ 106, 214, EV_SYSCALL_SETGID_X, "id_calls" },
	{ 113, 70, EV_SYSCALL_SETREUID_X, "id_calls" },
	{ 113, 203, EV_SYSCALL_SETREUID_X, "id_calls" },
	{ 114, 71, EV_SYSCALL_SETREGID_X, "id_calls" },
	{ 114, 204, EV_SYSCALL_SETREGID_X, "id_calls" },
	{ 117, 164, EV_SYSCALL_SETRESUID_X, "id_calls" },
	{ 117, 208, EV_SYSCALL_SETRESUID_X, "id_calls" },
	{ 119, 170, EV_SYSCALL_SETRESGID_X, "id_calls" },
	{ 119, 210, EV_SYSCALL_SETRESGID_X, "id_calls" },
	{ 112, 66, EV_SYSCALL_SETSID_X, "id_calls" },
	{ 109, 57, EV_SYSCALL_SETPGID_X, "id_calls" },
	{ 126, 185, EV_SYSCALL_CAPSET_X, "id_calls" },
	{ 272, 310, EV_SYSCALL_UNSHARE_X, "id_calls" },
	{ 308, 346, EV_SYSCALL_SETNS_X, "id_calls" },
	{ 32, 41, EV_SYSCALL_DUP_1_X, "fd_calls" },
	{ 33, 63, EV_SYSCALL_DUP2_X, "fd_calls" },
	{ 292, 330, EV_SYSCALL_DUP3_X, "fd_calls" },
	{ 319, 356, EV_SYSCALL_MEMFD_CREATE_X, "fd_calls" },
	{ 323, 374, EV_SYSCALL_USERFAULTFD_X, "fd_calls" },
	{ 321, 357, EV_SYSCALL_BPF_2_X, "fd_calls" },
	{ 80, 12, EV_SYSCALL_CHDIR_X, "fd_calls" },
	{ 81, 133, EV_SYSCALL_FCHDIR_X, "fd_calls" },
	{ 161, 61, EV_SYSCALL_CHROOT_X, "fd_calls" },
	{ 101, 26, EV_SYSCALL_PTRACE_X, "control_calls" },
	{ 157, 172, EV_SYSCALL_PRCTL_X, "control_calls" },
	{ 175, 128, EV_SYSCALL_INIT_MODULE_X, "control_calls" },
	{ 313, 350, EV_SYSCALL_FINIT_MODULE_X, "control_calls" },
};
const size_t bpf_nsyscalls = ARRAY_SIZE(bpf_syscalls);

#define BTF_TRACEPOINT "BTF and BPF_PROG_TYPE_TRACING (CONFIG_DEBUG_INFO_BTF, 5.8 or newer)"

const struct bpf_hook bpf_hooks[] = {
	{ "sys_exit", 0, HOOK_IF_SYSCALLS, BTF_TRACEPOINT },
	{ "task_fork", EV_TASK_FORK, HOOK_IF_EVENT_OR_SCOPE, BTF_TRACEPOINT },
	{ "task_free", 0, HOOK_IF_PID_SCOPE, BTF_TRACEPOINT },
	{ "task_exec", EV_SYSCALL_EXECVE_19_X, HOOK_IF_EXEC, BTF_TRACEPOINT },
	{ "task_exit", EV_PROCEXIT_1_E, HOOK_IF_EVENT, BTF_TRACEPOINT },
	{ "task_rename", EV_TASK_RENAME, HOOK_IF_EVENT, BTF_TRACEPOINT },
};
const size_t bpf_nhooks = ARRAY_SIZE(bpf_hooks);
