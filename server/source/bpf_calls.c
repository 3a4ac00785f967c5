/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row for each event. R is the result of the call, A(i) its argument i, which of a text, a time or a
 * set of signals is the address; what is taken from behind a pointer says so. Whatever a row does not say
 * follows from the type of the parameter and from the flags of the event.
 */
#include "source/bpf_calls.h"

#include <seccomp.h>
#include <string.h>

#include "base/cleanup.h"
#include "event/event.h"
#include "source/bpf_flags.h"

#define ARG(i, ...)                                                                                \
	{                                                                                          \
		.op = CALL_NUMBER, .from = (i), ##__VA_ARGS__                                      \
	}
#define R    ARG(CALL_RESULT, .cut = CALL_U64)
#define A(i) ARG(i)
#define AT(i, o, c, w)                                                                             \
	{                                                                                          \
		.op = CALL_MEMORY, .from = (i), .with = (o), .cut = (c), .when = (w)               \
	}
#define ZERO                                                                                       \
	{                                                                                          \
		.op = CALL_ZERO                                                                    \
	}
#define RECEIVED(at)                                                                               \
	{                                                                                          \
		.op = CALL_RECEIVED, .from = (at)                                                  \
	}
#define SENT(at, n)                                                                                \
	{                                                                                          \
		.op = CALL_SENT, .from = (at), .with = (n)                                         \
	}
#define IOV(what, at, n)                                                                           \
	{                                                                                          \
		.op = CALL_IOV_##what, .from = (at), .with = (n)                                   \
	}
#define POLLFDS(at, n)                                                                             \
	{                                                                                          \
		.op = CALL_POLLFDS, .from = (at), .with = (n)                                      \
	}
#define VM                                                                                         \
	{ .op = CALL_VM, .from = 0 }, { .op = CALL_VM, .from = 1 },                                \
	{                                                                                          \
		.op = CALL_VM, .from = 2                                                           \
	}
#define CAPS                                                                                       \
	{ .op = CALL_CAPS, .from = 0 }, { .op = CALL_CAPS, .from = 1 },                            \
	{                                                                                          \
		.op = CALL_CAPS, .from = 2                                                         \
	}
#define IF_DONE(at)                                                                                \
	{                                                                                          \
		.op = CALL_TEXT, .from = (at), .when = CALL_IF_DONE                                \
	}
#define DESCRIBED(e, ...)                                                                          \
	{                                                                                          \
		.event = EV_##e, .params = { __VA_ARGS__ }                                         \
	}
#define NO_FD(e, ...)                                                                              \
	{                                                                                          \
		.event = EV_##e, .no_fd = true, .params = { __VA_ARGS__ }                          \
	}
#define CREDENTIALS(e, ...)                                                                        \
	{                                                                                          \
		.event = EV_##e, .caps = true, .params = { __VA_ARGS__ }                           \
	}
#define CODE(e, p)                                                                                 \
	{                                                                                          \
		.event = EV_##e, .program = (p)                                                    \
	}

enum { ASKED = CALL_IF_DONE | CALL_ELSE_MINUS };

