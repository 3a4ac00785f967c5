// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/* Sockets. Addresses of connected ends come from the kernel's socket, not from the caller's memory. */
#include "lib/data.h"
#include "lib/flags.h"
#include "lib/socket.h"

enum { EINPROGRESS_ = 115 };

INLINE int socket_exit(u64 *ctx)
{
	struct slot *s = exit_begin(ctx, 41, EV_SOCKET_SOCKET_X, 5, 2);

	if (!s)
		return 0;
	p_s64(s, s->ret);
	p_u32(s, s->args[0]);
	p_u32(s, s->args[1]);
	p_u32(s, s->args[2]);
	p_u32(s, file_flags(s->args[1]) & (0x40 | 0x1000)); /* SOCK_NONBLOCK, SOCK_CLOEXEC */
	x_fd(s, s->ret, file_of(s->ret), 0);
	return rec_end(s);
}

INLINE int bind_exit(u64 *ctx)
{
	struct slot *s = exit_begin(ctx, 49, EV_SOCKET_BIND_X, 3, 2);

	if (!s)
		return 0;
	p_s64(s, s->ret);
	p_sockaddr(s, s->args[1], (u32)s->args[2]);
	p_s64(s, (s32)s->args[0]);
	x_fd(s, (s32)s->args[0], file_of((s32)s->args[0]), 0);
	return rec_end(s);
}

INLINE int connect_exit(u64 *ctx)
{
	struct slot *s = exit_begin(ctx, 42, EV_SOCKET_CONNECT_X, 4, 2);
	u64 file;

	if (!s)
		return 0;
	file = file_of((s32)s->args[0]);
	p_s64(s, s->ret);
	if (s->ret == 0 || s->ret == -EINPROGRESS_)
		p_tuple(s, sock_of(file), s->args[1], (u32)s->args[2], 0);
	else
		p_missing(s);
	p_s64(s, (s32)s->args[0]);
	p_sockaddr(s, s->args[1], (u32)s->args[2]);
	x_fd(s, (s32)s->args[0], file, REC_FD_CLIENT);
	return rec_end(s);
}

INLINE int listen_exit(u64 *ctx)
{
	struct slot *s = exit_begin(ctx, 50, EV_SOCKET_LISTEN_X, 3, 2);

	if (!s)
		return 0;
	p_s64(s, s->ret);
	p_s64(s, (s32)s->args[0]);
	p_u32(s, s->args[1]);
	x_fd(s, (s32)s->args[0], file_of((s32)s->args[0]), 0);
	return rec_end(s);
}

/* accept and accept4 */
INLINE int accept_exit(u64 *ctx)
{
	u32 nr = EXIT_NR(ctx), used = 0, max = 0;
	struct slot *s;
	u64 file, sk;

	if (nr == 43)
		s = exit_begin(ctx, nr, EV_SOCKET_ACCEPT_5_X, 5, 2);
	else
		s = exit_begin(ctx, nr, EV_SOCKET_ACCEPT4_6_X, 6, 2);
	if (!s)
		return 0;
	file = file_of(s->ret);
	p_s64(s, s->ret);
	if (file)
		p_tuple(s, sock_of(file), 0, 0, 1);
	else
		p_missing(s);
	sk = sock_of(file_of((s32)s->args[0]));
	if (sk) {
		used = CORE(sock, sk, sk_ack_backlog);
		max = CORE(sock, sk, sk_max_ack_backlog);
	}
	p_u8(s, max ? (u64)used * 100 / max : 0);
	p_u32(s, used);
	p_u32(s, max);
	if (nr != 43)
		p_u32(s, s->args[3]);
	x_fd(s, s->ret, file, REC_FD_SERVER);
	return rec_end(s);
}

INLINE int socketpair_exit(u64 *ctx)
{
	struct slot *s = exit_begin(ctx, 53, EV_SOCKET_SOCKETPAIR_X, 8, 0);
	s32 fds[2] = { -1, -1 };
	u64 sk = 0, peer = 0;

	if (!s)
		return 0;
	if (s->ret == 0)
		bpf_probe_read_user(fds, sizeof(fds), (void *)s->args[3]);
	if (fds[0] >= 0)
		sk = sock_of(file_of(fds[0]));
	if (sk)
		peer = (u64)CORE(unix_sock, sk, peer);
	p_s64(s, s->ret);
	p_s64(s, fds[0]);
	p_s64(s, fds[1]);
	p_u64(s, sk);
	p_u64(s, peer);
	p_u32(s, s->args[0]);
	p_u32(s, s->args[1]);
	p_u32(s, s->args[2]);
	return rec_end(s);
}

enum {
	LEVEL_SOCKET = 1,
	LEVEL_TCP = 6,
	OPT_ERROR = 4,
	OPT_RCVTIMEO = 20,
	OPT_SNDTIMEO = 21,
	OPT_COOKIE = 53, /* in the values of sockopt_options */
};

