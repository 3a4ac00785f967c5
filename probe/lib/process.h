/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/* What exec and clone events tell of a process: command line, limits, memory, cgroups. */
#ifndef TIERCEL_PROBE_PROCESS_H
#define TIERCEL_PROBE_PROCESS_H

#include "lib/flags.h"
#include "lib/record.h"

enum { STRING_PAGES = 33 /* of the longest argument, 128 KiB */ };

/* Behind the end of a text that is longer than a page, or 0. */
SHARED u64 behind_text(struct slot *s, u64 addr)
{
	if (!s)
		return 0;
	for (u32 i = 0; i < STRING_PAGES; i++) {
		long n = bpf_probe_read_user_str(s->tmp, SLOT_TMP, (void *)addr);

		if (n <= 0)
			return 0;
		if (n < SLOT_TMP)
			return addr + (u64)n;
		addr += SLOT_TMP - 1;
	}
	return 0;
}

/* exe and args: argv[0], and the rest of the argument area. */
SHARED int p_exe_args(struct slot *s)
{
	u64 mm = (u64)TASK(task_now(), mm), start, end, len;

	if (!s)
		return 0;
	if (!mm) {
		p_missing(s);
		p_missing(s);
		return 0;
	}
	start = CORE(mm_struct, mm, arg_start);
	end = CORE(mm_struct, mm, arg_end);
	if (start >= end) {
		p_len(s, 0);
		p_len(s, 0);
		return 0;
	}
	u32 at = s->np;

	p_user_text(s, start, 4096);
	len = *LEN_AT(s, at);
	start = len == SLOT_TMP - 1 ? behind_text(s, start) : start + len + 1;
	if (len == REC_MISSING || !start || start >= end) {
		p_len(s, 0);
		return 0;
	}
	p_user_bytes(s, start, end - start);
	return 0;
}

SHARED int p_env(struct slot *s)
{
	u64 mm = (u64)TASK(task_now(), mm), start, end;

	if (!s)
		return 0;
	start = mm ? CORE(mm_struct, mm, env_start) : 0;
	end = mm ? CORE(mm_struct, mm, env_end) : 0;
	if (start >= end) {
		p_len(s, 0);
		return 0;
	}
	p_user_bytes(s, start, end - start);
	return 0;
}

INLINE void p_memory_size(struct slot *s, u64 mm)
{
	p_u32(s, mm ? CORE(mm_struct, mm, total_vm) << 2 : 0);
	p_u32(s, mm ? mm_pages(mm, 0) + mm_pages(mm, 1) + mm_pages(mm, 3) : 0);
	p_u32(s, mm ? mm_pages(mm, 2) : 0);
}

/* tid, pid, ptid, cwd, fdlimit, page faults, memory, comm: the part exec and clone share. */
SHARED int p_process(struct slot *s)
{
	u64 t = task_now(), mm = (u64)TASK(t, mm);

	if (!s)
		return 0;
	p_s64(s, HDR(s)->who.tid);
	p_s64(s, HDR(s)->who.pid);
	p_s64(s, HDR(s)->who.ppid);
	s->cwd_off = s->off;
	s->cwd_len = (u32)cwd_path(s);
	p_done(s, s->cwd_len);
	p_u64(s, TASK(t, signal, rlim[7].rlim_cur));
	p_u64(s, TASK(t, maj_flt));
	p_u64(s, TASK(t, min_flt));
	p_memory_size(s, mm);
	p_kernel_text(s, HDR(s)->who.comm);
	return 0;
}

/* Of a node in a tree of control groups; 0: it is the root, or there is none. */
INLINE u64 cgroup_parent(u64 kn)
{
	if (!kn)
		return 0;
	if (bpf_core_field_exists(struct kernfs_node, __parent))
		return (u64)CORE(kernfs_node, kn, __parent);
	return (u64)CORE(kernfs_node___50, kn, parent);
}