const struct bpf_call bpf_calls[] = {
	DESCRIBED(GENERIC_X, A(CALL_NUMBER_OF_CALL), A(CALL_NUMBER_OF_CALL)),
	CODE(SYSCALL_OPEN_X, "open_calls"),
	CODE(SYSCALL_OPENAT_2_X, "open_calls"),
	CODE(SYSCALL_OPENAT2_X, "open_calls"),
	CODE(SYSCALL_CREAT_X, "open_calls"),
	CODE(SYSCALL_OPEN_BY_HANDLE_AT_X, "open_calls"),
	CODE(SYSCALL_CLONE_20_X, "clone_exit"),
	CODE(SYSCALL_FORK_20_X, "clone_exit"),
	CODE(SYSCALL_VFORK_20_X, "clone_exit"),
	CODE(SYSCALL_CLONE3_X, "clone_exit"),
	CODE(SYSCALL_EXECVE_19_X, "exec_exit"),
	CODE(SYSCALL_EXECVEAT_X, "exec_exit"),
	CODE(SOCKET_SOCKET_X, "socket_calls"),
	CODE(SOCKET_BIND_X, "socket_calls"),
	CODE(SOCKET_CONNECT_X, "socket_calls"),
	CODE(SOCKET_LISTEN_X, "socket_calls"),
	CODE(SOCKET_ACCEPT_5_X, "socket_calls"),
	CODE(SOCKET_ACCEPT4_6_X, "socket_calls"),
	CODE(SOCKET_SOCKETPAIR_X, "socket_calls"),
	CODE(SOCKET_SETSOCKOPT_X, "socket_calls"),
	CODE(SOCKET_GETSOCKOPT_X, "socket_calls"),
	CODE(SOCKET_SEND_X, "message_calls"),
	CODE(SOCKET_SENDTO_X, "message_calls"),
	CODE(SOCKET_SENDMSG_X, "message_calls"),
	CODE(SOCKET_SENDMMSG_X, "message_calls"),
	CODE(SOCKET_RECV_X, "message_calls"),
	CODE(SOCKET_RECVFROM_X, "message_calls"),
	CODE(SOCKET_RECVMSG_X, "message_calls"),
	CODE(SOCKET_RECVMMSG_X, "message_calls"),
	CODE(SYSCALL_SETSID_X, "place_calls"),
	CODE(SYSCALL_CHDIR_X, "place_calls"),
	CODE(SYSCALL_FCHDIR_X, "place_calls"),
	CODE(SYSCALL_CHROOT_X, "place_calls"),
	CODE(SYSCALL_PTRACE_X, "control_calls"),
	CODE(SYSCALL_PRCTL_X, "control_calls"),
	CODE(SYSCALL_KEYCTL_X, "control_calls"),
	CODE(SYSCALL_FSCONFIG_X, "control_calls"),
	CODE(SYSCALL_QUOTACTL_X, "quota_call"),
	CODE(SYSCALL_CLOSE_X, "close_exit"),

	/* Names and modes. None has a file at its end: beside the names only their directories are told. */
	DESCRIBED(SYSCALL_CHMOD_X, R, A(0), A(1)),
	DESCRIBED(SYSCALL_FCHMOD_X, R, A(0), A(1)),
	DESCRIBED(SYSCALL_FCHMODAT_X, R, A(0), A(1), A(2)),
	DESCRIBED(SYSCALL_CHOWN_X, R, A(0), ARG(1, .cut = CALL_ID), ARG(2, .cut = CALL_ID)),
	DESCRIBED(SYSCALL_LCHOWN_X, R, A(0), ARG(1, .cut = CALL_ID), ARG(2, .cut = CALL_ID)),
	DESCRIBED(SYSCALL_FCHOWN_X, R, A(0), ARG(1, .cut = CALL_ID), ARG(2, .cut = CALL_ID)),
	DESCRIBED(SYSCALL_FCHOWNAT_X, R, A(0), A(1), A(2), A(3), A(4)),
	DESCRIBED(SYSCALL_MKDIR_2_X, R, A(0), A(1)),
	DESCRIBED(SYSCALL_MKDIRAT_X, R, A(0), A(1), A(2)),
	DESCRIBED(SYSCALL_RMDIR_2_X, R, A(0)),
	DESCRIBED(SYSCALL_UNLINK_2_X, R, A(0)),
	DESCRIBED(SYSCALL_UNLINKAT_2_X, R, A(0), A(1), A(2)),
	DESCRIBED(SYSCALL_RENAME_X, R, A(0), A(1)),
	DESCRIBED(SYSCALL_RENAMEAT_X, R, A(0), A(1), A(2), A(3)),
	DESCRIBED(SYSCALL_RENAMEAT2_X, R, A(0), A(1), A(2), A(3), A(4)),
	DESCRIBED(SYSCALL_LINK_2_X, R, A(0), A(1)),
	DESCRIBED(SYSCALL_LINKAT_2_X, R, A(0), A(1), A(2), A(3), A(4)),
	DESCRIBED(SYSCALL_SYMLINK_X, R, A(0), A(1)),
	DESCRIBED(SYSCALL_SYMLINKAT_X, R, A(0), A(1), A(2)),
	DESCRIBED(SYSCALL_MKNOD_X, R, A(0), A(1), A(2)),
	DESCRIBED(SYSCALL_MKNODAT_X, R, A(0), A(1), A(2), A(3)),
	DESCRIBED(SYSCALL_MOUNT_X, R, A(0), A(1), A(2), A(3)),
	DESCRIBED(SYSCALL_UMOUNT_1_X, R, A(0)),
	DESCRIBED(SYSCALL_UMOUNT2_X, R, A(0), A(1)),
	DESCRIBED(SYSCALL_ACCESS_X, R, A(0), A(1)),
	DESCRIBED(SYSCALL_STAT_X, R, A(0)),
	DESCRIBED(SYSCALL_LSTAT_X, R, A(0)),
	DESCRIBED(SYSCALL_STAT64_X, R, A(0)),
	DESCRIBED(SYSCALL_LSTAT64_X, R, A(0)),
	DESCRIBED(SYSCALL_NEWFSTATAT_X, R, A(0), A(1), A(3)),
	DESCRIBED(SYSCALL_GETCWD_X, R, IF_DONE(0)),

	/* Descriptors. */
	DESCRIBED(SYSCALL_DUP_1_X, R, A(0)),
	DESCRIBED(SYSCALL_DUP2_X, R, A(0), A(1)),
	DESCRIBED(SYSCALL_DUP3_X, R, A(0), A(1), A(2)),
	DESCRIBED(SYSCALL_MEMFD_CREATE_X, R, A(0), A(1)),
	DESCRIBED(SYSCALL_USERFAULTFD_X, R, A(0)),
	NO_FD(SYSCALL_BPF_2_X, R, A(0)), /* the result of most commands is not a descriptor */
	DESCRIBED(SYSCALL_FSTAT_X, R, A(0)),
	DESCRIBED(SYSCALL_FSTAT64_X, R),
	DESCRIBED(SYSCALL_LSEEK_X, R, A(0), A(1), A(2)),
	DESCRIBED(SYSCALL_LLSEEK_X, R, A(0), ARG(1, .cut = CALL_PAIR_BIG), A(4)),
	DESCRIBED(SYSCALL_GETDENTS_X, R, A(0)),
	DESCRIBED(SYSCALL_GETDENTS64_X, R, A(0)),
	DESCRIBED(SYSCALL_FLOCK_X, R, A(0), A(1)),
	DESCRIBED(SYSCALL_IOCTL_3_X, R, A(0), A(1), A(2)),
	DESCRIBED(SYSCALL_FCNTL_X, R, A(0), A(1), A(2)),
	DESCRIBED(SYSCALL_CLOSE_RANGE_X, R, A(0), A(1), A(2)),
	DESCRIBED(SYSCALL_EPOLL_CREATE_X, R, A(0)),
	DESCRIBED(SYSCALL_EPOLL_CREATE1_X, R, A(0)),
	DESCRIBED(SYSCALL_EPOLLWAIT_X, R, A(2)),
	DESCRIBED(SYSCALL_SELECT_X, R),
	DESCRIBED(SYSCALL_POLL_X, R, POLLFDS(0, 1), ARG(2, .cut = CALL_S32)),
	DESCRIBED(SYSCALL_PPOLL_X, R, POLLFDS(0, 1), A(2), A(3)),
	DESCRIBED(SYSCALL_EVENTFD_X, R, ARG(0, .cut = CALL_U32), ZERO),
	DESCRIBED(SYSCALL_EVENTFD2_X, R, A(1), ARG(0, .cut = CALL_U32)),
	/* The flags of these two have no room in their parameter. */
	DESCRIBED(SYSCALL_TIMERFD_CREATE_X, R, A(0), ZERO),
	DESCRIBED(SYSCALL_INOTIFY_INIT_X, R, ZERO),
	DESCRIBED(SYSCALL_INOTIFY_INIT1_X, R, A(0)),
	DESCRIBED(SYSCALL_SIGNALFD_X, R, A(0), AT(1, 0, CALL_U32, 0), ZERO),
	DESCRIBED(SYSCALL_SIGNALFD4_X, R, A(3), A(0), AT(1, 0, CALL_U32, 0)),
	DESCRIBED(SYSCALL_PIDFD_OPEN_X, R, A(0), A(1)),
	DESCRIBED(SYSCALL_PIDFD_GETFD_X, R, A(0), A(1), A(2)),
	NO_FD(SYSCALL_PIPE_X, R, AT(0, 0, CALL_S32, ASKED), AT(0, 4, CALL_S32, ASKED),
	      { .op = CALL_INODE, .from = 0 }),
	NO_FD(SYSCALL_PIPE2_X, R, AT(0, 0, CALL_S32, ASKED), AT(0, 4, CALL_S32, ASKED),
	      { .op = CALL_INODE, .from = 0 }, A(1)),

	/* What is read and written. */
	DESCRIBED(SYSCALL_READ_X, R, RECEIVED(1), A(0), A(2)),
	DESCRIBED(SYSCALL_WRITE_X, R, SENT(1, 2), A(0), A(2)),
	DESCRIBED(SYSCALL_PREAD_X, R, RECEIVED(1), A(0), A(2), ARG(3, .cut = CALL_PAIR)),
	DESCRIBED(SYSCALL_PWRITE_X, R, SENT(1, 2), A(0), A(2), ARG(3, .cut = CALL_PAIR)),
	DESCRIBED(SYSCALL_READV_X, R, IOV(SIZE, 1, 2), IOV(RECEIVED, 1, 2), A(0)),
	DESCRIBED(SYSCALL_WRITEV_X, R, IOV(SENT, 1, 2), A(0), IOV(SIZE, 1, 2)),
	DESCRIBED(SYSCALL_PREADV_X, R, IOV(SIZE, 1, 2), IOV(RECEIVED, 1, 2), A(0),
		  ARG(3, .cut = CALL_PAIR)),
	DESCRIBED(SYSCALL_PWRITEV_X, R, IOV(SENT, 1, 2), A(0), IOV(SIZE, 1, 2),
		  ARG(3, .cut = CALL_PAIR)),
	DESCRIBED(SYSCALL_PROCESS_VM_READV_X, R, A(0), IOV(RECEIVED, 1, 2)),
	DESCRIBED(SYSCALL_PROCESS_VM_WRITEV_X, R, A(0), IOV(SENT, 1, 2)),
	DESCRIBED(SYSCALL_SPLICE_X, R, A(0), A(2), A(4), A(5)),
	DESCRIBED(SYSCALL_SENDFILE_X, R, AT(2, 0, CALL_OFFSET, 0), A(0), A(1), A(3)),
	DESCRIBED(SYSCALL_COPY_FILE_RANGE_X, R, A(2), AT(3, 0, CALL_U64, 0), A(0),
		  AT(1, 0, CALL_U64, 0), A(4)),

	/* Sockets, without those that have addresses. */
	DESCRIBED(SOCKET_SHUTDOWN_X, R, A(0), A(1)),
	DESCRIBED(SOCKET_GETSOCKNAME_X),
	DESCRIBED(SOCKET_GETPEERNAME_X),

	/* Users, groups, capabilities, namespaces: what the caller asked for. */
	CREDENTIALS(SYSCALL_SETUID_X, R, ARG(0, .cut = CALL_ID)),
	CREDENTIALS(SYSCALL_SETGID_X, R, ARG(0, .cut = CALL_ID)),
	CREDENTIALS(SYSCALL_SETREUID_X, R, ARG(0, .cut = CALL_ID), ARG(1, .cut = CALL_ID)),
	CREDENTIALS(SYSCALL_SETREGID_X, R, ARG(0, .cut = CALL_ID), ARG(1, .cut = CALL_ID)),
	CREDENTIALS(SYSCALL_SETRESUID_X, R, ARG(0, .cut = CALL_ID), ARG(1, .cut = CALL_ID),
		    ARG(2, .cut = CALL_ID)),
	CREDENTIALS(SYSCALL_SETRESGID_X, R, ARG(0, .cut = CALL_ID), ARG(1, .cut = CALL_ID),
		    ARG(2, .cut = CALL_ID)),
	DESCRIBED(SYSCALL_GETUID_X, R),
	DESCRIBED(SYSCALL_GETEUID_X, R),
	DESCRIBED(SYSCALL_GETGID_X, R),
	DESCRIBED(SYSCALL_GETEGID_X, R),
	DESCRIBED(SYSCALL_GETRESUID_X, R, AT(0, 0, CALL_ID, ASKED), AT(1, 0, CALL_ID, ASKED),
		  AT(2, 0, CALL_ID, ASKED)),
	DESCRIBED(SYSCALL_GETRESGID_X, R, AT(0, 0, CALL_ID, ASKED), AT(1, 0, CALL_ID, ASKED),
		  AT(2, 0, CALL_ID, ASKED)),
	DESCRIBED(SYSCALL_SETPGID_X, R, A(0), A(1)),
	DESCRIBED(SYSCALL_CAPSET_X, R, CAPS),
	CREDENTIALS(SYSCALL_UNSHARE_X, R, A(0)),
	CREDENTIALS(SYSCALL_SETNS_X, R, A(0), A(1)),
	DESCRIBED(SYSCALL_SECCOMP_X, R, ARG(0, .cut = CALL_U32), ARG(1, .cut = CALL_U32)),

	/* Other processes and the kernel. */
	DESCRIBED(SYSCALL_KILL_X, R, A(0), A(1)),
	DESCRIBED(SYSCALL_TKILL_X, R, A(0), A(1)),
	DESCRIBED(SYSCALL_TGKILL_X, R, A(0), A(1), A(2)),
	DESCRIBED(SYSCALL_NANOSLEEP_X, R, A(0)),
	DESCRIBED(SYSCALL_FUTEX_X, R, A(0), A(1), ARG(2, .cut = CALL_U32)),
	DESCRIBED(SYSCALL_GETRLIMIT_X, R, AT(1, 0, CALL_LIMIT, ASKED), AT(1, 1, CALL_LIMIT, ASKED),
		  A(0)),
	DESCRIBED(SYSCALL_SETRLIMIT_X, R, AT(1, 0, CALL_LIMIT, CALL_ELSE_MINUS),
		  AT(1, 1, CALL_LIMIT, CALL_ELSE_MINUS), A(0)),
	DESCRIBED(SYSCALL_PRLIMIT_X, R, AT(2, 0, CALL_U64, CALL_ELSE_MINUS),
		  AT(2, 8, CALL_U64, CALL_ELSE_MINUS), AT(3, 0, CALL_U64, ASKED),
		  AT(3, 8, CALL_U64, ASKED), ARG(0, .cut = CALL_S32), A(1)),
	DESCRIBED(SYSCALL_SEMGET_X, R, A(0), A(1), A(2)),
	DESCRIBED(SYSCALL_SEMOP_X, R, A(2), AT(1, 0, CALL_U16, 0), AT(1, 2, CALL_S16, 0),
		  AT(1, 4, CALL_U16, 0), AT(1, 6, CALL_U16, CALL_IF_SECOND),
		  AT(1, 8, CALL_S16, CALL_IF_SECOND), AT(1, 10, CALL_U16, CALL_IF_SECOND), A(0)),
	DESCRIBED(SYSCALL_SEMCTL_X, R, A(0), A(1), A(2),
		  ARG(3, .when = CALL_IF_ARG2, .with = 16 /* SETVAL */)),
	DESCRIBED(SYSCALL_INIT_MODULE_X, R, SENT(0, 1), A(1), A(2)),
	DESCRIBED(SYSCALL_FINIT_MODULE_X, R, A(0), A(1), A(2)),
	DESCRIBED(SYSCALL_DELETE_MODULE_X, R, A(0), A(1)),
	DESCRIBED(SYSCALL_IO_URING_SETUP_X, R, A(0), AT(1, 0, CALL_U32, 0), AT(1, 4, CALL_U32, 0),
		  AT(1, 8, CALL_U32, 0), AT(1, 12, CALL_U32, 0), AT(1, 16, CALL_U32, 0),
		  AT(1, 20, CALL_U32, 0)),
	DESCRIBED(SYSCALL_IO_URING_ENTER_X, R, A(0), A(1), A(2), A(3), A(4)),
	DESCRIBED(SYSCALL_IO_URING_REGISTER_X, R, A(0), A(1), A(2), A(3)),

	/* Memory. */
	DESCRIBED(SYSCALL_BRK_4_X, R, VM, A(0)),
	DESCRIBED(SYSCALL_MMAP_X, R, VM, A(0), A(1), A(2), A(3), A(4), A(5)),
	DESCRIBED(SYSCALL_MMAP2_X, R, VM, A(0), A(1), A(2), A(3), A(4), A(5)),
	DESCRIBED(SYSCALL_MUNMAP_X, R, VM, A(0), A(1)),
	DESCRIBED(SYSCALL_MPROTECT_X, R, A(0), A(1), A(2)),
	DESCRIBED(SYSCALL_MLOCK_X, R, A(0), A(1)),
	DESCRIBED(SYSCALL_MLOCK2_X, R, A(0), A(1), A(2)),
	DESCRIBED(SYSCALL_MUNLOCK_X, R, A(0), A(1)),
	DESCRIBED(SYSCALL_MLOCKALL_X, R, A(0)),
	DESCRIBED(SYSCALL_MUNLOCKALL_X, R),
};
const size_t bpf_ncalls = ARRAY_SIZE(bpf_calls);

