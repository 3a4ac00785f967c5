/* SPDX-License-Identifier: Apache-2.0 */
/* Signals, limits, semaphores, modules, rings, memory, users: calls about processes and the kernel. */
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/quota.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

static void processes(const char *dir)
{
	struct rlimit few = { 100, 200 }, got;
	uid_t ids[3];

	must(sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL), 0);
	must(syscall(SYS_kill, getpid(), SIGUSR1), 0);
	must(syscall(SYS_kill, 0x7ffffff0, 0), -ESRCH);
	must(syscall(SYS_tkill, getpid(), SIGUSR1), 0);
	must(syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1), 0);
	must(syscall(SYS_nanosleep, &(struct timespec){ 0, 5 }, NULL), 0);
	must(syscall(SYS_nanosleep, &(struct timespec){ -1, 5 }, NULL), -EINVAL);
	must(syscall(SYS_nanosleep, (void *)8, NULL), -EFAULT);
	must(syscall(SYS_futex, &(int){ 5 }, 0x80 /* private wait */, 6, NULL), -EAGAIN);
	must(syscall(SYS_setrlimit, RLIMIT_NOFILE, &few), 0);
	must(syscall(SYS_getrlimit, RLIMIT_NOFILE, &got), 0);
	must(syscall(SYS_getrlimit, 99, &got), -EINVAL);
	few.rlim_cur = 50;
	must(syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &few, &got), 0);
	must(syscall(SYS_prlimit64, 0, RLIMIT_CORE, NULL, NULL), 0);
	must(syscall(SYS_getresuid, ids, ids + 1, ids + 2), 0);
	must(syscall(SYS_getresgid, ids, 8, ids + 2), -EFAULT);
	must_be_ok(syscall(SYS_getuid) + syscall(SYS_geteuid) + syscall(SYS_getgid) +
		   syscall(SYS_getegid));
	must(syscall(SYS_setpgid, 0, 0), 0);
	must(syscall(SYS_seccomp, 1, 0x55, NULL), -EINVAL);
	must(syscall(SYS_unshare, CLONE_NEWUTS | CLONE_FILES), 0);
	must(syscall(SYS_setns, 99, CLONE_NEWNET), -EBADF);
	must(syscall(SYS_capset, NULL, NULL), -EFAULT);
	must(syscall(SYS_setregid, -1, 9), 0);
	must(syscall(SYS_setresgid, 8, -1, 8), 0);
}

