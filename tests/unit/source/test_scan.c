/* SPDX-License-Identifier: Apache-2.0 */
/* The scans of /proc and of passwd files, on this machine and on files made here. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/limits.h"
#include "event/event.h"
#include "source/accounts.h"
#include "source/scan.h"
#include "source/users.h"
#include "state/state.h"

struct seen {
	struct state *state;
	unsigned processes, ends, orphans;
};

static void take(const struct rec_hdr *rec, void *ctx)
{
	struct seen *seen = ctx;
	struct event e;

	assert_int_equal(event_decode(rec, rec->len, &e), 0);
	if (rec->type == EV_TASK_SCAN) {
		seen->processes++;
		seen->orphans += rec->who.ppid && !state_proc(seen->state, rec->who.ppid);
	}
	seen->ends += rec->type == EV_SCAN_END;
	assert_int_equal(state_before(seen->state, &e), 0);
	state_after(seen->state, &e);
}

static void *wait_for_byte(void *arg)
{
	char c;

	return read(*(int *)arg, &c, 1) < 0 ? arg : NULL;
}

static void child_main(int ready, int wait)
{
	pthread_t thread;

	prctl(PR_SET_NAME, "scan me) S 1");
	if (chdir("/tmp") < 0 || pthread_create(&thread, NULL, wait_for_byte, &wait) != 0 ||
	    write(ready, "x", 1) != 1)
		_exit(1);
	pthread_join(thread, NULL);
	_exit(0);
}

static void processes_are_found(void **state)
{
	int ready[2], wait[2];
	char c;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(wait), 0);
	pid_t pid = fork();

	if (pid == 0)
		child_main(ready[1], wait[0]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	struct seen seen = { .state = state_new(LIMIT_THREADS) };
	pid_t zombie = fork();
	siginfo_t info;

	if (zombie == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)zombie, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(scan_proc("/proc", take, &seen), 0);
	assert_int_equal(waitpid(zombie, NULL, 0), zombie);
	assert_null(state_proc(seen.state, (uint32_t)zombie));
	assert_int_equal(write(wait[1], "x", 1), 1);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(seen.processes >= 2);
	assert_int_equal(seen.ends, 1);
	assert_int_equal(seen.orphans, 0);
	const struct proc *self = state_proc(seen.state, (uint32_t)getpid());
	const struct proc *child = state_proc(seen.state, (uint32_t)pid);

	assert_non_null(self);
	assert_non_null(child);
	assert_true(self->complete && child->complete);
	assert_ptr_equal(child->parent, self);
	assert_int_equal(self->parent ? self->parent->id.pid : 0, (uint32_t)getppid());
	assert_int_equal(child->nthreads, 2);
	assert_true(str_eqz(child->comm, "scan me) S 1"));
	assert_true(str_eqz(child->cwd, "/tmp"));
	assert_true(str_ends(child->exepath, STR("/test_source_scan")));
	assert_true(str_ends(child->exe, STR("test_source_scan")));
	assert_true(str_contains(child->env, STR("SCAN_TEST=yes")) || child->env.len > 0);
	assert_true(child->exe_ino != 0 && child->exe_ino_mtime != 0);
	assert_int_equal(child->id.uid, geteuid());
	assert_true(child->id.mnt_ns != 0 && child->id.pid_ns != 0);
	assert_true(child->clone_ns >= self->clone_ns && child->clone_ns != 0);
	assert_true(child->fdlimit > 0 && child->vm_size > 0 && child->vm_rss > 0);
	assert_int_equal(child->sid, (uint32_t)getsid(0));
	assert_true(child->cgroups.len > 0);
	assert_int_equal(scan_proc("/nonexistent", take, &seen), -ENOENT);
	state_free(seen.state);
	for (int i = 0; i < 2; i++) {
		close(ready[i]);
		close(wait[i]);
	}
}

static void write_text(const char *root, const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s%s", root, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(io_write_all(fd, str_of(text)), 0);
	close(fd);
}

static void users_are_read(void **state)
{
	static const struct {
		uint32_t uid;
		const char *name, *home, *shell; /* NULL: none */
	} rows[] = {
		{ 0, "root", "/root", "/bin/bash" },
		{ 5, "games", "/usr/games", "" },
		{ 6, "last", "/l", "/bin/sh" },
		{ 7, NULL, NULL, NULL },
		{ 8, NULL, NULL, NULL },
	};
	char root[] = "/tmp/users-test-XXXXXX", path[300];
	struct seen seen = { .state = state_new(LIMIT_THREADS) };

	assert_non_null(mkdtemp(root));
	snprintf(path, sizeof(path), "%s/etc", root);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(scan_users(root, STR("c1"), take, &seen), -ENOENT);
	write_text(root, "/etc/passwd",
		   "root:x:0:0:root:/root:/bin/bash\n"
		   "# comment:x:7:7:::\n"
		   "toor:x:0:0::/toor:/bin/sh\n"
		   "\n:x:8:8:::\nshort:x:8\nbad:x:-8:0:::\nbad:x:99999999999:0:::\n"
		   "games:x:5:60:games:/usr/games:\n"
		   "last:x:6:6:a:/l:/bin/sh:more");
	write_text(root, "/etc/group", "root:x:0:\nlp:x:7:a,b\n+\n");
	assert_int_equal(scan_users(root, STR("c1"), take, &seen), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct user *u = state_user(seen.state, STR("c1"), rows[i].uid);

		assert_int_equal(u != NULL, rows[i].name != NULL);
		if (!u)
			continue;
		assert_true(str_eqz(u->name, rows[i].name));
		assert_true(str_eqz(u->home, rows[i].home));
		assert_true(i == 2 || str_eqz(u->shell, rows[i].shell));
	}
	assert_true(str_eqz(state_group(seen.state, STR("c1"), 7)->name, "lp"));
	assert_null(state_user(seen.state, STR(""), 0));
	/* A pipe in the place of the file must not block. */
	snprintf(path, sizeof(path), "%s/etc/passwd", root);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(scan_users(root, STR("c1"), take, &seen), -EINVAL);
	unlink(path);
	snprintf(path, sizeof(path), "%s/etc/group", root);
	unlink(path);
	snprintf(path, sizeof(path), "%s/etc", root);
	rmdir(path);
	rmdir(root);
	state_free(seen.state);
}

