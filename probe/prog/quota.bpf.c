// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/* quotactl: what the structure behind its last argument is depends on the command. */
#include "lib/flags.h"
#include "lib/record.h"

/* Of the kernel's linux/quota.h and linux/dqblk_xfs.h. */
enum {
	QUOTA_ON = 0x800002,
	QUOTA_GETFMT = 0x800004,
	QUOTA_GETINFO = 0x800005,
	QUOTA_SETINFO = 0x800006,
	QUOTA_GETQUOTA = 0x800007,
	QUOTA_SETQUOTA = 0x800008,
	XQUOTA_GETQUOTA = 0x5803,
	XQUOTA_SETQLIM = 0x5804,
};

/* struct if_dqblk; which of its values are set is said by `valid`. */
struct limits {
	u64 bhardlimit, bsoftlimit, curspace, ihardlimit, isoftlimit, curinodes, btime, itime;
	u32 valid, pad;
};

/* struct if_dqinfo */
struct info {
	u64 bgrace, igrace;
	u32 flags, valid;
};

/* Values of quotactl_cmds in flags.def. */
INLINE u16 quota_command(u32 cmd)
{
	switch (cmd) {
	case 0x800001: return 0x80; /* Q_SYNC */
	case QUOTA_ON: return 0x1;
	case 0x800003: return 0x2; /* Q_QUOTAOFF */
	case QUOTA_GETFMT: return 0x4;
	case QUOTA_GETINFO: return 0x8;
	case QUOTA_SETINFO: return 0x10;
	case QUOTA_GETQUOTA: return 0x20;
	case QUOTA_SETQUOTA: return 0x40;
	default: return cmd > 0x5800 && cmd < 0x5808 ? (u16)(0x100 << (cmd - 0x5801)) : 0;
	}
}

/* Values of quotactl_quota_fmts. */
INLINE u8 quota_format(u32 f)
{
	return f == 1 ? 2 : f == 2 ? 4 : f == 4 ? 8 : 1;
}

INLINE u64 valid(u32 set, u32 bit, u64 v)
{
	return set & bit ? v : 0;
}

INLINE void p_limits(struct slot *s, const struct limits *l)
{
	p_u64(s, valid(l->valid, 1, l->bhardlimit));
	p_u64(s, valid(l->valid, 1, l->bsoftlimit));
	p_u64(s, valid(l->valid, 2, l->curspace));
	p_u64(s, valid(l->valid, 4, l->ihardlimit));
	p_u64(s, valid(l->valid, 4, l->isoftlimit));
	p_u64(s, valid(l->valid, 16, l->btime * 1000000000ull));
	p_u64(s, valid(l->valid, 32, l->itime * 1000000000ull));
}

INLINE void p_info(struct slot *s, const struct info *i)
{
	p_u64(s, valid(i->valid, 1, i->bgrace * 1000000000ull));
	p_u64(s, valid(i->valid, 2, i->igrace * 1000000000ull));
	p_u8(s, valid(i->valid, 4, i->flags & 1 ? 2 : 1));
}

SEC("tp_btf/sys_exit")
int quota_call(u64 *ctx)
{
	struct slot *s = exit_begin(ctx, 179, EV_SYSCALL_QUOTACTL_X, 18, 0);
	struct limits limits = { 0 };
	struct info info = { 0 };
	u32 cmd, type, format = 0, id = 0;
	u64 at;

	if (!s)
		return 0;
	cmd = (u32)s->args[0] >> 8;
	type = (u32)s->args[0] & 0xff;
	at = s->args[3];
	if (cmd == QUOTA_SETQUOTA || (cmd == QUOTA_GETQUOTA && s->ret == 0))
		bpf_probe_read_user(&limits, sizeof(limits) - sizeof(limits.pad), (void *)at);
	if (cmd == QUOTA_SETINFO || (cmd == QUOTA_GETINFO && s->ret == 0))
		bpf_probe_read_user(&info, sizeof(info), (void *)at);
	if (cmd == QUOTA_GETFMT && s->ret == 0)
		bpf_probe_read_user(&format, sizeof(format), (void *)at);
	if (cmd == QUOTA_GETQUOTA || cmd == QUOTA_SETQUOTA || cmd == XQUOTA_GETQUOTA ||
	    cmd == XQUOTA_SETQLIM)
		id = (u32)s->args[2];
	p_s64(s, s->ret);
	p_user_text(s, s->args[1], 4096);
	p_user_text(s, cmd == QUOTA_ON ? at : 0, 4096);
	p_limits(s, &limits);
	p_info(s, &info);
	p_u8(s, quota_format(format));
	p_u16(s, quota_command(cmd));
	p_u8(s, type < 2 ? type + 1 : 0);
	p_u32(s, id);
	p_u8(s, quota_format(cmd == QUOTA_ON ? (u32)s->args[2] : 0));
	return rec_end(s);
}
