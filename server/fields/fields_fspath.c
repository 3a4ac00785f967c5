/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields fs.path.*: the paths of calls that work on the file system, whatever the calls name them. Which
 * calls have which is the table below; calls that failed have none (rules-language.md 6.5).
 */
#include "base/cleanup.h"
#include "fields/extract.h"

static const struct fspath_row {
	uint16_t code;
	const char *param[3]; /* by FSP_NAME, FSP_SOURCE, FSP_TARGET */
} fspath_rows[] = {
	{ EV_SYSCALL_OPENAT_2_X, { "name" } },
	{ EV_SYSCALL_OPEN_X, { "name" } },
	{ EV_SYSCALL_OPENAT2_X, { "name" } },
	{ EV_SYSCALL_UNLINKAT_2_X, { "name" } },
	{ EV_SYSCALL_UNLINK_2_X, { "path" } },
	{ EV_SYSCALL_MKDIR_2_X, { "path" } },
	{ EV_SYSCALL_MKDIRAT_X, { "path" } },
	{ EV_SYSCALL_RMDIR_2_X, { "path" } },
	{ EV_SYSCALL_CHMOD_X, { "filename" } },
	{ EV_SYSCALL_FCHMODAT_X, { "filename" } },
	{ EV_SYSCALL_FCHMOD_X, { "fd" } },
	{ EV_SYSCALL_CHOWN_X, { "path" } },
	{ EV_SYSCALL_LCHOWN_X, { "path" } },
	{ EV_SYSCALL_FCHOWN_X, { "fd" } },
	{ EV_SYSCALL_FCHOWNAT_X, { "pathname" } },
	{ EV_SYSCALL_QUOTACTL_X, { "special" } },
	{ EV_SYSCALL_UMOUNT_1_X, { "name" } },
	{ EV_SYSCALL_UMOUNT2_X, { "name" } },
	{ EV_SYSCALL_RENAME_X, { NULL, "oldpath", "newpath" } },
	{ EV_SYSCALL_RENAMEAT_X, { NULL, "oldpath", "newpath" } },
	{ EV_SYSCALL_RENAMEAT2_X, { NULL, "oldpath", "newpath" } },
	{ EV_SYSCALL_LINK_2_X, { NULL, "newpath", "oldpath" } },
	{ EV_SYSCALL_LINKAT_2_X, { NULL, "newpath", "oldpath" } },
	{ EV_SYSCALL_SYMLINK_X, { NULL, "linkpath", "target" } },
	{ EV_SYSCALL_SYMLINKAT_X, { NULL, "linkpath", "target" } },
	{ EV_SYSCALL_MOUNT_X, { NULL, "dev", "dir" } },
};

static bool succeeded(const struct event *ev)
{
	/* An open that failed has a path, unless the error is EPERM. */
	if (ev->info->flags & EVF_CREATES_FD)
		return event_i64(ev, 0, -1) != -1;
	return event_i64(ev, 0, -1) == 0;
}

bool x_fspath(const struct fx *x, struct value *ret)
{
	const struct event *ev = x->ev;
	const char *name = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(fspath_rows); i++)
		if (fspath_rows[i].code == ev->info->code)
			name = fspath_rows[i].param[x->which & 3];
	int i = name ? event_param(ev->info, str_of(name)) : -1;

	if (i < 0 || !succeeded(ev))
		return false;
	if (ev->info->params[i].type == PT_FD)
		return ev->path.ptr && fx_text(ev->path, ret);
	bool link_text = str_eqz(str_of(name), "target");

	if (x->which & FSP_RAW || link_text) {
		ret->s = ev->params[i];
		return ev->params[i].ptr;
	}
	return name_wanted(x, (unsigned)i, ret);
}
