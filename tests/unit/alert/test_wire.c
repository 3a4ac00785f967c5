/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of protobuf fields, against the encoding's specification. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "alert/wire.h"
#include "base/cleanup.h"

static void assert_bytes(struct strbuf *b, const char *wanted, size_t len)
{
	assert_int_equal(b->len, len);
	assert_memory_equal(strbuf_str(b).ptr, wanted, len);
	strbuf_done(b);
}

static void numbers(void **state)
{
	static const struct {
		unsigned field;
		uint64_t v;
		const char *wanted;
		size_t len;
	} rows[] = {
		{ 1, 0, "", 0 },
		{ 1, 1, "\x08\x01", 2 },
		{ 2, 127, "\x10\x7f", 2 },
		{ 2, 128, "\x10\x80\x01", 3 },
		{ 1, 150, "\x08\x96\x01", 3 },
		{ 100, 1, "\xa0\x06\x01", 3 },
		{ 1, UINT64_MAX, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct strbuf b = { 0 };

		wire_uint(&b, rows[i].field, rows[i].v);
		assert_bytes(&b, rows[i].wanted, rows[i].len);
	}
}

static void texts(void **state)
{
	struct strbuf b = { 0 };

	wire_text(&b, 2, STR("testing"));
	wire_text(&b, 2, STR(""));
	wire_element(&b, 8, STR(""));
	assert_bytes(&b, "\x12\x07testing\x42\x00", 11);
	wire_pair(&b, 6, STR("k"), STR(""));
	wire_pair(&b, 6, STR("ab"), STR("xyz"));
	assert_bytes(&b,
		     "\x32\x05\x0a\x01k\x12\x00\x32\x09\x0a\x02"
		     "ab\x12\x03xyz",
		     18);
}

static void times(void **state)
{
	struct strbuf b = { 0 };

	wire_time(&b, 1, 0);
	assert_bytes(&b, "\x0a\x00", 2);
	wire_time(&b, 1, UINT64_C(1000000005));
	assert_bytes(&b, "\x0a\x04\x08\x01\x10\x05", 6);
	wire_time(&b, 1, UINT64_C(300) * 1000000000);
	assert_bytes(&b, "\x0a\x03\x08\xac\x02", 5);
}

static void long_pairs_have_long_sizes(void **state)
{
	static char big[64 << 10];
	struct strbuf b = { 0 };

	wire_pair(&b, 6, STR("k"), (struct str){ big, sizeof(big) });
	/* 1 + 3 for the entry, 3 for the key, 1 + 3 for the value's head */
	assert_int_equal(b.len, 4 + 3 + 4 + sizeof(big));
	assert_memory_equal(b.ptr, "\x32\x87\x80\x04\x0a\x01k\x12\x80\x80\x04", 11);
	strbuf_done(&b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(texts),
		cmocka_unit_test(times),
		cmocka_unit_test(long_pairs_have_long_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
