/* SPDX-License-Identifier: Apache-2.0 */
/* Which names stand for an address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "event/event.h"
#include "state/state.h"

static struct record_builder builder;

static void feed(struct state *s, const char *name, const char *addresses, size_t n)
{
	struct event e;

	record_begin(&builder, EV_HOST_NAME, 1, NULL);
	record_str(&builder, str_of(name));
	record_param(&builder, addresses, n);
	const struct rec_hdr *rec = record_end(&builder);

	assert_non_null(rec);
	assert_int_equal(event_decode(rec, rec->len, &e), 0);
	assert_int_equal(state_before(s, &e), 0);
	state_after(s, &e);
}

static const char one[HOST_ADDRESS] = { 4, 10, 0, 0, 1 }, two[HOST_ADDRESS] = { 6, 1 };

static void test_names(void **st)
{
	struct state *s = state_new(LIMIT_THREADS);
	char both[2 * HOST_ADDRESS];
	size_t at = 0;

	memcpy(both, one, sizeof(one));
	memcpy(both + sizeof(one), two, sizeof(two));
	feed(s, "a", both, sizeof(both));
	feed(s, "b", one, sizeof(one));
	assert_true(str_eqz(state_host_name(s, one, &at), "a"));
	assert_true(str_eqz(state_host_name(s, one, &at), "b"));
	assert_null(state_host_name(s, one, &at).ptr);
	/* What was known of the name is gone. */
	feed(s, "a", two, sizeof(two));
	at = 0;
	assert_true(str_eqz(state_host_name(s, one, &at), "b"));
	feed(s, "b", NULL, 0);
	feed(s, "", one, sizeof(one));
	feed(s, "half", one, sizeof(one) - 1);
	at = 0;
	assert_null(state_host_name(s, one, &at).ptr);
	state_free(s);
}

static int feed_again(const struct rec_hdr *rec, void *ctx)
{
	struct event e;

	assert_int_equal(event_decode(rec, rec->len, &e), 0);
	return state_before(ctx, &e);
}

static void test_limit(void **st)
{
	struct state *s = state_new(LIMIT_THREADS), *copy = state_new(LIMIT_THREADS);
	char name[16];
	size_t at = 0, n = 0;

	for (int i = 0; i < 2 * LIMIT_HOST_NAMES; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		feed(s, name, one, sizeof(one));
	}
	/* A capture begins with them. */
	assert_int_equal(state_snapshot(s, 1, feed_again, copy), 0);
	while (state_host_name(copy, one, &at).ptr)
		n++;
	assert_int_equal(n, LIMIT_HOST_NAMES);
	state_free(copy);
	state_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_names),
					    cmocka_unit_test(test_limit) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
