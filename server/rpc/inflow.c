/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gRPC reads and writes its sockets with recvmsg and sendmsg, and offers no place to look in between: so the two
 * functions are ours, for the whole process, and before inflow_start they are the system calls and nothing else.
 *
 * A number is used again by the next connection. What is noted under it is worth a burst, and after that the
 * socket's cookie (socket(7), SO_COOKIE) tells whether it is still the same.
 */
#include "rpc/inflow.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

enum { FILES_MAX = 1 << 20, PEER_TEXT = 96 };

/* One reader at a time, which gRPC sees to; writers may be others. */
struct flow {
	_Atomic uint64_t level; /* bytes sent, less what has leaked away */
	_Atomic uint64_t since_ns, cookie;
	_Atomic uint64_t unseen; /* bytes since the cookie was looked at */
	_Atomic uint64_t out;	 /* sent to it since the last read */
	_Atomic uint64_t taken;	 /* of what it sent, by the methods, since then */
};

static struct {
	struct flow *flows; /* NULL: not started */
	int n;
	uint64_t burst;
	_Atomic uint64_t cut;
} inflow;

int inflow_start(size_t burst)
{
	struct rlimit limit = { .rlim_cur = 1024 };

	getrlimit(RLIMIT_NOFILE, &limit);
	inflow.burst = burst;
	inflow.n = limit.rlim_cur > FILES_MAX ? FILES_MAX : (int)limit.rlim_cur;
	inflow.flows = calloc((size_t)inflow.n, sizeof(*inflow.flows));
	return inflow.flows ? 0 : -ENOMEM;
}

uint64_t inflow_cut(void)
{
	return atomic_load(&inflow.cut);
}

/* As gRPC writes it, with brackets escaped; an IPv4 peer of an IPv6 socket is an IPv4 peer. */
static void print_peer(const struct sockaddr_in6 *a, char out[PEER_TEXT])
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)a;
	char text[INET6_ADDRSTRLEN] = "";
	bool mapped = a->sin6_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a->sin6_addr);

	if (a->sin6_family == AF_INET || mapped) {
		inet_ntop(AF_INET, mapped ? (const void *)&a->sin6_addr.s6_addr[12] : &v4->sin_addr,
			  text, sizeof(text));
		snprintf(out, PEER_TEXT, "ipv4:%s:%u", text, ntohs(a->sin6_port));
	} else {
		inet_ntop(AF_INET6, &a->sin6_addr, text, sizeof(text));
		snprintf(out, PEER_TEXT, "ipv6:%%5B%s%%5D:%u", text, ntohs(a->sin6_port));
	}
}

int inflow_find(const char *peer)
{
	char text[PEER_TEXT];
	int fd;

	if (sscanf(peer, "fd:%d", &fd) == 1)
		return fd;
	for (fd = 0; fd < inflow.n; fd++) {
		struct sockaddr_in6 a = { 0 };
		socklen_t len = sizeof(a);

		if (!atomic_load_explicit(&inflow.flows[fd].since_ns, memory_order_relaxed) ||
		    getpeername(fd, (struct sockaddr *)&a, &len) < 0 ||
		    (a.sin6_family != AF_INET && a.sin6_family != AF_INET6))
			continue;
		print_peer(&a, text);
		if (strcmp(text, peer) == 0)
			return fd;
	}
	return -1;
}

void inflow_taken(int fd, uint64_t bytes)
{
	if (fd >= 0 && fd < inflow.n)
		atomic_fetch_add(&inflow.flows[fd].taken, bytes);
}

static void begin_anew(struct flow *f, uint64_t cookie, uint64_t now)
{
	atomic_store(&f->cookie, cookie);
	atomic_store(&f->level, 0);
	atomic_store(&f->out, 0);
	atomic_store(&f->taken, 0);
	atomic_store(&f->since_ns, now);
}

static void look_who_it_is(struct flow *f, int fd, uint64_t now)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	atomic_store(&f->unseen, 0);
	if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) == 0 &&
	    cookie != atomic_load(&f->cookie))
		begin_anew(f, cookie, now);
}

/* Whether these bytes are still within what it may send. */
static bool allowed(struct flow *f, int fd, uint64_t bytes)
{
	uint64_t now = clock_boot_ns();

	if (atomic_fetch_add(&f->unseen, bytes) + bytes >= inflow.burst / 2)
		look_who_it_is(f, fd, now);
	uint64_t past = now - atomic_exchange(&f->since_ns, now);
	uint64_t leak = past / (NS_PER_SEC / INFLOW_RATE) + 2 * atomic_exchange(&f->out, 0) +
			2 * atomic_exchange(&f->taken, 0);
	uint64_t level = atomic_load(&f->level);
	level = (level > leak ? level - leak : 0) + bytes;
	atomic_store(&f->level, level);
	if (level <= inflow.burst)
		return true;
	/* Perhaps the one before with this number was. */
	look_who_it_is(f, fd, now);
	return atomic_load(&f->level) < level;
}

static ssize_t cut_off(void)
{
	if (atomic_fetch_add(&inflow.cut, 1) == 0)
		log_warning("grpc: a client sent more than any has to say and was cut off");
	errno = ECONNRESET;
	return -1;
}

__attribute__((visibility("default"))) ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	ssize_t n = syscall(SYS_recvmsg, fd, msg, flags);

	if (n <= 0 || !inflow.flows || fd >= inflow.n || (flags & MSG_ERRQUEUE))
		return n;
	return allowed(&inflow.flows[fd], fd, (uint64_t)n) ? n : cut_off();
}

__attribute__((visibility("default"))) ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	ssize_t n = syscall(SYS_sendmsg, fd, msg, flags);

	if (n > 0 && inflow.flows && fd < inflow.n)
		atomic_fetch_add_explicit(&inflow.flows[fd].out, (uint64_t)n, memory_order_relaxed);
	return n;
}
