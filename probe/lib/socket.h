/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/* Addresses and tuples of sockets as parameters (record.h says how they are packed). */
#ifndef TIERCEL_PROBE_SOCKET_H
#define TIERCEL_PROBE_SOCKET_H

#include "lib/record.h"

enum { SOCKADDR_MAX = 110 /* sizeof(struct sockaddr_un) */ };

INLINE u64 sock_of(u64 file)
{
	u64 inode, sock;

	if (!file)
		return 0;
	inode = (u64)CORE(file, file, f_inode);
	if ((CORE(inode, inode, i_mode) & 0170000) != 0140000)
		return 0;
	sock = (u64)CORE(file, file, private_data);
	return sock ? (u64)CORE(socket, sock, sk) : 0;
}

INLINE u16 swap16(u16 v)
{
	return (u16)(v << 8 | v >> 8);
}

/* Brings the caller's address to tmp, zero-ended; returns its family, 0 for none. */
INLINE u16 sockaddr_fetch(struct slot *s, u64 addr, u32 len)
{
	for (u32 i = 0; i < 16; i++)
		((u64 *)s->tmp)[i] = 0;
	len = (u32)BOUND(len, 0x7f);
	if (len > SOCKADDR_MAX)
		len = SOCKADDR_MAX;
	if (!addr || len < 2 || bpf_probe_read_user(s->tmp, len, (void *)addr) < 0)
		return 0;
	return *(u16 *)s->tmp;
}

/* The path of a struct sockaddr_un in kernel memory, after n bytes already written; new length. */
INLINE u64 unix_path(struct slot *s, u64 sun, u64 n)
{
	u8 first = 0;
	long len;

	/* An abstract name begins with NUL. */
	bpf_probe_read_kernel(&first, 1, (void *)(sun + 2));
	len = bpf_probe_read_kernel_str(AT(s, s->off) + n, 109, (void *)(sun + (first ? 2 : 3)));
	return len > 0 ? n + (u64)len - 1 : n;
}

SHARED int p_sockaddr(struct slot *s, u64 addr, u32 len)
{
	u16 family;

	if (!s)
		return 0;
	family = sockaddr_fetch(s, addr, len);
	u8 *o = AT(s, s->off);

	o[0] = (u8)family;
	if (family == LINUX_AF_INET) {
		*(u32 *)(o + 1) = *(u32 *)(s->tmp + 4);
		*(u16 *)(o + 5) = swap16(*(u16 *)(s->tmp + 2));
		p_done(s, 7);
	} else if (family == LINUX_AF_INET6) {
		*(u64 *)(o + 1) = *(u64 *)(s->tmp + 8);
		*(u64 *)(o + 9) = *(u64 *)(s->tmp + 16);
		*(u16 *)(o + 17) = swap16(*(u16 *)(s->tmp + 2));
		p_done(s, 19);
	} else if (family == LINUX_AF_UNIX) {
		u32 at = s->tmp[2] ? 2 : 3;
		long n = bpf_probe_read_kernel_str(o + 1, 109, s->tmp + at);

		p_done(s, n > 0 ? (u64)n : 1);
	} else {
		p_missing(s);
	}
	return 0;
}

INLINE void tuple_inet(struct slot *s, u64 sk, u16 family, bool inbound)
{
	u32 local = CORE(sock, sk, __sk_common.skc_rcv_saddr);
	u32 remote = CORE(sock, sk, __sk_common.skc_daddr);
	u16 lport = CORE(sock, sk, __sk_common.skc_num);
	u16 rport = swap16(CORE(sock, sk, __sk_common.skc_dport));
	u8 *o = AT(s, s->off);

	/* Not connected: where the caller wants to send. */
	if (family == LINUX_AF_INET && !remote) {
		remote = *(u32 *)(s->tmp + 4);
		rport = swap16(*(u16 *)(s->tmp + 2));
	}
	o[0] = LINUX_AF_INET;
	*(u32 *)(o + 1) = inbound ? remote : local;
	*(u16 *)(o + 5) = inbound ? rport : lport;
	*(u32 *)(o + 7) = inbound ? local : remote;
	*(u16 *)(o + 11) = inbound ? lport : rport;
	p_done(s, 13);
}

INLINE void tuple_inet6(struct slot *s, u64 sk, u16 family, bool inbound)
{
	struct sock *k = (struct sock *)sk;
	u64 local[2] = { 0 }, remote[2] = { 0 };
	u16 lport = CORE(sock, sk, __sk_common.skc_num);
	u16 rport = swap16(CORE(sock, sk, __sk_common.skc_dport));
	u8 *o = AT(s, s->off);

	bpf_probe_read_kernel(local, 16, (void *)&k->__sk_common.skc_v6_rcv_saddr);
	bpf_probe_read_kernel(remote, 16, (void *)&k->__sk_common.skc_v6_daddr);
	if (family == LINUX_AF_INET6 && !(remote[0] | remote[1])) {
		remote[0] = *(u64 *)(s->tmp + 8);
		remote[1] = *(u64 *)(s->tmp + 16);
		rport = swap16(*(u16 *)(s->tmp + 2));
	}
	o[0] = LINUX_AF_INET6;
	*(u64 *)(o + 1) = inbound ? remote[0] : local[0];
	*(u64 *)(o + 9) = inbound ? remote[1] : local[1];
	*(u16 *)(o + 17) = inbound ? rport : lport;
	*(u64 *)(o + 19) = inbound ? local[0] : remote[0];
	*(u64 *)(o + 27) = inbound ? local[1] : remote[1];
	*(u16 *)(o + 35) = inbound ? lport : rport;
	p_done(s, 37);
}

/* The name is that of the end that listens. */
INLINE void tuple_unix(struct slot *s, u64 sk, u16 family, bool inbound)
{
	u64 peer = (u64)CORE(unix_sock, sk, peer), n = 17;
	u64 named = inbound ? sk : peer;
	u64 addr = named ? (u64)CORE(unix_sock, named, addr) : 0;
	u8 *o = AT(s, s->off);

	o[0] = LINUX_AF_UNIX;
	*(u64 *)(o + 1) = inbound ? peer : sk;
	*(u64 *)(o + 9) = inbound ? sk : peer;
	if (addr) {
		n = unix_path(s, addr + bpf_core_field_offset(struct unix_address, name), n);
	} else if (family == LINUX_AF_UNIX) {
		u32 at = s->tmp[2] ? 2 : 3;
		long len = bpf_probe_read_kernel_str(o + n, 109, s->tmp + at);

		if (len > 0)
			n += (u64)len - 1;
	}
	p_done(s, n);
}

/* Source and destination of a socket; addr is what the caller gave, 0 for none. */
SHARED int p_tuple(struct slot *s, u64 sk, u64 addr, u32 len, u32 inbound)
{
	u16 family, given;

	if (!s)
		return 0;
	given = sockaddr_fetch(s, addr, len);
	family = sk ? CORE(sock, sk, __sk_common.skc_family) : 0;
	if (family == LINUX_AF_INET)
		tuple_inet(s, sk, given, inbound);
	else if (family == LINUX_AF_INET6)
		tuple_inet6(s, sk, given, inbound);
	else if (family == LINUX_AF_UNIX)
		tuple_unix(s, sk, given, inbound);
	else
		p_missing(s);
	return 0;
}

#endif
