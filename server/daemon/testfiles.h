/* SPDX-License-Identifier: Apache-2.0 */
/* The files that `tiercel test` runs. */
#pragma once

#include <stddef.h>

#include "base/vec.h"

struct test_files {
	VEC(char *) paths;
};

/*
 * A file stands for itself, a directory for all files below it named *_test.yaml or *_test.yml, in order of
 * path. Negative errno; *ret is to be released either way.
 */
int test_files_add(struct test_files *ret, const char *path);
void test_files_done(struct test_files *f);
