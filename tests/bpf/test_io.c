/* SPDX-License-Identifier: Apache-2.0 */
/* Reading, writing, copying, waiting, and descriptors of every kind. */
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/inotify.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"

static void data(const char *dir)
{
	char in[300], far[200];
	struct iovec two[2] = { { (char *)"ab", 2 }, { (char *)"cdef", 4 } };
	struct iovec into[2] = { { in, 3 }, { in + 10, 100 } };
	off_t at = 2, to = 5;

	memset(far, 'z', sizeof(far));
	must_be_ok(dup2(open("f", O_CREAT | O_RDWR, 0600), 50));
	must_be_ok(dup2(open("g", O_CREAT | O_RDWR, 0600), 51));
	must(syscall(SYS_write, 50, "hello\1", 6), 6);
	must(syscall(SYS_write, 50, far, sizeof(far)), 200);
	must(syscall(SYS_write, -1, "unsent", 6), -EBADF);
	must(syscall(SYS_write, 50, NULL, 6), -EFAULT);
	must(syscall(SYS_pwrite64, 50, "HE", 2, 1ll << 32), 2);
	must(syscall(SYS_ftruncate, 50, 206), 0);
	must(syscall(SYS_lseek, 50, 1, SEEK_SET), 1);
	must(syscall(SYS_lseek, 50, -1L, SEEK_SET), -EINVAL);
	must(syscall(SYS_read, 50, in, 4), 4);
	must(syscall(SYS_read, 51, in, 4), 0);
	must(syscall(SYS_read, 98, in, 4), -EBADF);
	must(syscall(SYS_pread64, 50, in, sizeof(in), 0), 206);
	must(syscall(SYS_writev, 51, two, 2), 6);
	must(syscall(SYS_writev, 51, (void *)8, 2), -EFAULT);
	must(syscall(SYS_pwritev, 51, two, 1, 6L, 0L), 2);
	must(syscall(SYS_lseek, 51, 0, SEEK_SET), 0);
	must(syscall(SYS_readv, 51, into, 2), 8);
	must(syscall(SYS_preadv, 51, into, 2, 4, 0), 4);
	must(syscall(SYS_preadv, 51, into, 2, -1L, -1L), -EINVAL);
	must(syscall(SYS_sendfile, 51, 50, &at, 3), 3);
	must(syscall(SYS_sendfile, 51, 50, NULL, 0), 0);
	must(syscall(SYS_copy_file_range, 50, &at, 51, &to, 4, 0), 4);
	int p[2];

	must(syscall(SYS_pipe, p), 0);
	must_be_ok(dup2(p[1], 53));
	must(syscall(SYS_splice, 50, &(loff_t){ 0 }, 53, NULL, 7, SPLICE_F_MOVE), 7);
	must(syscall(SYS_splice, 97, NULL, 53, NULL, 7, 0), -EBADF);
	must(syscall(SYS_process_vm_readv, getpid(), into, 1, two, 2, 0), 3);
	must(syscall(SYS_process_vm_writev, getpid(), two, 2, into, 2, 0), 6);
	must(syscall(SYS_process_vm_readv, 0x7ffffff0, into, 1, two, 1, 0), -ESRCH);
}

#define Z10 "zzzzzzzzzz"
#define Z70 Z10 Z10 Z10 Z10 Z10 Z10 Z10

