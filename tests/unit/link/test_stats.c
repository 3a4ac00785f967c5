/* SPDX-License-Identifier: Apache-2.0 */
/* The shared counters: the table, both sides, labels, histograms, restarts, and a side that means harm. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "link/stats.h"

static struct stats *sensor_side(void)
{
	struct stats *s = NULL;

	assert_int_equal(stats_new(&s), 0);
	return s;
}

static struct stats *network_side(const struct stats *sensor)
{
	struct stats *s = NULL;

	assert_int_equal(
		stats_open(stats_fd(sensor, STATS_SENSOR), stats_fd(sensor, STATS_NETWORK), &s), 0);
	return s;
}

/* Rows of one name stand together and agree in all but their labels; names suit their kind. */
static void test_table(void **state)
{
	for (unsigned i = 0; i < STAT_IDS; i++) {
		const struct stats_row *r = stats_row((enum stat_id)i);
		struct str name = str_of(r->name);
		bool total = str_ends(name, STR("_total"));

		assert_true(str_starts(name, STR("tiercel_")) ||
			    str_starts(name, STR("falcosecurity_")));
		assert_true(strlen(r->help) > 10);
		if (str_starts(name, STR("tiercel_")) && !r->histogram)
			assert_int_equal(total, r->kind == STATS_COUNTER ||
							r->kind == STATS_NANOS_COUNTER);
		for (unsigned k = 0; k < i; k++) {
			const struct stats_row *o = stats_row((enum stat_id)k);

			if (strcmp(o->name, r->name))
				continue;
			assert_string_equal(o->help, r->help);
			assert_string_not_equal(o->labels, r->labels);
			assert_string_equal(stats_row((enum stat_id)(i - 1))->name, r->name);
		}
	}
	assert_true(stats_bound(STATS_BUCKETS - 1) == UINT64_MAX);
}

static void test_both_sides(void **state)
{
	struct stats *sensor = sensor_side(), *network = network_side(sensor);

	stats_add(sensor, STAT_EVENTS, 40);
	stats_add(sensor, STAT_EVENTS, 2);
	stats_set(network, STAT_NET_SEQ, 7);
	stats_set(network, STAT_NET_SEQ, 5);
	assert_int_equal(stats_get(sensor, STAT_EVENTS), 42);
	assert_int_equal(stats_get(network, STAT_EVENTS), 42);
	assert_int_equal(stats_get(sensor, STAT_NET_SEQ), 5);
	/* The network process starts again: its counters go on. */
	stats_add(network, STAT_NET_ALERTS, 3);
	stats_cell_add(stats_series(network, STAT_HTTP_DELIVERED, STR("receiver=\"a\"")), 9);
	network = stats_free(network);
	network = network_side(sensor);
	stats_add(network, STAT_NET_ALERTS, 4);
	stats_cell_add(stats_series(network, STAT_HTTP_DELIVERED, STR("receiver=\"a\"")), 1);
	assert_int_equal(stats_get(sensor, STAT_NET_ALERTS), 7);
	assert_int_equal(stats_nseries(sensor, STATS_NETWORK), 1);
	struct stats_series one;
	assert_true(stats_series_at(sensor, STATS_NETWORK, 0, &one));
	assert_int_equal(one.value, 10);
	stats_free(network);
	stats_free(sensor);
}

static void test_series(void **state)
{
	struct stats *s = sensor_side();
	struct stats_series one;
	_Atomic uint64_t *a = stats_series(s, STAT_CHANNEL_DELIVERED, STR("output=\"file\"")),
			 *b = stats_series(s, STAT_CHANNEL_FAILED, STR("output=\"file\""));

	assert_ptr_not_equal(a, b);
	stats_cell_add(a, 2);
	stats_cell_set(b, 3);
	assert_ptr_equal(a, stats_series(s, STAT_CHANNEL_DELIVERED, STR("output=\"file\"")));
	assert_int_equal(stats_nseries(s, STATS_SENSOR), 2);
	assert_true(stats_series_at(s, STATS_SENSOR, 1, &one));
	assert_int_equal(one.id, STAT_CHANNEL_FAILED);
	assert_true(str_eqz(one.labels, "output=\"file\""));
	assert_int_equal(one.value, 3);
	stats_free(s);
}

static void test_series_full(void **state)
{
	struct stats *s = sensor_side();
	char labels[64];

	for (unsigned i = 0; i < LIMIT_SERIES + 3; i++) {
		snprintf(labels, sizeof(labels), "rule_name=\"%u\"", i);
		stats_cell_add(stats_series(s, STAT_RULE_MATCHES, str_of(labels)), i);
	}
	assert_int_equal(stats_nseries(s, STATS_SENSOR), LIMIT_SERIES);
	assert_int_equal(stats_get(s, STAT_STATS_LOST), 3);
	struct stats_series last;
	assert_true(stats_series_at(s, STATS_SENSOR, LIMIT_SERIES - 1, &last));
	assert_int_equal(last.value, LIMIT_SERIES - 1);
	stats_free(s);
}