/* Calls that do what another does whose event they share, with the same arguments. */
static const struct {
	const char *name, *as;
} aliases[] = {
	{ "chown32", "chown" },		{ "lchown32", "lchown" },
	{ "fchown32", "fchown" },	{ "setreuid32", "setreuid" },
	{ "setregid32", "setregid" },	{ "fstatat64", "newfstatat" },
	{ "futex_time64", "futex" },	{ "recvmmsg_time64", "recvmmsg" },
	{ "fchmodat2", "fchmodat" },	{ "fcntl64", "fcntl" },
	{ "setuid32", "setuid" },	{ "setgid32", "setgid" },
	{ "setresuid32", "setresuid" }, { "setresgid32", "setresgid" },
	{ "getuid32", "getuid" },	{ "geteuid32", "geteuid" },
	{ "getgid32", "getgid" },	{ "getegid32", "getegid" },
	{ "getresuid32", "getresuid" }, { "getresgid32", "getresgid" },
	{ "ugetrlimit", "getrlimit" },	{ "sendfile64", "sendfile" },
};

const struct bpf_call *bpf_call_find(unsigned event)
{
	for (size_t i = 0; i < bpf_ncalls; i++) {
		if (bpf_calls[i].event == event)
			return &bpf_calls[i];
	}
	return NULL;
}