static const struct expected done[] = {
	{ EV_SYSCALL_KILL_X, 2, 0, "res=0 pid=[1-9]* sig=10(SIGUSR1)" },
	{ EV_SYSCALL_KILL_X, 2, 1, "res=-3(ESRCH) pid=2147483632 sig=0" },
	{ EV_SYSCALL_TKILL_X, 1, 0, "res=0 tid=[1-9]* sig=10(SIGUSR1)" },
	{ EV_SYSCALL_TGKILL_X, 1, 0, "res=0 pid=[1-9]* tid=[1-9]* sig=10(SIGUSR1)" },
	{ EV_SYSCALL_NANOSLEEP_X, 3, 0, "res=0 interval=5(0.000000005s)" },
	{ EV_SYSCALL_NANOSLEEP_X, 3, 1, "res=-22(EINVAL) interval=*" },
	{ EV_SYSCALL_NANOSLEEP_X, 3, 2, "res=-14(EFAULT) interval=<NA>" },
	{ EV_SYSCALL_FUTEX_X, 1, 0,
	  "res=-11(EAGAIN) addr=[0-9A-F]* op=128(*FUTEX_PRIVATE_FLAG*) val=6" },
	{ EV_SYSCALL_SETRLIMIT_X, 1, 0, "res=0 cur=100 max=200 resource=7(RLIMIT_NOFILE)" },
	{ EV_SYSCALL_GETRLIMIT_X, 2, 0, "res=0 cur=100 max=200 resource=7(RLIMIT_NOFILE)" },
	{ EV_SYSCALL_GETRLIMIT_X, 2, 1,
	  "res=-22(EINVAL) cur=-1 max=-1 resource=255(RLIMIT_UNKNOWN)" },
	{ EV_SYSCALL_PRLIMIT_X, 2, 0,
	  "res=0 newcur=50 newmax=200 oldcur=100 oldmax=200 pid=0 resource=7(RLIMIT_NOFILE)" },
	{ EV_SYSCALL_PRLIMIT_X, 2, 1,
	  "res=0 newcur=-1 newmax=-1 oldcur=-1 oldmax=-1 pid=0 resource=4(RLIMIT_CORE)" },
	{ EV_SYSCALL_GETRESUID_X, 1, 0, "res=0 ruid=0(*) euid=0(*) suid=0(*)" },
	{ EV_SYSCALL_GETRESGID_X, 1, 0,
	  "res=-14(EFAULT) rgid=-1(<NONE>) egid=-1(<NONE>) sgid=-1(<NONE>)" },
	{ EV_SYSCALL_GETUID_X, 1, 0, "uid=0(*)" },
	{ EV_SYSCALL_GETEUID_X, 1, 0, "euid=0(*)" },
	{ EV_SYSCALL_GETGID_X, 1, 0, "gid=0(*)" },
	{ EV_SYSCALL_GETEGID_X, 1, 0, "egid=0(*)" },
	{ EV_SYSCALL_SETPGID_X, 1, 0, "res=0 pid=0 pgid=0" },
	{ EV_SYSCALL_SECCOMP_X, 1, 0, "res=-22(EINVAL) op=1 flags=55" },
	{ EV_SYSCALL_UNSHARE_X, 1, 0, "res=0 flags=129(CLONE_FILES|CLONE_NEWUTS)" },
	{ EV_SYSCALL_SETNS_X, 1, 0, "res=-9(EBADF) fd=99 nstype=16(CLONE_NEWNET)" },
	{ EV_SYSCALL_CAPSET_X, 1, 0,
	  "res=-14(EFAULT) cap_inheritable=* cap_permitted=* cap_effective=*" },
	{ EV_SYSCALL_SETREGID_X, 1, 0, "res=0 rgid=-1(<NONE>) egid=9*" },
	{ EV_SYSCALL_SETRESGID_X, 1, 0, "res=0 rgid=8(*) egid=-1(<NONE>) sgid=8(*)" },
};

static void test_processes(void **st)
{
	struct watch w;

	watch_run(&w, NULL, processes);
	assert_events(&w, done, ARRAY_SIZE(done));
	watch_done(&w);
}

static void must_fail(long got)
{
	must_be_ok(got == -1 ? 0 : -1);
}

static void kernel(const char *dir)
{
	struct sembuf one = { 0, 1, IPC_NOWAIT },
		      two[2] = { { 0, -1, IPC_NOWAIT }, { 0, -5, IPC_NOWAIT | SEM_UNDO } };
	struct io_uring_params p = { .flags = IORING_SETUP_CQSIZE, .cq_entries = 16 };
	union {
		int val;
		void *p;
	} arg = { .val = 3 };
	int sem = (int)syscall(SYS_semget, IPC_PRIVATE, 1, IPC_CREAT | 0600);

	must_be_ok(sem);
	must(syscall(SYS_semctl, sem, 0, SETVAL, arg), 0);
	must(syscall(SYS_semop, sem, &one, 1), 0);
	must(syscall(SYS_semop, sem, two, 2), -EAGAIN);
	must(syscall(SYS_semctl, sem, 0, IPC_RMID, 77), 0);
	must_fail(syscall(SYS_semctl, sem, 0, 12345, 77));
	/* With which error depends on whether the kernel has modules. */
	must_fail(syscall(SYS_init_module, "\177ELF", 4L, "a=b"));
	must_fail(syscall(SYS_finit_module, 99, "c=d", 3));
	must_fail(syscall(SYS_delete_module, "no-such-module", O_NONBLOCK));
	int ring = (int)syscall(SYS_io_uring_setup, 4, &p);
	if (ring >= 0) {
		must_be_ok(dup2(ring, 50));
		must(syscall(SYS_io_uring_enter, 50, 0, 0, IORING_ENTER_GETEVENTS, NULL, 0), 0);
		must(syscall(SYS_io_uring_register, 50, IORING_REGISTER_EVENTFD, &(int){ 99 }, 1),
		     -EBADF);
	}
	must(syscall(SYS_io_uring_setup, 4, NULL), -EFAULT);
}

