/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Task life: in a tree of 200 processes every exec and exit is seen exactly once and with the right
 * parent; parameters of exec, clone and exit.
 */
#include "watch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "event/event.h"

enum { BRANCHES = 20, LEAVES = 9 }; /* 20 + 20 * 9 = 200 below the root */

struct pair {
	int32_t pid, ppid;
};

static struct pair *tree; /* shared: who was whose child, as the children saw it */
static int *tree_n;

static void note_self(void)
{
	int at = __atomic_fetch_add(tree_n, 1, __ATOMIC_RELAXED);

	tree[at] = (struct pair){ getpid(), getppid() };
}

static void run_true(const char *name)
{
	note_self();
	execl("/bin/true", name, "leaf", (char *)NULL);
	_exit(97);
}

static void __attribute__((noinline)) leaf_by_fork(void)
{
	pid_t pid = fork();

	must_be_ok(pid);
	if (pid == 0)
		run_true("leaf-name");
}

static void __attribute__((noinline)) leaf_by_vfork(void)
{
	if (vfork() == 0)
		run_true("leaf-name");
}

static void reap(int n)
{
	for (int i = 0; i < n; i++) {
		int status = -1;

		must_be_ok(wait(&status));
		must(status, 0);
	}
}

static void grow(const char *dir)
{
	for (int i = 0; i < BRANCHES; i++) {
		if (fork() > 0)
			continue;
		for (int k = 0; k < LEAVES; k++) {
			if (k % 2)
				leaf_by_vfork();
			else
				leaf_by_fork();
		}
		reap(LEAVES);
		run_true("branch-name");
	}
	reap(BRANCHES);
}

static const struct rec_hdr *of_tid(const struct watch *w, uint16_t event, int32_t tid)
{
	const struct rec_hdr *found = NULL;

	for (size_t i = 0; i < w->n; i++) {
		if (w->recs[i]->type != event || w->recs[i]->who.tid != (uint32_t)tid)
			continue;
		assert_null(found);
		found = w->recs[i];
	}
	assert_non_null(found);
	return found;
}

static void test_tree(void **st)
{
	const uint16_t events[] = { EV_TASK_FORK, EV_SYSCALL_EXECVE_19_X, EV_PROCEXIT_1_E, 0 };
	size_t bytes = 4096 * 4, n = BRANCHES * (LEAVES + 1);
	struct watch w;

	tree = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(tree != MAP_FAILED);
	tree_n = (int *)(void *)(tree + 1000);
	watch_run(&w, events, grow);
	assert_int_equal(*tree_n, n);
	assert_int_equal(watch_count(&w, EV_TASK_FORK, 0), n);
	assert_int_equal(watch_count(&w, EV_SYSCALL_EXECVE_19_X, 0), n);
	assert_int_equal(watch_count(&w, EV_PROCEXIT_1_E, 0), n + 1);
	for (size_t i = 0; i < n; i++) {
		const struct rec_hdr *x = of_tid(&w, EV_SYSCALL_EXECVE_19_X, tree[i].pid);
		const struct rec_hdr *e = of_tid(&w, EV_PROCEXIT_1_E, tree[i].pid);
		const struct rec_hdr *f = NULL;

		for (size_t k = 0; k < w.n; k++) {
			if (w.recs[k]->type == EV_TASK_FORK && rec_num(w.recs[k], 0) == tree[i].pid)
				f = w.recs[k];
		}
		assert_non_null(f);
		assert_int_equal(x->who.ppid, tree[i].ppid);
		assert_int_equal(rec_num(x, 5), tree[i].ppid);
		assert_int_equal(f->who.pid, tree[i].ppid);
		assert_int_equal(rec_num(f, 5), tree[i].ppid);
		assert_int_equal(rec_num(f, 2), x->who.start_ns);
		assert_int_equal(rec_num(f, 6), x->who.parent_start_ns);
		assert_int_equal(e->who.start_ns, x->who.start_ns);
		assert_true(f->ts_ns < x->ts_ns && x->ts_ns < e->ts_ns);
	}
	watch_done(&w);
	munmap(tree, bytes);
}

