// SPDX-License-Identifier: Apache-2.0
/* Calls whose arguments mean something else with each request: keys, mounts being configured, quotas. */
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/quota.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

static void keys(const char *dir)
{
	long ring = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, "probe-test");

	must_be_ok(ring);
	must(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0), ring);
	must(syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", "no-such", 0),
	     -ENOKEY);
	must(syscall(SYS_keyctl, KEYCTL_RESTRICT_KEYRING, KEY_SPEC_SESSION_KEYRING, "nokind",
		     (char *)8),
	     -EFAULT);
	must(syscall(SYS_keyctl, KEYCTL_DESCRIBE, 1, 0x123456789aL, 7L), -ENOKEY);
	must(syscall(SYS_keyctl, KEYCTL_PKEY_SIGN, NULL, "enc=raw", 16L, 17L), -EFAULT);
	must(syscall(SYS_keyctl, 9999, 1, 2, 3, 4), -EOPNOTSUPP);
}

static const struct expected keyed[] = {
	{ EV_SYSCALL_KEYCTL_X, 7, 0,
	  "res=[1-9]* operation=1(KEYCTL_JOIN_SESSION_KEYRING) arg2=probe-test arg3=0 arg4=0 "
	  "arg5=0" },
	{ EV_SYSCALL_KEYCTL_X, 7, 1,
	  "res=[1-9]* operation=0(KEYCTL_GET_KEYRING_ID) arg2=-3 arg3=0 arg4=0 arg5=0" },
	{ EV_SYSCALL_KEYCTL_X, 7, 2,
	  "res=-126(ENOKEY) operation=10(KEYCTL_SEARCH) arg2=-3 arg3=user arg4=no-such arg5=0" },
	{ EV_SYSCALL_KEYCTL_X, 7, 3,
	  "res=-14(EFAULT) operation=29(KEYCTL_RESTRICT_KEYRING) arg2=-3 arg3=nokind arg4=NULL "
	  "arg5=0" },
	{ EV_SYSCALL_KEYCTL_X, 7, 4,
	  "res=-126(ENOKEY) operation=6(KEYCTL_DESCRIBE) arg2=1 arg3=78187493530 arg4=7 arg5=0" },
	{ EV_SYSCALL_KEYCTL_X, 7, 5,
	  "res=-14(EFAULT) operation=27(KEYCTL_PKEY_SIGN) arg2=0 arg3=enc=raw arg4=16 arg5=17" },
	{ EV_SYSCALL_KEYCTL_X, 7, 6,
	  "res=-95(EOPNOTSUPP) operation=9999 arg2=0 arg3=0 arg4=0 arg5=0" },
};

static void test_keys(void **st)
{
	const uint16_t events[] = { EV_SYSCALL_KEYCTL_X, 0 };
	struct watch w;

	watch_run(&w, events, keys);
	assert_events(&w, keyed, ARRAY_SIZE(keyed));
	watch_done(&w);
}

static void configure(const char *dir)
{
	int fs = (int)syscall(SYS_fsopen, "tmpfs", 0);

	must_be_ok(dup2(fs, 50));
	must(syscall(SYS_fsconfig, 50, FSCONFIG_SET_STRING, "size", "1m", 0), 0);
	must(syscall(SYS_fsconfig, 50, FSCONFIG_SET_FLAG, "ro", NULL, 0), 0);
	must(syscall(SYS_fsconfig, 50, FSCONFIG_SET_BINARY, "blob", "\1\2abc", 5), -EINVAL);
	must(syscall(SYS_fsconfig, 50, FSCONFIG_SET_PATH, "lower", "/tmp/\xff", AT_FDCWD), -EINVAL);
	must(syscall(SYS_fsconfig, 50, FSCONFIG_SET_FD, "fd", NULL, 77), -EBADF);
	must(syscall(SYS_fsconfig, 50, FSCONFIG_CMD_CREATE, NULL, NULL, 0), 0);
	must(syscall(SYS_fsconfig, 99, 1234, (char *)8, NULL, -1), -EOPNOTSUPP);
}

static const struct expected configured[] = {
	{ EV_SYSCALL_FSCONFIG_X, 7, 0,
	  "res=0 fd=50(<o>*) cmd=1(FSCONFIG_SET_STRING) key=size value_bytebuf=NULL "
	  "value_charbuf=1m aux=0" },
	{ EV_SYSCALL_FSCONFIG_X, 7, 1,
	  "res=0 fd=50(<o>*) cmd=0(FSCONFIG_SET_FLAG) key=ro value_bytebuf=NULL "
	  "value_charbuf=<NA> aux=0" },
	{ EV_SYSCALL_FSCONFIG_X, 7, 2,
	  "res=-22(EINVAL) fd=50(<o>*) cmd=2(FSCONFIG_SET_BINARY) key=blob value_bytebuf=..abc "
	  "value_charbuf=<NA> aux=5" },
	{ EV_SYSCALL_FSCONFIG_X, 7, 3,
	  "res=-22(EINVAL) fd=50(<o>*) cmd=3(FSCONFIG_SET_PATH) key=lower value_bytebuf=NULL "
	  "value_charbuf=/tmp/\xff aux=-100" },
	{ EV_SYSCALL_FSCONFIG_X, 7, 4,
	  "res=-9(EBADF) fd=50(<o>*) cmd=5(FSCONFIG_SET_FD) key=fd value_bytebuf=NULL "
	  "value_charbuf=<NA> aux=77" },
	{ EV_SYSCALL_FSCONFIG_X, 7, 5,
	  "res=0 fd=50(<o>*) cmd=6(FSCONFIG_CMD_CREATE) key=<NA> value_bytebuf=NULL "
	  "value_charbuf=<NA> aux=0" },
	{ EV_SYSCALL_FSCONFIG_X, 7, 6,
	  "res=-95(EOPNOTSUPP) fd=99 cmd=1234 key=<NA> value_bytebuf=NULL value_charbuf=<NA> "
	  "aux=-1" },
};