static const struct expected asked[] = {
	{ EV_SYSCALL_SEMGET_X, 1, 0, "res=[0-9]* key=0 nsems=1 semflg=8192(IPC_CREAT)" },
	{ EV_SYSCALL_SEMCTL_X, 3, 0, "res=0 semid=[0-9]* semnum=0 cmd=4096(SETVAL) val=3" },
	{ EV_SYSCALL_SEMCTL_X, 3, 1, "res=0 semid=[0-9]* semnum=0 cmd=4(IPC_RMID) val=0" },
	{ EV_SYSCALL_SEMCTL_X, 3, 2, "res=-22(EINVAL) semid=[0-9]* semnum=0 cmd=0 val=0" },
	{ EV_SYSCALL_SEMOP_X, 2, 0,
	  "res=0 nsops=1 sem_num_0=0 sem_op_0=1 sem_flg_0=1(IPC_NOWAIT) "
	  "sem_num_1=0 sem_op_1=0 sem_flg_1=0 semid=[0-9]*" },
	{ EV_SYSCALL_SEMOP_X, 2, 1,
	  "res=-11(EAGAIN) nsops=2 sem_num_0=0 sem_op_0=-1 sem_flg_0=1(IPC_NOWAIT) "
	  "sem_num_1=0 sem_op_1=-5 sem_flg_1=3(IPC_NOWAIT|SEM_UNDO) semid=[0-9]*" },
	{ EV_SYSCALL_INIT_MODULE_X, 1, 0, "res=-*(E*) img=.ELF length=4 uargs=a=b" },
	{ EV_SYSCALL_FINIT_MODULE_X, 1, 0,
	  "res=-*(E*) fd=99 uargs=c=d "
	  "flags=3(MODULE_INIT_IGNORE_MODVERSIONS|MODULE_INIT_IGNORE_VERMAGIC)" },
	{ EV_SYSCALL_DELETE_MODULE_X, 1, 0, "res=-*(E*) name=no-such-module flags=2(O_NONBLOCK)" },
	{ EV_SYSCALL_IO_URING_SETUP_X, 2, 1,
	  "res=-14(EFAULT) entries=4 sq_entries=0 cq_entries=0 flags=0 sq_thread_cpu=0 "
	  "sq_thread_idle=0 features=0" },
};

static const struct expected with_rings[] = {
	{ EV_SYSCALL_IO_URING_SETUP_X, 2, 0,
	  "res=[0-9]* entries=4 sq_entries=4 cq_entries=16 flags=16(IORING_SETUP_CQSIZE) "
	  "sq_thread_cpu=0 sq_thread_idle=0 features=*(*IORING_FEAT_NODROP*)" },
	{ EV_SYSCALL_IO_URING_ENTER_X, 1, 0,
	  "res=0 fd=50(<r>*) to_submit=0 min_complete=0 flags=1(IORING_ENTER_GETEVENTS) sig=" },
	{ EV_SYSCALL_IO_URING_REGISTER_X, 1, 0,
	  "res=-9(EBADF) fd=50(<r>*) opcode=4(IORING_REGISTER_EVENTFD) arg=[0-9A-F]* nr_args=1" },
};

static void test_kernel(void **st)
{
	struct watch w;

	watch_run(&w, NULL, kernel);
	assert_events(&w, asked, ARRAY_SIZE(asked));
	if (rec_num(watch_get(&w, EV_SYSCALL_IO_URING_SETUP_X, 0), 0) >= 0)
		assert_events(&w, with_rings, ARRAY_SIZE(with_rings));
	watch_done(&w);
}

