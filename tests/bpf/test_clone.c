// SPDX-License-Identifier: Apache-2.0
/* Ways to make a process beside fork, and images whose arguments are longer than a page. */
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

static void __attribute__((noinline)) by_vfork(void)
{
	if (vfork() == 0)
		_exit(0);
}

static void clones(const char *dir)
{
	struct clone_args args = { .flags = CLONE_NEWUTS | CLONE_CHILD_CLEARTID | CLONE_PARENT,
				   .exit_signal = 0 };
	struct clone_args files = { .flags = CLONE_FILES | CLONE_FS, .exit_signal = SIGCHLD };
	long pid;

	by_vfork();
	must_be_ok(wait(NULL));
	pid = syscall(SYS_clone3, &files, sizeof(files));
	if (pid == 0)
		_exit(0);
	must(waitpid((pid_t)pid, NULL, 0), pid);
	must(syscall(SYS_clone3, &args, 7), -EINVAL);
	must(syscall(SYS_clone3, (void *)8, sizeof(args)), -EFAULT);
}

static const struct expected cloned[] = {
	{ EV_SYSCALL_VFORK_20_X, 2, 0,
	  "res=0 exe=* cwd=%D * flags=134250496(CLONE_VM|CLONE_VFORK) uid=0* gid=0* *" },
	{ EV_SYSCALL_VFORK_20_X, 2, 1,
	  "res=[1-9]* exe=* cwd=%D * flags=*(CLONE_VM|CLONE_VFORK) *" },
	{ EV_SYSCALL_CLONE3_X, 4, 2,
	  "res=-22 exe=* flags=*(*CLONE_PARENT|*CLONE_CHILD_CLEARTID*) *" },
	{ EV_SYSCALL_CLONE3_X, 4, 3, "res=-14 exe=* flags=0 *" },
};

static void test_clones(void **st)
{
	const uint16_t events[] = { EV_SYSCALL_VFORK_20_X, EV_SYSCALL_CLONE3_X, EV_TASK_FORK, 0 };
	unsigned parent = 0, child = 0;
	struct watch w;

	watch_run(&w, events, clones);
	assert_events(&w, cloned, ARRAY_SIZE(cloned));
	for (size_t i = 0; i < 2; i++) { /* in either order */
		const struct rec_hdr *r = watch_get(&w, EV_SYSCALL_CLONE3_X, i);

		assert_int_equal(rec_num(r, 15), 3); /* CLONE_FILES | CLONE_FS */
		parent += rec_num(r, 0) == rec_num(watch_get(&w, EV_TASK_FORK, 1), 0);
		child += rec_num(r, 0) == 0 && r->who.ppid == (uint32_t)w.root;
	}
	assert_int_equal(parent, 1);
	assert_int_equal(child, 1);
	watch_done(&w);
}

enum { LONG = 5000, ENV = 9000 };

static char *text(size_t n, char c)
{
	char *s = malloc(n + 1);

	must_be_ok(s ? 0 : -1);
	memset(s, c, n);
	s[n] = '\0';
	return s;
}

static void long_images(const char *dir)
{
	char *one[] = { text(LONG, 'n'), (char *)"-x", (char *)"y", NULL };
	char *two[] = { (char *)"true", text(LONG, 'a'), NULL };
	char *env[] = { text(ENV, 'e'), NULL }, *none[] = { NULL };

	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			execve("/bin/true", i ? two : one, i ? env : none);
			_exit(97);
		}
		must(waitpid(pid, NULL, 0), pid);
	}
}

static void test_long(void **st)
{
	const uint16_t events[] = { EV_SYSCALL_EXECVE_19_X, 0 };
	const unsigned char *p;
	struct watch w;

	watch_run(&w, events, long_images);
	const struct rec_hdr *r = watch_get(&w, EV_SYSCALL_EXECVE_19_X, 0);

	/* The name is cut, what stands behind it is not. */
	assert_int_equal(r->flags, REC_F_TRUNCATED);
	assert_int_equal(rec_param(r, 1, &p), 4095);
	assert_int_equal(rec_param(r, 2, &p), 5);
	assert_memory_equal(p, "-x\0y", 5);
	r = watch_get(&w, EV_SYSCALL_EXECVE_19_X, 1);
	assert_int_equal(r->flags, REC_F_TRUNCATED);
	assert_int_equal(rec_param(r, 2, &p), 4096);
	assert_int_equal(rec_param(r, 15, &p), 4096);
	assert_int_equal(p[4095], 'e');
	watch_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_clones),
					    cmocka_unit_test(test_long) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
