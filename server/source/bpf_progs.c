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
	{ 90, 15, EV_SYSCALL_CHMOD_X, "chmod_exit" },
	{ 91, 94, EV_SYSCALL_FCHMOD_X, "fchmod_exit" },
	{ 268, 306, EV_SYSCALL_FCHMODAT_X, "fchmodat_exit" },
	{ 452, 452, EV_SYSCALL_FCHMODAT_X, "fchmodat_exit" },
	{ 83, 39, EV_SYSCALL_MKDIR_2_X, "mkdir_exit" },
	{ 258, 296, EV_SYSCALL_MKDIRAT_X, "mkdirat_exit" },
	{ 84, 40, EV_SYSCALL_RMDIR_2_X, "rmdir_exit" },
	{ 87, 10, EV_SYSCALL_UNLINK_2_X, "unlink_exit" },
	{ 263, 301, EV_SYSCALL_UNLINKAT_2_X, "unlinkat_exit" },
	{ 82, 38, EV_SYSCALL_RENAME_X, "rename_exit" },
	{ 86, 9, EV_SYSCALL_LINK_2_X, "rename_exit" },
	{ 264, 302, EV_SYSCALL_RENAMEAT_X, "renameat_exit" },
	{ 316, 353, EV_SYSCALL_RENAMEAT2_X, "renameat_exit" },
	{ 265, 303, EV_SYSCALL_LINKAT_2_X, "renameat_exit" },
	{ 88, 83, EV_SYSCALL_SYMLINK_X, "symlink_exit" },
	{ 266, 304, EV_SYSCALL_SYMLINKAT_X, "symlinkat_exit" },
	{ 41, 359, EV_SOCKET_SOCKET_X, "socket_exit" },
	{ 49, 361, EV_SOCKET_BIND_X, "bind_exit" },
	{ 42, 362, EV_SOCKET_CONNECT_X, "connect_exit" },
	{ 50, 363, EV_SOCKET_LISTEN_X, "listen_exit" },
	{ 43, 0, EV_SOCKET_ACCEPT_5_X, "accept_exit" },
	{ 288, 364, EV_SOCKET_ACCEPT4_6_X, "accept_exit" },
	{ 44, 369, EV_SOCKET_SENDTO_X, "sendto_exit" },
	{ 46, 370, EV_SOCKET_SENDMSG_X, "sendmsg_exit" },
	{ 105, 23, EV_SYSCALL_SETUID_X, "setid_exit" },
	{ 105, 213, EV_SYSCALL_SETUID_X, "setid_exit" },
	{ 106, 46, EV_SYSCALL_SETGID_X, "setid_exit" },
	{ 106, 214, EV_SYSCALL_SETGID_X, "setid_exit" },
	{ 113, 70, EV_SYSCALL_SETREUID_X, "setid_exit" },
	{ 113, 203, EV_SYSCALL_SETREUID_X, "setid_exit" },
	{ 114, 71, EV_SYSCALL_SETREGID_X, "setid_exit" },
	{ 114, 204, EV_SYSCALL_SETREGID_X, "setid_exit" },
	{ 117, 164, EV_SYSCALL_SETRESUID_X, "setid_exit" },
	{ 117, 208, EV_SYSCALL_SETRESUID_X, "setid_exit" },
	{ 119, 170, EV_SYSCALL_SETRESGID_X, "setid_exit" },
	{ 119, 210, EV_SYSCALL_SETRESGID_X, "setid_exit" },
	{ 112, 66, EV_SYSCALL_SETSID_X, "setsid_exit" },
	{ 109, 57, EV_SYSCALL_SETPGID_X, "setpgid_exit" },
	{ 126, 185, EV_SYSCALL_CAPSET_X, "capset_exit" },
	{ 272, 310, EV_SYSCALL_UNSHARE_X, "unshare_exit" },
	{ 308, 346, EV_SYSCALL_SETNS_X, "setns_exit" },
	{ 32, 41, EV_SYSCALL_DUP_1_X, "dup_exit" },
	{ 33, 63, EV_SYSCALL_DUP2_X, "dup_exit" },
	{ 292, 330, EV_SYSCALL_DUP3_X, "dup_exit" },
	{ 319, 356, EV_SYSCALL_MEMFD_CREATE_X, "memfd_exit" },
	{ 323, 374, EV_SYSCALL_USERFAULTFD_X, "userfaultfd_exit" },
	{ 321, 357, EV_SYSCALL_BPF_2_X, "bpf_exit" },
	{ 80, 12, EV_SYSCALL_CHDIR_X, "chdir_exit" },
	{ 81, 133, EV_SYSCALL_FCHDIR_X, "fchdir_exit" },
	{ 161, 61, EV_SYSCALL_CHROOT_X, "chroot_exit" },
	{ 101, 26, EV_SYSCALL_PTRACE_X, "ptrace_exit" },
	{ 157, 172, EV_SYSCALL_PRCTL_X, "prctl_exit" },
	{ 175, 128, EV_SYSCALL_INIT_MODULE_X, "init_module_exit" },
	{ 313, 350, EV_SYSCALL_FINIT_MODULE_X, "finit_module_exit" },
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