static const struct expected moved[] = {
	{ EV_SYSCALL_WRITE_X, 4, 0, "res=6 data=hello. fd=50(<f>%D/f) size=6" },
	{ EV_SYSCALL_WRITE_X, 4, 1, "res=200 data=" Z70 Z10 " fd=50(<f>%D/f) size=200" },
	{ EV_SYSCALL_WRITE_X, 4, 2, "res=-9(EBADF) data=unsent fd=-1(EPERM) size=6" },
	{ EV_SYSCALL_WRITE_X, 4, 3, "res=-14(EFAULT) data=NULL fd=50(<f>%D/f) size=6" },
	{ EV_SYSCALL_PWRITE_X, 1, 0, "res=2 data=HE fd=50(<f>%D/f) size=2 pos=4294967296" },
	{ EV_SYSCALL_LSEEK_X, 3, 0, "res=1 fd=50(<f>%D/f) offset=1 whence=0(SEEK_SET)" },
	{ EV_SYSCALL_LSEEK_X, 3, 1,
	  "res=-22(EINVAL) fd=50(<f>%D/f) offset=18446744073709551615 whence=0(SEEK_SET)" },
	/* The first waits for the probe. */
	{ EV_SYSCALL_READ_X, 4, 1, "res=4 data=ello fd=50(<f>%D/f) size=4" },
	{ EV_SYSCALL_READ_X, 4, 2, "res=0 data=NULL fd=51(<f>%D/g) size=4" },
	{ EV_SYSCALL_READ_X, 4, 3, "res=-9(EBADF) data=NULL fd=98 size=4" },
	{ EV_SYSCALL_PREAD_X, 1, 0,
	  "res=206 data=hello." Z70 "zzzz fd=50(<f>%D/f) size=300 pos=0" },
	{ EV_SYSCALL_WRITEV_X, 2, 0, "res=6 data=abcdef fd=51(<f>%D/g) size=6" },
	{ EV_SYSCALL_WRITEV_X, 2, 1, "res=-14(EFAULT) data=NULL fd=51(<f>%D/g) size=0" },
	{ EV_SYSCALL_PWRITEV_X, 1, 0, "res=2 data=ab fd=51(<f>%D/g) size=2 pos=6" },
	{ EV_SYSCALL_READV_X, 1, 0, "res=8 size=103 data=abcdefab fd=51(<f>%D/g)" },
	{ EV_SYSCALL_PREADV_X, 2, 0, "res=4 size=103 data=efab fd=51(<f>%D/g) pos=4" },
	{ EV_SYSCALL_PREADV_X, 2, 1,
	  "res=-22(EINVAL) size=103 data=NULL fd=51(<f>%D/g) pos=18446744073709551615" },
	/* The offset is that afterwards. */
	{ EV_SYSCALL_SENDFILE_X, 2, 0, "res=3 offset=5 out_fd=51(<f>%D/g) in_fd=50 size=3" },
	{ EV_SYSCALL_SENDFILE_X, 2, 1, "res=0 offset=0 out_fd=51(<f>%D/g) in_fd=50 size=0" },
	{ EV_SYSCALL_COPY_FILE_RANGE_X, 1, 0,
	  "res=4 fdout=51(<f>%D/g) offout=9 fdin=50 offin=9 len=4" },
	{ EV_SYSCALL_SPLICE_X, 2, 0,
	  "res=7 fd_in=50(<f>%D/f) fd_out=53 size=7 flags=1(SPLICE_F_MOVE)" },
	{ EV_SYSCALL_SPLICE_X, 2, 1, "res=-9(EBADF) fd_in=97 fd_out=53 size=7 flags=0" },
	{ EV_SYSCALL_PROCESS_VM_READV_X, 2, 0, "res=3 pid=* data=abc" },
	{ EV_SYSCALL_PROCESS_VM_WRITEV_X, 1, 0, "res=6 pid=* data=abcdef" },
	{ EV_SYSCALL_PROCESS_VM_READV_X, 2, 1, "res=-3 pid=2147483632 data=NULL" },
	{ EV_SYSCALL_PIPE_X, 1, 0, "res=0 fd1=[0-9]* fd2=[0-9]* ino=[1-9]*" },
};

static void test_data(void **st)
{
	struct watch w;

	watch_run(&w, NULL, data);
	assert_events(&w, moved, ARRAY_SIZE(moved));
	watch_done(&w);
}

