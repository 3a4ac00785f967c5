/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets over loopback: addresses, tuples, the socket behind the descriptor. */
#include "watch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PORT = 39217, PORT6 = 39218 };

static void talk_inet(const char *dir)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int one = 1;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	must_be_ok(dup2(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), 40));
	setsockopt(40, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	must(bind(40, (struct sockaddr *)&a, sizeof(a)), 0);
	must(listen(40, 5), 0);
	must_be_ok(dup2(socket(AF_INET, SOCK_STREAM, 0), 41));
	must(connect(41, (struct sockaddr *)&a, sizeof(a)), 0);
	must_be_ok(accept4(40, NULL, NULL, SOCK_CLOEXEC));
	a.sin_port = htons(PORT6 + 1);
	must_be_ok(dup2(socket(AF_INET, SOCK_DGRAM, 0), 42));
	must(sendto(42, "hello", 5, 0, (struct sockaddr *)&a, sizeof(a)), 5);
	struct iovec v[2] = { { (char *)"abc", 3 }, { (char *)"defg", 4 } };
	struct msghdr m = {
		.msg_name = &a, .msg_namelen = sizeof(a), .msg_iov = v, .msg_iovlen = 2
	};

	/* The first datagram may have been refused meanwhile. */
	if (sendmsg(42, &m, 0) != 7)
		must(sendmsg(42, &m, 0), 7);
	must_be_ok(dup2(socket(AF_INET, SOCK_STREAM, 0), 43));
	must(connect(43, (struct sockaddr *)&a, sizeof(a)), -ECONNREFUSED);
}

static void assert_bytes(const struct rec_hdr *r, unsigned i, const void *want, int n)
{
	const unsigned char *p;

	assert_int_equal(rec_param(r, i, &p), n);
	assert_memory_equal(p, want, (size_t)n);
}

static void test_inet(void **st)
{
	const unsigned char loop[4] = { 127, 0, 0, 1 };
	unsigned char addr[7] = { AF_INET, 127, 0, 0, 1, PORT & 0xff, PORT >> 8 };
	const unsigned char *p;
	struct watch w;

	watch_run(&w, NULL, talk_inet);
	assert_int_equal(watch_count(&w, EV_SOCKET_SOCKET_X, 0), 4);
	const struct rec_hdr *r = watch_get(&w, EV_SOCKET_SOCKET_X, 0);

	assert_int_equal(rec_num(r, 1), AF_INET);
	assert_int_equal(rec_num(r, 2) & 0xf, SOCK_STREAM);
	assert_int_equal(rec_num(r, 4), 0x1000);
	assert_int_equal(rec_fd_of(r)->kind, '4');
	assert_int_equal(rec_fd_of(r)->l4, IPPROTO_TCP);

	assert_int_equal(watch_count(&w, EV_SOCKET_BIND_X, 0), 1);
	r = watch_get(&w, EV_SOCKET_BIND_X, 0);
	assert_int_equal(rec_num(r, 0), 0);
	assert_bytes(r, 1, addr, 7);
	assert_int_equal(rec_num(r, 2), 40);
	assert_int_equal(rec_fd_of(r)->local_port, PORT);

	assert_int_equal(watch_count(&w, EV_SOCKET_LISTEN_X, 0), 1);
	r = watch_get(&w, EV_SOCKET_LISTEN_X, 0);
	assert_int_equal(rec_num(r, 2), 5);
	assert_true(rec_fd_of(r)->flags & REC_FD_LISTENING);

	assert_int_equal(watch_count(&w, EV_SOCKET_CONNECT_X, 0), 2);
	r = watch_get(&w, EV_SOCKET_CONNECT_X, 0);
	assert_int_equal(rec_num(r, 0), 0);
	assert_int_equal(rec_param(r, 1, &p), 13);
	assert_int_equal(p[0], AF_INET);
	assert_memory_equal(p + 1, loop, 4);
	assert_memory_equal(p + 7, loop, 4);
	assert_memory_equal(p + 11, addr + 5, 2);
	assert_int_equal(rec_num(r, 2), 41);
	assert_bytes(r, 3, addr, 7);
	uint16_t from = rec_fd_of(r)->local_port;

	assert_memory_equal(p + 5, &from, 2);
	assert_int_equal(rec_fd_of(r)->remote_port, PORT);
	assert_memory_equal(rec_fd_of(r)->remote_addr, loop, 4);
	assert_int_equal(rec_fd_of(r)->flags, REC_FD_CLIENT | REC_FD_CONNECTED);

	assert_int_equal(watch_count(&w, EV_SOCKET_ACCEPT4_6_X, 0), 1);
	r = watch_get(&w, EV_SOCKET_ACCEPT4_6_X, 0);
	assert_int_equal(rec_param(r, 1, &p), 13);
	assert_memory_equal(p + 5, &from, 2);
	assert_memory_equal(p + 11, addr + 5, 2);
	assert_int_equal(rec_num(r, 4), 5);
	assert_int_equal(rec_num(r, 5), SOCK_CLOEXEC);
	assert_int_equal(rec_fd_of(r)->flags, REC_FD_SERVER | REC_FD_CONNECTED);

	r = watch_get(&w, EV_SOCKET_SENDTO_X, 0);
	assert_int_equal(rec_num(r, 0), 5);
	assert_bytes(r, 1, "hello", 5);
	assert_int_equal(rec_num(r, 3), 5);
	assert_int_equal(rec_param(r, 4, &p), 13);
	assert_memory_equal(p + 7, loop, 4);
	r = watch_get(&w, EV_SOCKET_SENDMSG_X, watch_count(&w, EV_SOCKET_SENDMSG_X, 0) - 1);
	assert_int_equal(rec_num(r, 0), 7);
	assert_bytes(r, 1, "abcdefg", 7);
	assert_int_equal(rec_num(r, 3), 7);

	r = watch_get(&w, EV_SOCKET_CONNECT_X, 1);
	assert_int_equal(rec_num(r, 0), -ECONNREFUSED);
	assert_int_equal(rec_param(r, 1, &p), -1);
	assert_int_equal(rec_param(r, 3, &p), 7);
	watch_done(&w);
}

