/* SPDX-License-Identifier: Apache-2.0 */
/* What the files in force are, by their SHA-256: for metrics and snapshots (falco-compat.md 4.2, 4.4). */
#pragma once

#include <stdbool.h>

#include "config/config.h"
#include "daemon/args.h"

/* rules: else of the configuration. name: the file's, without directories. */
typedef void digests_fn(bool rules, const char *name, const char *hex, void *ctx);

/* Those that can be read, as they are now. */
void digests_each(const struct config *config, const struct args *args, digests_fn *fn, void *ctx);
