// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/* Sockets. Addresses of connected ends come from the kernel's socket, not from the caller's memory. */
#include "lib/data.h"
#include "lib/flags.h"
#include "lib/socket.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

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

INLINE int sendto_exit(u64 *ctx)
{
	struct slot *s = exit_begin(ctx, 44, EV_SOCKET_SENDTO_X, 5, 2);
	u64 file;

	if (!s)
		return 0;
	file = file_of((s32)s->args[0]);
	p_s64(s, s->ret);
	p_user_bytes(s, s->args[1], snapped(sent_bytes(s, s->args[2])));
	p_s64(s, (s32)s->args[0]);
	p_u32(s, s->args[2]);
	p_tuple(s, sock_of(file), s->args[4], (u32)s->args[5], 0);
	x_fd(s, (s32)s->args[0], file, 0);
	return rec_end(s);
}

struct message {
	u64 name, namelen, iov, iovlen;
};

/* struct msghdr, of either width. */
INLINE struct message message_fetch(struct slot *s)
{
	struct message m = { 0 };
	u32 narrow[4] = { 0 };

	if (HDR(s)->flags & REC_F_32BIT) {
		bpf_probe_read_user(narrow, sizeof(narrow), (void *)s->args[1]);
		m.name = narrow[0];
		m.namelen = narrow[1];
		m.iov = narrow[2];
		m.iovlen = narrow[3];
		return m;
	}
	bpf_probe_read_user(&m, sizeof(m), (void *)s->args[1]);
	m.namelen = (u32)m.namelen;
	return m;
}

INLINE int sendmsg_exit(u64 *ctx)
{
	struct slot *s = exit_begin(ctx, 46, EV_SOCKET_SENDMSG_X, 5, 2);
	u64 file;

	if (!s)
		return 0;
	struct message m = message_fetch(s);

	file = file_of((s32)s->args[0]);
	p_s64(s, s->ret);
	p_pieces(s, m.iov, m.iovlen, sent_bytes(s, ~0ull), 1);
	p_s64(s, (s32)s->args[0]);
	p_u32(s, s->size);
	p_tuple(s, sock_of(file), m.name, (u32)m.namelen, 0);
	x_fd(s, (s32)s->args[0], file, 0);
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
	case 44: return sendto_exit(ctx);
	case 46: return sendmsg_exit(ctx);
	}
	return 0;
}