const char *bpf_call_program(const struct bpf_call *c)
{
	return c->program ? c->program : "any_call";
}

/* What the type of the parameter decides. */
static void complete(const struct param_info *info, struct call_param *p)
{
	p->width = (uint8_t)param_width(info->type);
	if (info->flags)
		p->conversion = bpf_conversion_of(info->flags->name);
	if (p->op != CALL_NUMBER)
		return;
	switch (info->type) {
	case PT_CHARBUF: p->op = CALL_TEXT; return;
	case PT_FSPATH:
	case PT_FSRELPATH: p->op = CALL_PATH; return;
	case PT_RELTIME: p->op = CALL_TIME; return;
	case PT_SIGSET:
		p->op = CALL_MEMORY;
		p->cut = CALL_U32;
		return;
	default: break;
	}
	if (p->cut != CALL_AS_PARAM)
		return;
	switch (info->type) {
	case PT_FD:
	case PT_PID:
	case PT_ERRNO: p->cut = CALL_S32; return;
	case PT_INT64:
	case PT_UINT64: p->cut = CALL_LONG; return;
	default: p->cut = CALL_U32; return;
	}
}

/* The directory of the name in parameter i. */
static uint8_t base_of(const struct event_info *info, const struct call_param *params, unsigned i)
{
	int dirfd = info->params[i].dirfd;

	return dirfd < 0 ? CALL_CWD : params[dirfd].from;
}