static void memory(const char *dir)
{
	char *at;

	must_be_ok(dup2(open("f", O_CREAT | O_RDWR, 0600), 50));
	at = (char *)syscall(SYS_mmap, NULL, 8192L, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0L);
	must_be_ok(at == MAP_FAILED ? -1 : 0);
	must((long)syscall(SYS_mmap, at, 4096L, PROT_READ, MAP_SHARED | MAP_FIXED, 50, 0x5000L),
	     (long)at);
	must(syscall(SYS_mmap, NULL, 0L, PROT_NONE, MAP_PRIVATE, 50, 0L), -EINVAL);
	must(syscall(SYS_mprotect, at + 4096, 4096L, PROT_READ | PROT_EXEC), 0);
	must(syscall(SYS_mprotect, at + 1, 4096L, PROT_NONE), -EINVAL);
	must(syscall(SYS_mlock, at + 4096, 4096L), 0);
	must(syscall(SYS_mlock2, at + 4096, 4096L, 1), 0);
	must(syscall(SYS_munlock, at + 4096, 4096L), 0);
	must(syscall(SYS_mlockall, 0), -EINVAL);
	must(syscall(SYS_munlockall), 0);
	must(syscall(SYS_munmap, at, 8192L), 0);
	must_be_ok(syscall(SYS_brk, 0));
}

static const struct expected mapped[] = {
	{ EV_SYSCALL_MMAP_X, 3, 0,
	  "res=* vm_size=[1-9]* vm_rss=[1-9]* vm_swap=[0-9]* addr=0 length=8192 "
	  "prot=3(PROT_READ|PROT_WRITE) flags=74(MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE) "
	  "fd=-1(EPERM) offset=0" },
	{ EV_SYSCALL_MMAP_X, 3, 1,
	  "res=* vm_size=* vm_rss=* vm_swap=* addr=[0-9A-F]*000 length=4096 prot=1(PROT_READ) "
	  "flags=5(MAP_SHARED|MAP_FIXED) fd=50(<f>%D/f) offset=20480" },
	{ EV_SYSCALL_MMAP_X, 3, 2,
	  "res=-22(EINVAL) vm_size=* vm_rss=* vm_swap=* addr=0 length=0 prot=0(PROT_NONE) "
	  "flags=2(MAP_PRIVATE) fd=50(<f>%D/f) offset=0" },
	{ EV_SYSCALL_MPROTECT_X, 2, 0,
	  "res=0 addr=[0-9A-F]*000 length=4096 prot=5(PROT_READ|PROT_EXEC)" },
	{ EV_SYSCALL_MPROTECT_X, 2, 1,
	  "res=-22(EINVAL) addr=[0-9A-F]*001 length=4096 prot=0(PROT_NONE)" },
	{ EV_SYSCALL_MLOCK_X, 1, 0, "res=0 addr=[0-9A-F]*000 len=4096" },
	{ EV_SYSCALL_MLOCK2_X, 1, 0, "res=0 addr=[0-9A-F]*000 len=4096 flags=1(MLOCK_ONFAULT)" },
	{ EV_SYSCALL_MUNLOCK_X, 1, 0, "res=0 addr=[0-9A-F]*000 len=4096" },
	{ EV_SYSCALL_MLOCKALL_X, 1, 0, "res=-22(EINVAL) flags=0" },
	{ EV_SYSCALL_MUNLOCKALL_X, 1, 0, "res=0" },
	{ EV_SYSCALL_MUNMAP_X, 1, 0,
	  "res=0 vm_size=[1-9]* vm_rss=* vm_swap=* addr=[0-9A-F]*000 length=8192" },
	{ EV_SYSCALL_BRK_4_X, 1, 0, "res=[0-9A-F]* vm_size=* vm_rss=* vm_swap=* addr=0" },
};

static void test_memory(void **st)
{
	struct watch w;

	watch_run(&w, NULL, memory);
	assert_events(&w, mapped, ARRAY_SIZE(mapped));
	watch_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_processes),
					    cmocka_unit_test(test_kernel),
					    cmocka_unit_test(test_memory) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
