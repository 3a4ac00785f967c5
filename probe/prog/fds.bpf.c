// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/* Descriptors made or copied without a name, and the directories a task is in. */
#include "lib/flags.h"
#include "lib/record.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* dup, dup2 and dup3 */
INLINE int dup_exit(u64 *ctx)
{
	u32 nr = EXIT_NR(ctx);
	struct slot *s;

	if (nr == 32)
		s = exit_begin(ctx, nr, EV_SYSCALL_DUP_1_X, 2, 2);
	else if (nr == 33)
		s = exit_begin(ctx, nr, EV_SYSCALL_DUP2_X, 3, 2);
	else
		s = exit_begin(ctx, nr, EV_SYSCALL_DUP3_X, 4, 2);
	if (!s)
		return 0;
	p_s64(s, s->ret);
	p_s64(s, (s32)s->args[0]);
	if (nr != 32)
		p_s64(s, (s32)s->args[1]);
	if (nr == 292)
		p_u32(s, file_flags(s->args[2]) & 0x1000);
	x_fd(s, s->ret, file_of(s->ret), 0);
	return rec_end(s);
}

INLINE int memfd_exit(u64 *ctx)
{
	struct slot *s = exit_begin(ctx, 319, EV_SYSCALL_MEMFD_CREATE_X, 3, 2);

	if (!s)
		return 0;
	p_s64(s, s->ret);
	p_user_text(s, s->args[0], 256);
	p_u32(s, s->args[1] & 7);
	x_fd(s, s->ret, file_of(s->ret), 0);
	return rec_end(s);
}

INLINE int userfaultfd_exit(u64 *ctx)
{
	struct slot *s = exit_begin(ctx, 323, EV_SYSCALL_USERFAULTFD_X, 2, 2);

	if (!s)
		return 0;
	p_s64(s, s->ret);
	p_u32(s, file_flags(s->args[0]) & (0x40 | 0x1000));
	x_fd(s, s->ret, file_of(s->ret), 0);
	return rec_end(s);
}

/* The result of most commands is not a descriptor; then there is nothing behind it. */
INLINE int bpf_exit(u64 *ctx)
{
	struct slot *s = exit_begin(ctx, 321, EV_SYSCALL_BPF_2_X, 2, 0);

	if (!s)
		return 0;
	p_s64(s, s->ret);
	p_u32(s, s->args[0]);
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
int fd_calls(u64 *ctx)
{
	switch (EXIT_NR(ctx)) {
	case 32:
	case 33:
	case 292: return dup_exit(ctx);
	case 319: return memfd_exit(ctx);
	case 323: return userfaultfd_exit(ctx);
	case 321: return bpf_exit(ctx);
	case 80: return chdir_exit(ctx);
	case 81: return fchdir_exit(ctx);
	case 161: return chroot_exit(ctx);
	}
	return 0;
}
