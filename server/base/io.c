/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files and whole writes; see io.h. */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"

int io_read_fd(int fd, size_t max, struct strbuf *out)
{
	size_t start = out->len;

	for (;;) {
		char *to = strbuf_room(out, 4096);
		if (!to)
			return -ENOMEM;
		size_t room = out->cap - out->len;
		ssize_t n = read(fd, to, room);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		out->len += (size_t)n;
		if (out->len - start > max)
			return -EFBIG;
	}
}

int io_read_file(const char *path, size_t max, struct strbuf *out)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? -errno : io_read_fd(fd, max, out);
}

int io_write_all(int fd, struct str data)
{
	while (data.len) {
		ssize_t n = write(fd, data.ptr, data.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data = str_skip(data, (size_t)n);
	}
	return 0;
}