static void test_no_late(void **st)
{
	struct watch w;

	tree = mmap(NULL, 4096 * 4, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(tree != MAP_FAILED);
	tree_n = (int *)(void *)(tree + 1000);
	watch_run(&w, NULL, grow);
	for (size_t i = 1; i < w.n && !w.stats.late; i++)
		assert_true(w.recs[i - 1]->ts_ns <= w.recs[i]->ts_ns);
	assert_true(w.stats.late < 5);
	watch_done(&w);
	munmap(tree, 4096 * 4);
}

static void exec_env(const char *dir)
{
	char *argv[] = { (char *)"zero", (char *)"one", (char *)"", (char *)"three", NULL };
	char *envp[] = { (char *)"A=1", (char *)"B=two", NULL };

	must(execve("/nonexistent/x", argv, envp), -ENOENT);
	execve("/bin/true", argv, envp);
	_exit(97);
}

static void test_exec(void **st)
{
	const uint16_t events[] = { EV_SYSCALL_EXECVE_19_X, EV_PROCEXIT_1_E, 0 };
	const unsigned char *p;
	char exe[4096] = { 0 };
	struct watch w;

	watch_run(&w, events, exec_env);
	assert_int_equal(watch_count(&w, EV_SYSCALL_EXECVE_19_X, 0), 2);
	const struct rec_hdr *r = watch_get(&w, EV_SYSCALL_EXECVE_19_X, 0);

	assert_int_equal(rec_num(r, 0), -ENOENT);
	assert_text(r, 30, "/nonexistent/x");
	r = watch_get(&w, EV_SYSCALL_EXECVE_19_X, 1);
	assert_int_equal(r->nparams, 31);
	assert_int_equal(rec_num(r, 0), 0);
	assert_text(r, 1, "zero");
	assert_int_equal(rec_param(r, 2, &p), 11);
	assert_memory_equal(p, "one\0\0three\0", 11);
	assert_int_equal(rec_num(r, 3), w.root);
	assert_int_equal(rec_num(r, 4), w.root);
	assert_int_equal(rec_num(r, 5), getpid());
	assert_true(rec_param(r, 6, &p) > 16);
	assert_memory_equal(p, "/tmp/probe-test-", 16);
	assert_text(r, 13, "true");
	assert_string_equal(r->who.comm, "true");
	assert_true(rec_num(r, 10) > 100);
	assert_int_equal(rec_param(r, 15, &p), 10);
	assert_memory_equal(p, "A=1\0B=two\0", 10);
	assert_int_equal(rec_num(r, 17), getpgrp());
	assert_int_equal(rec_num(r, 26), 0);
	assert_non_null(realpath("/bin/true", exe));
	assert_text(r, 27, exe);
	assert_int_equal(rec_num(r, 28), getpgrp());
	assert_text(r, 30, "/bin/true");
	assert_int_equal(rec_extra(r, REC_X_SID, &p), 4);
	assert_int_equal(*(const int32_t *)(const void *)p, getsid(0));
	assert_true(rec_extra(r, REC_X_CGROUPS, &p) >= 3);
	assert_memory_equal(p, "=/", 2);
	r = watch_get(&w, EV_PROCEXIT_1_E, 0);
	assert_int_equal(rec_num(r, 0), 0);
	watch_done(&w);
}

/* A shell whose input is a connection: a socket, a pipe and a file are its first three. */
static void exec_stdio(const char *dir)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
	socklen_t len = sizeof(to);
	char *argv[] = { (char *)"true", NULL };
	int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
	int ends[2], out;

	must(bind(server, (struct sockaddr *)&to, len), 0);
	must(listen(server, 1), 0);
	must(getsockname(server, (struct sockaddr *)&to, &len), 0);
	must(connect(client, (struct sockaddr *)&to, len), 0);
	must(pipe(ends), 0);
	must_be_ok(out = open("out", O_CREAT | O_WRONLY, 0600));
	must(dup2(client, 0), 0);
	must(dup2(ends[1], 1), 1);
	must(dup2(out, 2), 2);
	execve("/bin/true", argv, environ);
	_exit(97);
}

static void test_stdio(void **st)
{
	const uint16_t events[] = { EV_SYSCALL_EXECVE_19_X, 0 };
	struct watch w;
	struct event e;

	watch_run(&w, events, exec_stdio);
	const struct rec_hdr *r = watch_get(&w, EV_SYSCALL_EXECVE_19_X, 0);

	assert_int_equal(event_decode(r, r->len, &e), 0);
	for (int i = 0; i < 3; i++) {
		assert_non_null(e.stdio[i].fd);
		assert_int_equal(e.stdio[i].fd->kind, "4pf"[i]);
	}
	assert_int_equal(e.stdio[0].fd->remote_addr[0], 127);
	assert_true(e.stdio[0].fd->remote_port != 0);
	assert_int_equal(e.stdio[0].path.len, 0);
	assert_true(str_ends(e.stdio[2].path, STR("/out")));
	assert_null(e.fd);
	assert_null(e.path.ptr);
	watch_done(&w);
}

static void exec_memfd(const char *dir)
{
	char *argv[] = { (char *)"ghost", NULL }, buf[65536];
	int in = memfd_create("hidden", MFD_CLOEXEC), from;
	FILE *f = fopen("/bin/true", "r");
	size_t n;

	must_be_ok(in);
	must_be_ok(f ? 0 : -1);
	from = 0;
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		from += (int)write(in, buf, n);
	must_be_ok(from);
	syscall(SYS_execveat, in, "", argv, environ, 0x1000);
	_exit(97);
}

