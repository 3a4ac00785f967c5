/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * What the loader tells the programs, and what they count: compiled by both sides, fixed widths only.
 */
#ifndef TIERCEL_ABI_PROBE_H
#define TIERCEL_ABI_PROBE_H

#ifndef __bpf__
#include <linux/types.h>
#endif

enum {
	PROBE_NATIVE = 512, /* numbers of each architecture are below */
	/*
	 * Calls are told apart by their native number; those that only i386 has follow by theirs,
	 * the last two being what socketcall has no native number for.
	 */
	PROBE_SYSCALLS = 1024,
	PROBE_SEND = 1022,
	PROBE_RECV = 1023,
	PROBE_X32 = 36,	      /* calls that x32 has under own numbers, from 512 on */
	PROBE_SELFTEST = 511, /* a call nobody has; see prog/selftest.bpf.c */
	PROBE_SNAP = 80,      /* unless told otherwise */
	PROBE_SNAP_MAX = 4096,
	PROBE_CPUS = 1024,
	PROBE_CODES = 1024, /* codes of events.def are below */
	PROBE_ENDINGS = 65536,
	PROBE_SLOTS = 4, /* records one CPU can have in the making: nested or preempted programs */
};

enum probe_scope { PROBE_SCOPE_ALL, PROBE_SCOPE_CGROUP, PROBE_SCOPE_PID };

/* Written once, before load: the verifier takes these as constants and removes what is not used. */
struct probe_conf {
	__u64 scope_id;
	__u64 secrets[2]; /* of the hashes in abi/key.h */
	__u64 selftest;	  /* first argument of a self-test's call; 0: there are none */
	__u32 scope;
	__u32 self; /* thread group that is never recorded, or 0 */
	__u32 snap; /* bytes of data kept, at most PROBE_SNAP_MAX */
	__u32 reserved;
	__u16 compat[PROBE_NATIVE]; /* by the number of i386; 0xffff: unknown */
	__u16 x32[PROBE_X32];
};

/* What rules may want to know beside an event's parameters. */
enum probe_extra {
	PROBE_EXTRA_SESSION = 1 << 0, /* struct rec_task, as are the next three */
	PROBE_EXTRA_CAPS = 1 << 1,
	PROBE_EXTRA_MEMORY = 1 << 2,
	PROBE_EXTRA_LIMITS = 1 << 3,
	PROBE_EXTRA_STDIO = 1 << 4, /* REC_X_STDIO */
	PROBE_EXTRA_CWD = 1 << 5,   /* REC_X_CWD */
	PROBE_EXTRA_KINDS = 1 << 6, /* REC_X_KINDS */
};

/* Shared with user space while the programs run. */
struct probe_state {
	__u64 wanted[PROBE_SYSCALLS / 64];
	__u32 sleeping; /* set by the reader before it waits, cleared by the producer that wakes it */
	__u32 wants_fork;
	__u32 wants_exec;
	__u32 wants_exit;
	__u32 wants_rename;
	__u32 generation;	  /* of the rules, for abi/key.h; 0: nothing is discarded */
	__u64 lost[PROBE_CODES];  /* records that found no room in their ring, by event */
	__u8 extras[PROBE_CODES]; /* by event: enum probe_extra */
	/* A bit for each key_ending that the rules ask for, by the last bit of their generation. */
	__u64 endings[2][PROBE_ENDINGS / 64];
};

enum probe_drop {
	PROBE_DROP_RING,     /* ring full */
	PROBE_DROP_SLOT,     /* no free slot to build the record in */
	PROBE_DROP_OVERFLOW, /* longer than a record may be */
	PROBE_DROP_PROGRAM,  /* wanted syscall without a loaded program */
	PROBE_DROPS,
	PROBE_DISCARDED = PROBE_DROPS, /* no drop: no rule can match it (abi/key.h) */
	PROBE_COUNTS,
};

#ifndef __bpf__
_Static_assert(sizeof(struct probe_conf) == 48 + 2 * (PROBE_NATIVE + PROBE_X32), "fixed layout");
_Static_assert(sizeof(struct probe_state) ==
		       PROBE_SYSCALLS / 8 + 24 + PROBE_CODES * 9 + PROBE_ENDINGS / 4,
	       "fixed layout");
#endif

#endif
