/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files are read whole, within a bound, and taken from the last line to the first: a later record of
 * the same id replaces an earlier one, so the first line of the file wins without keeping a set of ids.
 * They may have been written by whoever made a container's image: a pipe or device in their place must
 * not block us.
 */
#include "source/users.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/io.h"
#include "event/event.h"

enum {
	MAX_FILE = 4 << 20,
	MAX_LINE = 4096,
	MAX_COLUMNS = 7,
};

struct reader {
	struct record_builder *b;
	struct str container;
	record_fn fn;
	void *ctx;
};

static bool number(struct str s, uint32_t *ret)
{
	uint64_t v;

	if (str_to_u64(s, &v) < 0 || v > UINT32_MAX)
		return false;
	*ret = (uint32_t)v;
	return true;
}

/* name:password:uid:gid:comment:home:shell */
static bool put_user(struct reader *r, const struct str *column, size_t n)
{
	uint32_t uid, gid;

	if (n < 7 || !column[0].len || !number(column[2], &uid) || !number(column[3], &gid))
		return false;
	record_begin(r->b, EV_USER_ENTRY, clock_boot_ns(), NULL);
	record_param(r->b, r->container.ptr ? r->container.ptr : "", r->container.len);
	record_u32(r->b, uid);
	record_u32(r->b, gid);
	record_str(r->b, column[0]);
	record_str(r->b, column[5]);
	record_str(r->b, column[6]);
	return true;
}

/* name:password:gid:members */
static bool put_group(struct reader *r, const struct str *column, size_t n)
{
	uint32_t gid;

	if (n < 3 || !column[0].len || !number(column[2], &gid))
		return false;
	record_begin(r->b, EV_GROUP_ENTRY, clock_boot_ns(), NULL);
	record_param(r->b, r->container.ptr ? r->container.ptr : "", r->container.len);
	record_u32(r->b, gid);
	record_str(r->b, column[0]);
	return true;
}

static size_t split_columns(struct str line, struct str *columns)
{
	size_t n = 0;

	while (n < MAX_COLUMNS) {
		size_t at = str_chr(line, ':');

		columns[n++] = str_cut(line, at);
		if (at == line.len)
			break;
		line = (struct str){ line.ptr + at + 1, line.len - at - 1 };
	}
	return n;
}

typedef bool (*put_fn)(struct reader *r, const struct str *column, size_t n);

static void take_line(struct reader *r, struct str line, put_fn put)
{
	struct str columns[MAX_COLUMNS];

	if (!line.len || line.len > MAX_LINE || line.ptr[0] == '#')
		return;
	if (!put(r, columns, split_columns(line, columns)))
		return;
	const struct rec_hdr *rec = record_end(r->b);

	if (rec)
		r->fn(rec, r->ctx);
}

/*
 * Links of a container are its own: they are followed as the container sees them, never out of its root,
 * and not through the magic links of /proc.
 */
static int read_regular(const char *root, const char *name, struct strbuf *out)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC,
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	struct stat st;
	char again[32];
	_cleanup_(closep) int dir = open(*root ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return -errno;
	_cleanup_(closep) int fd = (int)syscall(SYS_openat2, dir, name, &how, sizeof(how));

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	/* Opening a device or a pipe can already do something. */
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	snprintf(again, sizeof(again), "/proc/self/fd/%d", fd);
	_cleanup_(closep) int file = open(again, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	return file < 0 ? -errno : io_read_fd(file, MAX_FILE, out);
}

static int take_file(struct reader *r, const char *root, const char *name, put_fn put)
{
	_cleanup_(strbuf_done) struct strbuf text = { 0 };
	int outcome = read_regular(root, name, &text);
	struct str rest = strbuf_str(&text);

	if (outcome < 0)
		return outcome;
	while (rest.len) {
		size_t end = str_rchr(rest, '\n');

		if (end == rest.len) { /* the first line */
			take_line(r, rest, put);
			break;
		}
		take_line(r, str_skip(rest, end + 1), put);
		rest.len = end;
	}
	return 0;
}

int scan_users(const char *root, struct str container, record_fn fn, void *ctx)
{
	_cleanup_(freep) struct record_builder *b = malloc(sizeof(*b));
	struct reader r = { .b = b, .container = container, .fn = fn, .ctx = ctx };

	if (!b)
		return -ENOMEM;
	int users = take_file(&r, root, "/etc/passwd", put_user);
	int groups = take_file(&r, root, "/etc/group", put_group);

	return groups < 0 ? groups : users;
}
