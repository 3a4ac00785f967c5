/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of gaps and what the list becomes. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "journal/gaps.h"

static void lists(void **state)
{
	static const struct {
		struct gap in[5], out[5];
	} rows[] = {
		{ { { 5, 9, LOSS_DISK } }, { { 5, 9, LOSS_DISK } } },
		{ { { 9, 5, LOSS_DISK } }, { { 0 } } },
		/* Neighbours of one reason join, others do not. */
		{ { { 1, 2, LOSS_DISK }, { 3, 4, LOSS_DISK } }, { { 1, 4, LOSS_DISK } } },
		{ { { 1, 2, LOSS_DISK }, { 4, 5, LOSS_DISK } },
		  { { 1, 2, LOSS_DISK }, { 4, 5, LOSS_DISK } } },
		{ { { 1, 2, LOSS_DISK }, { 3, 4, LOSS_OVERRUN } },
		  { { 1, 2, LOSS_DISK }, { 3, 4, LOSS_OVERRUN } } },
		{ { { 1, 9, LOSS_DISK }, { 3, 4, LOSS_DISK } }, { { 1, 9, LOSS_DISK } } },
		{ { { 1, 5, LOSS_DISK }, { 3, 8, LOSS_DISK } }, { { 1, 8, LOSS_DISK } } },
		/* Out of order. */
		{ { { 7, 8, LOSS_DISK }, { 1, 2, LOSS_RESTART }, { 4, 4, LOSS_OVERRUN } },
		  { { 1, 2, LOSS_RESTART }, { 4, 4, LOSS_OVERRUN }, { 7, 8, LOSS_DISK } } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct gaps g = { .n = 0 };
		size_t n = 0;

		for (size_t k = 0; k < 5 && rows[i].in[k].first; k++)
			gaps_add(&g, rows[i].in[k]);
		for (; n < 5 && rows[i].out[n].first; n++) {
			assert_int_equal(g.items[n].first, rows[i].out[n].first);
			assert_int_equal(g.items[n].last, rows[i].out[n].last);
			assert_int_equal(g.items[n].reason, rows[i].out[n].reason);
		}
		assert_int_equal(g.n, n);
	}
}

static void is_found(void **state)
{
	struct gaps g = { .n = 0 };

	gaps_add(&g, (struct gap){ 10, 19, LOSS_DISK });
	gaps_add(&g, (struct gap){ 30, 39, LOSS_RESTART });
	assert_null(gaps_find(&g, 1, 9));
	assert_null(gaps_find(&g, 20, 29));
	assert_null(gaps_find(&g, 40, 1000));
	assert_int_equal(gaps_find(&g, 1, 10)->reason, LOSS_DISK);
	assert_int_equal(gaps_find(&g, 19, 35)->reason, LOSS_DISK);
	assert_int_equal(gaps_find(&g, 25, 30)->reason, LOSS_RESTART);
	gaps_trim(&g, 19);
	assert_int_equal(g.n, 2);
	gaps_trim(&g, 20);
	assert_int_equal(g.n, 1);
	gaps_trim(&g, 1000);
	assert_int_equal(g.n, 0);
}

/* More than fit: what is known never becomes less. */
static void says_too_much_rather_than_too_little(void **state)
{
	struct gaps g = { .n = 0 };
	enum { MANY = 3 * GAPS_MAX };

	for (uint64_t i = 1; i <= MANY; i++)
		gaps_add(&g, (struct gap){ i * 10, i * 10 + 1, LOSS_OVERRUN });
	assert_int_equal(g.n, GAPS_MAX);
	for (uint64_t i = 1; i <= MANY; i++) {
		const struct gap *gap = gaps_find(&g, i * 10, i * 10 + 1);

		assert_non_null(gap);
		assert_in_range(gap->first, 1, i * 10);
		assert_in_range(gap->last, i * 10 + 1, MANY * 10 + 1);
	}
	for (size_t i = 1; i < g.n; i++)
		assert_true(g.items[i - 1].last < g.items[i].first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists),
		cmocka_unit_test(is_found),
		cmocka_unit_test(says_too_much_rather_than_too_little),
	};

	return cmocka_run_group_tests_name("gaps", tests, NULL, NULL);
}