static bool is_dirfd(const struct event_info *info, unsigned i)
{
	for (unsigned k = 0; k < info->nparams; k++) {
		if (info->params[k].dirfd == (int)i)
			return true;
	}
	return false;
}

/* The descriptor that the event is about: the new one, else the first that is no name's directory. */
static uint8_t fd_of(const struct event_info *info, const struct bpf_call *c)
{
	if (c->no_fd)
		return CALL_NOTHING;
	if (info->flags & EVF_CREATES_FD)
		return CALL_RESULT;
	for (unsigned i = 0; info->flags & EVF_USES_FD && i < info->nparams; i++) {
		if (info->params[i].type == PT_FD && !is_dirfd(info, i) &&
		    c->params[i].from != CALL_RESULT)
			return c->params[i].from;
	}
	return CALL_NOTHING;
}

struct call bpf_call_describe(const struct bpf_call *c)
{
	const struct event_info *info = event_info(c->event);
	struct call d = { .event = c->event,
			  .nparams = info->nparams,
			  .fd = fd_of(info, c),
			  .base = { CALL_NOTHING, CALL_NOTHING } };
	unsigned names = 0;

	for (unsigned i = 0; i < info->nparams && i < CALL_PARAMS; i++) {
		d.params[i] = c->params[i];
		complete(&info->params[i], &d.params[i]);
		if (d.params[i].op != CALL_PATH || names == ARRAY_SIZE(d.base))
			continue;
		d.params[i].with = (uint16_t)names;
		d.base[names++] = base_of(info, c->params, i);
	}
	d.more = c->caps ? CALL_TELLS_CAPS : 0;
	for (unsigned i = 0; i < info->nparams && i < CALL_PARAMS; i++) {
		if (d.params[i].op == CALL_POLLFDS)
			d.more |= CALL_TELLS_POLLED;
	}
	d.nextras = (uint8_t)(names + (d.fd == CALL_NOTHING ? 0 : 2) + (d.more != 0));
	return d;
}

