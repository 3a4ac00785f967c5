/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors, directories, ids, ptrace, and the rest of the calls. */
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void descriptors(const char *dir)
{
	int p[2], fd;

	must(pipe(p), 0);
	fd = dup(p[1]);
	must_be_ok(fd);
	must(syscall(SYS_dup2, p[0], 60), 60);
	must(syscall(SYS_dup3, p[0], 61, O_CLOEXEC), 61);
	must(dup(200), -EBADF);
	must_be_ok(memfd_create("mem", MFD_CLOEXEC | MFD_ALLOW_SEALING));
	must(mkdir("in", 0700), 0);
	must(chdir("in"), 0);
	fd = open("..", O_DIRECTORY | O_RDONLY);
	must_be_ok(fd);
	must(fchdir(fd), 0);
	must(chdir("nowhere"), -ENOENT);
	must(chroot("in"), 0);
}

static void test_descriptors(void **st)
{
	const unsigned char *p;
	char base[64], in[80];
	struct watch w;

	watch_run(&w, NULL, descriptors);
	assert_int_equal(watch_count(&w, EV_SYSCALL_DUP_1_X, 0), 2);
	const struct rec_hdr *r = watch_get(&w, EV_SYSCALL_DUP_1_X, 0);

	assert_int_equal(rec_fd_of(r)->kind, 'p');
	assert_int_equal(rec_fd_of(r)->num, rec_num(r, 0));
	assert_extra(r, REC_X_PATH, NULL);
	r = watch_get(&w, EV_SYSCALL_DUP_1_X, 1);
	assert_int_equal(rec_num(r, 0), -EBADF);
	assert_int_equal(rec_num(r, 1), 200);
	assert_int_equal(watch_count(&w, EV_SYSCALL_DUP2_X, 0), 1);
	r = watch_get(&w, EV_SYSCALL_DUP2_X, 0);
	assert_int_equal(rec_num(r, 0), 60);
	assert_int_equal(rec_num(r, 2), 60);
	assert_int_equal(watch_count(&w, EV_SYSCALL_DUP3_X, 0), 1);
	r = watch_get(&w, EV_SYSCALL_DUP3_X, 0);
	assert_int_equal(rec_num(r, 2), 61);
	assert_int_equal(rec_num(r, 3), 0x1000);
	assert_int_equal(watch_count(&w, EV_SYSCALL_MEMFD_CREATE_X, 0), 1);
	r = watch_get(&w, EV_SYSCALL_MEMFD_CREATE_X, 0);
	assert_text(r, 1, "mem");
	assert_int_equal(rec_num(r, 2), 3);
	assert_int_equal(rec_fd_of(r)->kind, 'm');
	assert_extra(r, REC_X_PATH, "memfd:mem");

	assert_int_equal(watch_count(&w, EV_SYSCALL_CHDIR_X, 0), 2);
	r = watch_get(&w, EV_SYSCALL_FCHDIR_X, 0);
	int n = rec_extra(r, REC_X_CWD, &p);

	assert_true(n > 0 && n < 60);
	snprintf(base, sizeof(base), "%.*s", n, (const char *)p);
	snprintf(in, sizeof(in), "%s/in", base);
	assert_extra(r, REC_X_PATH, base);
	r = watch_get(&w, EV_SYSCALL_CHDIR_X, 0);
	assert_text(r, 1, "in");
	assert_extra(r, REC_X_CWD, in);
	r = watch_get(&w, EV_SYSCALL_CHDIR_X, 1);
	assert_int_equal(rec_num(r, 0), -ENOENT);
	assert_extra(r, REC_X_BASE, base);
	r = watch_get(&w, EV_SYSCALL_CHROOT_X, 0);
	assert_text(r, 1, "in");
	assert_extra(r, REC_X_PATH, in);
	watch_done(&w);
}

static void ids(const char *dir)
{
	must(prctl(PR_SET_NAME, "a-new-name"), 0);
	must(unshare(CLONE_NEWUTS), 0);
	must(syscall(SYS_bpf, 99999, NULL, 0), -EINVAL);
	must(setns(0, CLONE_NEWUTS), -EINVAL);
	must_be_ok(setsid());
	must(syscall(SYS_setresgid, -1, 12, 13), 0);
	must(syscall(SYS_setgid, 14), 0);
	must(syscall(SYS_setregid, -1, 15), 0);
	must(syscall(SYS_setresuid, -1, 0, 22), 0);
	must(syscall(SYS_setreuid, 0, 0), 0);
	must(syscall(SYS_setuid, 24), 0);
}