static void test_memfd(void **st)
{
	struct watch w;

	watch_run(&w, NULL, exec_memfd);
	const struct rec_hdr *r = watch_get(&w, EV_SYSCALL_EXECVEAT_X, 0);

	assert_int_equal(r->nparams, 30);
	assert_int_equal(watch_count(&w, EV_SYSCALL_EXECVEAT_X, 0), 1);
	assert_int_equal(watch_count(&w, EV_SYSCALL_EXECVE_19_X, 0), 0);
	assert_text(r, 1, "ghost");
	assert_int_equal(rec_num(r, 19) & 4, 4); /* EXE_FROM_MEMFD */
	assert_text(r, 27, "memfd:hidden");
	watch_done(&w);
}

static void clones(const char *dir)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_NAME, "renamed");
		raise(SIGKILL);
	}
	must_be_ok(pid);
	must(waitpid(pid, NULL, 0), pid);
	pid = (pid_t)syscall(SYS_fork);
	if (pid == 0)
		_exit(7);
	must(waitpid(pid, NULL, 0), pid);
}

static void test_clone(void **st)
{
	struct watch w;

	watch_run(&w, NULL, clones);
	assert_int_equal(watch_count(&w, EV_SYSCALL_CLONE_20_X, 0), 2);
	assert_int_equal(watch_count(&w, EV_SYSCALL_FORK_20_X, 0), 2);
	assert_int_equal(watch_count(&w, EV_TASK_FORK, 0), 2);
	assert_int_equal(watch_count(&w, EV_PROCEXIT_1_E, 0), 3);
	const struct rec_hdr *f = watch_get(&w, EV_TASK_FORK, 0);
	int64_t child = rec_num(f, 0);

	for (size_t i = 0; i < 2; i++) {
		const struct rec_hdr *r = watch_get(&w, EV_SYSCALL_CLONE_20_X, i);

		assert_int_equal(r->nparams, 21);
		if (r->who.pid == (uint32_t)w.root) {
			assert_int_equal(rec_num(r, 0), child);
		} else {
			assert_int_equal(rec_num(r, 0), 0);
			assert_int_equal(rec_num(r, 3), child);
			assert_int_equal(rec_num(r, 5), w.root);
			assert_int_equal(rec_num(r, 18), child);
		}
		/* glibc's fork: CHILD_CLEARTID | CHILD_SETTID */
		assert_int_equal(rec_num(r, 15) & 0x1800000, 0x1800000);
	}
	const struct rec_hdr *e = of_tid(&w, EV_PROCEXIT_1_E, (int32_t)child);

	assert_int_equal(rec_num(e, 0) & 0x7f, SIGKILL);
	assert_int_equal(rec_num(e, 2), SIGKILL);
	assert_text(of_tid(&w, EV_TASK_RENAME, (int32_t)child), 0, "renamed");
	e = of_tid(&w, EV_PROCEXIT_1_E, (int32_t)rec_num(watch_get(&w, EV_TASK_FORK, 1), 0));
	assert_int_equal(rec_num(e, 1), 7);
	assert_int_equal(rec_num(e, 0), 7 << 8);
	watch_done(&w);
}

static int hold[2]; /* the child lives until the writing end is closed */

static void *last_thread(void *arg)
{
	char path[64], state[512] = "";
	pid_t child = fork();

	if (child == 0) {
		close(hold[1]);
		_exit(read(hold[0], path, 1) != 0);
	}
	/* The first thread has gone when it is a zombie. */
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", getpid());
	while (!strstr(state, ") Z")) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = read(fd, state, sizeof(state) - 1);

		state[n > 0 ? n : 0] = '\0';
		close(fd);
	}
	_exit(0);
}

static void outlives_its_first_thread(const char *dir)
{
	pthread_t thread;

	must(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	must(pipe(hold), 0);
	pid_t pid = fork();

	if (pid == 0) {
		close(hold[1]);
		if (pthread_create(&thread, NULL, last_thread, NULL) == 0)
			syscall(SYS_exit, 0);
		_exit(97);
	}
	must_be_ok(pid);
	must(waitpid(pid, NULL, 0), pid);
	close(hold[1]);
	must_be_ok(waitpid(-1, NULL, 0));
}

/* Whoever ends last of a process, its children go to the reaper. */
static void test_last_thread(void **st)
{
	const uint16_t events[] = { EV_TASK_FORK, EV_PROCEXIT_1_E, 0 };
	struct watch w;

	watch_run(&w, events, outlives_its_first_thread);
	const struct rec_hdr *last = NULL;

	for (size_t i = 0; i < watch_count(&w, EV_PROCEXIT_1_E, 0); i++) {
		const struct rec_hdr *e = watch_get(&w, EV_PROCEXIT_1_E, i);

		if (e->who.tid != e->who.pid)
			last = e;
	}
	assert_non_null(last);
	assert_int_equal(rec_num(last, 4), w.root);
	watch_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),	    cmocka_unit_test(test_no_late),
		cmocka_unit_test(test_exec),	    cmocka_unit_test(test_memfd),
		cmocka_unit_test(test_clone),	    cmocka_unit_test(test_stdio),
		cmocka_unit_test(test_last_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
