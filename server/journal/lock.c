/* SPDX-License-Identifier: Apache-2.0 */
/* Two bytes of one file, locked through the open file (fcntl(2), F_OFD_SETLK): a child that only inherits the
 * descriptor of a process of ours shares its locks, and closing another descriptor of the file loses none. */
#include "journal/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { SERVING, FILES, STEP_MS = 10, TELL_MS = 1000 };

static int set(int fd, off_t byte, short type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };

	return fcntl(fd, F_OFD_SETLK, &lock) < 0 ? -errno : 0;
}

/* *ms: how long was waited already, for both locks. */
static int wait_for(int fd, off_t byte, unsigned limit_ms, const struct journal_lock_wait *wait,
		    unsigned *ms)
{
	unsigned end = *ms + limit_ms;

	for (;;) {
		int r = set(fd, byte, F_WRLCK);

		if ((r != -EAGAIN && r != -EACCES) || *ms >= end)
			return r;
		usleep(STEP_MS * 1000);
		*ms += STEP_MS;
		if (*ms % TELL_MS == 0 && wait->waiting)
			wait->waiting(wait->arg);
	}
}

int journal_lock_take(struct journal_lock *l, const char *dir, const struct journal_lock_wait *wait,
		      struct diag *d)
{
	char path[4096];
	unsigned ms = 0;

	snprintf(path, sizeof(path), "%s/lock", dir);
	l->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r = l->fd < 0 ? -errno : wait_for(l->fd, SERVING, wait->serving_ms, wait, &ms);
	bool served = r == -EAGAIN || r == -EACCES;
	if (r == 0)
		r = wait_for(l->fd, FILES, wait->files_ms, wait, &ms);
	if (r == 0)
		return 0;
	if (r == -EAGAIN || r == -EACCES) {
		diag_set(d,
			 served ? "%s: another server uses this journal"
				: "%s: the server before does not come to its end",
			 path);
		r = -EBUSY;
	} else {
		diag_set(d, "%s: %s", path, strerror(-r));
	}
	journal_lock_done(l);
	return r;
}

void journal_lock_ending(struct journal_lock *l)
{
	if (l->fd >= 0)
		(void)set(l->fd, SERVING, F_UNLCK);
}

void journal_lock_done(struct journal_lock *l)
{
	closep(&l->fd);
	l->fd = -1;
}