static void test_histogram(void **state)
{
	static const struct {
		uint64_t ns;
		unsigned bucket;
	} rows[] = {
		{ 0, 0 },	{ 50000, 0 },	    { 50001, 1 },
		{ 2000000, 5 }, { 5000000000, 14 }, { UINT64_MAX / 4, 15 },
	};
	struct stats *s = sensor_side();
	struct stats_histogram h;
	uint64_t sum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		stats_observe(s, STAT_ALERT_LATENCY, rows[i].ns);
		sum += rows[i].ns;
		stats_histogram(s, STAT_ALERT_LATENCY, &h);
		assert_true(h.counts[rows[i].bucket] > 0);
	}
	assert_int_equal(h.counts[0], 2);
	assert_true(h.sum_ns == sum);
	stats_histogram(s, STAT_NETWORK_LATENCY, &h);
	assert_int_equal(h.sum_ns, 0);
	stats_free(s);
}

static void test_infos(void **state)
{
	struct stats *sensor = sensor_side(), *network = network_side(sensor);

	assert_int_equal(stats_infos(network).len, 0);
	assert_int_equal(stats_set_infos(sensor, STR("a{b=\"1\"}")), 0);
	struct str before = stats_infos(network);
	assert_int_equal(stats_set_infos(sensor, STR("a{b=\"2\"}\nc{}")), 0);
	assert_true(str_eqz(before, "a{b=\"1\"}"));
	assert_true(str_eqz(stats_infos(network), "a{b=\"2\"}\nc{}"));
	stats_free(network);
	stats_free(sensor);
}

/* Nobody can make the sensor's area writable; what the network side writes harms nobody. */
static void test_harm(void **state)
{
	struct stats *s = sensor_side();
	struct stats_series one;
	struct stat st;

	assert_int_equal(fstat(stats_fd(s, STATS_SENSOR), &st), 0);
	assert_ptr_equal(mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			      stats_fd(s, STATS_SENSOR), 0),
			 MAP_FAILED);
	assert_int_equal(errno, EPERM);
	assert_int_equal(pwrite(stats_fd(s, STATS_SENSOR), "x", 1, 64), -1);
	assert_int_equal(ftruncate(stats_fd(s, STATS_NETWORK), 0), -1);
	char *area = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			  stats_fd(s, STATS_NETWORK), 0);
	assert_ptr_not_equal(area, MAP_FAILED);
	memset(area + 16, 0xff, 4 << 20);
	assert_int_equal(stats_nseries(s, STATS_NETWORK), LIMIT_SERIES);
	for (size_t i = 0; i < LIMIT_SERIES; i++)
		assert_false(stats_series_at(s, STATS_NETWORK, i, &one));
	area[0] ^= 1;
	struct stats *network = NULL;
	assert_int_equal(
		stats_open(stats_fd(s, STATS_SENSOR), stats_fd(s, STATS_NETWORK), &network),
		-EBADMSG);
	munmap(area, (size_t)st.st_size);
	stats_free(s);
}

static void test_none(void **state)
{
	stats_add(NULL, STAT_EVENTS, 1);
	stats_observe(NULL, STAT_ALERT_LATENCY, 1);
	stats_cell_add(stats_series(NULL, STAT_RULE_MATCHES, STR("")), 1);
	assert_int_equal(stats_get(NULL, STAT_EVENTS), 0);
	assert_int_equal(stats_nseries(NULL, STATS_SENSOR), 0);
	assert_int_equal(stats_set_infos(NULL, STR("x")), 0);
	assert_int_equal(stats_infos(NULL).len, 0);
	assert_int_equal(stats_fd(NULL, STATS_SENSOR), -1);
}

enum { ROUNDS = 20000 };

static void *writer(void *arg)
{
	struct stats *s = arg;
	char labels[32];

	for (unsigned i = 0; i < ROUNDS; i++) {
		stats_add(s, STAT_EVENTS, 1);
		stats_observe(s, STAT_ALERT_LATENCY, i);
		snprintf(labels, sizeof(labels), "rule_name=\"%u\"", i % 500);
		stats_cell_add(stats_series(s, STAT_RULE_MATCHES, str_of(labels)), 1);
		if (i % 1000 == 0)
			stats_set_infos(s, str_of(labels));
	}
	return NULL;
}

/* A reader beside the writer sees whole labels and numbers that only grow. */
static void test_threads(void **state)
{
	struct stats *s = sensor_side(), *network = network_side(s);
	pthread_t thread;
	uint64_t seen = 0, sum = 0;

	assert_int_equal(pthread_create(&thread, NULL, writer, s), 0);
	while (seen < ROUNDS) {
		uint64_t now = stats_get(network, STAT_EVENTS);
		struct stats_series one;
		struct stats_histogram h;

		assert_true(now >= seen);
		seen = now;
		for (size_t i = 0; i < stats_nseries(network, STATS_SENSOR); i++) {
			assert_true(stats_series_at(network, STATS_SENSOR, i, &one));
			assert_true(str_starts(one.labels, STR("rule_name=\"")));
		}
		stats_histogram(network, STAT_ALERT_LATENCY, &h);
		struct str infos = stats_infos(network);
		assert_true(!infos.len || str_ends(infos, STR("\"")));
	}
	pthread_join(thread, NULL);
	for (size_t i = 0; i < stats_nseries(network, STATS_SENSOR); i++) {
		struct stats_series one;

		assert_true(stats_series_at(network, STATS_SENSOR, i, &one));
		sum += one.value;
	}
	assert_int_equal(sum, ROUNDS);
	stats_free(network);
	stats_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),	  cmocka_unit_test(test_both_sides),
		cmocka_unit_test(test_series),	  cmocka_unit_test(test_series_full),
		cmocka_unit_test(test_histogram), cmocka_unit_test(test_infos),
		cmocka_unit_test(test_harm),	  cmocka_unit_test(test_none),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
