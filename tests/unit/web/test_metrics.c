/* SPDX-License-Identifier: Apache-2.0 */
/* docs/metrics.md is the table of counters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "web/metrics.h"

static void docs_are_up_to_date(void **state)
{
	_cleanup_(strbuf_done) struct strbuf now = { 0 }, docs = { 0 };
	const char *root = getenv("TIERCEL_SOURCE_ROOT");
	char path[1024];

	assert_non_null(root);
	snprintf(path, sizeof(path), "%s/docs/metrics.md", root);
	metrics_list(&now);
	if (getenv("UPDATE_GOLDEN")) {
		_cleanup_(fclosep) FILE *f = fopen(path, "we");

		assert_non_null(f);
		fwrite(now.ptr, 1, now.len, f);
		return;
	}
	assert_int_equal(io_read_file(path, 1 << 20, &docs), 0);
	assert_string_equal(strbuf_z(&docs), strbuf_z(&now));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(docs_are_up_to_date) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
