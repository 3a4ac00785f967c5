/* SPDX-License-Identifier: Apache-2.0 */
/* Calls about names that need no code of their own in the probe: owners, kinds, mounts, questions. */
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"

static void acts(const char *dir)
{
	char buf[4096], far[4200];
	struct stat st;

	memset(far, 'x', sizeof(far) - 1);
	far[sizeof(far) - 1] = '\0';
	must(syscall(SYS_mkdir, "d", 0755), 0);
	must_be_ok(dup2(open("d", O_DIRECTORY | O_RDONLY), 50));
	must_be_ok(dup2(openat(50, "f", O_CREAT | O_RDWR, 0600), 51));
	must(syscall(SYS_chown, "d/f", 1, 2), 0);
	must(syscall(SYS_chown, "", 3, -1), -ENOENT);
	must(syscall(SYS_chown, far, 0, 0), -ENAMETOOLONG);
	must(syscall(SYS_chown, (char *)8, 0, 0), -EFAULT);
	must(syscall(SYS_lchown, "d/f", -1, 7), 0);
	must(syscall(SYS_fchown, 51, 4, 5), 0);
	must(syscall(SYS_fchown, -1, 4, 5), -EBADF);
	must(syscall(SYS_fchownat, 50, "f", 6, 7, AT_SYMLINK_NOFOLLOW), 0);
	must(syscall(SYS_fchownat, 51, "", 8, 9, AT_EMPTY_PATH), 0);
	must(syscall(SYS_mknod, "p", S_IFIFO | 0640, 0), 0);
	must(syscall(SYS_mknod, "d", S_IFREG | 0600, 0), -EEXIST);
	must(syscall(SYS_mknodat, 50, "n", S_IFCHR | 0600, makedev(1, 3)), 0);
	must(syscall(SYS_access, "d/f", R_OK | W_OK), 0);
	must(syscall(SYS_access, "d/\xff\xfe", F_OK), -ENOENT);
	must(syscall(SYS_stat, "d", &st), 0);
	must(syscall(SYS_lstat, "/nowhere", &st), -ENOENT);
	must(syscall(SYS_fstat, 51, &st), 0);
	must(syscall(SYS_newfstatat, 50, "f", &st, AT_SYMLINK_NOFOLLOW), 0);
	must(syscall(SYS_newfstatat, AT_FDCWD, "gone", &st, 0), -ENOENT);
	must(unshare(CLONE_NEWNS), 0);
	must(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	must(mount("probe", "d", "tmpfs", 0xc0ed0000 | MS_NOEXEC | MS_NOSUID, "size=1m"), 0);
	must(mount("x", "d", "no-such-kind", 0, NULL), -ENODEV);
	must(chdir("d"), 0);
	must_be_ok(syscall(SYS_getcwd, buf, sizeof(buf)));
	must(syscall(SYS_getcwd, buf, 1), -ERANGE);
	must(chdir(".."), 0);
	must(umount2("d", MNT_DETACH), 0);
	must(umount2("/nowhere", 0), -ENOENT);
	must(chdir(dir), 0);
	/* In a directory that is gone. */
	must(syscall(SYS_mkdir, "gone", 0755), 0);
	must(chdir("gone"), 0);
	must(syscall(SYS_rmdir, "../gone"), 0);
	must(syscall(SYS_mkdir, "below", 0700), -ENOENT);
	must(syscall(SYS_getcwd, buf, sizeof(buf)), -ENOENT);
}

static const struct expected wants[] = {
	{ EV_SYSCALL_CHOWN_X, 4, 0, "res=0 path=d/f(%D/d/f) uid=1 gid=2" },
	{ EV_SYSCALL_CHOWN_X, 4, 1, "res=-2(ENOENT) path= uid=3 gid=4294967295" },
	{ EV_SYSCALL_CHOWN_X, 4, 2, "res=-36(ENAMETOOLONG) path=xxxx*xxx* uid=0 gid=0" },
	{ EV_SYSCALL_CHOWN_X, 4, 3, "res=-14(EFAULT) path=<NA> uid=0 gid=0" },
	{ EV_SYSCALL_LCHOWN_X, 1, 0, "res=0 path=d/f(%D/d/f) uid=4294967295 gid=7" },
	{ EV_SYSCALL_FCHOWN_X, 2, 0, "res=0 fd=51(<f>%D/d/f) uid=4 gid=5" },
	{ EV_SYSCALL_FCHOWN_X, 2, 1, "res=-9(EBADF) fd=-1(EPERM) uid=4 gid=5" },
	{ EV_SYSCALL_FCHOWNAT_X, 2, 0,
	  "res=0 dirfd=50 pathname=f(%D/d/f) uid=6 gid=7 flags=1024(AT_SYMLINK_NOFOLLOW)" },
	{ EV_SYSCALL_FCHOWNAT_X, 2, 1,
	  "res=0 dirfd=51 pathname= uid=8 gid=9 flags=4096(AT_EMPTY_PATH)" },
	{ EV_SYSCALL_MKNOD_X, 2, 0, "res=0 path=p(%D/p) mode=010640(*S_IFIFO) dev=0" },
	{ EV_SYSCALL_MKNOD_X, 2, 1, "res=-17(EEXIST) path=d(%D/d) mode=0100600(*S_IFREG*) dev=0" },
	{ EV_SYSCALL_MKNODAT_X, 1, 0,
	  "res=0 dirfd=50 path=n(%D/d/n) mode=020600(*S_IFCHR*) dev=259" },
	{ EV_SYSCALL_ACCESS_X, 2, 0, "res=0 name=d/f(%D/d/f) mode=6(R_OK|W_OK)" },
	{ EV_SYSCALL_ACCESS_X, 2, 1, "res=-2(ENOENT) name=d/\xff\xfe(%D/d/\xff\xfe) mode=0(F_OK)" },
	{ EV_SYSCALL_STAT_X, 1, 0, "res=0 path=d(%D/d)" },
	{ EV_SYSCALL_LSTAT_X, 1, 0, "res=-2(ENOENT) path=/nowhere" },
	{ EV_SYSCALL_FSTAT_X, 1, 0, "res=0 fd=51(<f>%D/d/f)" },
	{ EV_SYSCALL_NEWFSTATAT_X, 2, 0,
	  "res=0 dirfd=50 path=f(%D/d/f) flags=256(AT_SYMLINK_NOFOLLOW)" },
	{ EV_SYSCALL_NEWFSTATAT_X, 2, 1,
	  "res=-2(ENOENT) dirfd=-100(AT_FDCWD) path=gone(%D/gone) flags=0" },
	{ EV_SYSCALL_MOUNT_X, 3, 1,
	  "res=0 dev=probe dir=d(%D/d) type=tmpfs flags=10(NOSUID|NOEXEC)" },
	{ EV_SYSCALL_MOUNT_X, 3, 2, "res=-19(ENODEV) dev=x dir=d(%D/d) type=no-such-kind flags=0" },
	{ EV_SYSCALL_GETCWD_X, 3, 0, "res=* path=%D/d" },
	{ EV_SYSCALL_GETCWD_X, 3, 1, "res=-34(ERANGE) path=<NA>" },
	{ EV_SYSCALL_GETCWD_X, 3, 2, "res=-2(ENOENT) path=<NA>" },
	{ EV_SYSCALL_UMOUNT2_X, 2, 0, "res=0 name=d(%D/d) flags=2(DETACH)" },
	{ EV_SYSCALL_UMOUNT2_X, 2, 1, "res=-2(ENOENT) name=/nowhere flags=0" },
	{ EV_SYSCALL_RMDIR_2_X, 1, 0, "res=0 path=../gone(%D/gone)" },
	{ EV_SYSCALL_MKDIR_2_X, 3, 2, "res=-2(ENOENT) path=below(*gone/below) mode=1C0" },
};

static void test_files(void **st)
{
	struct watch w;

	watch_run(&w, NULL, acts);
	assert_events(&w, wants, ARRAY_SIZE(wants));
	/* Cut, and it says so. */
	assert_int_equal(watch_get(&w, EV_SYSCALL_CHOWN_X, 2)->flags, REC_F_TRUNCATED);
	assert_int_equal(watch_get(&w, EV_SYSCALL_CHOWN_X, 0)->flags, 0);
	watch_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_files) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
