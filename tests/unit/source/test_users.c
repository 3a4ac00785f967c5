/* SPDX-License-Identifier: Apache-2.0 */
/* passwd files that whoever made a container's image, or lives in it, put there to harm. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/strbuf.h"
#include "source/users.h"
#include "state/state.h"

static char top[] = "/tmp/passwd-test-XXXXXX";

static const char *in_top(const char *name)
{
	static char paths[4][256];
	static unsigned turn;
	char *p = paths[turn++ % 4];

	snprintf(p, sizeof(paths[0]), "%s/%s", top, name);
	return p;
}

static void put(const char *name, const char *text)
{
	FILE *f = fopen(in_top(name), "we");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void take(const struct rec_hdr *rec, void *ctx)
{
	struct state *s = ctx;
	struct event e;

	assert_int_equal(event_decode(rec, rec->len, &e), 0);
	assert_int_equal(state_before(s, &e), 0);
	state_after(s, &e);
}

/* The name of user 1234 there; "" for none. */
static void assert_user(const char *wanted)
{
	struct state *s = state_new(LIMIT_THREADS);

	(void)scan_users(in_top("root"), STR("c1"), take, s);
	const struct user *u = state_user(s, STR("c1"), 1234);

	assert_true(str_eqz(u ? u->name : STR(""), wanted));
	state_free(s);
}

/* What stands in its place: made by the function, from a text. */
static int regular(const char *path, const char *text)
{
	put("root/etc/passwd", text);
	return 0;
}

static int link_to(const char *path, const char *text)
{
	return symlink(text, path);
}

static int outside(const char *path, const char *text)
{
	return symlink(in_top("passwd"), path);
}

static int hard_link(const char *path, const char *text)
{
	return link(in_top("root/etc/other"), path);
}

static int fifo(const char *path, const char *text)
{
	return mkfifo(path, 0600);
}

static int directory(const char *path, const char *text)
{
	return mkdir(path, 0700);
}

static int device(const char *path, const char *text)
{
	return mknod(path, S_IFCHR | 0600, makedev(1, 5)) < 0 ? symlink("/dev/zero", path) : 0;
}

/* A hole of so many GiB behind a good line: it has no blocks. */
static int gigabytes(const char *path, const char *text)
{
	put("root/etc/passwd", "app:x:1234:1234::/:/bin/sh\n");
	return truncate(path, (off_t)5 << 30);
}

static void odd_files(void **state)
{
	static const struct {
		int (*make)(const char *path, const char *text);
		const char *text, *wanted;
	} rows[] = {
		{ regular, "app:x:1234:1234::/:/bin/sh\n", "app" },
		{ regular, "app:x:1234:1234::/:/bin/sh\nlater:x:1234:1234::/:/bin/sh\n", "app" },
		{ regular, "", "" },
		/* Links are followed as the container sees them. */
		{ link_to, "other", "other" },
		{ link_to, "/etc/other", "other" },
		{ link_to, "../../../../../../etc/other", "other" },
		{ hard_link, "", "other" },
		/* And never out of it. */
		{ outside, "", "" },
		{ link_to, "../../passwd", "" },
		{ link_to, "/proc/self/root/etc/passwd", "" },
		{ link_to, "/proc/1/root/etc/passwd", "" },
		{ link_to, "passwd", "" },
		{ link_to, "", "" },
		{ fifo, "", "" },
		{ directory, "", "" },
		{ device, "", "" },
		{ gigabytes, "", "" },
	};

	put("root/etc/other", "other:x:1234:1234::/:/bin/sh\n");
	put("passwd", "outside:x:1234:1234::/:/bin/sh\n");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *path = in_top("root/etc/passwd");

		if (rows[i].make(path, rows[i].text) < 0 && rows[i].text[0])
			fail_msg("row %zu: %s", i, strerror(errno));
		assert_user(rows[i].wanted);
		if (unlink(path) < 0)
			rmdir(path);
	}
	/* The directory itself may lead out. */
	assert_int_equal(rename(in_top("root/etc"), in_top("etc")), 0);
	put("etc/passwd", "outside:x:1234:1234::/:/bin/sh\n");
	assert_int_equal(symlink(in_top("etc"), in_top("root/etc")), 0);
	assert_user("");
	unlink(in_top("root/etc"));
	unlink(in_top("etc/passwd"));
	assert_int_equal(rename(in_top("etc"), in_top("root/etc")), 0);
	unlink(in_top("root/etc/other"));
	unlink(in_top("passwd"));
}

static void long_lines_and_many(void **state)
{
	_cleanup_(strbuf_done) struct strbuf b = { 0 };

	for (unsigned i = 0; i < 100000; i++)
		strbuf_addc(&b, ':');
	strbuf_addz(&b, "\napp:x:1234:1234::/:/bin/sh\n\xff\xfe:x:1:1::/:\n");
	for (unsigned i = 2000; i < 60000; i++)
		strbuf_printf(&b, "u%u:x:%u:1::/:/bin/sh\n", i, i);
	put("root/etc/passwd", strbuf_z(&b));
	assert_user("app");
	unlink(in_top("root/etc/passwd"));
}

static _Atomic bool over;

static void *change(void *arg)
{
	while (!atomic_load(&over)) {
		put("root/etc/passwd", "app:x:1234:1234::/:/bin/sh\n");
		unlink(in_top("root/etc/passwd"));
		(void)!symlink("other", in_top("root/etc/passwd"));
		unlink(in_top("root/etc/passwd"));
		(void)!mkfifo(in_top("root/etc/passwd"), 0600);
		unlink(in_top("root/etc/passwd"));
	}
	return NULL;
}

/* Whatever it is at the moment it is looked at: it does not block, and what is read is what was there. */
static void a_changing_file(void **state)
{
	pthread_t thread;
	char names[128];

	put("root/etc/other", "other:x:1234:1234::/:/bin/sh\n");
	snprintf(names, sizeof(names), "%s", in_top("root"));
	assert_int_equal(pthread_create(&thread, NULL, change, NULL), 0);
	for (unsigned i = 0; i < 2000; i++) {
		struct state *s = state_new(LIMIT_THREADS);

		(void)scan_users(names, STR("c1"), take, s);
		const struct user *u = state_user(s, STR("c1"), 1234);

		assert_true(!u || str_eqz(u->name, "app") || str_eqz(u->name, "other"));
		state_free(s);
	}
	atomic_store(&over, true);
	pthread_join(thread, NULL);
	unlink(in_top("root/etc/passwd"));
	unlink(in_top("root/etc/other"));
}

static int set_up(void **state)
{
	return mkdtemp(top) && mkdir(in_top("root"), 0700) == 0 &&
			       mkdir(in_top("root/etc"), 0700) == 0
		       ? 0
		       : -1;
}

static int tear_down(void **state)
{
	rmdir(in_top("root/etc"));
	rmdir(in_top("root"));
	return rmdir(top);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(odd_files),
		cmocka_unit_test(long_lines_and_many),
		cmocka_unit_test(a_changing_file),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
