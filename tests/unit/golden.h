/* SPDX-License-Identifier: Apache-2.0 */
/* Comparison with a file of tests/golden; UPDATE_GOLDEN=1 writes it anew. Include behind cmocka.h. */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "base/io.h"
#include "base/strbuf.h"

static inline void assert_golden(const char *name, struct str got)
{
	const char *root = getenv("TIERCEL_SOURCE_ROOT");
	char path[1024];
	struct strbuf wanted = { 0 };

	snprintf(path, sizeof(path), "%s/tests/golden/%s", root ? root : ".", name);
	if (getenv("UPDATE_GOLDEN")) {
		FILE *f = fopen(path, "w");
		assert_non_null(f);
		fwrite(got.ptr, 1, got.len, f);
		fclose(f);
	}
	assert_int_equal(io_read_file(path, 1 << 20, &wanted), 0);
	if (!str_eq(got, strbuf_str(&wanted)))
		print_error("got:\n" STR_FMT "\nwanted:\n" STR_FMT "\n", STR_ARG(got),
			    STR_ARG(strbuf_str(&wanted)));
	assert_true(str_eq(got, strbuf_str(&wanted)));
	strbuf_done(&wanted);
}
