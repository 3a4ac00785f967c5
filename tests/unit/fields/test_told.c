/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of what the kernel tells with an event because rules ask. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "probe/abi/probe.h"
#include "rows.h"

static void setuid_event(void)
{
	begin(EV_SYSCALL_SETUID_X);
	record_i64(&rec, -1);
	record_u32(&rec, 5);
}

/* A thread that is called as a shell is, of a process that is none. */
static void named_thread_event(void)
{
	setuid_event();
	memcpy(rec.hdr.who.comm, "dash", sizeof("dash"));
	shell_proc.comm = STR("make");
}

static void add_task(uint32_t told)
{
	struct rec_task task = { .caps = { 1, 3, 2 },
				 .fdlimit = 24,
				 .major_faults = 7,
				 .minor_faults = 8,
				 .told = told,
				 .nfds = 6 };

	record_extra(&rec, REC_X_TASK, &task, sizeof(task));
}

static void told_event(void)
{
	setuid_event();
	add_task(PROBE_EXTRA_CAPS | PROBE_EXTRA_MEMORY | PROBE_EXTRA_LIMITS);
	add_path(REC_X_CWD, "/srv");
	record_extra(&rec, REC_X_KINDS, "ff\0uUf", 6);
}

static void untold_event(void)
{
	setuid_event();
	add_task(PROBE_EXTRA_SESSION);
}

static void unshare_event(void)
{
	begin(EV_SYSCALL_UNSHARE_X);
	record_i64(&rec, 0);
	record_u32(&rec, 0);
	add_task(PROBE_EXTRA_CAPS);
}

static const struct row rows[] = {
	{ named_thread_event, "proc.name", NULL, false, "dash" },
	{ named_thread_event, "proc.loginshellid", NULL, false, NULL },
	{ named_thread_event, "proc.pgid.name", NULL, false, "cat" },
	{ setuid_event, "proc.fdopencount", NULL, false, NULL },
	{ setuid_event, "fd.types", NULL, false, NULL },
	{ told_event, "thread.cap_effective", NULL, false, "CAP_DAC_OVERRIDE" },
	{ told_event, "thread.cap_permitted", NULL, false, "CAP_CHOWN CAP_DAC_OVERRIDE" },
	{ told_event, "thread.cap_inheritable", NULL, false, "CAP_CHOWN" },
	{ told_event, "thread.pfmajor", NULL, false, "7" },
	{ told_event, "thread.pfminor", NULL, false, "8" },
	{ told_event, "proc.fdopencount", NULL, false, "6" },
	{ told_event, "proc.cwd", NULL, false, "/srv/" },
	{ told_event, "fd.types", NULL, false, "file unix userfaultfd" },
	{ told_event, "fd.types", "3", false, "unix" },
	{ told_event, "fd.types", "2", false, NULL },
	{ untold_event, "proc.fdopencount", NULL, false, NULL },
	{ untold_event, "thread.cap_effective", NULL, false, "CAP_CHOWN CAP_DAC_OVERRIDE" },
	{ untold_event, "thread.pfmajor", NULL, false, NULL },
	/* What it could do before it had all in the namespace. */
	{ unshare_event, "thread.cap_effective", NULL, false, "CAP_CHOWN CAP_DAC_OVERRIDE" },
};

static void test_values(void **state)
{
	unsigned bad = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		bad += check_row(&rows[i], true) + check_row(&rows[i], false);
	assert_int_equal(bad, 0);
}

static void test_asking(void **state)
{
	static const struct {
		const char *field, *arg;
		uint8_t extras;
	} cases[] = {
		{ "proc.tty", NULL, PROBE_EXTRA_SESSION },
		{ "proc.sname", NULL, PROBE_EXTRA_SESSION },
		{ "proc.vmrss", NULL, PROBE_EXTRA_MEMORY },
		{ "proc.fdusage", NULL, PROBE_EXTRA_LIMITS },
		{ "proc.stdin.type", NULL, PROBE_EXTRA_STDIO },
		{ "proc.cwd", NULL, PROBE_EXTRA_CWD },
		{ "fd.types", "3", PROBE_EXTRA_KINDS },
		{ "thread.cap_permitted", NULL, PROBE_EXTRA_CAPS },
		{ "fd.type", NULL, 0 },
		{ "proc.name", NULL, 0 },
		{ "proc.vpid", NULL, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(arena_done) struct arena a = { 0 };
		struct row row = { .field = cases[i].field, .arg = cases[i].arg };
		struct field_ref ref;

		bind_row(&row, &a, &ref);
		assert_int_equal(fields_extras(&ref), cases[i].extras);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_asking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
