// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/* The directories and the session a task is in: what they are afterwards comes along. */
#include "lib/record.h"

INLINE int setsid_exit(u64 *ctx)
{
	struct slot *s = exit_begin(ctx, 112, EV_SYSCALL_SETSID_X, 1, 1);

	if (!s)
		return 0;
	p_s64(s, s->ret);
	x_u32(s, REC_X_SID, task_id(task_now(), ID_SID));
	return rec_end(s);
}

/* After a success the directory the name was relative to is gone; where it led is told instead. */
INLINE int chdir_exit(u64 *ctx)
{
	struct slot *s = exit_begin(ctx, 80, EV_SYSCALL_CHDIR_X, 2, 2);
	int first;

	if (!s)
		return 0;
	p_s64(s, s->ret);
	first = p_user_text(s, s->args[0], 4096);
	if (s->ret < 0)
		x_base(s, REC_X_BASE, AT_FDCWD, first);
	x_cwd(s);
	return rec_end(s);
}

INLINE int fchdir_exit(u64 *ctx)
{
	struct slot *s = exit_begin(ctx, 81, EV_SYSCALL_FCHDIR_X, 2, 3);

	if (!s)
		return 0;
	p_s64(s, s->ret);
	p_s64(s, (s32)s->args[0]);
	x_fd(s, (s32)s->args[0], file_of((s32)s->args[0]), 0);
	x_cwd(s);
	return rec_end(s);
}

INLINE int chroot_exit(u64 *ctx)
{
	struct slot *s = exit_begin(ctx, 161, EV_SYSCALL_CHROOT_X, 2, 3);
	u64 path[2] = { 0 };

	if (!s)
		return 0;
	p_s64(s, s->ret);
	x_base(s, REC_X_BASE, AT_FDCWD, p_user_text(s, s->args[0], 4096));
	if (s->ret == 0) {
		bpf_probe_read_kernel(path, sizeof(path),
				      (void *)((u64)TASK(task_now(), fs) +
					       bpf_core_field_offset(struct fs_struct, root)));
		x_done(s, REC_X_PATH, (u64)path_write(s, path[1], path[0]));
	}
	x_cwd(s);
	return rec_end(s);
}

/* One program for the family: what all share (lib/record.h) is verified once for each program. */
SEC("tp_btf/sys_exit")
int place_calls(u64 *ctx)
{
	switch (EXIT_NR(ctx)) {
	case 112: return setsid_exit(ctx);
	case 80: return chdir_exit(ctx);
	case 81: return fchdir_exit(ctx);
	case 161: return chroot_exit(ctx);
	}
	return 0;
}
