/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the probe's calls against the table of events, and what the numbers of calls stand for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "base/cleanup.h"
#include "event/event.h"
#include "source/bpf_calls.h"
#include "source/bpf_flags.h"
#include "source/bpf_progs.h"

static void test_rows(void **st)
{
	for (size_t i = 0; i < bpf_ncalls; i++) {
		const struct bpf_call *c = &bpf_calls[i];
		const struct event_info *info = event_info(c->event);

		assert_non_null(info);
		if (info->kind != EVK_SYSCALL || info->dir != EVD_EXIT ||
		    info->state != EVS_CURRENT)
			fail_msg("%s is not delivered at the end of a call", info->name);
		assert_ptr_equal(bpf_call_find(c->event), c); /* once */
		for (unsigned p = 0; p < CALL_PARAMS && !c->program; p++) {
			if ((p < info->nparams) != (c->params[p].op != 0))
				fail_msg("%s has %u parameters, the row another number", info->name,
					 info->nparams);
		}
	}
}

static bool hooked(unsigned code)
{
	for (size_t i = 0; i < bpf_nhooks; i++) {
		if (bpf_hooks[i].event == code)
			return true;
	}
	return false;
}

/* Whatever the kernel can tell is told. */
static void test_all_events(void **st)
{
	for (unsigned code = 0; code < EV_FALCO_CODES; code++) {
		const struct event_info *info = event_info(code);

		if (!info || info->state != EVS_CURRENT)
			continue;
		if (info->kind == EVK_SYSCALL && info->dir == EVD_EXIT && !bpf_call_find(code))
			fail_msg("%s has no row", info->name);
		if (info->kind == EVK_TRACEPOINT && !hooked(code))
			fail_msg("%s has no program", info->name);
	}
}

/* Every call with a number is told, if not as an event of its own then as a generic one. */
static void test_all_calls(void **st)
{
	static struct bpf_numbers n;

	bpf_numbers_get(&n);
	for (uint16_t i = 0; i < PROBE_SYSCALLS; i++) {
		const struct bpf_number *call = &n.calls[i];

		if (call->info)
			assert_int_equal(call->event, call->info->exit);
		if (call->event)
			assert_non_null(bpf_call_find(call->event));
		if (i < PROBE_NATIVE)
			assert_true(call->event);
	}
	/* Without gaps up to the youngest. */
	for (uint16_t i = 424; i <= 471; i++)
		assert_non_null(n.calls[i].info);
}

static void test_described(void **st)
{
	for (size_t i = 0; i < bpf_ncalls; i++) {
		const struct bpf_call *c = &bpf_calls[i];
		const struct event_info *info = event_info(c->event);

		if (c->program)
			continue;
		struct call d = bpf_call_describe(c);

		assert_int_equal(d.nparams, info->nparams);
		assert_true(d.nextras <= 4);
		for (unsigned p = 0; p < d.nparams; p++) {
			bool number = d.params[p].op == CALL_NUMBER ||
				      d.params[p].op == CALL_MEMORY;

			if (number && !d.params[p].width)
				fail_msg("%s.%s is no number", info->name, info->params[p].name);
		}
	}
	struct call d = bpf_call_describe(bpf_call_find(EV_SYSCALL_RENAMEAT2_X));

	assert_int_equal(d.base[0], 0);
	assert_int_equal(d.base[1], 2);
	assert_int_equal(d.fd, CALL_NOTHING);
	d = bpf_call_describe(bpf_call_find(EV_SYSCALL_SYMLINK_X));
	assert_int_equal(d.base[0], CALL_CWD);
	assert_int_equal(d.base[1], CALL_NOTHING);
	d = bpf_call_describe(bpf_call_find(EV_SYSCALL_MMAP_X));
	assert_int_equal(d.fd, 4);
	assert_int_equal(bpf_call_describe(bpf_call_find(EV_SYSCALL_DUP2_X)).fd, CALL_RESULT);
	assert_int_equal(bpf_call_describe(bpf_call_find(EV_SYSCALL_PIPE_X)).fd, CALL_NOTHING);
}

static void test_conversions(void **st)
{
	unsigned n = 0;

	for (unsigned i = 1; bpf_conversion_get(i); i++, n++)
		assert_true(bpf_conversion_get(i)->rows <= CALL_ROWS);
	assert_null(bpf_conversion_get(0));
	assert_null(bpf_conversion_get(n + 1));
	assert_int_equal(bpf_conversion_of("no such flags"), 0);
	const struct call_conversion *c = bpf_conversion_get(bpf_conversion_of("shutdown_how"));

	assert_int_equal(c->kind, CALL_VALUE);
	assert_int_equal(c->rows, 3);
}

/* Numbers of x86-64, i386 and x32 (arch/x86/entry/syscalls of the kernel). */
static void test_numbers(void **st)
{
	static struct bpf_numbers n;
	const struct {
		uint16_t nr, event;
	} native[] = { { 257, EV_SYSCALL_OPENAT_2_X },	 { 59, EV_SYSCALL_EXECVE_19_X },
		       { 452, EV_SYSCALL_FCHMODAT_X },	 { 135, EV_GENERIC_X },
		       { 0, EV_SYSCALL_READ_X },	 { 512 + 192, EV_SYSCALL_MMAP2_X },
		       { PROBE_SEND, EV_SOCKET_SEND_X }, { PROBE_RECV, EV_SOCKET_RECV_X } };
	const struct {
		uint16_t nr, native;
	} i386[] = { { 5, 2 },		 { 15, 90 },  { 39, 83 },  { 11, 59 },
		     { 120, 56 },	 { 182, 92 }, { 212, 92 }, { 203, 113 },
		     { 192, 512 + 192 }, { 359, 41 }, { 362, 42 }, { 300, 262 },
		     { 90, 9 },		 { 221, 72 }, { 187, 40 }, { 239, 40 } };
	const struct {
		uint16_t nr, native;
	} x32[] = { { 8, 59 }, { 33, 322 }, { 6, 46 }, { 2, 16 }, { 3, 19 } };

	bpf_numbers_get(&n);
	for (size_t i = 0; i < ARRAY_SIZE(native); i++)
		assert_int_equal(n.calls[native[i].nr].event, native[i].event);
	for (size_t i = 0; i < ARRAY_SIZE(i386); i++) {
		if (n.compat[i386[i].nr] != i386[i].native)
			fail_msg("i386 %u is %u, not %u", i386[i].nr, n.compat[i386[i].nr],
				 i386[i].native);
	}
	for (size_t i = 0; i < ARRAY_SIZE(x32); i++) {
		if (n.x32[x32[i].nr] != x32[i].native)
			fail_msg("x32 %u is %u, not %u", 512 + x32[i].nr, n.x32[x32[i].nr],
				 x32[i].native);
	}
	/* A number that i386 has no call for has an entry of its own that nothing wants. */
	assert_int_equal(n.compat[511], 512 + 511 - 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),	    cmocka_unit_test(test_all_events),
		cmocka_unit_test(test_all_calls),   cmocka_unit_test(test_described),
		cmocka_unit_test(test_conversions), cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
