// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/*
 * The life of tasks from the scheduler's tracepoints, which nobody can go around: parentage comes from
 * fork, a successful exec from the moment it happened (whatever number the syscall has at its
 * end), and every thread's exit. The fork hook also carries the scope on to children.
 */
#include "lib/process.h"

INLINE u64 fork_flags(struct task_struct *p, struct task_struct *c)
{
	u64 flags = 0;

	if (c->tgid == p->tgid)
		flags |= 0x2000; /* CLONE_THREAD, in the values of clone_flags */
	else if (c->real_parent->tgid != p->tgid)
		flags |= 0x100; /* CLONE_PARENT */
	if (c->mm && c->mm == p->mm)
		flags |= 0x8000;
	if (c->files && c->files == p->files)
		flags |= 0x1;
	if (c->fs && c->fs == p->fs)
		flags |= 0x2;
	if (c->thread_pid->level)
		flags |= CL_CHILD_IN_PIDNS;
	return flags;
}

SEC("tp_btf/sched_process_fork")
int task_fork(u64 *ctx)
{
	struct task_struct *p = (struct task_struct *)ctx[0];
	struct task_struct *c = (struct task_struct *)ctx[1];
	struct task_struct *up;
	struct slot *s;

	if (!in_scope())
		return 0;
	if (conf.scope == PROBE_SCOPE_PID && c->pid == c->tgid) {
		u32 tgid = (u32)c->tgid;
		u64 start = c->start_boottime;

		bpf_map_update_elem(&scope_pids, &tgid, &start, BPF_ANY);
	}
	if (!state.wants_fork)
		return 0;
	s = rec_begin(EV_TASK_FORK, 8, 0, 0xffff);
	if (!s)
		return 0;
	up = c->real_parent;
	p_s64(s, c->pid);
	p_s64(s, c->tgid);
	p_u64(s, c->group_leader->start_boottime);
	p_s64(s, task_vtid((u64)c));
	p_s64(s, task_vtid((u64)c->group_leader));
	p_s64(s, up->tgid);
	p_u64(s, up->group_leader->start_boottime);
	p_u64(s, fork_flags(p, c));
	return rec_send(s);
}

/* Frees the place of a thread group in the scope; by its start, as the id may be in use again. */
SEC("tp_btf/sched_process_free")
int task_free(u64 *ctx)
{
	struct task_struct *t = (struct task_struct *)ctx[0];
	u32 tgid = (u32)t->tgid;
	u64 *start;

	if (t->pid != t->tgid)
		return 0;
	start = bpf_map_lookup_elem(&scope_pids, &tgid);
	if (start && *start && same_start(*start, t->start_boottime))
		bpf_map_delete_elem(&scope_pids, &tgid);
	return 0;
}

/* Whether the mode bits let the effective user write: what "writable executable" means to rules. */
INLINE bool may_write(struct slot *s, u64 inode, u64 t)
{
	u32 mode = CORE(inode, inode, i_mode);

	if (HDR(s)->who.uid == CORE(inode, inode, i_uid.val))
		return mode & 0200;
	if (HDR(s)->who.gid == CORE(inode, inode, i_gid.val))
		return mode & 0020;
	if (mode & 0002)
		return true;
	return TASK_CAPS(t, cap_effective) >> 1 & 1; /* CAP_DAC_OVERRIDE */
}

INLINE u32 exe_flags(struct slot *s, u64 file, u64 t)
{
	u64 inode = (u64)CORE(file, file, f_inode), dentry = (u64)CORE(file, file, f_path.dentry);
	enum layer layer = inode_layer(inode);
	u32 flags = 0;

	if (may_write(s, inode, t))
		flags |= EXE_WRITABLE;
	if (layer == LAYER_UPPER)
		flags |= EXE_UPPER_LAYER;
	if (layer == LAYER_LOWER)
		flags |= EXE_LOWER_LAYER;
	if ((u64)CORE(dentry, dentry, d_parent) == dentry) {
		u8 t6[8] = { 0 };

		bpf_probe_read_kernel(t6, 6, (void *)CORE(dentry, dentry, d_name.name));
		if (t6[0] == 'm' && t6[1] == 'e' && t6[2] == 'm' && t6[3] == 'f' && t6[5] == ':')
			flags |= EXE_FROM_MEMFD;
	}
	return flags;
}

/* env to gid: what follows cgroups in the parameters of an exec. */
SHARED int p_exec_rest(struct slot *s)
{
	u64 t = task_now(), mm = (u64)TASK(t, mm), file, inode;

	if (!s)
		return 0;
	p_env(s);
	p_u32(s, task_tty(t));
	p_s64(s, task_vid(t, ID_PGID));
	p_u32(s, HDR(s)->who.loginuid);
	file = mm ? (u64)CORE(mm_struct, mm, exe_file) : 0;
	p_u32(s, file ? exe_flags(s, file, t) : 0);
	p_u64(s, TASK_CAPS(t, cap_inheritable));
	p_u64(s, TASK_CAPS(t, cap_permitted));
	p_u64(s, TASK_CAPS(t, cap_effective));
	inode = file ? (u64)CORE(file, file, f_inode) : 0;
	p_u64(s, inode ? CORE(inode, inode, i_ino) : 0);
	p_u64(s, inode ? inode_ctime(inode) : 0);
	p_u64(s, inode ? inode_mtime(inode) : 0);
	p_u32(s, HDR(s)->who.uid);
	if (file)
		p_done(s, (u64)file_path(s, file));
	else
		p_missing(s);
	p_s64(s, task_id(t, ID_PGID));
	p_u32(s, HDR(s)->who.gid);
	return 0;
}