/* The call whose event it shares, else itself; NULL: unknown. Frees name. */
static const struct syscall_info *call_named(char *name)
{
	_cleanup_(freep) char *mine = name;

	for (size_t i = 0; mine && i < ARRAY_SIZE(aliases); i++) {
		if (strcmp(aliases[i].name, mine) == 0)
			return syscall_find(str_of(aliases[i].as));
	}
	return mine ? syscall_find(str_of(mine)) : NULL;
}

/* By the number it has here; PROBE_SYSCALLS: it is of another architecture only. */
static uint16_t native_number(const struct bpf_numbers *n, const struct syscall_info *call)
{
	for (uint16_t i = 0; i < PROBE_NATIVE; i++) {
		if (n->calls[i].info == call)
			return i;
	}
	return PROBE_SYSCALLS;
}

static struct bpf_number number_of(const struct syscall_info *call)
{
	return (struct bpf_number){ .info = call, .event = call ? call->exit : EV_GENERIC_X };
}

static void number_i386(struct bpf_numbers *n)
{
	for (uint16_t i = 0; i < PROBE_NATIVE; i++) {
		const struct syscall_info *call = call_named(syscall_name_at(SCMP_ARCH_X86, i));
		uint16_t native = call ? native_number(n, call) : PROBE_SYSCALLS;

		if (native == PROBE_SYSCALLS) {
			native = (uint16_t)(PROBE_NATIVE + i);
			if (native < PROBE_SEND)
				n->calls[native] = number_of(call);
		}
		n->compat[i] = native;
	}
	n->calls[PROBE_SEND] = number_of(syscall_find(STR("send")));
	n->calls[PROBE_RECV] = number_of(syscall_find(STR("recv")));
}

static void number_x32(struct bpf_numbers *n)
{
	enum { X32_BIT = 0x40000000 };

	for (int i = 0; i < PROBE_X32; i++) {
		const struct syscall_info *call =
			call_named(syscall_name_at(SCMP_ARCH_X32, X32_BIT + PROBE_NATIVE + i));

		n->x32[i] = call ? native_number(n, call) : PROBE_SYSCALLS;
	}
}

void bpf_numbers_get(struct bpf_numbers *ret)
{
	*ret = (struct bpf_numbers){ 0 };
	for (int i = 0; i < PROBE_NATIVE; i++)
		ret->calls[i] = number_of(call_named(syscall_name_at(seccomp_arch_native(), i)));
	number_i386(ret);
	number_x32(ret);
}