static void test_ids(void **st)
{
	const unsigned char *p;
	struct watch w;

	watch_run(&w, NULL, ids);
	const struct rec_hdr *r = watch_get(&w, EV_SYSCALL_SETRESGID_X, 0);

	assert_int_equal(rec_num(r, 0), 0);
	assert_int_equal(rec_num(r, 1), 0xffffffff);
	assert_int_equal(rec_num(r, 2), 12);
	assert_int_equal(rec_num(r, 3), 13);
	assert_int_equal(rec_num(watch_get(&w, EV_SYSCALL_SETGID_X, 0), 1), 14);
	assert_int_equal(rec_num(watch_get(&w, EV_SYSCALL_SETREGID_X, 0), 2), 15);
	assert_int_equal(rec_num(watch_get(&w, EV_SYSCALL_SETRESUID_X, 0), 3), 22);
	assert_int_equal(rec_num(watch_get(&w, EV_SYSCALL_SETREUID_X, 0), 1), 0);
	r = watch_get(&w, EV_SYSCALL_SETUID_X, 0);
	assert_int_equal(rec_num(r, 1), 24);
	assert_int_equal(r->who.uid, 24);
	assert_int_equal(r->who.gid, 15);
	assert_int_equal(watch_count(&w, EV_SYSCALL_SETUID_X, 0), 1);
	assert_text(watch_get(&w, EV_SYSCALL_PRCTL_X, 0), 2, "a-new-name");
	assert_text(watch_get(&w, EV_TASK_RENAME, 0), 0, "a-new-name");
	assert_int_equal(rec_num(watch_get(&w, EV_SYSCALL_UNSHARE_X, 0), 1), 0x80);
	assert_int_equal(rec_num(watch_get(&w, EV_SYSCALL_BPF_2_X, 0), 1), 99999);
	assert_int_equal(rec_num(watch_get(&w, EV_SYSCALL_SETNS_X, 0), 0), -EINVAL);
	r = watch_get(&w, EV_SYSCALL_SETSID_X, 0);
	assert_int_equal(rec_num(r, 0), w.root);
	assert_int_equal(rec_extra(r, REC_X_SID, &p), 4);
	assert_int_equal(*(const int32_t *)(const void *)p, w.root);
	watch_done(&w);
}

static void tracer(const char *dir)
{
	pid_t pid = fork();

	if (pid == 0) {
		must(ptrace(PTRACE_TRACEME, 0, NULL, NULL), 0);
		raise(SIGSTOP);
		_exit(0);
	}
	must(waitpid(pid, NULL, 0), pid);
	must(ptrace(PTRACE_CONT, pid, NULL, NULL), 0);
	must(waitpid(pid, NULL, 0), pid);
	must(ptrace(PTRACE_ATTACH, pid, NULL, NULL), -ESRCH);
}

static void test_ptrace(void **st)
{
	const int64_t requests[] = { 0x1, 0x8, 0xb };
	struct watch w;

	watch_run(&w, NULL, tracer);
	assert_int_equal(watch_count(&w, EV_SYSCALL_PTRACE_X, 0), 3);
	for (size_t i = 0; i < 3; i++) {
		const struct rec_hdr *r = watch_get(&w, EV_SYSCALL_PTRACE_X, i);

		assert_int_equal(rec_num(r, 3), requests[i]);
		assert_int_equal(rec_num(r, 0), i == 2 ? -ESRCH : 0);
	}
	assert_int_equal(rec_num(watch_get(&w, EV_SYSCALL_PTRACE_X, 1), 4),
			 rec_num(watch_get(&w, EV_TASK_FORK, 0), 0));
	watch_done(&w);
}

/* int 0x80 takes the numbers of i386: chmod is 15 and would be rt_sigreturn, open is 5, fstat. */
static void old_calls(const char *dir)
{
	char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	long ret;

	must_be_ok(low == MAP_FAILED ? -1 : 0);
	memcpy(low, "nothing", 8);
	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "a"(15L), "b"(low), "c"(0644L)
			 : "memory", "r8", "r9", "r10", "r11");
	if (ret == -ENOSYS)
		_exit(0); /* a kernel without 32-bit calls */
	if (ret != -ENOENT)
		_exit(96);
}

static void test_32bit(void **st)
{
	const uint16_t only[] = { EV_SYSCALL_CHMOD_X, 0 };
	struct watch w;

	watch_run(&w, only, old_calls);
	if (w.n > 0) {
		const struct rec_hdr *r = watch_get(&w, EV_SYSCALL_CHMOD_X, 0);

		assert_int_equal(w.n, 1);
		assert_int_equal(r->flags, REC_F_32BIT);
		assert_int_equal(rec_num(r, 0), -ENOENT);
		assert_text(r, 1, "nothing");
		assert_int_equal(rec_num(r, 2), 0644);
	}
	watch_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_ptrace),
		cmocka_unit_test(test_32bit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
