/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each allocation of a small life of a host fails in turn (the linker puts our malloc in front): nothing
 * may crash or leak, and when memory is back the state goes on.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <errno.h>

#include "state/state.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);

static unsigned long fail_at; /* 0: never */
static unsigned long allocations;

void *__wrap_malloc(size_t size)
{
	return ++allocations == fail_at ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return ++allocations == fail_at ? NULL : __real_calloc(n, size);
}

static struct record_builder builder;
static uint64_t now_ns = 1000;

static struct rec_ident ident(uint32_t pid, uint32_t tid, uint32_t ppid)
{
	return (struct rec_ident){ .pid = pid,
				   .tid = tid,
				   .ppid = ppid,
				   .start_ns = pid * UINT64_C(1000003),
				   .parent_start_ns = ppid * UINT64_C(1000003),
				   .comm = "comm" };
}

static void feed(struct state *s)
{
	const struct rec_hdr *rec = record_end(&builder);
	struct event e;

	assert_non_null(rec);
	assert_int_equal(event_decode(rec, rec->len, &e), 0);
	int r = state_before(s, &e);

	assert_true(r == 0 || r == -ENOMEM);
	state_after(s, &e);
}

static void forks(struct state *s, uint32_t maker, uint32_t tid, uint32_t pid)
{
	struct rec_ident who = ident(maker, maker, 1);

	record_begin(&builder, EV_TASK_FORK, ++now_ns, &who);
	record_i64(&builder, tid);
	record_i64(&builder, pid);
	record_u64(&builder, pid * UINT64_C(1000003));
	feed(s);
}

static void execs(struct state *s, uint32_t pid)
{
	const struct event_info *info = event_info(EV_SYSCALL_EXECVE_19_X);
	struct rec_ident who = ident(pid, pid, 1);

	record_begin(&builder, EV_SYSCALL_EXECVE_19_X, ++now_ns, &who);
	for (unsigned i = 0; i < info->nparams; i++) {
		unsigned width = param_width(info->params[i].type);

		record_param(&builder, width ? "\0\0\0\0\0\0\0\0" : "/a text", width ? width : 7);
	}
	feed(s);
}

static void exits(struct state *s, uint32_t pid)
{
	struct rec_ident who = ident(pid, pid, 1);

	record_begin(&builder, EV_PROCEXIT_1_E, ++now_ns, &who);
	feed(s);
}

static void accounts(struct state *s)
{
	for (uint32_t uid = 0; uid < 20; uid++) {
		record_begin(&builder, EV_USER_ENTRY, ++now_ns, NULL);
		record_str(&builder, STR("c"));
		record_u32(&builder, uid);
		record_u32(&builder, uid);
		record_str(&builder, STR("name"));
		feed(s);
		record_begin(&builder, EV_GROUP_ENTRY, ++now_ns, NULL);
		record_str(&builder, STR("c"));
		record_u32(&builder, uid);
		record_str(&builder, STR("name"));
		feed(s);
	}
}

static int count(const struct rec_hdr *rec, void *ctx)
{
	++*(unsigned *)ctx;
	return 0;
}

static void live(struct state *s)
{
	unsigned records = 0;

	for (uint32_t pid = 10; pid < 20; pid++) {
		forks(s, 1, pid, pid);
		forks(s, pid, pid + 100, pid);
		execs(s, pid);
		forks(s, pid, pid + 100, pid);
		forks(s, pid, pid + 200, pid + 200);
	}
	for (uint32_t pid = 10; pid < 15; pid++)
		exits(s, pid);
	accounts(s);
	int r = state_snapshot(s, now_ns, count, &records);

	assert_true(r == 0 || r == -ENOMEM);
}

static void each_allocation_may_fail(void **state)
{
	unsigned long n = 1;

	do {
		allocations = 0;
		fail_at = n++;
		struct state *s = state_new(1000);

		if (!s)
			continue;
		live(s);
		bool failed = allocations >= fail_at;

		fail_at = 0;
		if (failed) {
			execs(s, 900);
			assert_true(state_proc(s, 900)->complete);
			assert_true(str_eqz(state_proc(s, 900)->exepath, "/a text"));
		}
		state_free(s);
		if (!failed)
			break;
	} while (n < 100000);
	assert_true(n > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
