/* SPDX-License-Identifier: Apache-2.0 */
/* Paths as texts: nothing is looked up. */
#pragma once

#include "base/strbuf.h"

/*
 * Appends base and path as one normalised path (rules-language.md 6.6): an absolute path ignores the base,
 * no repeated slashes, no "." and "..", no slash at the end but for "/". Above 1024 bytes the fixed text
 * /DIR_TOO_LONG/FILENAME_TOO_LONG.
 */
void path_join(struct str base, struct str path, struct strbuf *out);
