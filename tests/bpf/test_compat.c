// SPDX-License-Identifier: Apache-2.0
/*
 * Calls of i386, made by int 0x80: other numbers, narrow arguments, structures of another layout, and calls that
 * x86-64 does not have. Everything pointed to lies below 4 GiB.
 */
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

static char *low; /* where arguments lie; its beginning stays free */

static long old(long nr, long a, long b, long c, long d, long e, long f)
{
	long ret;

	/* The sixth argument is in ebp, which the compiler may not be asked for; below the stack pointer it keeps things. */
	__asm__ volatile("lea -128(%%rsp), %%rsp; push %%rbp; mov %7, %%rbp; int $0x80; pop %%rbp;"
			 "lea 128(%%rsp), %%rsp"
			 : "=a"(ret)
			 : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e), "r"(f)
			 : "memory", "r8", "r9", "r10", "r11", "r12");
	return ret;
}

#define OLD(nr, a, b, c, d, e) old(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)

static void *put(size_t at, const void *data, size_t n)
{
	return memcpy(low + at, data, n);
}

static void gives(long got, long want)
{
	if (got != want) {
		errno = (int)-got;
		must(-1, want);
	}
}

static bool has_old_calls(void)
{
	low = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1,
		   0);
	must_be_ok(low == MAP_FAILED ? -1 : 0);
	return OLD(20 /* getpid */, 0, 0, 0, 0, 0) != -ENOSYS;
}

static void files(const char *dir)
{
	if (!has_old_calls())
		return;
	char *name = put(64, "old", 4), *data = put(128, "bytes", 6);
	uint32_t *iov = (uint32_t *)(void *)(low + 256);

	gives(OLD(5 /* open */, name, O_CREAT | O_RDWR, 0640, 0, 0) < 0, 0);
	must_be_ok(dup2(open("old", O_RDWR), 50));
	gives(OLD(295 /* openat */, AT_FDCWD, name, O_RDONLY, 0, 0) < 0, 0);
	gives(OLD(4 /* write */, 50, data, 5, 0, 0), 5);
	iov[0] = (uint32_t)(uintptr_t)data;
	iov[1] = 2;
	iov[2] = (uint32_t)(uintptr_t)(data + 3);
	iov[3] = 2;
	gives(OLD(146 /* writev */, 50, iov, 2, 0, 0), 4);
	gives(OLD(180 /* pread64 */, 50, low, 4, 1, 0), 4);
	gives(OLD(181 /* pwrite64 */, 50, data, 1, 5, 1), 1);
	gives(OLD(140 /* _llseek */, 50, 1, 2, low, SEEK_SET), 0);
	gives(OLD(15 /* chmod */, name, 0600, 0, 0, 0), 0);
	gives(OLD(182 /* chown, 16 bits */, name, 0xffff, 7, 0, 0), 0);
	gives(OLD(212 /* chown32 */, name, -1, 70000, 0, 0), 0);
	gives(OLD(195 /* stat64 */, name, low + 512, 0, 0, 0), 0);
	gives(OLD(196 /* lstat64 */, name, low + 512, 0, 0, 0), 0);
	gives(OLD(197 /* fstat64 */, 50, low + 512, 0, 0, 0), 0);
	gives(OLD(300 /* fstatat64 */, -1, name, low + 512, 0, 0), -EBADF);
	gives(OLD(22 /* umount */, name, 0, 0, 0, 0), -EINVAL);
	gives(OLD(221 /* fcntl64 */, 50, F_GETFD, 0, 0, 0), 0);
	gives(OLD(38 /* rename */, name, put(192, "older", 6), 0, 0, 0), 0);
	gives(OLD(10 /* unlink */, low + 192, 0, 0, 0, 0), 0);
}

