/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * The record: what the probe, the /proc scan, capture files and container metadata deliver. Compiled by
 * both sides, so only fixed widths, no pointers, asserted sizes; ids and bits are append-only. All
 * numbers are in the byte order of the host.
 *
 *	struct rec_hdr
 *	u16 len[nparams]			REC_MISSING: the parameter has no value
 *	struct rec_ext ext[nextras]		what we know beyond Falco's parameters
 *	(padding to a multiple of 8)
 *	parameter bytes, each padded to a multiple of 8, then extra bytes likewise
 *	(hdr.len is a multiple of 8)
 *
 * Parameter encodings by type (events.def): numbers in their width (FD, ERRNO, PID: 8 bytes signed;
 * UID, GID, MODE, BOOL: 4; SIGTYPE 1; ABSTIME, RELTIME 8; SYSCALLID 2; flags and enumerations as named).
 * CHARBUF, FSPATH, FSRELPATH: the bytes without a terminator. BYTEBUF args and env: texts each ended by
 * NUL. SOCKADDR and SOCKTUPLE: a byte AF_INET, AF_INET6 or AF_UNIX (Linux numbers), then
 *   SOCKADDR	inet: address (4 or 16), port (2, host order); unix: path
 *   SOCKTUPLE	inet: source address, source port, destination address, destination port;
 *		unix: source and destination kernel address (8 each), path
 * all packed. FDLIST: u16 count, then s64 fd and s16 flags each, packed. DYN: a byte choosing the
 * interpretation, then the value.
 */
#ifndef TIERCEL_ABI_RECORD_H
#define TIERCEL_ABI_RECORD_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#define REC_MISSING 0xffff

enum rec_flag {
	REC_F_TRUNCATED = 1 << 0,  /* a name, argument list or environment was cut */
	REC_F_32BIT = 1 << 1,	   /* made by a 32-bit syscall */
	REC_F_UNRESOLVED = 1 << 2, /* a path walk did not reach the root */
};

/* Who did it, read in the kernel at the moment of the event. Ids are of the initial namespaces. */
struct rec_ident {
	__u64 start_ns;	       /* start of the leader, since boot; with pid names a process */
	__u64 parent_start_ns; /* likewise of the real parent */
	__u64 cgroup_id;       /* default hierarchy, or 0 */
	__u32 pid;	       /* thread group */
	__u32 tid;
	__u32 ppid; /* thread group of the real parent */
	__u32 vpid; /* in its own pid namespace */
	__u32 vtid;
	__u32 uid; /* effective */
	__u32 gid;
	__u32 loginuid; /* 0xffffffff: unset */
	__u32 mnt_ns;	/* inode numbers */
	__u32 pid_ns;
	char comm[16];
};

struct rec_hdr {
	__u32 len;  /* of the whole record */
	__u16 type; /* a code of events.def */
	__u8 nparams;
	__u8 nextras;
	__u64 ts_ns; /* CLOCK_BOOTTIME */
	__u16 cpu;
	__u16 flags; /* enum rec_flag */
	__u16 syscall; /* number in the caller's table (REC_F_32BIT: i386); 0xffff when not from a syscall */
	__u16 reserved;
	struct rec_ident who;
};

struct rec_ext {
	__u16 tag; /* enum rec_tag; an unknown one is skipped */
	__u16 len;
};

