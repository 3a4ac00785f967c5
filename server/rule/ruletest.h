/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of rules (DESIGN.md, "Command line", `test`). */
#pragma once

#include "base/strbuf.h"

struct catalogue;
struct loaded_plugin;

/*
 * Runs the tests of n files on the fields of base, with plugins for rules that ask for some, and writes the report, text or JSON. 0 with the number of
 * failed tests (a file that cannot be read or is malformed counts as one); -ENOMEM.
 */
int ruletest_run(const struct catalogue *base, const struct loaded_plugin *plugins, size_t nplugins,
		 const char *const *paths, size_t n, bool json, struct strbuf *out,
		 size_t *ret_failed);