static void test_configure(void **st)
{
	const uint16_t events[] = { EV_SYSCALL_FSCONFIG_X, 0 };
	struct watch w;

	watch_run(&w, events, configure);
	assert_events(&w, configured, ARRAY_SIZE(configured));
	watch_done(&w);
}

static void must_fail(long got)
{
	must_be_ok(got == -1 ? 0 : -1);
}

/* No file system here has quotas: with which error depends on the kernel, what was asked does not. */
static void quotas(const char *dir)
{
	struct dqblk limits = { .dqb_bhardlimit = 9,
				.dqb_bsoftlimit = 8,
				.dqb_curspace = 7,
				.dqb_ihardlimit = 6,
				.dqb_isoftlimit = 5,
				.dqb_btime = 4,
				.dqb_itime = 3,
				.dqb_valid = QIF_BLIMITS | QIF_ITIME };
	struct dqinfo info = { .dqi_bgrace = 2,
			       .dqi_igrace = 1,
			       .dqi_flags = 1,
			       .dqi_valid = IIF_BGRACE | IIF_FLAGS };

	must_fail(syscall(SYS_quotactl, QCMD(Q_SETQUOTA, USRQUOTA), "/dev/none", 12, &limits));
	must_fail(syscall(SYS_quotactl, QCMD(Q_SETINFO, GRPQUOTA), "d\xff", 13, &info));
	must_fail(syscall(SYS_quotactl, QCMD(Q_QUOTAON, USRQUOTA), "", 2, "/quota.user"));
	must_fail(syscall(SYS_quotactl, QCMD(Q_GETQUOTA, USRQUOTA), "/dev/none", 14, &limits));
	must_fail(syscall(SYS_quotactl, QCMD(0x5807, 2), (char *)8, 15, NULL));
}

#define NO_LIMITS                                                                                  \
	"dqb_bhardlimit=0 dqb_bsoftlimit=0 dqb_curspace=0 dqb_ihardlimit=0 dqb_isoftlimit=0 "      \
	"dqb_btime=0(0.000000000s) dqb_itime=0(0.000000000s) "
#define NO_INFO "dqi_bgrace=0(0.000000000s) dqi_igrace=0(0.000000000s) dqi_flags=0 "

static const struct expected limited[] = {
	{ EV_SYSCALL_QUOTACTL_X, 5, 0,
	  "res=-*(E*) special=/dev/none quotafilepath=<NA> dqb_bhardlimit=9 dqb_bsoftlimit=8 "
	  "dqb_curspace=0 dqb_ihardlimit=0 dqb_isoftlimit=0 dqb_btime=0(0.000000000s) "
	  "dqb_itime=3000000000(3.000000000s) " NO_INFO
	  "quota_fmt_out=1(QFMT_NOT_USED) cmd=64(Q_SETQUOTA) type=1(USRQUOTA) id=12 "
	  "quota_fmt=1(QFMT_NOT_USED)" },
	{ EV_SYSCALL_QUOTACTL_X, 5, 1,
	  "res=-*(E*) special=d\xff quotafilepath=<NA> " NO_LIMITS
	  "dqi_bgrace=2000000000(2.000000000s) dqi_igrace=0(0.000000000s) "
	  "dqi_flags=2(V1_DQF_RSQUASH) quota_fmt_out=1(QFMT_NOT_USED) cmd=16(Q_SETINFO) "
	  "type=2(GRPQUOTA) id=0 quota_fmt=1(QFMT_NOT_USED)" },
	{ EV_SYSCALL_QUOTACTL_X, 5, 2,
	  "res=-*(E*) special= quotafilepath=/quota.user " NO_LIMITS NO_INFO
	  "quota_fmt_out=1(QFMT_NOT_USED) cmd=1(Q_QUOTAON) type=1(USRQUOTA) id=0 "
	  "quota_fmt=4(QFMT_VFS_V0)" },
	{ EV_SYSCALL_QUOTACTL_X, 5, 3,
	  "res=-*(E*) special=/dev/none quotafilepath=<NA> " NO_LIMITS NO_INFO
	  "quota_fmt_out=1(QFMT_NOT_USED) cmd=32(Q_GETQUOTA) type=1(USRQUOTA) id=14 "
	  "quota_fmt=1(QFMT_NOT_USED)" },
	{ EV_SYSCALL_QUOTACTL_X, 5, 4,
	  "res=-*(E*) special=<NA> quotafilepath=<NA> " NO_LIMITS NO_INFO
	  "quota_fmt_out=1(QFMT_NOT_USED) cmd=16384(Q_XQUOTASYNC) type=0 id=0 "
	  "quota_fmt=1(QFMT_NOT_USED)" },
};

static void test_quotas(void **st)
{
	const uint16_t events[] = { EV_SYSCALL_QUOTACTL_X, 0 };
	struct watch w;

	watch_run(&w, events, quotas);
	assert_events(&w, limited, ARRAY_SIZE(limited));
	watch_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_keys),
					    cmocka_unit_test(test_configure),
					    cmocka_unit_test(test_quotas) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
