/* SPDX-License-Identifier: Apache-2.0 */
/* Data through sockets, options of sockets, pairs. Only over loopback and unix sockets. */
#include "watch.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"

static void exchange(const char *dir)
{
	struct sockaddr_in a = { .sin_family = AF_INET }, from;
	socklen_t len = sizeof(a);
	char in[100], in2[4], control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec two[2] = { { (char *)"ab", 2 }, { (char *)"cdef", 4 } };
	struct iovec into[2] = { { in, 3 }, { in2, sizeof(in2) } };

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	must_be_ok(dup2(socket(AF_INET, SOCK_DGRAM, 0), 40));
	must_be_ok(dup2(socket(AF_INET, SOCK_DGRAM, 0), 41));
	must(bind(40, (struct sockaddr *)&a, sizeof(a)), 0);
	must(getsockname(40, (struct sockaddr *)&a, &len), 0);
	must(getpeername(40, (struct sockaddr *)&from, &len), -ENOTCONN);
	must(syscall(SYS_sendto, 41, "hello", 5, 0, &a, sizeof(a)), 5);
	len = sizeof(from);
	must(syscall(SYS_recvfrom, 40, in, sizeof(in), 0, &from, &len), 5);
	must(syscall(SYS_recvfrom, 40, in, 10, MSG_DONTWAIT, NULL, NULL), -EAGAIN);
	must(syscall(SYS_sendto, 99, "unsent", 6, 0, NULL, 0), -EBADF);
	must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, (int[2]){ 0 }), 0);
	must(syscall(SYS_socketpair, AF_INET, SOCK_STREAM, 0, in), -EOPNOTSUPP);
	int p[2];
	must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, p), 0);
	must_be_ok(dup2(p[0], 50));
	must_be_ok(dup2(p[1], 51));
	struct msghdr m = { .msg_iov = two,
			    .msg_iovlen = 2,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	*CMSG_FIRSTHDR(&m) = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)),
					       .cmsg_level = SOL_SOCKET,
					       .cmsg_type = SCM_RIGHTS };
	must(sendmsg(50, &m, 0), 6);
	m.msg_iov = into;
	memset(control, 0, sizeof(control));
	must(recvmsg(51, &m, 0), 6);
	m = (struct msghdr){ .msg_iov = into, .msg_iovlen = 1 };
	must(recvmsg(51, &m, MSG_DONTWAIT), -EAGAIN);
	struct mmsghdr many[3] = { { .msg_hdr = { .msg_iov = two, .msg_iovlen = 2 } },
				   { .msg_hdr = { .msg_iov = two + 1, .msg_iovlen = 1 } },
				   { .msg_hdr = { .msg_iov = two, .msg_iovlen = 1 } } };
	must(sendmmsg(50, many, 3, 0), 3);
	for (int i = 0; i < 3; i++)
		many[i].msg_hdr = (struct msghdr){ .msg_iov = into, .msg_iovlen = 2 };
	must(recvmmsg(51, many, 3, 0, NULL), 3);
	must(recvmmsg(51, many, 3, MSG_DONTWAIT, NULL), -EAGAIN);
	must(syscall(SYS_shutdown, 50, SHUT_WR), 0);
	must(syscall(SYS_shutdown, 50, 77), -EINVAL);
}