static const struct expected filed[] = {
	{ EV_SYSCALL_OPEN_X, 1, 0, "fd=* name=old(%D/old) flags=*(O_CREAT|O_RDWR*) mode=0640 *" },
	{ EV_SYSCALL_WRITE_X, 1, 0, "res=5 data=bytes fd=50(<f>%D/old) size=5" },
	{ EV_SYSCALL_WRITEV_X, 1, 0, "res=4 data=byes fd=50(<f>%D/old) size=4" },
	{ EV_SYSCALL_PREAD_X, 1, 0, "res=4 data=ytes fd=50(<f>%D/old) size=4 pos=1" },
	{ EV_SYSCALL_PWRITE_X, 1, 0, "res=1 data=b fd=50(<f>%D/old) size=1 pos=4294967301" },
	{ EV_SYSCALL_LLSEEK_X, 1, 0,
	  "res=0 fd=50(<f>%D/old) offset=4294967298 whence=0(SEEK_SET)" },
	{ EV_SYSCALL_CHMOD_X, 1, 0, "res=0 filename=old(%D/old) mode=0600(*)" },
	{ EV_SYSCALL_CHOWN_X, 2, 0, "res=0 path=old(%D/old) uid=4294967295 gid=7" },
	{ EV_SYSCALL_CHOWN_X, 2, 1, "res=0 path=old(%D/old) uid=4294967295 gid=70000" },
	{ EV_SYSCALL_STAT64_X, 1, 0, "res=0 path=old(%D/old)" },
	{ EV_SYSCALL_LSTAT64_X, 1, 0, "res=0 path=old(%D/old)" },
	{ EV_SYSCALL_FSTAT64_X, 1, 0, "res=0" },
	{ EV_SYSCALL_NEWFSTATAT_X, 1, 0, "res=-9(EBADF) dirfd=-1(EPERM) path=old(*) flags=0" },
	{ EV_SYSCALL_UMOUNT_1_X, 1, 0, "res=-22(EINVAL) name=old(%D/old)" },
	{ EV_SYSCALL_FCNTL_X, 1, 0, "res=0 fd=50(<f>%D/old) cmd=2(F_GETFD) arg=0" },
	{ EV_SYSCALL_RENAME_X, 1, 0, "res=0 oldpath=old(%D/old) newpath=older(%D/older)" },
	{ EV_SYSCALL_UNLINK_2_X, 1, 0, "res=0 path=older(%D/older)" },
};

static void test_files(void **st)
{
	uint16_t events[ARRAY_SIZE(filed) + 1] = { 0 };
	struct watch w;

	for (size_t i = 0; i < ARRAY_SIZE(filed); i++)
		events[i] = filed[i].event;
	watch_run(&w, events, files);
	if (w.n > 3) {
		assert_events(&w, filed, ARRAY_SIZE(filed));
		assert_int_equal(watch_get(&w, EV_SYSCALL_WRITE_X, 0)->flags, REC_F_32BIT);
		assert_int_equal(watch_get(&w, EV_SYSCALL_WRITE_X, 0)->syscall, 4);
	}
	watch_done(&w);
}

/* All calls about sockets behind one number, with the arguments in memory. */
static long socketcall(int call, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
	uint32_t args[6] = { a, b, c, d };

	return OLD(102, call, put(1024, args, sizeof(args)), 0, 0, 0);
}

static uint32_t at(const void *p)
{
	return (uint32_t)(uintptr_t)p;
}

static void sockets(const char *dir)
{
	if (!has_old_calls())
		return;
	struct sockaddr_in me = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(me);
	char *data = put(128, "datagram", 9);
	void *addr = put(256, &me, sizeof(me));

	must_be_ok(dup2((int)socketcall(1, AF_INET, SOCK_DGRAM, 0, 0), 50));
	gives(socketcall(2 /* bind */, 50, at(addr), sizeof(me), 0), 0);
	must(getsockname(50, (struct sockaddr *)&me, &len), 0);
	gives(socketcall(3 /* connect */, 50, at(put(256, &me, sizeof(me))), sizeof(me), 0), 0);
	gives(socketcall(9 /* send */, 50, at(data), 8, 0), 8);
	gives(socketcall(10 /* recv */, 50, at(low), 5, 0), 5);
	gives(socketcall(9, 50, at(data), 8, 1 << 30) < 0, 0);
	gives(socketcall(77, 0, 0, 0, 0), -EINVAL);
}

static const struct expected sent[] = {
	{ EV_SOCKET_SOCKET_X, 1, 0, "fd=*(<4u>) domain=2(AF_INET) type=2 proto=0 flags=0(O_NONE)" },
	{ EV_SOCKET_BIND_X, 1, 0, "res=0 addr=127.0.0.1:0 fd=50(<4u>127.0.0.1:*)" },
	{ EV_SOCKET_CONNECT_X, 1, 0,
	  "res=0 tuple=127.0.0.1:*->127.0.0.1:* fd=50(<4u>*) addr=127.0.0.1:*" },
	{ EV_SOCKET_SEND_X, 2, 0,
	  "res=8 data=datagram fd=50(<4u>127.0.0.1:*) size=8 tuple=127.0.0.1:*->127.0.0.1:*" },
	{ EV_SOCKET_RECV_X, 1, 0,
	  "res=5 data=datag fd=50(<4u>127.0.0.1:*) size=5 tuple=127.0.0.1:*->127.0.0.1:*" },
};