INLINE void exec_body(struct slot *s, s64 ret)
{
	p_s64(s, ret);
	p_exe_args(s);
	p_process(s);
	p_cgroups(s);
	p_exec_rest(s);
}

INLINE void exec_extras(struct slot *s)
{
	x_cwd_again(s);
	x_sid(s, task_now());
	x_done(s, REC_X_CGROUPS, (u64)cgroup_write(s));
}

/* What the new image reads from and writes to. */
INLINE void exec_stdio(struct slot *s)
{
#pragma unroll
	for (s64 num = 0; num < 3; num++) {
		u64 file = file_of(num);

		if (file)
			x_fd(s, num, file, X_FD_STDIO);
	}
}

/* Its parameters and extras do, whoever asks. */
enum {
	TOLD_BY_EXEC = PROBE_EXTRA_SESSION | PROBE_EXTRA_CAPS | PROBE_EXTRA_MEMORY |
		       PROBE_EXTRA_STDIO | PROBE_EXTRA_CWD,
};

/*
 * The number of the call cannot be asked: exec sets it to execve's, whatever it was. Only a path that
 * was made from a descriptor tells execveat.
 */
SEC("tp_btf/sched_process_exec")
int task_exec(u64 *ctx)
{
	struct linux_binprm *b = (struct linux_binprm *)ctx[2];
	struct slot *s;

	if (!state.wants_exec || !in_scope())
		return 0;
	if (bpf_core_field_exists(b->fdpath) && b->fdpath) {
		s = rec_begin(EV_SYSCALL_EXECVEAT_X, 30, 9, 322);
		if (!s)
			return 0;
		s->wanted &= ~TOLD_BY_EXEC;
		exec_body(s, 0);
	} else {
		s = rec_begin(EV_SYSCALL_EXECVE_19_X, 31, 9, 59);
		if (!s)
			return 0;
		s->wanted &= ~TOLD_BY_EXEC;
		exec_body(s, 0);
		p_kernel_text(s, b->filename);
	}
	exec_extras(s);
	exec_stdio(s);
	return rec_end(s);
}

/* A failed exec; the successful one was told by the tracepoint above. */
SEC("tp_btf/sys_exit")
int exec_exit(u64 *ctx)
{
	u32 nr = EXIT_NR(ctx);
	struct slot *s;

	if (exit_ret(ctx) >= 0)
		return 0;
	if (nr == 322) {
		s = exit_begin(ctx, nr, EV_SYSCALL_EXECVEAT_X, 30, 4);
		if (!s)
			return 0;
		exec_body(s, s->ret);
		x_base(s, REC_X_BASE, (s32)s->args[0], 0);
	} else {
		s = exit_begin(ctx, nr, EV_SYSCALL_EXECVE_19_X, 31, 4);
		if (!s)
			return 0;
		exec_body(s, s->ret);
		x_base(s, REC_X_BASE2, AT_FDCWD, p_user_text(s, s->args[0], 4096));
	}
	exec_extras(s);
	return rec_end(s);
}

/* Who adopts the children: another thread, the nearest subreaper, or init of the pid namespace. */
INLINE s64 reaper_of(struct task_struct *t)
{
	struct task_struct *up = t->real_parent;

	if ((u64)t->children.next == (u64)&t->children)
		return 0;
	/* The one that ends last need not be the first. */
	if (t->signal->live.counter > 0)
		return t->tgid;
	for (int i = 0; i < 16; i++) {
		if (BPF_CORE_READ_BITFIELD_PROBED(up->signal, is_child_subreaper))
			return up->pid;
		if (up->pid <= 1)
			break;
		up = up->real_parent;
	}
	u64 ns = pid_ns((u64)t->thread_pid);
	u64 init = ns ? (u64)CORE(pid_namespace, ns, child_reaper) : 0;

	return init ? CORE(task_struct, init, pid) : 0;
}

SEC("tp_btf/sched_process_exit")
int task_exit(u64 *ctx)
{
	struct task_struct *t = bpf_get_current_task_btf();
	struct slot *s;
	u32 code;

	if (!state.wants_exit || !in_scope())
		return 0;
	s = rec_begin(EV_PROCEXIT_1_E, 5, 0, 0xffff);
	if (!s)
		return 0;
	code = (u32)t->exit_code;
	p_s64(s, (s64)(s32)code);
	p_s64(s, code >> 8 & 0xff);
	p_u8(s, code & 0x7f);
	p_u8(s, code >> 7 & 1);
	p_s64(s, reaper_of(t));
	return rec_end(s);
}

SEC("tp_btf/task_rename")
int task_rename(u64 *ctx)
{
	struct task_struct *t = (struct task_struct *)ctx[0];
	struct slot *s;

	/* Threads may also name each other, through /proc. */
	if (!state.wants_rename || !in_scope())
		return 0;
	s = rec_begin(EV_TASK_RENAME, 2, 0, 0xffff);
	if (!s)
		return 0;
	p_kernel_text(s, (const void *)ctx[1]);
	p_s64(s, t->pid);
	return rec_send(s);
}
