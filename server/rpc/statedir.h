/* SPDX-License-Identifier: Apache-2.0 */
/* Where the network process may write: a directory of its own inside one that is not. */
#pragma once

#include "base/diag.h"
#include "base/strbuf.h"

/*
 * As root: makes state_dir (0755, root's) and in it journal/ (0700, the user's); as anybody else both are ours.
 * Its path goes to *out. Negative errno with *d.
 */
int statedir_make(struct str state_dir, struct str user, struct strbuf *out, struct diag *d);
