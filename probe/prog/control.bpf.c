// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/* Calls whose arguments mean something else with each request. */
#include "lib/data.h"

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

/* What the value is: a text, a path, so many bytes, or nothing. */
INLINE int fsconfig_exit(u64 *ctx)
{
	struct slot *s = exit_begin(ctx, 431, EV_SYSCALL_FSCONFIG_X, 7, 2);
	enum { SET_STRING = 1, SET_BINARY = 2, SET_PATH = 3, SET_PATH_EMPTY = 4 };
	u32 cmd;
	s64 fd;

	if (!s)
		return 0;
	fd = (s32)s->args[0];
	cmd = (u32)s->args[1];
	p_s64(s, s->ret);
	p_s64(s, fd);
	p_u32(s, cmd);
	p_user_text(s, s->args[2], 256);
	if (cmd == SET_BINARY)
		p_user_bytes(s, s->args[3], snapped((u32)s->args[4]));
	else
		p_missing(s);
	p_user_text(s,
		    cmd == SET_STRING || cmd == SET_PATH || cmd == SET_PATH_EMPTY ? s->args[3] : 0,
		    4096);
	p_u32(s, s->args[4]);
	x_fd(s, fd, file_of(fd), 0);
	return rec_end(s);
}

/* What an argument of keyctl is: not there, the id of a key or a number (int), an address, a text. */
enum { KEY_NONE, KEY_INT, KEY_LONG, KEY_TEXT };
#define KEY_ARGS(a, b, c, d) ((a) | (b) << 2 | (c) << 4 | (d) << 6)

INLINE u32 keyctl_args(u32 operation)
{
	enum { N = KEY_NONE, I = KEY_INT, L = KEY_LONG, T = KEY_TEXT };

	switch (operation) {
	case 1: return KEY_ARGS(T, N, N, N);  /* JOIN_SESSION_KEYRING */
	case 3:				      /* REVOKE */
	case 7:				      /* CLEAR */
	case 14:			      /* SET_REQKEY_KEYRING */
	case 16:			      /* ASSUME_AUTHORITY */
	case 21: return KEY_ARGS(I, N, N, N); /* INVALIDATE */
	case 0:				      /* GET_KEYRING_ID */
	case 5:				      /* SETPERM */
	case 8:				      /* LINK */
	case 9:				      /* UNLINK */
	case 15:			      /* SET_TIMEOUT */
	case 22: return KEY_ARGS(I, I, N, N); /* GET_PERSISTENT */
	case 31: return KEY_ARGS(L, L, N, N); /* CAPABILITIES */
	case 4:				      /* CHOWN */
	case 13:			      /* NEGATE */
	case 32: return KEY_ARGS(I, I, I, N); /* WATCH_KEY */
	case 2:				      /* UPDATE */
	case 6:				      /* DESCRIBE */
	case 11:			      /* READ */
	case 17: return KEY_ARGS(I, L, L, N); /* GET_SECURITY */
	case 29: return KEY_ARGS(I, T, T, N); /* RESTRICT_KEYRING */
	case 24: return KEY_ARGS(I, L, T, N); /* PKEY_QUERY */
	case 10: return KEY_ARGS(I, T, T, I); /* SEARCH */
	case 12:			      /* INSTANTIATE */
	case 20: return KEY_ARGS(I, L, L, I); /* INSTANTIATE_IOV */
	case 19:			      /* REJECT */
	case 30: return KEY_ARGS(I, I, I, I); /* MOVE */
	case 23: return KEY_ARGS(L, L, L, L); /* DH_COMPUTE */
	case 25:			      /* PKEY_ENCRYPT */
	case 26:			      /* PKEY_DECRYPT */
	case 27:			      /* PKEY_SIGN */
	case 28: return KEY_ARGS(L, T, L, L); /* PKEY_VERIFY */
	default: return 0;
	}
}

enum { KEY_DYN_INT64 = 0, KEY_DYN_TEXT = 1 };

SHARED int p_key_arg(struct slot *s, u64 v, u32 kind)
{
	if (!s)
		return 0;
	if (kind != KEY_TEXT) {
		p_dyn(s, KEY_DYN_INT64, kind == KEY_INT ? (u64)(s64)(s32)v : kind ? v : 0);
		return 0;
	}
	u8 *o = AT(s, s->off);
	long n = v ? bpf_probe_read_user_str(o + 1, 4096, (void *)v) : -1;

	o[0] = KEY_DYN_TEXT;
	if (n == 4096)
		HDR(s)->flags |= REC_F_TRUNCATED;
	if (n <= 0)
		p_missing(s);
	else
		p_done(s, (u64)n);
	return 0;
}

INLINE int keyctl_exit(u64 *ctx)
{
	struct slot *s = exit_begin(ctx, 250, EV_SYSCALL_KEYCTL_X, 6, 0);
	u32 operation, args;

	if (!s)
		return 0;
	operation = (u32)s->args[0];
	args = keyctl_args(operation);
	p_s64(s, s->ret);
	p_u32(s, operation);
	p_key_arg(s, s->args[1], args & 3);
	p_key_arg(s, s->args[2], args >> 2 & 3);
	p_key_arg(s, s->args[3], args >> 4 & 3);
	p_key_arg(s, s->args[4], args >> 6 & 3);
	return rec_end(s);
}

/* One program for the family: what all share (lib/record.h) is verified once for each program. */
SEC("tp_btf/sys_exit")
int control_calls(u64 *ctx)
{
	switch (EXIT_NR(ctx)) {
	case 101: return ptrace_exit(ctx);
	case 157: return prctl_exit(ctx);
	case 250: return keyctl_exit(ctx);
	case 431: return fsconfig_exit(ctx);
	}
	return 0;
}