static const struct expected exchanged[] = {
	{ EV_SOCKET_GETSOCKNAME_X, 1, 0, "" },
	{ EV_SOCKET_GETPEERNAME_X, 1, 0, "" },
	{ EV_SOCKET_SENDTO_X, 2, 0,
	  "res=5 data=hello fd=41(<4u>*) size=5 tuple=0.0.0.0:*->127.0.0.1:*" },
	{ EV_SOCKET_SENDTO_X, 2, 1, "res=-9(EBADF) data=unsent fd=99 size=6 tuple=NULL" },
	{ EV_SOCKET_RECVFROM_X, 2, 0,
	  "res=5 data=hello tuple=127.0.0.1:*->127.0.0.1:* fd=40(<4u>*) size=100" },
	{ EV_SOCKET_RECVFROM_X, 2, 1, "res=-11(EAGAIN) data=NULL tuple=NULL fd=40(<4u>*) size=10" },
	{ EV_SOCKET_SENDMSG_X, 1, 0, "res=6 data=abcdef fd=50(<u>*) size=6 tuple=*->*" },
	{ EV_SOCKET_RECVMSG_X, 2, 0,
	  "res=6 size=7 data=abcdef tuple=*->* msgcontrol=?*............... fd=51(<u>*)" },
	{ EV_SOCKET_RECVMSG_X, 2, 1,
	  "res=-11(EAGAIN) size=3 data=NULL tuple=NULL msgcontrol=NULL fd=51(<u>*)" },
	{ EV_SOCKET_SENDMMSG_X, 3, 0, "res=6 fd=50(<u>*) size=6 data=abcdef tuple=*->*" },
	{ EV_SOCKET_SENDMMSG_X, 3, 1, "res=4 fd=50(<u>*) size=4 data=cdef tuple=*->*" },
	{ EV_SOCKET_SENDMMSG_X, 3, 2, "res=2 fd=50(<u>*) size=2 data=ab tuple=*->*" },
	/* All three were received into the same room. */
	{ EV_SOCKET_RECVMMSG_X, 4, 0,
	  "res=6 fd=51(<u>*) size=7 data=ab*f tuple=*->* msgcontrol=NULL" },
	{ EV_SOCKET_RECVMMSG_X, 4, 2,
	  "res=2 fd=51(<u>*) size=7 data=ab tuple=*->* msgcontrol=NULL" },
	{ EV_SOCKET_RECVMMSG_X, 4, 3,
	  "res=-11(EAGAIN) fd=51(<u>*) size=7 data=NULL tuple=NULL msgcontrol=NULL" },
	{ EV_SOCKET_SOCKETPAIR_X, 3, 0,
	  "res=0 fd1=* fd2=* source=??????* peer=??????* domain=1(AF_LOCAL|AF_UNIX) type=5 proto=0" },
	{ EV_SOCKET_SOCKETPAIR_X, 3, 1,
	  "res=-95(E*) fd1=-1(EPERM) fd2=-1(EPERM) source=0 peer=0 domain=2(AF_INET) type=1 proto=0" },
	{ EV_SOCKET_SHUTDOWN_X, 2, 0, "res=0 fd=50(<u>*) how=1(SHUT_WR)" },
	{ EV_SOCKET_SHUTDOWN_X, 2, 1, "res=-22(EINVAL) fd=50(<u>*) how=255" },
};

static void test_exchange(void **st)
{
	const unsigned char *tuple;
	struct watch w;

	watch_run(&w, NULL, exchange);
	assert_events(&w, exchanged, ARRAY_SIZE(exchanged));
	/* The sender's port is known only from the other end, and is the same in both. */
	assert_int_equal(rec_param(watch_get(&w, EV_SOCKET_RECVFROM_X, 0), 2, &tuple), 13);
	assert_memory_equal(tuple + 5, &rec_fd_of(watch_get(&w, EV_SOCKET_SENDTO_X, 0))->local_port,
			    2);
	watch_done(&w);
}

