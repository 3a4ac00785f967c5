/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that change names and modes: parameters, bases, and that each is seen exactly once. */
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void acts(const char *dir)
{
	int d, f;

	must(syscall(SYS_mkdir, "d", 0750), 0);
	must(syscall(SYS_mkdirat, AT_FDCWD, "d/e", 0700), 0);
	d = open("d", O_DIRECTORY | O_RDONLY);
	must_be_ok(d);
	must(dup2(d, 50), 50);
	f = openat(50, "f", O_CREAT | O_WRONLY, 0600);
	must_be_ok(f);
	must(dup2(f, 51), 51);
	must(syscall(SYS_chmod, "d/f", 04755), 0);
	must(syscall(SYS_chmod, "nope", 0755), -ENOENT);
	must(syscall(SYS_fchmod, 51, 0644), 0);
	must(syscall(SYS_fchmodat, 50, "f", 0600), 0);
	must(syscall(SYS_rename, "d/f", "d/g"), 0);
	must(syscall(SYS_renameat, 50, "g", AT_FDCWD, "h"), 0);
	must(syscall(SYS_renameat2, AT_FDCWD, "h", 50, "i", 1), 0);
	must(syscall(SYS_link, "d/i", "j"), 0);
	must(syscall(SYS_linkat, 50, "i", 50, "k", 0), 0);
	must(syscall(SYS_symlink, "/etc/shadow", "s"), 0);
	must(syscall(SYS_symlinkat, "../j", 50, "t"), 0);
	must(syscall(SYS_unlink, "j"), 0);
	must(syscall(SYS_unlinkat, 50, "k", 0), 0);
	must(syscall(SYS_unlinkat, 50, "e", AT_REMOVEDIR), 0);
	must(syscall(SYS_mkdir, "/tmp/probe-test-gone", 0700), 0);
	must(syscall(SYS_rmdir, "/tmp/probe-test-gone"), 0);
	must(syscall(SYS_rmdir, "d"), -ENOTEMPTY);
}

struct want {
	uint16_t event;
	unsigned nth;
	int64_t res;
	int dir1;	   /* parameter number of a directory, or -1 */
	const char *name1; /* in the parameter after, or first after the result */
	const char *name2;
	int base1, base2; /* 0: none, 1: the directory of the test, 2: its subdirectory d */
	int64_t last;	  /* value of the last parameter; -1: do not look */
};

static const struct want wants[] = {
	{ EV_SYSCALL_MKDIR_2_X, 0, 0, -1, "d", NULL, 1, 0, 0750 },
	{ EV_SYSCALL_MKDIR_2_X, 1, 0, -1, "/tmp/probe-test-gone", NULL, 0, 0, 0700 },
	{ EV_SYSCALL_MKDIRAT_X, 0, 0, 1, "d/e", NULL, 1, 0, 0700 },
	{ EV_SYSCALL_CHMOD_X, 0, 0, -1, "d/f", NULL, 1, 0, 04755 },
	{ EV_SYSCALL_CHMOD_X, 1, -ENOENT, -1, "nope", NULL, 1, 0, 0755 },
	{ EV_SYSCALL_FCHMODAT_X, 0, 0, 1, "f", NULL, 2, 0, 0600 },
	{ EV_SYSCALL_RENAME_X, 0, 0, -1, "d/f", "d/g", 1, 1, -1 },
	{ EV_SYSCALL_RENAMEAT_X, 0, 0, 1, "g", "h", 2, 1, -1 },
	{ EV_SYSCALL_RENAMEAT2_X, 0, 0, 1, "h", "i", 1, 2, 1 },
	{ EV_SYSCALL_LINK_2_X, 0, 0, -1, "d/i", "j", 1, 1, -1 },
	{ EV_SYSCALL_LINKAT_2_X, 0, 0, 1, "i", "k", 2, 2, 0 },
	{ EV_SYSCALL_SYMLINK_X, 0, 0, -1, "/etc/shadow", "s", 1, 0, -1 },
	{ EV_SYSCALL_UNLINK_2_X, 0, 0, -1, "j", NULL, 1, 0, -1 },
	{ EV_SYSCALL_UNLINKAT_2_X, 0, 0, 1, "k", NULL, 2, 0, 0 },
	{ EV_SYSCALL_UNLINKAT_2_X, 1, 0, 1, "e", NULL, 2, 0, 0x200 },
	{ EV_SYSCALL_RMDIR_2_X, 0, 0, -1, "/tmp/probe-test-gone", NULL, 0, 0, -1 },
	{ EV_SYSCALL_RMDIR_2_X, 1, -ENOTEMPTY, -1, "d", NULL, 1, 0, -1 },
};

static void check(const struct watch *w, const struct want *x, const char *bases[])
{
	const struct rec_hdr *r = watch_get(w, x->event, x->nth);
	unsigned at = x->dir1 < 0 ? 1 : 2;

	assert_int_equal(rec_num(r, 0), x->res);
	assert_text(r, at, x->name1);
	if (x->dir1 >= 0)
		assert_int_equal(rec_num(r, 1), x->base1 == 1 ? AT_FDCWD : 50);
	if (x->name2)
		assert_text(r, x->dir1 < 0 ? 2 : 4, x->name2);
	if (x->last >= 0)
		assert_int_equal(rec_num(r, r->nparams - 1u), x->last);
	assert_extra(r, REC_X_BASE, bases[x->base1]);
	assert_extra(r, REC_X_BASE2, bases[x->base2]);
}

static void test_names(void **st)
{
	char dir[64], sub[80], file[96];
	const char *bases[] = { NULL, dir, sub };
	const unsigned char *p;
	struct watch w;
	size_t rows = sizeof(wants) / sizeof(wants[0]);

	watch_run(&w, NULL, acts);
	int n = rec_extra(watch_get(&w, EV_SYSCALL_MKDIR_2_X, 0), REC_X_BASE, &p);

	assert_true(n > 0 && n < 60);
	snprintf(dir, sizeof(dir), "%.*s", n, (const char *)p);
	snprintf(sub, sizeof(sub), "%s/d", dir);
	for (size_t i = 0; i < rows; i++) {
		unsigned same = 0;

		check(&w, &wants[i], bases);
		for (size_t k = 0; k < rows; k++)
			same += wants[k].event == wants[i].event;
		assert_int_equal(watch_count(&w, wants[i].event, 0), same);
	}
	assert_int_equal(watch_count(&w, EV_SYSCALL_FCHMOD_X, 0), 1);
	const struct rec_hdr *r = watch_get(&w, EV_SYSCALL_FCHMOD_X, 0);

	assert_int_equal(rec_num(r, 0), 0);
	assert_int_equal(rec_num(r, 1), 51);
	assert_int_equal(rec_num(r, 2), 0644);
	snprintf(file, sizeof(file), "%s/f", sub);
	assert_extra(r, REC_X_PATH, file);
	assert_int_equal(rec_fd_of(r)->num, 51);
	r = watch_get(&w, EV_SYSCALL_SYMLINKAT_X, 0);
	assert_text(r, 1, "../j");
	assert_int_equal(rec_num(r, 2), 50);
	assert_text(r, 3, "t");
	assert_extra(r, REC_X_BASE, sub);
	watch_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_names) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
