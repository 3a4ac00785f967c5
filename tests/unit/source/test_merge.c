/* SPDX-License-Identifier: Apache-2.0 */
/* The order of records out of several rings: rows of stamps and what is handed over at a given time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "source/merge.h"

enum { RINGS = 3, DEPTH = 4, MS = 1000000 };

struct array {
	struct rec_hdr recs[DEPTH];
	size_t n, at;
};

static const struct rec_hdr *peek(void *in)
{
	struct array *a = in;

	return a->at < a->n ? &a->recs[a->at] : NULL;
}

static void next(void *in)
{
	((struct array *)in)->at++;
}

struct row {
	uint64_t stamps[RINGS][DEPTH]; /* in half milliseconds; 0 ends */
	uint64_t now;
	size_t budget;
	uint64_t want[RINGS * DEPTH];
	uint64_t late;
};

static const struct row rows[] = {
	{ { { 0 } }, 100, 10, { 0 }, 0 },
	/* All rings hold something: the oldest go, until one is empty and the rest too young. */
	{ { { 10, 40 }, { 20, 41 }, { 30, 42 } }, 40, 10, { 10, 20, 30, 40 }, 0 },
	/* A ring is empty: only what is older than the slack. */
	{ { { 10, 38 }, { 20, 40 }, { 0 } }, 40, 10, { 10, 20, 38 }, 0 },
	{ { { 10, 38 }, { 20, 40 }, { 0 } }, 90, 10, { 10, 20, 38, 40 }, 0 },
	{ { { 10, 38 }, { 20, 40 }, { 0 } }, 90, 3, { 10, 20, 38 }, 0 },
	/* Out of order within a ring: handed over, and counted. */
	{ { { 30, 10 }, { 20 }, { 0 } }, 90, 10, { 20, 30, 10 }, 1 },
};

struct got {
	uint64_t stamps[RINGS * DEPTH];
	size_t n;
};

static void take(const struct rec_hdr *rec, void *ctx)
{
	struct got *g = ctx;

	g->stamps[g->n++] = rec->ts_ns / (MS / 2);
}

static void test_rows(void **st)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct array arrays[RINGS] = { 0 };
		struct merge_input in[RINGS];
		struct merge m = { .inputs = in, .n = RINGS };
		struct got got = { 0 };
		size_t want = 0;

		for (size_t r = 0; r < RINGS; r++) {
			struct array *a = &arrays[r];

			in[r] = (struct merge_input){ peek, next, a };
			while (a->n < DEPTH && rows[i].stamps[r][a->n]) {
				a->recs[a->n].ts_ns = rows[i].stamps[r][a->n] * (MS / 2);
				a->n++;
			}
		}
		size_t n = merge_run(&m, rows[i].now * (MS / 2), rows[i].budget, take, &got);

		while (want < RINGS * DEPTH && rows[i].want[want])
			want++;
		assert_int_equal(n, want);
		assert_int_equal(got.n, want);
		assert_memory_equal(got.stamps, rows[i].want, want * sizeof(uint64_t));
		assert_int_equal(m.late, rows[i].late);
		assert_int_equal(m.events, want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
