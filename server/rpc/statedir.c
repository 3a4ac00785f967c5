/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inner directory belongs to a process that may be taken over, so root never follows a name in it: it is
 * made and given away through descriptors, and its files are opened by their owner only.
 */
#include "rpc/statedir.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

static int make_parents(const char *path)
{
	_cleanup_(freep) char *copy = str_dupz(str_of(path));

	if (!copy)
		return -ENOMEM;
	for (char *p = copy + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = 0;
		if (mkdir(copy, 0755) < 0 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	return mkdir(copy, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static int give(int fd, struct str user)
{
	_cleanup_(freep) char *name = str_dupz(user);
	struct passwd pw, *found = NULL;
	char texts[4096];

	if (!user.len || geteuid() != 0)
		return 0;
	if (!name)
		return -ENOMEM;
	int r = getpwnam_r(name, &pw, texts, sizeof(texts), &found);
	if (!found)
		return r ? -r : -ENOENT;
	return fchown(fd, pw.pw_uid, pw.pw_gid) < 0 ? -errno : 0;
}

static int make_inner(const char *path, struct str user)
{
	_cleanup_(closep) int outer = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (outer < 0)
		return -errno;
	if (mkdirat(outer, "journal", 0700) < 0 && errno != EEXIST)
		return -errno;
	_cleanup_(closep) int inner = openat(outer, "journal",
					     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (inner < 0)
		return -errno;
	return give(inner, user);
}

int statedir_make(struct str state_dir, struct str user, struct strbuf *out, struct diag *d)
{
	_cleanup_(freep) char *path = str_dupz(state_dir);

	if (!path)
		return -ENOMEM;
	int r = path[0] == '/' ? make_parents(path) : -EINVAL;
	if (r == 0)
		r = make_inner(path, user);
	if (r < 0) {
		diag_set(d, "state directory %s: %s", path,
			 r == -EINVAL ? "expected an absolute path" : strerror(-r));
		return r;
	}
	strbuf_printf(out, "%s/journal", path);
	return strbuf_check(out);
}