static void kinds(const char *dir)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGCHLD);
	must(syscall(SYS_pipe2, (void *)8, O_CLOEXEC | O_NONBLOCK), -EFAULT);
	must(syscall(SYS_eventfd, 7), 4 - 1);
	must_be_ok(syscall(SYS_eventfd2, 8, EFD_CLOEXEC | EFD_NONBLOCK));
	must(syscall(SYS_eventfd2, 8, 0x40), -EINVAL);
	must_be_ok(syscall(SYS_signalfd, -1, &set, 8));
	must_be_ok(syscall(SYS_signalfd4, -1, &set, 8, SFD_CLOEXEC));
	must_be_ok(syscall(SYS_timerfd_create, CLOCK_MONOTONIC, TFD_CLOEXEC));
	must_be_ok(syscall(SYS_inotify_init));
	must_be_ok(syscall(SYS_inotify_init1, IN_NONBLOCK));
	must_be_ok(syscall(SYS_epoll_create, 3));
	must(syscall(SYS_epoll_create, 0), -EINVAL);
	fd = (int)syscall(SYS_epoll_create1, EPOLL_CLOEXEC);
	must_be_ok(dup2(fd, 60));
	must(syscall(SYS_epoll_wait, 60, (void *)8, 5, 0), 0);
	must_be_ok(dup2((int)syscall(SYS_pidfd_open, getpid(), O_NONBLOCK), 61));
	must_be_ok(syscall(SYS_pidfd_getfd, 61, 60, 0));
	must(syscall(SYS_pidfd_getfd, 61, 99, 0), -EBADF);
	must_be_ok(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | 1));
	must_be_ok(dup2(open(".", O_DIRECTORY), 62));
	char buf[1000];
	must_be_ok(syscall(SYS_getdents64, 62, buf, sizeof(buf)));
	must_be_ok(syscall(SYS_getdents, 62, buf, sizeof(buf)));
	must(syscall(SYS_flock, 62, LOCK_EX | LOCK_NB), 0);
	must(syscall(SYS_fcntl, 62, F_SETFD, FD_CLOEXEC), 0);
	must(syscall(SYS_fcntl, 62, F_DUPFD_CLOEXEC, 70), 70);
	must(syscall(SYS_fcntl, 62, 0x7777, 70), -EINVAL);
	must(syscall(SYS_ioctl, 62, FIONBIO, 8), -EFAULT);
	must(syscall(SYS_close_range, 70, 70, 4), 0);
	must(syscall(SYS_close_range, 5, 4, 0), -EINVAL);
	int p[2];
	must(pipe(p), 0);
	must_be_ok(dup2(p[0], 80));
	must_be_ok(dup2(p[1], 81));
	struct pollfd fds[3] = { { 80, POLLIN, 0 }, { 81, POLLOUT, 0 }, { 99, POLLIN, 0 } };
	must(syscall(SYS_poll, fds, 3, 77), 2);
	must(syscall(SYS_poll, (void *)8, 3, -1), -EFAULT);
	must(syscall(SYS_ppoll, fds, 2, &(struct timespec){ 1, 5 }, &set, 8), 1);
	must(syscall(SYS_ppoll, fds + 1, 1, NULL, NULL, 8), 1);
	must(syscall(SYS_select, 0, NULL, NULL, NULL, &(struct timeval){ 0 }), 0);
}

