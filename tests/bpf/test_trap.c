// SPDX-License-Identifier: Apache-2.0
/* What happens without a call, and closes, which are read where they begin. */
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

static void on_signal(int sig)
{
}

static void signals(const char *dir)
{
	int child;

	must(sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = on_signal }, NULL), 0);
	must(sigaction(SIGALRM, &(struct sigaction){ .sa_handler = on_signal }, NULL), 0);
	must(sigaction(SIGCHLD, &(struct sigaction){ .sa_handler = on_signal }, NULL), 0);
	must(syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1), 0);
	must(alarm(1), 0);
	pause();
	child = fork();
	if (child == 0)
		_exit(0);
	while (waitpid(child, NULL, 0) != child)
		;
}

static void test_signals(void **st)
{
	const uint16_t events[] = { EV_SIGNALDELIVER_E, EV_PROCEXIT_1_E, 0 };
	struct watch w;

	watch_run(&w, events, signals);
	assert_int_equal(watch_count(&w, EV_SIGNALDELIVER_E, 0), 3);
	const struct {
		int sig, sender;
	} want[] = { { SIGUSR1, w.root },
		     { SIGALRM, 0 },
		     { SIGCHLD, (int)watch_get(&w, EV_PROCEXIT_1_E, 0)->who.pid } };

	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		const struct rec_hdr *r = watch_get(&w, EV_SIGNALDELIVER_E, i);

		assert_int_equal(rec_num(r, 0), want[i].sender);
		assert_int_equal(rec_num(r, 1), w.root);
		assert_int_equal(rec_num(r, 2), want[i].sig);
	}
	watch_done(&w);
}

enum { PAGE = 4096 };
#define AREA ((char *)0x700000000000)

static void faults(const char *dir)
{
	char *at = mmap(AREA, 4L * PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	volatile char *page = at, sink;
	int zero = open("/dev/zero", O_RDONLY);

	must_be_ok(at == AREA ? 0 : -1);
	must(madvise(at, 4L * PAGE, MADV_NOHUGEPAGE), 0);
	page[0] = 1;				/* not there, written */
	sink = page[2 * PAGE];			/* not there, read */
	must(read(zero, at + 3L * PAGE, 1), 1); /* by the kernel */
	(void)sink;
}

static const struct rec_hdr *fault_at(const struct watch *w, char *address)
{
	for (size_t i = 0; i < w->n; i++) {
		if (w->recs[i]->type == EV_PAGE_FAULT_E &&
		    (char *)(uintptr_t)rec_num(w->recs[i], 0) == address)
			return w->recs[i];
	}
	fail_msg("no fault at %p", (void *)address);
	return NULL;
}

static void test_faults(void **st)
{
	const uint16_t events[] = { EV_PAGE_FAULT_E, 0 };
	struct watch w;

	watch_run(&w, events, faults);
	const struct rec_hdr *written = fault_at(&w, AREA);

	assert_int_equal(rec_num(written, 2), 2 | 4 | 0x10);
	assert_true((uint64_t)rec_num(written, 1) < UINT64_C(1) << 47);
	assert_int_equal(written->who.tid, w.root);
	assert_int_equal(rec_num(fault_at(&w, AREA + 2L * PAGE), 2), 2 | 8 | 0x10);
	const struct rec_hdr *kernel = fault_at(&w, AREA + 3L * PAGE);

	assert_int_equal(rec_num(kernel, 2), 2 | 4 | 0x20);
	assert_true(rec_num(kernel, 1) < 0); /* in its half of the addresses */
	watch_done(&w);
}

static void turns(const char *dir)
{
	cpu_set_t one;
	int ends[2], child;
	char c = 0;

	/* On one processor, each sees the other go. */
	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	must(sched_setaffinity(0, sizeof(one), &one), 0);
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	child = fork();
	if (child == 0) {
		for (int i = 0; i < 50; i++) {
			must(read(ends[1], &c, 1), 1);
			must(write(ends[1], &c, 1), 1);
		}
		_exit(0);
	}
	for (int i = 0; i < 50; i++) {
		must(write(ends[0], &c, 1), 1);
		must(read(ends[0], &c, 1), 1);
	}
	must(waitpid(child, NULL, 0), child);
}

static void test_turns(void **st)
{
	const uint16_t events[] = { EV_SCHEDSWITCH_6_E, EV_PROCEXIT_1_E, 0 };
	unsigned to_child = 0, to_root = 0;
	struct watch w;

	watch_run(&w, events, turns);
	uint32_t child = watch_get(&w, EV_PROCEXIT_1_E, 0)->who.pid;

	for (size_t i = 0; i < w.n; i++) {
		const struct rec_hdr *r = w.recs[i];

		if (r->type != EV_SCHEDSWITCH_6_E)
			continue;
		assert_true(r->who.pid == child || r->who.pid == (uint32_t)w.root);
		assert_true(rec_num(r, 0) != r->who.tid);
		to_child += rec_num(r, 0) == child && r->who.pid == (uint32_t)w.root;
		to_root += rec_num(r, 0) == w.root && r->who.pid == child;
	}
	assert_true(to_child > 10);
	assert_true(to_root > 10);
	const struct rec_hdr *first = watch_get(&w, EV_SCHEDSWITCH_6_E, 0);

	const unsigned char *p;
	uint64_t runtime[2];

	assert_int_equal(rec_extra(first, REC_X_RUNTIME, &p), sizeof(runtime));
	memcpy(runtime, p, sizeof(runtime));
	assert_true(runtime[0] >= runtime[1] && runtime[1] > 0 && runtime[0] < 60000000000);
	assert_true(rec_num(first, 2) > 0); /* minor faults */
	assert_true(rec_num(first, 3) >= rec_num(first, 4));
	assert_true(rec_num(first, 4) > 0);
	watch_done(&w);
}

static void closes(const char *dir)
{
	int ends[2];

	must_be_ok(dup2(open("f", O_CREAT | O_RDWR, 0600), 50));
	must(unlink("f"), 0);
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	must_be_ok(dup2(ends[0], 51));
	must(syscall(SYS_close, 50), 0);
	must(syscall(SYS_close, 51), 0);
	must(syscall(SYS_close, 50), -EBADF);
	must(syscall(SYS_close, -7), -EBADF);
}

/* The first is that of the pipe the child waited at. */
static const struct expected closed[] = {
	{ EV_SYSCALL_CLOSE_X, 5, 0, "res=0 fd=[0-9]*(<p>)" },
	{ EV_SYSCALL_CLOSE_X, 5, 1, "res=0 fd=50(<f>%D/f)" },
	{ EV_SYSCALL_CLOSE_X, 5, 2, "res=0 fd=51(<u>*)" },
	{ EV_SYSCALL_CLOSE_X, 5, 3, "res=-9(EBADF) fd=50" },
	{ EV_SYSCALL_CLOSE_X, 5, 4, "res=-9(EBADF) fd=-7(E2BIG)" },
};

static void test_closes(void **st)
{
	const uint16_t events[] = { EV_SYSCALL_CLOSE_X, 0 };
	struct watch w;

	watch_run(&w, events, closes);
	assert_events(&w, closed, ARRAY_SIZE(closed));
	assert_true(rec_fd_of(watch_get(&w, EV_SYSCALL_CLOSE_X, 1))->flags & REC_FD_UNLINKED);
	watch_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_signals),
					    cmocka_unit_test(test_faults),
					    cmocka_unit_test(test_turns),
					    cmocka_unit_test(test_closes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
