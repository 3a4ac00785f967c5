/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files and whole writes. Interrupted calls are repeated. */
#pragma once

#include <stddef.h>

#include "base/strbuf.h"

/*
 * Appends the file's content to out. Negative errno of open or read; -EFBIG above max bytes, -EISDIR
 * for a directory. Also right for /proc files, whose size is not known beforehand.
 */
int io_read_file(const char *path, size_t max, struct strbuf *out);
int io_read_fd(int fd, size_t max, struct strbuf *out);
/* All of it, or a negative errno. */
int io_write_all(int fd, struct str data);
