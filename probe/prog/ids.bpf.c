// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/* Users, groups, sessions, capabilities, namespaces. Values are those the caller asked for. */
#include "lib/flags.h"
#include "lib/record.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* What the task may do afterwards: a change of user or of its namespace takes or gives capabilities. */
INLINE void x_caps(struct slot *s)
{
	u64 t = task_now();
	u64 *o = (u64 *)AT(s, s->off);

	o[0] = TASK_CAPS(t, cap_inheritable);
	o[1] = TASK_CAPS(t, cap_permitted);
	o[2] = TASK_CAPS(t, cap_effective);
	x_done(s, REC_X_CAPS, 24);
}

/* setuid and its kin: the result, and one to three ids. */
INLINE int setid_exit(u64 *ctx)
{
	u32 nr = EXIT_NR(ctx);
	struct slot *s;
	u32 n = 1;

	switch (nr) {
	case 105: s = exit_begin(ctx, nr, EV_SYSCALL_SETUID_X, 2, 1); break;
	case 106: s = exit_begin(ctx, nr, EV_SYSCALL_SETGID_X, 2, 1); break;
	case 113:
		s = exit_begin(ctx, nr, EV_SYSCALL_SETREUID_X, 3, 1);
		n = 2;
		break;
	case 114:
		s = exit_begin(ctx, nr, EV_SYSCALL_SETREGID_X, 3, 1);
		n = 2;
		break;
	case 117:
		s = exit_begin(ctx, nr, EV_SYSCALL_SETRESUID_X, 4, 1);
		n = 3;
		break;
	case 119:
		s = exit_begin(ctx, nr, EV_SYSCALL_SETRESGID_X, 4, 1);
		n = 3;
		break;
	default: return 0;
	}
	if (!s)
		return 0;
	p_s64(s, s->ret);
	p_u32(s, s->args[0]);
	if (n > 1)
		p_u32(s, s->args[1]);
	if (n > 2)
		p_u32(s, s->args[2]);
	x_caps(s);
	return rec_end(s);
}

INLINE int setsid_exit(u64 *ctx)
{
	u64 t = task_now();
	struct slot *s = exit_begin(ctx, 112, EV_SYSCALL_SETSID_X, 1, 1);

	if (!s)
		return 0;
	p_s64(s, s->ret);
	x_u32(s, REC_X_SID, task_id(t, ID_SID));
	return rec_end(s);
}

INLINE int setpgid_exit(u64 *ctx)
{
	struct slot *s = exit_begin(ctx, 109, EV_SYSCALL_SETPGID_X, 3, 0);

	if (!s)
		return 0;
	p_s64(s, s->ret);
	p_s64(s, (s32)s->args[0]);
	p_s64(s, (s32)s->args[1]);
	return rec_end(s);
}

/* The sets as they are afterwards. */
INLINE int capset_exit(u64 *ctx)
{
	u64 t = task_now();
	struct slot *s = exit_begin(ctx, 126, EV_SYSCALL_CAPSET_X, 4, 0);

	if (!s)
		return 0;
	p_s64(s, s->ret);
	p_u64(s, TASK_CAPS(t, cap_inheritable));
	p_u64(s, TASK_CAPS(t, cap_permitted));
	p_u64(s, TASK_CAPS(t, cap_effective));
	return rec_end(s);
}

INLINE int unshare_exit(u64 *ctx)
{
	struct slot *s = exit_begin(ctx, 272, EV_SYSCALL_UNSHARE_X, 2, 1);

	if (!s)
		return 0;
	p_s64(s, s->ret);
	p_u32(s, clone_flags(s->args[0]));
	x_caps(s);
	return rec_end(s);
}

INLINE int setns_exit(u64 *ctx)
{
	struct slot *s = exit_begin(ctx, 308, EV_SYSCALL_SETNS_X, 3, 3);

	if (!s)
		return 0;
	p_s64(s, s->ret);
	p_s64(s, (s32)s->args[0]);
	p_u32(s, clone_flags((u32)s->args[1]));
	x_fd(s, (s32)s->args[0], file_of((s32)s->args[0]), 0);
	x_caps(s);
	return rec_end(s);
}

/* One program for the family: what all share (lib/record.h) is verified once for each program. */
SEC("tp_btf/sys_exit")
int id_calls(u64 *ctx)
{
	switch (EXIT_NR(ctx)) {
	case 112: return setsid_exit(ctx);
	case 109: return setpgid_exit(ctx);
	case 126: return capset_exit(ctx);
	case 272: return unshare_exit(ctx);
	case 308: return setns_exit(ctx);
	default: return setid_exit(ctx);
	}
	return 0;
}