/* The notices as one text, in order. */
static void note(const struct rec_hdr *rec, void *ctx)
{
	struct strbuf *out = ctx;
	struct event e;

	assert_int_equal(event_decode(rec, rec->len, &e), 0);
	strbuf_printf(out, "%s %lu", e.info->name, event_u64(&e, 0, 0));
	for (unsigned i = 1; i < e.info->nparams; i++)
		if (e.info->params[i].type == PT_CHARBUF)
			strbuf_printf(out, " " STR_FMT, STR_ARG(e.params[i]));
	strbuf_addc(out, '\n');
}

static void changes_of_accounts_are_told(void **state)
{
	static const struct {
		const char *passwd, *group, *wanted;
	} rows[] = {
		{ "root:x:0:0::/root:/bin/sh\na:x:5:5::/a:/bin/sh\n", "root:x:0:\n",
		  "useradded 0 root /root /bin/sh \nuseradded 5 a /a /bin/sh \n"
		  "groupadded 0 root \n" },
		{ "root:x:0:0::/root:/bin/sh\na:x:5:5::/a:/bin/sh\n", "root:x:0:\n", "" },
		/* Another order, and a second line of an id that has one. */
		{ "a:x:5:5::/a:/bin/sh\nroot:x:0:0::/root:/bin/sh\nb:x:5:5::/b:/bin/b\n",
		  "root:x:0:\n", "" },
		{ "root:x:0:0::/root:/bin/sh\na:x:5:5::/elsewhere:/bin/sh\n",
		  "root:x:0:\nlp:x:7:\n", "useradded 5 a /elsewhere /bin/sh \ngroupadded 7 lp \n" },
		{ "root:x:0:0::/root:/bin/sh\nnew:x:6:6::/n:/n\n", "lp:x:7:\n",
		  "userdeleted 5 a /elsewhere /bin/sh \nuseradded 6 new /n /n \n"
		  "groupdeleted 0 root \n" },
	};
	char root[] = "/tmp/accounts-test-XXXXXX", path[300];
	struct account_list known = { 0 }, now;

	assert_non_null(mkdtemp(root));
	snprintf(path, sizeof(path), "%s/etc", root);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(account_list_read(root, &now), -ENOENT);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(strbuf_done) struct strbuf told = { 0 };

		write_text(root, "/etc/passwd", rows[i].passwd);
		write_text(root, "/etc/group", rows[i].group);
		assert_int_equal(account_list_read(root, &now), 0);
		assert_int_equal(account_list_diff(&known, &now, note, &told), 0);
		assert_string_equal(told.len ? strbuf_z(&told) : "", rows[i].wanted);
		account_list_done(&known);
		known = now;
	}
	account_list_done(&known);
	account_list_done(&known);
	snprintf(path, sizeof(path), "%s/etc/passwd", root);
	unlink(path);
	snprintf(path, sizeof(path), "%s/etc/group", root);
	unlink(path);
	snprintf(path, sizeof(path), "%s/etc", root);
	rmdir(path);
	rmdir(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(processes_are_found),
		cmocka_unit_test(users_are_read),
		cmocka_unit_test(changes_of_accounts_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
