/* SPDX-License-Identifier: Apache-2.0 */
/* Command-line settings, `-o key=value`, as changes of the tree (falco-compat.md 1.1). */
#pragma once

#include "config/tree.h"

/* Is it about the list of included files? Those are applied before the files are read. */
bool override_is_include(const char *text);
/* 0; CONFIG_E_INVALID with report->error; -ENOMEM. */
int override_apply(struct arena *a, struct tree *root, const char *text,
		   struct config_report *report);