static void test_sockets(void **st)
{
	const uint16_t events[] = { EV_SOCKET_SOCKET_X, EV_SOCKET_BIND_X, EV_SOCKET_CONNECT_X,
				    EV_SOCKET_SEND_X,	EV_SOCKET_RECV_X, 0 };
	struct watch w;

	watch_run(&w, events, sockets);
	if (w.n)
		assert_events(&w, sent, ARRAY_SIZE(sent));
	watch_done(&w);
}

static void others(const char *dir)
{
	if (!has_old_calls())
		return;
	uint32_t time[2] = { 0, 9 }, mapping[6] = { 0, 4096, 1, 0x22, 0xffffffff, 0 };
	long child;

	gives(OLD(162 /* nanosleep */, put(64, time, sizeof(time)), 0, 0, 0, 0), 0);
	gives(OLD(90 /* mmap */, put(128, mapping, sizeof(mapping)), 0, 0, 0, 0) == 0, 0);
	gives(old(192 /* mmap2 */, 0, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 3) == 0, 0);
	gives(OLD(76 /* getrlimit */, 7, low, 0, 0, 0), 0);
	gives(OLD(164 /* setresuid, 16 bits */, 0xffff, 0, 0xffff, 0, 0), 0);
	gives(OLD(208 /* setresuid32 */, -1, 0, -1, 0, 0), 0);
	gives(OLD(11 /* execve */, put(256, "none", 5), 0, 0, 0, 0), -ENOENT);
	gives(OLD(34 /* nice */, 0, 0, 0, 0, 0), 0);
	child = OLD(2 /* fork */, 0, 0, 0, 0, 0);
	if (child == 0)
		_exit(0);
	must(waitpid((int)child, NULL, 0), child);
}

static const struct expected various[] = {
	{ EV_SYSCALL_NANOSLEEP_X, 1, 0, "res=0 interval=9(0.000000009s)" },
	{ EV_SYSCALL_MMAP2_X, 1, 0,
	  "res=* vm_size=* vm_rss=* vm_swap=* addr=0 length=8192 prot=1(PROT_READ) "
	  "flags=10(MAP_PRIVATE|MAP_ANONYMOUS) fd=-1(EPERM) pgoffset=3" },
	{ EV_SYSCALL_GETRLIMIT_X, 1, 0, "res=0 cur=[1-9]* max=[1-9]* resource=7(RLIMIT_NOFILE)" },
	{ EV_SYSCALL_SETRESUID_X, 2, 0, "res=0 ruid=-1(<NONE>) euid=0(*) suid=-1(<NONE>)" },
	{ EV_SYSCALL_SETRESUID_X, 2, 1, "res=0 ruid=-1(<NONE>) euid=0(*) suid=-1(<NONE>)" },
	{ EV_SYSCALL_EXECVE_19_X, 1, 0, "res=-2(ENOENT) * filename=none(%D/none)" },
	{ EV_SYSCALL_FORK_20_X, 2, 0, "res=* exe=* tid=* pid=* ptid=* cwd=%D *" },
};

static void test_others(void **st)
{
	uint16_t events[ARRAY_SIZE(various) + 3] = { EV_GENERIC_X, EV_SYSCALL_MMAP_X };
	struct watch w;
	bool nice = false;

	for (size_t i = 0; i < ARRAY_SIZE(various); i++)
		events[i + 2] = various[i].event;
	watch_run(&w, events, others);
	if (watch_count(&w, EV_SYSCALL_NANOSLEEP_X, 0)) {
		assert_events(&w, various, ARRAY_SIZE(various));
		for (size_t i = 0; i < watch_count(&w, EV_GENERIC_X, 0); i++) {
			const struct rec_hdr *r = watch_get(&w, EV_GENERIC_X, i);

			nice |= r->flags & REC_F_32BIT && rec_num(r, 1) == 34;
		}
		assert_true(nice);
	}
	watch_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_files),
					    cmocka_unit_test(test_sockets),
					    cmocka_unit_test(test_others) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
