// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/*
 * Data through sockets: what, how much, and between which ends. An address is the caller's only where the
 * socket is not connected; sendmmsg and recvmmsg are told as one event for each message.
 */
#include "lib/data.h"
#include "lib/socket.h"

enum { MESSAGES = 64 /* of one call; more are not told */ };

INLINE u64 received_bytes(struct slot *s)
{
	return s->ret > 0 ? (u64)s->ret : 0;
}

/* What is to be told of the descriptor, and its socket. */
INLINE u64 own_sock(struct slot *s)
{
	return sock_of(file_of((s32)s->args[0]));
}

INLINE int own_fd_end(struct slot *s)
{
	s64 fd = (s32)s->args[0];

	x_fd(s, fd, file_of(fd), 0);
	return rec_end(s);
}

/* send and sendto */
INLINE int send_exit(u64 *ctx, u32 nr)
{
	struct slot *s = exit_begin(ctx, nr, nr == 44 ? EV_SOCKET_SENDTO_X : EV_SOCKET_SEND_X, 5,
				    2);
	bool addressed = nr == 44;

	if (!s)
		return 0;
	p_s64(s, s->ret);
	p_user_bytes(s, s->args[1], snapped(sent_bytes(s, s->args[2])));
	p_s64(s, (s32)s->args[0]);
	p_u32(s, s->args[2]);
	p_tuple(s, own_sock(s), addressed ? s->args[4] : 0, addressed ? (u32)s->args[5] : 0, 0);
	return own_fd_end(s);
}

INLINE void p_from(struct slot *s, u64 addr, u32 len)
{
	if (s->ret < 0)
		p_missing(s);
	else
		p_tuple(s, own_sock(s), addr, len, 1);
}

INLINE int recv_exit(u64 *ctx)
{
	struct slot *s = exit_begin(ctx, PROBE_RECV, EV_SOCKET_RECV_X, 5, 2);

	if (!s)
		return 0;
	p_s64(s, s->ret);
	p_user_bytes(s, s->args[1], snapped(received_bytes(s)));
	p_s64(s, (s32)s->args[0]);
	p_u32(s, s->args[2]);
	p_from(s, 0, 0);
	return own_fd_end(s);
}

INLINE int recvfrom_exit(u64 *ctx)
{
	struct slot *s = exit_begin(ctx, 45, EV_SOCKET_RECVFROM_X, 5, 2);
	u32 len = 0;

	if (!s)
		return 0;
	if (s->args[5])
		bpf_probe_read_user(&len, sizeof(len), (void *)s->args[5]);
	p_s64(s, s->ret);
	p_user_bytes(s, s->args[1], snapped(received_bytes(s)));
	p_from(s, s->args[4], len);
	p_s64(s, (s32)s->args[0]);
	p_u32(s, s->args[2]);
	return own_fd_end(s);
}

/* struct msghdr */
struct message {
	u64 name, namelen, iov, iovlen, control, controllen, flags;
};

/* Of either width. */
INLINE struct message message_fetch(struct slot *s, u64 at)
{
	struct message m = { 0 };
	u32 narrow[7] = { 0 };

	if (HDR(s)->flags & REC_F_32BIT) {
		bpf_probe_read_user(narrow, sizeof(narrow), (void *)at);
		m.name = narrow[0];
		m.namelen = narrow[1];
		m.iov = narrow[2];
		m.iovlen = narrow[3];
		m.control = narrow[4];
		m.controllen = narrow[5];
		return m;
	}
	bpf_probe_read_user(&m, sizeof(m), (void *)at);
	m.namelen = (u32)m.namelen;
	return m;
}

INLINE int sendmsg_exit(u64 *ctx)
{
	struct slot *s = exit_begin(ctx, 46, EV_SOCKET_SENDMSG_X, 5, 2);

	if (!s)
		return 0;
	struct message m = message_fetch(s, s->args[1]);

	p_s64(s, s->ret);
	p_pieces(s, m.iov, m.iovlen, sent_bytes(s, ~0ull), 1);
	p_s64(s, (s32)s->args[0]);
	p_u32(s, s->size);
	p_tuple(s, own_sock(s), m.name, (u32)m.namelen, 0);
	return own_fd_end(s);
}

/* The number of the length's parameter comes before that of the data's: it is walked for twice. */
INLINE void p_received(struct slot *s, struct message *m)
{
	p_pieces(s, m->iov, m->iovlen, 0, 0);
	p_u32(s, s->size);
	p_pieces(s, m->iov, m->iovlen, received_bytes(s), 1);
	p_from(s, m->name, (u32)m->namelen);
	if (s->ret < 0)
		p_len(s, 0);
	else
		p_user_bytes(s, m->control, m->controllen);
}

INLINE int recvmsg_exit(u64 *ctx)
{
	struct slot *s = exit_begin(ctx, 47, EV_SOCKET_RECVMSG_X, 6, 2);

	if (!s)
		return 0;
	struct message m = message_fetch(s, s->args[1]);

	p_s64(s, s->ret);
	p_received(s, &m);
	p_s64(s, (s32)s->args[0]);
	return own_fd_end(s);
}

/* Message i of the call; of a failed one the result is that of the call. */
INLINE void one_of_many(u64 *ctx, u32 nr, u32 i)
{
	bool sent = nr == 307;
	struct slot *s = exit_begin(ctx, nr, sent ? EV_SOCKET_SENDMMSG_X : EV_SOCKET_RECVMMSG_X,
				    sent ? 5 : 6, 2);
	u32 len = 0;

	if (!s)
		return;
	u32 size = HDR(s)->flags & REC_F_32BIT ? 28
					       : 56; /* before the length of what went through */
	u64 at = s->args[1] + (u64)i * (size + (size == 28 ? 4 : 8));
	struct message m = message_fetch(s, at);

	if (s->ret > 0) {
		if (i == MESSAGES - 1 && s->ret > MESSAGES)
			HDR(s)->flags |= REC_F_TRUNCATED;
		bpf_probe_read_user(&len, sizeof(len), (void *)(at + size));
		s->ret = len;
	}
	p_s64(s, s->ret);
	p_s64(s, (s32)s->args[0]);
	if (sent) {
		p_pieces(s, m.iov, m.iovlen, 0, 0);
		p_u32(s, s->size);
		p_pieces(s, m.iov, m.iovlen, sent_bytes(s, ~0ull), 1);
		p_tuple(s, own_sock(s), m.name, (u32)m.namelen, 0);
	} else {
		p_received(s, &m);
	}
	own_fd_end(s);
}

INLINE int many_exit(u64 *ctx, u32 nr)
{
	s64 n = exit_ret(ctx);

	for (u32 i = 0; i < MESSAGES; i++) {
		if (i > 0 && i >= n)
			break;
		one_of_many(ctx, nr, i);
	}
	return 0;
}

/* One program for the family: what all share (lib/record.h) is verified once for each program. */
SEC("tp_btf/sys_exit")
int message_calls(u64 *ctx)
{
	u32 nr = EXIT_NR(ctx);

	switch (nr) {
	case 44:
	case PROBE_SEND: return send_exit(ctx, nr);
	case 45: return recvfrom_exit(ctx);
	case PROBE_RECV: return recv_exit(ctx);
	case 46: return sendmsg_exit(ctx);
	case 47: return recvmsg_exit(ctx);
	case 299:
	case 307: return many_exit(ctx, nr);
	}
	return 0;
}
