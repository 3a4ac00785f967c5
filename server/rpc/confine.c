/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Becoming nobody. Done after the ports and sockets are bound and before the first call is answered; leaving
 * uid 0 clears the capabilities of every thread.
 */
#include "rpc/confine.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"

int confine_user(struct str user)
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
	if (setgroups(0, NULL) < 0 || setresgid(pw.pw_gid, pw.pw_gid, pw.pw_gid) < 0 ||
	    setresuid(pw.pw_uid, pw.pw_uid, pw.pw_uid) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return 0;
}
