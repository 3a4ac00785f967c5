/* SPDX-License-Identifier: Apache-2.0 */
/* The open family: names as given, what they are relative to, what was opened. */
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

static void opens(const char *dir)
{
	int d;

	must(mkdirat(AT_FDCWD, "sub", 0755), 0);
	d = open("sub", O_RDONLY | O_DIRECTORY); /* 0 */
	must_be_ok(d);
	must_be_ok(openat(d, "new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640)); /* 1 */
	must_be_ok(openat(d, "new", O_RDWR | O_APPEND));			      /* 2 */
	must(symlinkat("sub/new", AT_FDCWD, "link"), 0);
	must(chdir("sub"), 0);
	must_be_ok(open("../link", O_RDONLY));			      /* 3 */
	must(open("missing", O_RDONLY), -ENOENT);		      /* 4 */
	must_be_ok(open("/proc/self/root/etc/passwd", O_RDONLY));     /* 5 */
	must(syscall(SYS_openat, AT_FDCWD, NULL, O_RDONLY), -EFAULT); /* 6 */
	must_be_ok(syscall(SYS_open, "new", O_RDONLY, 0));	      /* open */
	must_be_ok(syscall(SYS_creat, "made", 0600));
	struct open_how how = { .flags = O_RDONLY, .resolve = RESOLVE_NO_XDEV };

	must_be_ok(syscall(SYS_openat2, AT_FDCWD, "made", &how, sizeof(how)));
}

static const uint16_t events[] = { EV_SYSCALL_OPENAT_2_X, EV_SYSCALL_OPEN_X, EV_SYSCALL_OPENAT2_X,
				   EV_SYSCALL_CREAT_X, 0 };

static void test_openat(void **st)
{
	char base[64], path[96], sub[80];
	const unsigned char *p;
	struct watch w;
	struct stat passwd;

	watch_run(&w, events, opens);
	assert_int_equal(watch_count(&w, EV_SYSCALL_OPENAT_2_X, 0), 7);
	const struct rec_hdr *r = watch_get(&w, EV_SYSCALL_OPENAT_2_X, 0);

	assert_true(rec_num(r, 0) >= 3);
	assert_int_equal(rec_num(r, 1), AT_FDCWD);
	assert_text(r, 2, "sub");
	assert_int_equal(rec_num(r, 3), 0x401); /* O_DIRECTORY, O_RDONLY */
	int n = rec_extra(r, REC_X_BASE, &p);

	assert_true(n > 16 && n < 60);
	snprintf(base, sizeof(base), "%.*s", n, (const char *)p);
	snprintf(sub, sizeof(sub), "%s/sub", base);
	assert_extra(r, REC_X_PATH, sub);
	assert_int_equal(rec_fd_of(r)->kind, 'd');
	int64_t dirfd = rec_num(r, 0);

	r = watch_get(&w, EV_SYSCALL_OPENAT_2_X, 1);
	snprintf(path, sizeof(path), "%s/new", sub);
	assert_int_equal(rec_num(r, 1), dirfd);
	assert_text(r, 2, "new");
	assert_int_equal(rec_num(r, 3) & 0x5fff, 0x2 | 0x4 | 0x100 | 0x1000 | 0x4000);
	assert_int_equal(rec_num(r, 4), 0640);
	assert_extra(r, REC_X_BASE, sub);
	assert_extra(r, REC_X_PATH, path);
	assert_int_equal(rec_fd_of(r)->num, rec_num(r, 0));
	assert_int_equal(rec_fd_of(r)->ino, rec_num(r, 6));
	assert_int_equal(rec_fd_of(r)->kind, 'f');

	r = watch_get(&w, EV_SYSCALL_OPENAT_2_X, 2);
	assert_int_equal(rec_num(r, 3) & 0x5fff, 0x3 | 0x8);
	assert_int_equal(rec_num(r, 4), 0);

	r = watch_get(&w, EV_SYSCALL_OPENAT_2_X, 3);
	assert_text(r, 2, "../link");
	assert_extra(r, REC_X_BASE, sub);
	assert_extra(r, REC_X_PATH, path);

	r = watch_get(&w, EV_SYSCALL_OPENAT_2_X, 4);
	assert_int_equal(rec_num(r, 0), -ENOENT);
	assert_text(r, 2, "missing");
	assert_extra(r, REC_X_BASE, sub);
	assert_extra(r, REC_X_PATH, NULL);
	assert_int_equal(rec_fd_of(r)->num, -ENOENT);
	assert_int_equal(rec_num(r, 6), 0);

	r = watch_get(&w, EV_SYSCALL_OPENAT_2_X, 5);
	assert_int_equal(stat("/etc/passwd", &passwd), 0);
	assert_text(r, 2, "/proc/self/root/etc/passwd");
	assert_extra(r, REC_X_BASE, NULL);
	assert_extra(r, REC_X_PATH, "/etc/passwd");
	assert_int_equal(rec_num(r, 6), passwd.st_ino);

	r = watch_get(&w, EV_SYSCALL_OPENAT_2_X, 6);
	assert_int_equal(rec_num(r, 0), -EFAULT);
	assert_text(r, 2, NULL);

	r = watch_get(&w, EV_SYSCALL_OPEN_X, 0);
	assert_text(r, 1, "new");
	assert_int_equal(rec_num(r, 2), 1);
	assert_extra(r, REC_X_PATH, path);

	r = watch_get(&w, EV_SYSCALL_CREAT_X, 0);
	assert_text(r, 1, "made");
	assert_int_equal(rec_num(r, 2), 0600);

	r = watch_get(&w, EV_SYSCALL_OPENAT2_X, 0);
	assert_text(r, 2, "made");
	assert_int_equal(rec_num(r, 5), 0x10); /* RESOLVE_NO_XDEV */
	watch_done(&w);
}

/* What is not asked for is not recorded, and its programs are not loaded. */
static void test_choice(void **st)
{
	const uint16_t only[] = { EV_SYSCALL_CREAT_X, 0 };
	struct watch w;

	watch_run(&w, only, opens);
	assert_int_equal(w.n, 1);
	assert_int_equal(w.stats.programs, 4); /* dispatcher, creat, and two for the scope */
	watch_done(&w);
}

static void open_deep(const char *dir)
{
	for (int i = 0; i < 60; i++) {
		must(mkdir("0123456789abcdef0123456789abcdef", 0755), 0);
		must(chdir("0123456789abcdef0123456789abcdef"), 0);
	}
	must_be_ok(open("leaf", O_CREAT | O_WRONLY, 0600));
}

static void test_deep(void **st)
{
	const uint16_t only[] = { EV_SYSCALL_OPENAT_2_X, 0 };
	const unsigned char *p;
	struct watch w;

	watch_run(&w, only, open_deep);
	const struct rec_hdr *r = watch_get(&w, EV_SYSCALL_OPENAT_2_X, 0);
	int n = rec_extra(r, REC_X_PATH, &p);

	assert_true(n > 60 * 33);
	assert_memory_equal(p, "/tmp/", 5);
	assert_memory_equal(p + n - 5, "/leaf", 5);
	assert_int_equal(r->flags, 0);
	watch_done(&w);
}

/* Its name is what the handle leads to; where the file system has no handles, there is only the failure. */
static void open_handles(const char *dir)
{
	union {
		struct file_handle h;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} u = { .h.handle_bytes = MAX_HANDLE_SZ };
	int d = open(".", O_RDONLY | O_DIRECTORY), id;

	must_be_ok(dup2(d, 50));
	must_be_ok(open("made", O_CREAT | O_RDWR, 0600));
	must(syscall(SYS_open_by_handle_at, 99, &u.h, O_RDONLY), -EBADF);
	if (name_to_handle_at(50, "made", &u.h, &id, 0) == 0)
		must_be_ok(open_by_handle_at(50, &u.h, O_RDWR | O_APPEND));
}

static const struct expected handled[] = {
	{ EV_SYSCALL_OPEN_BY_HANDLE_AT_X, 2, 0,
	  "fd=-9(EBADF) mountfd=99 flags=1(O_RDONLY) path=<NA> dev=0 ino=0" },
	{ EV_SYSCALL_OPEN_BY_HANDLE_AT_X, 2, 1,
	  "fd=[0-9]*(<f>%D/made) mountfd=50 flags=*(O_APPEND|O_RDWR*) path=%D/made dev=* "
	  "ino=[1-9]*" },
};

static void test_handles(void **st)
{
	const uint16_t only[] = { EV_SYSCALL_OPEN_BY_HANDLE_AT_X, 0 };
	struct watch w;

	watch_run(&w, only, open_handles);
	if (w.n > 1)
		assert_events(&w, handled, ARRAY_SIZE(handled));
	assert_int_equal(rec_num(watch_get(&w, EV_SYSCALL_OPEN_BY_HANDLE_AT_X, 0), 0), -EBADF);
	watch_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_openat),
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_handles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
