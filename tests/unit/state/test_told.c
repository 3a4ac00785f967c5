/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel tells with an event because rules ask, and what one thread does to another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/limits.h"
#include "probe/abi/probe.h"
#include "feed.h"

static struct record_builder builder;

static void begin(uint16_t type, uint32_t pid, uint32_t tid)
{
	struct rec_ident who = {
		.start_ns = pid, .pid = pid, .tid = tid, .vpid = pid, .vtid = tid, .comm = "comm"
	};

	record_begin(&builder, type, 1000, &who);
}

static void feed(struct state *s)
{
	feed_built(s, &builder);
}

static void rename_thread(struct state *s, uint32_t by, int64_t tid, const char *name)
{
	begin(EV_TASK_RENAME, 7, by);
	record_str(&builder, str_of(name));
	if (tid)
		record_i64(&builder, tid);
	feed(s);
}

static void only_the_first_thread_names_the_process(void **unused)
{
	struct state *s = state_new(LIMIT_THREADS);

	rename_thread(s, 8, 7, "by-another");
	assert_true(str_eqz(state_proc(s, 7)->comm, "by-another"));
	rename_thread(s, 7, 8, "of-another");
	assert_true(str_eqz(state_proc(s, 7)->comm, "comm"));
	rename_thread(s, 7, 7, "own");
	assert_true(str_eqz(state_proc(s, 7)->comm, "own"));
	/* Older captures do not say whose. */
	rename_thread(s, 8, 0, "of-thread");
	assert_true(str_eqz(state_proc(s, 7)->comm, "own"));
	rename_thread(s, 7, 0, "of-first");
	assert_true(str_eqz(state_proc(s, 7)->comm, "of-first"));
	state_free(s);
}

static void a_child_is_called_as_its_maker(void **unused)
{
	struct state *s = state_new(LIMIT_THREADS);

	rename_thread(s, 7, 7, "first");
	begin(EV_TASK_FORK, 7, 8);
	record_i64(&builder, 9);
	record_i64(&builder, 9);
	record_u64(&builder, 9);
	feed(s);
	assert_true(str_eqz(state_proc(s, 9)->comm, "comm"));
	assert_true(str_eqz(state_proc(s, 7)->comm, "first"));
	state_free(s);
}

static void add_task(uint32_t told)
{
	struct rec_task t = { .told = told,
			      .fdlimit = 1,
			      .tty = 2,
			      .sid = 3,
			      .pgid = 4,
			      .vpgid = 5,
			      .vm_size = 6,
			      .vm_rss = 7,
			      .vm_swap = 8 };

	record_extra(&builder, REC_X_TASK, &t, sizeof(t));
}

static void tell(struct state *s, uint32_t told, uint8_t stdin_kind)
{
	struct rec_fd fd = { .kind = stdin_kind };

	begin(EV_SYSCALL_SETUID_X, 7, 7);
	record_i64(&builder, 0);
	record_u32(&builder, 0);
	add_task(told);
	if (stdin_kind)
		record_extra(&builder, REC_X_STDIO, &fd, sizeof(fd));
	feed(s);
}

static void what_is_told_is_taken(void **unused)
{
	struct state *s = state_new(LIMIT_THREADS);

	tell(s, 0, 0);
	const struct proc *p = state_proc(s, 7);

	assert_int_equal(p->tty | p->sid | p->pgid | p->vpgid | p->vm_size | p->fdlimit, 0);
	tell(s, PROBE_EXTRA_SESSION, 0);
	assert_int_equal(p->tty * 1000 + p->sid * 100 + p->pgid * 10 + p->vpgid, 2345);
	assert_int_equal(p->vm_size | p->fdlimit, 0);
	tell(s, PROBE_EXTRA_MEMORY, 0);
	assert_int_equal(p->vm_size * 100 + p->vm_rss * 10 + p->vm_swap, 678);
	assert_int_equal(p->fdlimit, 0);
	tell(s, PROBE_EXTRA_LIMITS, 0);
	assert_int_equal(p->fdlimit, 1);
	tell(s, PROBE_EXTRA_STDIO, 'p');
	assert_true(p->stdio[0].len >= sizeof(struct rec_fd));
	tell(s, PROBE_EXTRA_CAPS, 0);
	assert_true(p->stdio[0].len >= sizeof(struct rec_fd));
	/* Closed, as it is told without it. */
	tell(s, PROBE_EXTRA_STDIO, 0);
	assert_int_equal(p->stdio[0].len, 0);
	state_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_first_thread_names_the_process),
		cmocka_unit_test(a_child_is_called_as_its_maker),
		cmocka_unit_test(what_is_told_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