static const struct expected made[] = {
	{ EV_SYSCALL_PIPE2_X, 2, 0,
	  "res=-14(EFAULT) fd1=-1(EPERM) fd2=-1(EPERM) ino=0 flags=4160(O_NONBLOCK|O_CLOEXEC)" },
	{ EV_SYSCALL_EVENTFD_X, 1, 0, "res=3(<e>*) initval=7 flags=0" },
	{ EV_SYSCALL_EVENTFD2_X, 2, 0, "res=*(<e>*) flags=4160(O_NONBLOCK|O_CLOEXEC) initval=8" },
	{ EV_SYSCALL_EVENTFD2_X, 2, 1, "res=-22(EINVAL) flags=0(O_NONE) initval=8" },
	{ EV_SYSCALL_SIGNALFD_X, 1, 0, "res=*(<s>*) fd=-1(EPERM) mask=10200 flags=0" },
	{ EV_SYSCALL_SIGNALFD4_X, 1, 0,
	  "res=*(<s>*) flags=4096(O_CLOEXEC) fd=-1(EPERM) mask=10200" },
	{ EV_SYSCALL_TIMERFD_CREATE_X, 1, 0, "res=*(<t>*) clockid=1 flags=0" },
	{ EV_SYSCALL_INOTIFY_INIT_X, 1, 0, "res=*(<i>*) flags=0" },
	{ EV_SYSCALL_INOTIFY_INIT1_X, 1, 0, "res=*(<i>*) flags=64(O_NONBLOCK)" },
	{ EV_SYSCALL_EPOLL_CREATE_X, 2, 0, "res=[0-9]* size=3" },
	{ EV_SYSCALL_EPOLL_CREATE_X, 2, 1, "res=-22(EINVAL) size=0" },
	{ EV_SYSCALL_EPOLL_CREATE1_X, 1, 0, "res=[0-9]* flags=1(EPOLL_CLOEXEC)" },
	{ EV_SYSCALL_EPOLLWAIT_X, 1, 0, "res=0 maxevents=5" },
	{ EV_SYSCALL_PIDFD_OPEN_X, 1, 0, "fd=*(<P>*) pid=[1-9]* flags=1(PIDFD_NONBLOCK)" },
	{ EV_SYSCALL_PIDFD_GETFD_X, 2, 0, "fd=*(<l>*) pid_fd=61 target_fd=60 flags=0" },
	{ EV_SYSCALL_PIDFD_GETFD_X, 2, 1, "fd=-9(EBADF) pid_fd=61 target_fd=99 flags=0" },
	{ EV_SYSCALL_USERFAULTFD_X, 1, 0, "res=[0-9]* flags=4160(O_NONBLOCK|O_CLOEXEC)" },
	{ EV_SYSCALL_GETDENTS64_X, 1, 0, "res=* fd=62(<d>%D)" },
	{ EV_SYSCALL_GETDENTS_X, 1, 0, "res=0 fd=62(<d>%D)" },
	{ EV_SYSCALL_FLOCK_X, 1, 0, "res=0 fd=62(<d>%D) operation=6(LOCK_EX|LOCK_NB)" },
	{ EV_SYSCALL_FCNTL_X, 3, 0, "res=0* fd=62(<d>%D) cmd=3(F_SETFD) arg=1" },
	{ EV_SYSCALL_FCNTL_X, 3, 1, "res=70 fd=62(<d>%D) cmd=26(F_DUPFD_CLOEXEC) arg=46" },
	{ EV_SYSCALL_FCNTL_X, 3, 2, "res=-22(EINVAL) fd=62(<d>%D) cmd=0(UNKNOWN) arg=46" },
	{ EV_SYSCALL_IOCTL_3_X, 1, 0, "res=-14(EFAULT) fd=62(<d>%D) request=5421 argument=8" },
	{ EV_SYSCALL_CLOSE_RANGE_X, 2, 0, "res=0 first=70 last=70 flags=4(CLOSE_RANGE_CLOEXEC)" },
	{ EV_SYSCALL_CLOSE_RANGE_X, 2, 1, "res=-22(EINVAL) first=5 last=4 flags=0" },
	{ EV_SYSCALL_POLL_X, 2, 0, "res=2 fds=80:0 81:4 99:40 timeout=77" },
	{ EV_SYSCALL_POLL_X, 2, 1, "res=-14(EFAULT) fds= timeout=-1" },
	/* The kernel writes back what is left of the time. */
	{ EV_SYSCALL_PPOLL_X, 2, 0,
	  "res=1 fds=80:0 81:4 timeout=9*(0.9*s) sigmask=SIGUSR1,SIGCHLD" },
	{ EV_SYSCALL_PPOLL_X, 2, 1, "res=1 fds=81:4 timeout=none sigmask=" },
	{ EV_SYSCALL_SELECT_X, 1, 0, "res=0" },
};

static void test_kinds(void **st)
{
	struct watch w;

	watch_run(&w, NULL, kinds);
	assert_events(&w, made, ARRAY_SIZE(made));
	watch_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_data),
					    cmocka_unit_test(test_kinds) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
