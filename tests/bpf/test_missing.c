// SPDX-License-Identifier: Apache-2.0
/*
 * A kernel without some feature: it refuses a program, or a hook does not exist. The linker puts these stand-ins
 * before libbpf's functions. What cannot be is left out and said; the rest goes on.
 */
#include "watch.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/diag.h"

int __real_bpf_object__load_skeleton(struct bpf_object_skeleton *s);
int __wrap_bpf_object__load_skeleton(struct bpf_object_skeleton *s);
struct bpf_link *__real_bpf_program__attach_trace(const struct bpf_program *p);
struct bpf_link *__wrap_bpf_program__attach_trace(const struct bpf_program *p);

static const char *no_hook;

int __wrap_bpf_object__load_skeleton(struct bpf_object_skeleton *s)
{
	const struct bpf_program *p = bpf_object__find_program_by_name(*s->obj, "task_signal");

	return bpf_program__autoload(p) ? -EINVAL : __real_bpf_object__load_skeleton(s);
}

struct bpf_link *__wrap_bpf_program__attach_trace(const struct bpf_program *p)
{
	if (strcmp(bpf_program__name(p), no_hook) != 0)
		return __real_bpf_program__attach_trace(p);
	errno = ENOTSUP;
	return NULL;
}

static void count(const struct rec_hdr *rec, void *ctx)
{
	size_t *n = ctx;

	assert_int_equal(rec->type, EV_SYSCALL_MKDIR_2_X);
	++*n;
}

/* What was logged goes to log. */
static int open_source(struct bpf_source **ret, struct diag *d, char *log, size_t room)
{
	const uint16_t events[] = { EV_SYSCALL_MKDIR_2_X, EV_SIGNALDELIVER_E, EV_SCHEDSWITCH_6_E };
	int to = memfd_create("log", MFD_CLOEXEC), before = dup(STDERR_FILENO);
	struct bitset set = { 0 };

	for (size_t i = 0; i < 3; i++)
		bitset_add(&set, events[i]);
	struct bpf_options o = {
		.ring_bytes = 1, .scope = SCOPE_PID, .scope_id = (uint64_t)getpid(), .events = &set
	};

	assert_true(to >= 0 && before >= 0);
	fflush(NULL);
	dup2(to, STDERR_FILENO);
	int r = bpf_source_open(&o, ret, d);

	fflush(NULL);
	dup2(before, STDERR_FILENO);
	close(before);
	ssize_t n = pread(to, log, room - 1, 0);

	assert_true(n >= 0);
	log[n] = '\0';
	close(to);
	return r;
}

static void test_left_out(void **st)
{
	struct bpf_source *s = NULL;
	struct diag d = { 0 };
	char log[4096];
	size_t n = 0;

	no_hook = "task_switch";
	assert_int_equal(open_source(&s, &d, log, sizeof(log)), 0);
	assert_non_null(strstr(log, "\"task_signal\" of the probe (Invalid argument): events of "
				    "signaldeliver do not come"));
	assert_non_null(strstr(log,
			       "\"task_switch\" of the probe cannot be attached (Operation not "
			       "supported): events of switch do not come"));
	assert_int_equal(syscall(SYS_mkdir, "/", 0700), -1);
	for (int i = 0; i < 5; i++) {
		usleep(1000);
		bpf_source_drain(s, SIZE_MAX, count, &n);
	}
	assert_int_equal(n, 1);
	bpf_source_close(s);
}

static void test_needed(void **st)
{
	struct bpf_source *s = NULL;
	struct diag d = { 0 };
	char log[4096];

	no_hook = "sys_exit";
	assert_int_equal(open_source(&s, &d, log, sizeof(log)), -ENOTSUP);
	assert_null(s);
	assert_non_null(strstr(d.text, "sys_exit"));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_left_out),
					    cmocka_unit_test(test_needed) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
