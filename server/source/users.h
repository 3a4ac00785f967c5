/* SPDX-License-Identifier: Apache-2.0 */
/* Users and groups of the host or a container from its passwd and group files. Does I/O. */
#pragma once

#include "base/str.h"
#include "source/source.h"

/*
 * Reads ROOT/etc/passwd and ROOT/etc/group and emits USER_ENTRY and GROUP_ENTRY records. root: "" or
 * HOST_ROOT; container: its id, empty for the host. Lines that are not well formed are skipped; of
 * several lines with one id the first counts, as for the C library. A file that is missing, is no
 * regular file or is too large gives nothing. -ENOMEM, or the errno of the last file that failed.
 */
int scan_users(const char *root, struct str container, record_fn fn, void *ctx);
