/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * Maps and settings all programs share; weak, so that the linked object has each once.
 *
 * A record is made in a slot, not in per-CPU scratch: a preempted program that is entered again by
 * another task on the same CPU would overwrite it. A slot is claimed by an atomic exchange, and the
 * finished record, whose length only then is known, is copied to the ring of the CPU.
 */
#ifndef TIERCEL_PROBE_MAPS_H
#define TIERCEL_PROBE_MAPS_H

#include "lib/kernel.h"
#include "abi/probe.h"

enum {
	SLOT_TMP = 4096,    /* a path is built backwards here */
	SLOT_DATA = 0x8000, /* a record is shorter than this */
	SLOT_ROOM = 0x1100, /* the longest single write, and slack */
};

struct slot {
	u32 busy;
	u32 off;     /* end of what was written of data */
	u32 np;	     /* parameters written */
	u32 xoff;    /* next free extra header */
	u32 cwd_off; /* text of the working directory, when an exec has written it */
	u32 cwd_len;
	u32 wanted; /* enum probe_extra of this event */
	u32 pos;    /* start of the path in tmp; in memory so that the verifier forgets its value */
	s32 first;  /* first byte of the first name, or -1 */
	s32 second; /* likewise of the second */
	u64 args[8]; /* of the syscall; the last two are its result and its number (enum call_source) */
	s64 ret;
	u64 size; /* of all pieces of a message */
	u64 hash; /* of the path written last; 0: it has none */
	u8 tmp[2 *
	       SLOT_TMP]; /* the upper half only lets the verifier see that a copy stays inside */
	u8 data[SLOT_DATA + SLOT_ROOM];
};

struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(u32));
	__uint(value_size, sizeof(u32));
	__array(values, struct ring);
} rings __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PROBE_SLOTS);
	__type(key, u32);
	__type(value, struct slot);
} slots __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PROBE_COUNTS);
	__type(key, u32);
	__type(value, u64);
} drops __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, PROBE_SYSCALLS);
	__uint(key_size, sizeof(u32));
	__uint(value_size, sizeof(u32));
} by_syscall __weak SEC(".maps");

/* Thread groups in scope; the value is the start of the leader, so that a reused id is not removed. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u32);
	__type(value, u64);
} scope_pids __weak SEC(".maps");

const volatile struct probe_conf conf __weak = { 0 };
struct probe_state state __weak = { 0 };

/* Counts: a reason of probe_drop, or PROBE_DISCARDED. */
INLINE void drop(u32 reason)
{
	u64 *n = bpf_map_lookup_elem(&drops, &reason);

	if (n)
		(*n)++;
}

enum { TICK_NS = 10000000 };

/* Who was there before the probe is known by the clock of /proc, which has ticks; 0: the root of the scope. */
INLINE bool same_start(u64 known, u64 start_ns)
{
	return start_ns - known < TICK_NS;
}

/* An id may be in use again before its last owner has been freed. */
INLINE bool in_scope_pids(u32 tgid)
{
	struct task_struct *t = bpf_get_current_task_btf();
	u64 *start = bpf_map_lookup_elem(&scope_pids, &tgid);

	return start && (!*start || same_start(*start, t->group_leader->start_boottime));
}

INLINE bool in_scope(void)
{
	u32 tgid = (u32)(bpf_get_current_pid_tgid() >> 32);

	if (conf.self && tgid == conf.self)
		return false;
	if (conf.scope == PROBE_SCOPE_PID)
		return in_scope_pids(tgid);
	if (conf.scope == PROBE_SCOPE_CGROUP) {
		for (int level = 0; level < 24; level++) {
			u64 id = bpf_get_current_ancestor_cgroup_id(level);

			if (id == 0)
				return false;
			if (id == conf.scope_id)
				return true;
		}
		return false;
	}
	return true;
}

#endif
