// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/*
 * Calls that change names and modes. None has a file object at its exit, so beside the names as given
 * only the directories they are relative to are told; fchmod has its file.
 */
#include "lib/flags.h"
#include "lib/record.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* Shape: result, name. */
INLINE struct slot *one_name(u64 *ctx, u32 nr, u32 type, u32 nparams)
{
	struct slot *s = exit_begin(ctx, nr, type, nparams, 1);

	if (!s)
		return NULL;
	p_s64(s, s->ret);
	s->first = p_user_text(s, s->args[0], 4096);
	return s;
}

/* Shape: result, directory, name. */
INLINE struct slot *name_at(u64 *ctx, u32 nr, u32 type, u32 nparams, u32 nextras)
{
	struct slot *s = exit_begin(ctx, nr, type, nparams, nextras);

	if (!s)
		return NULL;
	p_s64(s, s->ret);
	p_s64(s, (s32)s->args[0]);
	s->first = p_user_text(s, s->args[1], 4096);
	return s;
}

INLINE int one_name_end(struct slot *s)
{
	x_base(s, REC_X_BASE, AT_FDCWD, s->first);
	return rec_end(s);
}

INLINE int name_at_end(struct slot *s)
{
	x_base(s, REC_X_BASE, (s32)s->args[0], s->first);
	return rec_end(s);
}

INLINE int chmod_exit(u64 *ctx)
{
	struct slot *s = one_name(ctx, 90, EV_SYSCALL_CHMOD_X, 3);

	if (!s)
		return 0;
	p_u32(s, chmod_mode(s->args[1]));
	return one_name_end(s);
}

INLINE int fchmod_exit(u64 *ctx)
{
	struct slot *s = exit_begin(ctx, 91, EV_SYSCALL_FCHMOD_X, 3, 2);

	if (!s)
		return 0;
	p_s64(s, s->ret);
	p_s64(s, (s32)s->args[0]);
	p_u32(s, chmod_mode(s->args[1]));
	x_fd(s, (s32)s->args[0], file_of((s32)s->args[0]), 0);
	return rec_end(s);
}

/* Also fchmodat2. */
INLINE int fchmodat_exit(u64 *ctx)
{
	struct slot *s = name_at(ctx, EXIT_NR(ctx), EV_SYSCALL_FCHMODAT_X, 4, 1);

	if (!s)
		return 0;
	p_u32(s, chmod_mode(s->args[2]));
	return name_at_end(s);
}

INLINE int mkdir_exit(u64 *ctx)
{
	struct slot *s = one_name(ctx, 83, EV_SYSCALL_MKDIR_2_X, 3);

	if (!s)
		return 0;
	p_u32(s, s->args[1]);
	return one_name_end(s);
}

INLINE int mkdirat_exit(u64 *ctx)
{
	struct slot *s = name_at(ctx, 258, EV_SYSCALL_MKDIRAT_X, 4, 1);

	if (!s)
		return 0;
	p_u32(s, s->args[2]);
	return name_at_end(s);
}

INLINE int rmdir_exit(u64 *ctx)
{
	struct slot *s = one_name(ctx, 84, EV_SYSCALL_RMDIR_2_X, 2);

	return s ? one_name_end(s) : 0;
}

INLINE int unlink_exit(u64 *ctx)
{
	struct slot *s = one_name(ctx, 87, EV_SYSCALL_UNLINK_2_X, 2);

	return s ? one_name_end(s) : 0;
}

INLINE int unlinkat_exit(u64 *ctx)
{
	struct slot *s = name_at(ctx, 263, EV_SYSCALL_UNLINKAT_2_X, 4, 1);

	if (!s)
		return 0;
	p_u32(s, s->args[2]);
	return name_at_end(s);
}

/* rename and link: result, old name, new name. */
INLINE int rename_exit(u64 *ctx)
{
	u32 nr = EXIT_NR(ctx);
	struct slot *s = exit_begin(ctx, nr, nr == 82 ? EV_SYSCALL_RENAME_X : EV_SYSCALL_LINK_2_X,
				    3, 2);
	int second;

	if (!s)
		return 0;
	p_s64(s, s->ret);
	s->first = p_user_text(s, s->args[0], 4096);
	second = p_user_text(s, s->args[1], 4096);
	x_base(s, REC_X_BASE, AT_FDCWD, s->first);
	x_base(s, REC_X_BASE2, AT_FDCWD, second);
	return rec_end(s);
}

/* renameat, renameat2 and linkat: result, two pairs of directory and name, flags but for renameat. */
INLINE int renameat_exit(u64 *ctx)
{
	u32 nr = EXIT_NR(ctx);
	struct slot *s;
	int second;

	if (nr == 264)
		s = name_at(ctx, nr, EV_SYSCALL_RENAMEAT_X, 5, 2);
	else
		s = name_at(ctx, nr, nr == 316 ? EV_SYSCALL_RENAMEAT2_X : EV_SYSCALL_LINKAT_2_X, 6,
			    2);
	if (!s)
		return 0;
	p_s64(s, (s32)s->args[2]);
	second = p_user_text(s, s->args[3], 4096);
	if (nr != 264)
		p_u32(s, s->args[4]);
	x_base(s, REC_X_BASE, (s32)s->args[0], s->first);
	x_base(s, REC_X_BASE2, (s32)s->args[2], second);
	return rec_end(s);
}

/* The target of a symbolic link is a text, not a name that is looked up: the base is the link's. */
INLINE int symlink_exit(u64 *ctx)
{
	struct slot *s = exit_begin(ctx, 88, EV_SYSCALL_SYMLINK_X, 3, 1);

	if (!s)
		return 0;
	p_s64(s, s->ret);
	p_user_text(s, s->args[0], 4096);
	x_base(s, REC_X_BASE, AT_FDCWD, p_user_text(s, s->args[1], 4096));
	return rec_end(s);
}

INLINE int symlinkat_exit(u64 *ctx)
{
	struct slot *s = exit_begin(ctx, 266, EV_SYSCALL_SYMLINKAT_X, 4, 1);

	if (!s)
		return 0;
	p_s64(s, s->ret);
	p_user_text(s, s->args[0], 4096);
	p_s64(s, (s32)s->args[1]);
	x_base(s, REC_X_BASE, (s32)s->args[1], p_user_text(s, s->args[2], 4096));
	return rec_end(s);
}

/* One program for the family: what all share (lib/record.h) is verified once for each program. */
SEC("tp_btf/sys_exit")
int name_calls(u64 *ctx)
{
	switch (EXIT_NR(ctx)) {
	case 90: return chmod_exit(ctx);
	case 91: return fchmod_exit(ctx);
	case 268:
	case 452: return fchmodat_exit(ctx);
	case 83: return mkdir_exit(ctx);
	case 258: return mkdirat_exit(ctx);
	case 84: return rmdir_exit(ctx);
	case 87: return unlink_exit(ctx);
	case 263: return unlinkat_exit(ctx);
	case 82:
	case 86: return rename_exit(ctx);
	case 264:
	case 265:
	case 316: return renameat_exit(ctx);
	case 88: return symlink_exit(ctx);
	case 266: return symlinkat_exit(ctx);
	}
	return 0;
}