enum rec_tag {
	REC_X_BASE = 1,	 /* directory of a relative first name (cwd or dirfd), else absent */
	REC_X_PATH = 2,	 /* resolved path: of the file, or what the first name leads to */
	REC_X_BASE2 = 3, /* as REC_X_BASE for the second name (rename, link) */
	REC_X_PATH2 = 4,
	REC_X_FD = 5,	   /* struct rec_fd: the descriptor the event creates, uses or destroys */
	REC_X_CWD = 6,	   /* resolved working directory after chdir, fchdir, chroot, exec, fork */
	REC_X_SID = 7,	   /* u32 session */
	REC_X_CGROUPS = 8, /* "subsystem=path" texts each ended by NUL */
	REC_X_STDIO = 9,   /* struct rec_fd of descriptor 0, 1 or 2, once for each that is open */
	REC_X_STDIO_PATH = 10, /* its path, behind it */
	REC_X_KEY = 11,	       /* struct probe_keys of an open (abi/key.h) */
	REC_X_CAPS =
		12, /* three u64: inheritable, permitted, effective, after what may change them */
	REC_X_TASK = 13, /* struct rec_task: what rules want to know of the thread at this moment */
	REC_X_KINDS =
		14, /* kinds of the open descriptors by number, NUL for a closed one, U for a userfaultfd; the first 256 */
	REC_X_RUNTIME =
		15, /* two u64: processor time of the thread that gives way, and of its last turn; ns */
	REC_X_POLLED =
		16, /* of poll and ppoll: struct rec_fd of each descriptor with its path, which has
			      `reserved` bytes and is padded to a multiple of 8, behind it */
	REC_X_EXEC = 32, /* struct rec_exec, in TASK_SCAN records of a state snapshot */
};

enum rec_fd_flag {
	REC_FD_UPPER = 1 << 0, /* overlayfs upper layer */
	REC_FD_LOWER = 1 << 1,
	REC_FD_UNLINKED = 1 << 2,
	REC_FD_LISTENING = 1 << 3,
	REC_FD_SERVER = 1 << 4,	   /* the local end accepted */
	REC_FD_CLIENT = 1 << 5,	   /* the local end connected */
	REC_FD_CONNECTED = 1 << 6, /* established */
};

/* A descriptor as it is at the moment of the event. Ports in host order; IPv4 in the first 4 bytes. */
struct rec_fd {
	__s64 num; /* negative errno when the call that should create it failed */
	__u64 ino;
	__u64 unix_self; /* kernel addresses of a unix socket and its peer */
	__u64 unix_peer;
	__u32 dev;
	__u32 mode;	  /* i_mode */
	__u32 open_flags; /* f_flags of the kernel */
	__u8 kind;	  /* letter of fd.typechar (rules-language.md 6.4); 0 unknown */
	__u8 l4;	  /* IPPROTO_TCP, UDP, ICMP, RAW, or 0 */
	__u8 flags;	  /* enum rec_fd_flag */
	__u8 family;	  /* AF_* of a socket */
	__u16 local_port;
	__u16 remote_port;
	__u8 local_addr[16];
	__u8 remote_addr[16];
	__u32 reserved;
};

/* Ids are of the initial namespaces. */
struct rec_task {
	__u64 caps[3]; /* inheritable, permitted, effective */
	__u64 fdlimit;
	__u64 major_faults, minor_faults; /* of the thread */
	__u32 told;			  /* enum probe_extra: which of these are known, and whether
					     REC_X_STDIO tells of all three */
	__u32 tty, sid, pgid;
	__u32 vpgid; /* in the pid namespace of the thread; 0: the group began outside */
	__u32 vm_size, vm_rss, vm_swap; /* KiB */
	__u32 nfds;			/* open descriptors; 0xffffffff: too many to count */
	__u32 reserved;
};

/* What a running process no longer tells about its last exec. */
struct rec_exec {
	__u64 exec_ns; /* since boot */
	char comm[16]; /* right after it */
};

#ifndef __bpf__
_Static_assert(sizeof(struct rec_ident) == 80, "fixed layout");
_Static_assert(sizeof(struct rec_hdr) == 104, "fixed layout");
_Static_assert(sizeof(struct rec_fd) == 88, "fixed layout");
_Static_assert(sizeof(struct rec_task) == 88, "fixed layout");
#endif

/* Event codes: EV_SYSCALL_OPENAT_2_X = 307 and so on. */
enum event_code {
#define P(...)
#define PF(...)
#define PD(...)
#define PARAMS(...)
#define EVENT(code, id, ...) EV_##id = code,
#include "events.def"
#undef EVENT
	EV_CODES = 522, /* one above the last */
	EV_FALCO_CODES = 454,
};

#endif