static void talk_other(const char *dir)
{
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6,
				   .sin6_port = htons(PORT6),
				   .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_un u = { .sun_family = AF_UNIX, .sun_path = "sock" };

	must_be_ok(dup2(socket(AF_UNIX, SOCK_STREAM, 0), 40));
	must(bind(40, (struct sockaddr *)&u, sizeof(u)), 0);
	must(listen(40, 1), 0);
	must_be_ok(dup2(socket(AF_UNIX, SOCK_STREAM, 0), 41));
	must(connect(41, (struct sockaddr *)&u, sizeof(u)), 0);
	must_be_ok(accept(40, NULL, NULL));
	if (socket(AF_INET6, SOCK_DGRAM, 0) < 0)
		return; /* a machine without IPv6 */
	connect(42, (struct sockaddr *)&a6, sizeof(a6));
	must_be_ok(dup2(socket(AF_INET6, SOCK_DGRAM, 0), 43));
	connect(43, (struct sockaddr *)&a6, sizeof(a6));
}

static void test_other(void **st)
{
	const unsigned char *p;
	struct watch w;

	watch_run(&w, NULL, talk_other);
	const struct rec_hdr *r = watch_get(&w, EV_SOCKET_BIND_X, 0);

	assert_bytes(r, 1, "\1sock", 5);
	r = watch_get(&w, EV_SOCKET_CONNECT_X, 0);
	int n = rec_param(r, 1, &p);

	assert_int_equal(n, 17 + 4);
	assert_int_equal(p[0], AF_UNIX);
	assert_memory_equal(p + 17, "sock", 4);
	assert_memory_equal(p + 1, &rec_fd_of(r)->unix_self, 8);
	assert_memory_equal(p + 9, &rec_fd_of(r)->unix_peer, 8);
	assert_bytes(r, 3, "\1sock", 5);
	assert_int_equal(rec_fd_of(r)->kind, 'u');
	assert_int_equal(watch_count(&w, EV_SOCKET_ACCEPT_5_X, 0), 1);
	r = watch_get(&w, EV_SOCKET_ACCEPT_5_X, 0);
	assert_int_equal(r->nparams, 5);
	n = rec_param(r, 1, &p);
	assert_int_equal(n, 17 + 4);
	assert_memory_equal(p + 17, "sock", 4);
	if (watch_count(&w, EV_SOCKET_CONNECT_X, 0) == 3) {
		r = watch_get(&w, EV_SOCKET_CONNECT_X, 1);
		assert_int_equal(rec_num(r, 0), -EBADF);
		r = watch_get(&w, EV_SOCKET_CONNECT_X, 2);
		assert_int_equal(rec_param(r, 3, &p), 19);
		assert_int_equal(p[0], AF_INET6);
		assert_int_equal(p[16], 1);
		if (rec_num(r, 0) == 0) {
			assert_int_equal(rec_param(r, 1, &p), 37);
			assert_int_equal(p[34], 1);
		}
		assert_int_equal(rec_fd_of(r)->kind, '6');
	}
	watch_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_inet),
					    cmocka_unit_test(test_other) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
