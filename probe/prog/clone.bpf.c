// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/*
 * The end of clone, clone3, fork and vfork, in the parent (result: the child) and in the child
 * (result 0). Parentage is told by task_fork; these are the events rules see.
 */
#include "lib/process.h"

INLINE u64 clone_call_flags(struct slot *s, u32 nr)
{
	u64 flags = 0;

	if (nr == 56)
		return s->args[0];
	if (nr == 58)
		return 0x4100; /* CLONE_VFORK | CLONE_VM */
	if (nr == 435 && bpf_probe_read_user(&flags, 8, (void *)s->args[0]) < 0)
		return 0;
	return flags;
}

SEC("tp_btf/sys_exit")
int clone_exit(u64 *ctx)
{
	u64 t = task_now();
	u32 nr = EXIT_NR(ctx), type;
	struct slot *s;

	type = nr == 56	  ? EV_SYSCALL_CLONE_20_X
	       : nr == 57 ? EV_SYSCALL_FORK_20_X
	       : nr == 58 ? EV_SYSCALL_VFORK_20_X
			  : EV_SYSCALL_CLONE3_X;
	s = exit_begin(ctx, nr, type, 21, 3);
	if (!s)
		return 0;
	p_s64(s, s->ret);
	p_exe_args(s);
	p_process(s);
	p_cgroups(s);
	p_u32(s,
	      clone_flags(clone_call_flags(s, nr)) | (in_child_pidns(t) ? CL_CHILD_IN_PIDNS : 0));
	p_u32(s, HDR(s)->who.uid);
	p_u32(s, HDR(s)->who.gid);
	p_s64(s, HDR(s)->who.vtid);
	p_s64(s, HDR(s)->who.vpid);
	u64 ns = pid_ns((u64)TASK(t, thread_pid));
	u64 init = ns ? (u64)CORE(pid_namespace, ns, child_reaper) : 0;

	p_u64(s, init ? CORE(task_struct, init, start_boottime) : 0);
	x_cwd_again(s);
	x_sid(s, t);
	x_done(s, REC_X_CGROUPS, (u64)cgroup_write(s));
	return rec_end(s);
}