static void options(const char *dir)
{
	struct timeval t = { 2, 500000 };
	int n = 1, err;
	uint64_t cookie;
	char name[40] = { 0 };
	socklen_t len = sizeof(err);

	must_be_ok(dup2(socket(AF_INET, SOCK_STREAM, 0), 40));
	must(setsockopt(40, SOL_SOCKET, SO_KEEPALIVE, &n, sizeof(n)), 0);
	must(setsockopt(40, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)), 0);
	must(setsockopt(40, IPPROTO_TCP, TCP_NODELAY, &n, sizeof(n)), 0);
	must(setsockopt(40, SOL_SOCKET, SO_LINGER, "\1\0\0\0x\0\0\0", 8), 0);
	must(setsockopt(40, SOL_SOCKET, SO_RCVBUF, (void *)8, 4), -EFAULT);
	must(setsockopt(99, 77, 7, NULL, 0), -EBADF);
	must(getsockopt(40, SOL_SOCKET, SO_ERROR, &err, &len), 0);
	len = sizeof(n);
	must(getsockopt(40, SOL_SOCKET, SO_KEEPALIVE, &n, &len), 0);
	len = sizeof(cookie);
	must(getsockopt(40, SOL_SOCKET, SO_COOKIE, &cookie, &len), 0);
	len = sizeof(name);
	must(getsockopt(40, IPPROTO_TCP, TCP_CONGESTION, name, &len), 0);
	must(getsockopt(40, SOL_SOCKET, 9999, name, &len), -ENOPROTOOPT);
}

static const struct expected opted[] = {
	{ EV_SOCKET_SETSOCKOPT_X, 6, 0,
	  "res=0 fd=40(<4t>*) level=1(SOL_SOCKET) optname=9(SO_KEEPALIVE) val=1 optlen=4" },
	{ EV_SOCKET_SETSOCKOPT_X, 6, 1,
	  "res=0 fd=40(<4t>*) level=1(SOL_SOCKET) optname=20(SO_RCVTIMEO) "
	  "val=2500000000(2.500000000s) optlen=16" },
	{ EV_SOCKET_SETSOCKOPT_X, 6, 2,
	  "res=0 fd=40(<4t>*) level=2(SOL_TCP) optname=0(UNKNOWN) val=.... optlen=4" },
	{ EV_SOCKET_SETSOCKOPT_X, 6, 3,
	  "res=0 fd=40(<4t>*) level=1(SOL_SOCKET) optname=13(SO_LINGER) val=....x... optlen=8" },
	{ EV_SOCKET_SETSOCKOPT_X, 6, 4,
	  "res=-14(EFAULT) fd=40(<4t>*) level=1(SOL_SOCKET) optname=8(SO_RCVBUF) val=NULL optlen=4" },
	{ EV_SOCKET_SETSOCKOPT_X, 6, 5,
	  "res=-9(EBADF) fd=99 level=0(UNKNOWN) optname=0(UNKNOWN) val=NULL optlen=0" },
	{ EV_SOCKET_GETSOCKOPT_X, 5, 0,
	  "res=0 fd=40(<4t>*) level=1(SOL_SOCKET) optname=4(SO_ERROR) val=0 optlen=4" },
	{ EV_SOCKET_GETSOCKOPT_X, 5, 1,
	  "res=0 fd=40(<4t>*) level=1(SOL_SOCKET) optname=9(SO_KEEPALIVE) val=1 optlen=4" },
	{ EV_SOCKET_GETSOCKOPT_X, 5, 2,
	  "res=0 fd=40(<4t>*) level=1(SOL_SOCKET) optname=53(SO_COOKIE) val=[1-9]* optlen=8" },
	{ EV_SOCKET_GETSOCKOPT_X, 5, 3,
	  "res=0 fd=40(<4t>*) level=2(SOL_TCP) optname=0(UNKNOWN) val=[a-z]* optlen=*" },
	{ EV_SOCKET_GETSOCKOPT_X, 5, 4,
	  "res=-92(ENOPROTOOPT) fd=40(<4t>*) level=1(SOL_SOCKET) optname=0(UNKNOWN) val=NULL optlen=*" },
};

static void test_options(void **st)
{
	struct watch w;

	watch_run(&w, NULL, options);
	assert_events(&w, opted, ARRAY_SIZE(opted));
	watch_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_exchange),
					    cmocka_unit_test(test_options) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
