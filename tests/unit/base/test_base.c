/* SPDX-License-Identifier: Apache-2.0 */
/* Text, memory, JSON, hashes, queues and suggestions: one table or one short test for each module. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <errno.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/queue.h"
#include "base/strbuf.h"
#include "base/suggest.h"
#include "base/vec.h"

static void numbers_are_whole(void **state)
{
	static const struct {
		const char *text;
		int outcome;
		int64_t wanted;
	} rows[] = {
		{ "0", 0, 0 },
		{ "-5", 0, -5 },
		{ "+7", 0, 7 },
		{ "9223372036854775807", 0, INT64_MAX },
		{ "-9223372036854775808", 0, INT64_MIN },
		{ "9223372036854775808", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "-", -EINVAL, 0 },
		{ "1x", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t v = 0;

		assert_int_equal(str_to_i64(str_of(rows[i].text), &v), rows[i].outcome);
		assert_int_equal(v, rows[i].wanted);
	}
}

static void searches_find(void **state)
{
	assert_true(str_contains(STR("abc"), STR("bc")));
	assert_true(str_contains(STR("abc"), STR("")));
	assert_false(str_contains(STR("abc"), STR("cb")));
	assert_true(str_icontains(STR("aBC"), STR("Bc")));
	assert_false(str_icontains(STR("a"), STR("ab")));
	assert_int_equal(str_chr(STR("a/b"), '/'), 1);
	assert_int_equal(str_rchr(STR("ab"), '/'), 2);
	assert_true(str_eq(str_trim(STR(" \t x \n")), STR("x")));
	assert_true(str_cmp(STR("a"), STR("ab")) < 0);
}

static void splits_keep_empty_parts(void **state)
{
	struct str s = STR("a,,b,"), part;
	char got[32] = "";

	while (str_split(&s, ',', &part)) {
		strncat(got, part.len ? part.ptr : "-", part.len ? part.len : 1);
		strncat(got, "|", 2);
	}
	assert_string_equal(got, "a|-|b|-|");
}

static void arena_rewinds_without_the_heap(void **state)
{
	struct arena a;

	arena_init(&a, 1 << 20);
	struct arena_mark mark = arena_mark(&a);
	for (int round = 0; round < 3; round++) {
		size_t before = a.total;

		for (int i = 0; i < 100; i++)
			assert_non_null(arena_alloc(&a, 1000));
		if (round)
			assert_int_equal(a.total, before);
		arena_rewind(&a, mark);
	}
	assert_null(arena_alloc(&a, 2 << 20));
	assert_null(arena_array(&a, SIZE_MAX, 8));
	assert_string_equal(arena_printf(&a, "%d-%s", 5, "x").ptr, "5-x");
	arena_done(&a);
	arena_done(&a);
}

static void json_is_well_formed(void **state)
{
	struct strbuf out = { 0 };
	struct json j = json_to(&out);

	json_open(&j, '{');
	json_key_text(&j, "a", STR("q\"\\\n\x01\xc3\xa4\xff\xed\xa0\x80"));
	json_key(&j, STR("b"));
	json_open(&j, '[');
	json_i64(&j, -3);
	json_bool(&j, true);
	json_null(&j);
	json_close(&j, ']');
	json_close(&j, '}');
	assert_string_equal(
		strbuf_z(&out),
		"{\"a\":\"q\\\"\\\\\\n\\u0001\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
		"\xef\xbf\xbd\",\"b\":[-3,true,null]}");
	strbuf_done(&out);
}

static void strbuf_error_sticks(void **state)
{
	struct strbuf b = { .limit = 4 };

	strbuf_addz(&b, "abc");
	strbuf_addz(&b, "def");
	strbuf_addz(&b, "g");
	assert_int_equal(strbuf_check(&b), -ENOMEM);
	assert_int_equal(b.len, 3);
	strbuf_clear(&b);
	assert_int_equal(strbuf_check(&b), 0);
	strbuf_done(&b);
}

static void map_keeps_what_is_put(void **state)
{
	struct strmap m = { 0 };
	char keys[500][8];

	for (int i = 0; i < 500; i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%d", i);
		assert_int_equal(strmap_put(&m, str_of(keys[i]), &keys[i]), 0);
	}
	for (int i = 0; i < 500; i += 2)
		assert_ptr_equal(strmap_remove(&m, str_of(keys[i])), &keys[i]);
	for (int i = 0; i < 500; i++)
		assert_ptr_equal(strmap_find(&m, str_of(keys[i])), i % 2 ? &keys[i] : NULL);
	assert_int_equal(m.count, 250);
	strmap_done(&m);
}

static void queue_is_bounded(void **state)
{
	struct queue *q = queue_new(3);
	int items[5];

	for (int i = 0; i < 4; i++)
		assert_true(queue_push(q, &items[i]));
	assert_false(queue_push(q, &items[4]));
	for (int i = 0; i < 4; i++)
		assert_ptr_equal(queue_pop(q), &items[i]);
	assert_null(queue_pop(q));
	queue_free(q);
}

static void nearest_name_is_found(void **state)
{
	struct suggest s = suggest_for(STR("proc.nmae"));

	suggest_offer(&s, STR("fd.name"));
	suggest_offer(&s, STR("proc.name"));
	suggest_offer(&s, STR("proc.pname"));
	assert_true(str_eq(s.best, STR("proc.name")));
	assert_int_equal(s.distance, 1);
}

static void places_are_counted_from_one(void **state)
{
	struct diag d = { 0 };
	struct strbuf out = { 0 };

	diag_file(&d, "f.yaml");
	diag_set(&d, "expected %s", "x");
	diag_place(&d, STR("ab\ncd"), 4);
	diag_print(&d, &out);
	assert_string_equal(strbuf_z(&out), "f.yaml:2:2: expected x");
	strbuf_done(&out);
}

static void times_have_nine_digits(void **state)
{
	struct strbuf out = { 0 };

	clock_print_iso(&out, UINT64_C(1641507970067069449), "Z");
	assert_string_equal(strbuf_z(&out), "2022-01-06T22:26:10.067069449Z");
	strbuf_clear(&out);
	setenv("TZ", "UTC", 1);
	clock_print_local(&out, UINT64_C(1641507970067069449));
	assert_string_equal(strbuf_z(&out), "22:26:10.067069449");
	strbuf_done(&out);
}

static void a_log_entry_is_one_line_of_text(void **state)
{
	char got[256] = "";
	int ends[2], kept = dup(STDERR_FILENO);

	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	log_line(LOG_LEVEL_ERROR, "\x1b[31m %s\n\xc3\xa9", "a\xff\xc3");
	dup2(kept, STDERR_FILENO);
	assert_true(read(ends[0], got, sizeof(got) - 1) > 0);
	assert_non_null(strstr(got, ": "
				    " [31m a?? \xc3\xa9\n"));
	close(ends[0]);
	close(ends[1]);
	close(kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_whole),
		cmocka_unit_test(searches_find),
		cmocka_unit_test(splits_keep_empty_parts),
		cmocka_unit_test(arena_rewinds_without_the_heap),
		cmocka_unit_test(json_is_well_formed),
		cmocka_unit_test(strbuf_error_sticks),
		cmocka_unit_test(map_keeps_what_is_put),
		cmocka_unit_test(queue_is_bounded),
		cmocka_unit_test(nearest_name_is_found),
		cmocka_unit_test(places_are_counted_from_one),
		cmocka_unit_test(times_have_nine_digits),
		cmocka_unit_test(a_log_entry_is_one_line_of_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