/* The node in the hierarchy that has this controller. */
#define CGROUP_OF(css, id)                                                                         \
	({                                                                                         \
		u64 state_ = 0;                                                                    \
                                                                                                   \
		if (bpf_core_enum_value_exists(enum cgroup_subsys_id, id))                         \
			state_ = pointer_at((css) +                                                \
					    bpf_core_field_offset(struct css_set, subsys) +        \
					    bpf_core_enum_value(enum cgroup_subsys_id, id) * 8);   \
		state_ ? (u64)CORE(cgroup_subsys_state, state_, cgroup, kn) : 0;                   \
	})

/*
 * "=path" of the default hierarchy, as /proc/PID/cgroup has it ("0::path"); "pids=path" or "cpu=path" of an older
 * one where the process is in the root of that: runtimes put it in the same place of each. Written at the end of
 * the data; returns its length with the NUL.
 */
SHARED int cgroup_write(struct slot *s)
{
	u64 css = (u64)TASK(task_now(), cgroups);
	u64 kn = (u64)CORE(css_set, css, dfl_cgrp, kn), other, parent, name, pos;
	u32 before = 0;
	long n;

	if (!s)
		return 0;
	if (!cgroup_parent(kn)) {
		other = CGROUP_OF(css, pids_cgrp_id);
		before = 4;
		if (!cgroup_parent(other)) {
			other = CGROUP_OF(css, cpu_cgrp_id);
			before = 3;
		}
		if (cgroup_parent(other))
			kn = other;
		else
			before = 0;
	}
	s->tmp[SLOT_TMP - 1] = 0;
	s->pos = SLOT_TMP - 1;
	for (u32 i = 0; i < CGROUP_STEPS; i++) {
		parent = cgroup_parent(kn);
		if (!parent)
			break;
		name = (u64)CORE(kernfs_node, kn, name);
		/* Written forwards first, as the length of the name is not kept. */
		n = bpf_probe_read_kernel_str(AT(s, s->off), 256, (void *)name);
		pos = s->pos;
		if (n < 1 || pos < 1024)
			break;
		n = (long)BOUND(n - 1, 0xff);
		pos -= (u64)n + 1;
		s->pos = (u32)pos;
		s->tmp[BOUND(pos, SLOT_TMP - 1)] = '/';
		bpf_probe_read_kernel(s->tmp + BOUND(pos, SLOT_TMP - 1) + 1, (u32)n, AT(s, s->off));
		kn = parent;
	}
	pos = s->pos;
	if (pos == SLOT_TMP - 1) {
		pos--;
		s->tmp[SLOT_TMP - 2] = '/';
	}
	pos--;
	s->tmp[BOUND(pos, SLOT_TMP - 1)] = '=';
	if (before == 4) {
		pos -= 4;
		__builtin_memcpy(s->tmp + BOUND(pos, SLOT_TMP - 1), "pids", 4);
	} else if (before) {
		pos -= 3;
		__builtin_memcpy(s->tmp + BOUND(pos, SLOT_TMP - 1), "cpu", 3);
	}
	u64 len = BOUND(SLOT_TMP - pos, 0xfff);

	bpf_probe_read_kernel(AT(s, s->off), (u32)len, s->tmp + BOUND(pos, SLOT_TMP - 1));
	return (int)len;
}

INLINE void p_cgroups(struct slot *s)
{
	p_done(s, (u64)cgroup_write(s));
}

/* The working directory again, as an extra. */
INLINE void x_cwd_again(struct slot *s)
{
	u64 n = BOUND(s->cwd_len, 0x1fff);

	if (n > 4096)
		return;
	bpf_probe_read_kernel(AT(s, s->off), (u32)n, AT(s, s->cwd_off));
	x_done(s, REC_X_CWD, n);
}

INLINE void x_sid(struct slot *s, u64 t)
{
	x_u32(s, REC_X_SID, task_id(t, ID_SID));
}

INLINE bool in_child_pidns(u64 t)
{
	u64 ns = (u64)TASK(t, nsproxy);

	if (TASK(t, thread_pid, level))
		return true;
	return ns && CORE(nsproxy, ns, pid_ns_for_children, level);
}

#endif
