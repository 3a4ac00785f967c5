/* SPDX-License-Identifier: Apache-2.0 */
/* The drop policy: rows of what a second brought, and whether something is done; then what the report says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "config/config.h"
#include "daemon/dropwatch.h"

static struct bpf_stats after(struct bpf_stats s, uint64_t events, uint64_t full)
{
	s.events += events;
	s.drops[PROBE_DROP_RING] += full;
	s.lost[BPF_OPEN] += full;
	return s;
}

static void test_threshold_and_rate(void **st)
{
	const unsigned both = CONFIG_DROP_LOG | CONFIG_DROP_ALERT;
	const struct {
		uint64_t second, events, full;
		bool due;
	} rows[] = {
		{ 1, 1000, 0, false },	 { 2, 900, 100, false }, /* the threshold itself is no reason */
		{ 3, 899, 101, true },	 { 4, 10, 1000, true }, /* a burst of two */
		{ 5, 10, 1000, false },				/* the bucket is empty */
		{ 12, 10, 1000, false },			/* and fills by a tenth a second */
		{ 14, 10, 1000, true },	 { 15, 1000, 0, false }, { 16, 10, 1000, false },
	};
	struct drop_watch w = {
		.policy = { .threshold = 0.1, .actions = both, .rate = 0.1, .burst = 2 }
	};
	struct bpf_stats s = { 0 };
	struct drop_report r;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		s = after(s, rows[i].events, rows[i].full);
		unsigned want = rows[i].due ? both : 0;

		assert_int_equal(drop_watch_look(&w, &s, rows[i].second * NS_PER_SEC, &r), want);
	}
}

static void test_nothing_is_done_when_ignored(void **st)
{
	struct drop_watch w = { .policy = { .rate = 1, .burst = 1, .simulate = true } };
	struct bpf_stats s = after((struct bpf_stats){ 0 }, 1, 1000);
	struct drop_report r;

	assert_int_equal(drop_watch_look(&w, &s, NS_PER_SEC, &r), 0);
}

static void test_simulated(void **st)
{
	struct drop_watch w = { .policy = { .threshold = 1,
					    .actions = CONFIG_DROP_EXIT,
					    .rate = 1,
					    .burst = 1,
					    .simulate = true } };
	struct bpf_stats s = { 0 };
	struct drop_report r;

	assert_int_equal(drop_watch_look(&w, &s, NS_PER_SEC, &r), CONFIG_DROP_EXIT);
}

static void assert_pair(const struct drop_report *r, const char *key, const char *value)
{
	for (size_t i = 0; i < r->npairs; i++) {
		if (!str_eqz(str_of(r->pairs[i].key), key))
			continue;
		assert_false(r->pairs[i].numeric);
		assert_true(str_eqz(r->pairs[i].value, value));
		return;
	}
	fail_msg("no %s", key);
}

static void test_report(void **st)
{
	struct drop_watch w = { .policy = { .actions = CONFIG_DROP_LOG, .rate = 1, .burst = 1 } };
	struct bpf_stats s = after((struct bpf_stats){ 0 }, 70, 20);
	struct drop_report r;

	s.drops[PROBE_DROP_SLOT] = 7;
	s.drops[PROBE_DROP_OVERFLOW] = 3;
	assert_int_equal(drop_watch_look(&w, &s, NS_PER_SEC, &r), CONFIG_DROP_LOG);
	assert_string_equal(
		r.message,
		"Falco internal: syscall event drop: 30 events dropped in the last second");
	assert_pair(&r, "n_evts", "100");
	assert_pair(&r, "n_drops", "30");
	assert_pair(&r, "n_drops_buffer_total", "20");
	assert_pair(&r, "n_drops_buffer_open_exit", "20");
	assert_pair(&r, "n_drops_buffer_clone_fork_exit", "0");
	assert_pair(&r, "n_drops_scratch_map", "7");
	assert_pair(&r, "n_drops_page_faults", "0");
	assert_pair(&r, "n_drops_bug", "3");
	assert_pair(&r, "ebpf_enabled", "1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threshold_and_rate),
		cmocka_unit_test(test_nothing_is_done_when_ignored),
		cmocka_unit_test(test_simulated),
		cmocka_unit_test(test_report),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