/* Options whose value is a number, by the values of sockopt_options. */
#define NUMBER_OPTIONS                                                                             \
	(1ull << 1 | 1ull << 2 | 1ull << 3 | 0x1fe0 | 1ull << 14 | 1ull << 15 | 1ull << 16 |       \
	 1ull << 18 | 1ull << 19 | 0x3full << 32 | 3ull << 29 | 0xfffull << 38)

/* The values of sockopt_options in flags.def: the kernel's up to 50. */
INLINE u32 option_of(u32 level, u32 name)
{
	if (level != LEVEL_SOCKET)
		return 0;
	switch (name) {
	case 55: return 52;
	case 57: return OPT_COOKIE;
	case 59: return 51;
	case 66: return OPT_RCVTIMEO; /* those with times of 64 bits */
	case 67: return OPT_SNDTIMEO;
	default: return name <= 50 ? name : 0;
	}
}

enum { VAL_BYTES, VAL_ERRNO, VAL_U32, VAL_U64, VAL_TIME };

/* A first byte that says what the rest is, then the value. */
INLINE void p_option(struct slot *s, u32 option, u64 at, u32 len)
{
	u8 *o = AT(s, s->off);
	u64 v[2] = { 0 };
	u32 narrow[2] = { 0 }, n = 0;
	u8 kind = VAL_BYTES;

	if (option == OPT_ERROR)
		kind = VAL_ERRNO;
	else if (option == OPT_RCVTIMEO || option == OPT_SNDTIMEO)
		kind = VAL_TIME;
	else if (option == OPT_COOKIE)
		kind = VAL_U64;
	else if (option < 64 && (NUMBER_OPTIONS >> option & 1))
		kind = VAL_U32;
	o[0] = kind;
	long r = 0;

	if (kind == VAL_TIME && len == 8) {
		r = bpf_probe_read_user(narrow, 8, (void *)at);
		v[0] = narrow[0] * 1000000000ull + narrow[1] * 1000ull;
	} else if (kind == VAL_TIME) {
		r = bpf_probe_read_user(v, 16, (void *)at);
		v[0] = v[0] * 1000000000ull + v[1] * 1000;
	} else if (kind == VAL_U64) {
		r = bpf_probe_read_user(v, 8, (void *)at);
	} else if (kind != VAL_BYTES) {
		r = bpf_probe_read_user(narrow, 4, (void *)at);
		v[0] = kind == VAL_ERRNO ? (u64) - (s64)(s32)narrow[0] : narrow[0];
	} else {
		n = (u32)BOUND(snapped(len), 0x1fff);
		if (n > PROBE_SNAP_MAX)
			n = PROBE_SNAP_MAX;
		if (n)
			r = bpf_probe_read_user(o + 1, n, (void *)at);
	}
	if (r < 0) {
		p_missing(s);
	} else if (kind != VAL_BYTES) {
		__builtin_memcpy(o + 1, v, 8);
		p_done(s, kind == VAL_U32 ? 5 : 9);
	} else {
		p_done(s, n + 1);
	}
}

INLINE int option_exit(u64 *ctx, u32 nr)
{
	bool get = nr == 55;
	struct slot *s = exit_begin(ctx, nr, get ? EV_SOCKET_GETSOCKOPT_X : EV_SOCKET_SETSOCKOPT_X,
				    6, 2);
	u32 level, option, len;

	if (!s)
		return 0;
	level = (u32)s->args[1];
	option = option_of(level, (u32)s->args[2]);
	len = (u32)s->args[4];
	if (get) {
		len = 0;
		bpf_probe_read_user(&len, sizeof(len), (void *)s->args[4]);
	}
	p_s64(s, s->ret);
	p_s64(s, (s32)s->args[0]);
	p_u8(s, level == LEVEL_SOCKET ? 1 : level == LEVEL_TCP ? 2 : 0);
	p_u8(s, option);
	if (get && s->ret < 0)
		p_missing(s);
	else
		p_option(s, option, s->args[3], len);
	p_u32(s, len);
	x_fd(s, (s32)s->args[0], file_of((s32)s->args[0]), 0);
	return rec_end(s);
}

/* One program for the family: what all share (lib/record.h) is verified once for each program. */
SEC("tp_btf/sys_exit")
int socket_calls(u64 *ctx)
{
	switch (EXIT_NR(ctx)) {
	case 41: return socket_exit(ctx);
	case 49: return bind_exit(ctx);
	case 42: return connect_exit(ctx);
	case 50: return listen_exit(ctx);
	case 43:
	case 288: return accept_exit(ctx);
	case 53: return socketpair_exit(ctx);
	case 54:
	case 55: return option_exit(ctx, EXIT_NR(ctx));
	}
	return 0;
}
