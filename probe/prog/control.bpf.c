// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/* Calls whose arguments mean something else with each request. */
#include "lib/record.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* Values of ptrace_requests in flags.def. */
INLINE u16 ptrace_request(u64 r)
{
	if (r <= 9)
		return (u16)(r + 1);
	if (r >= 0x4200 && r <= 0x420b)
		return (u16)(r - 0x4200 + 0xe);
	switch (r) {
	case 12: return 0x1a;
	case 13: return 0x1b;
	case 14: return 0x1c;
	case 15: return 0x1d;
	case 16: return 0xb;
	case 17: return 0xc;
	case 18: return 0x1e;
	case 19: return 0x1f;
	case 21: return 0x20;
	case 24: return 0xd;
	case 25: return 0x21;
	case 26: return 0x22;
	case 30: return 0x23;
	case 31: return 0x24;
	case 32: return 0x25;
	case 33: return 0x26;
	default: return 0;
	}
}

enum { DYN_UINT64 = 0, DYN_SIGTYPE = 1 };

INLINE void p_dyn(struct slot *s, u8 kind, u64 v)
{
	u8 *o = AT(s, s->off);

	o[0] = kind;
	*(u64 *)(o + 1) = v;
	p_done(s, kind == DYN_SIGTYPE ? 2 : 9);
}

INLINE int ptrace_exit(u64 *ctx)
{
	struct slot *s = exit_begin(ctx, 101, EV_SYSCALL_PTRACE_X, 5, 0);
	u64 request, value = 0;

	if (!s)
		return 0;
	request = s->args[0];
	p_s64(s, s->ret);
	if (s->ret < 0) {
		p_missing(s);
		p_missing(s);
	} else {
		p_dyn(s, DYN_UINT64, s->args[2]);
		switch (request) {
		case 1: /* the three that read a word into the caller's memory */
		case 2:
		case 3:
			bpf_probe_read_user(&value, 8, (void *)s->args[3]);
			p_dyn(s, DYN_UINT64, value);
			break;
		case 7: /* those that may pass a signal on */
		case 9:
		case 17:
		case 24: p_dyn(s, DYN_SIGTYPE, s->args[3] & 0xff); break;
		default: p_dyn(s, DYN_UINT64, s->args[3]);
		}
	}
	p_u16(s, ptrace_request(request));
	p_s64(s, (s32)s->args[1]);
	return rec_end(s);
}

INLINE int prctl_exit(u64 *ctx)
{
	struct slot *s = exit_begin(ctx, 157, EV_SYSCALL_PRCTL_X, 4, 0);
	u32 option;
	s32 value = 0;

	if (!s)
		return 0;
	option = (u32)s->args[0];
	p_s64(s, s->ret);
	p_u32(s, option);
	if (option == 15) { /* PR_SET_NAME */
		p_user_text(s, s->args[1], 17);
		p_s64(s, 0);
		return rec_end(s);
	}
	p_len(s, 0);
	if (option == 37) { /* PR_GET_CHILD_SUBREAPER answers through memory */
		bpf_probe_read_user(&value, 4, (void *)s->args[1]);
		p_s64(s, value);
	} else {
		p_s64(s, s->args[1]);
	}
	return rec_end(s);
}

/* One program for the family: what all share (lib/record.h) is verified once for each program. */
SEC("tp_btf/sys_exit")
int control_calls(u64 *ctx)
{
	switch (EXIT_NR(ctx)) {
	case 101: return ptrace_exit(ctx);
	case 157: return prctl_exit(ctx);
	}
	return 0;
}
