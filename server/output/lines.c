/* SPDX-License-Identifier: Apache-2.0 */
/* Lines on their way to a descriptor; see lines.h. */
#include "output/lines.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

void lines_done(struct lines *l)
{
	strbuf_done(&l->text);
}

int lines_add(struct lines *l, struct str line)
{
	size_t before = l->text.len;

	strbuf_add(&l->text, line);
	strbuf_addc(&l->text, '\n');
	if (!l->text.failed)
		return 0;
	l->text.len = before;
	l->text.failed = false;
	return -ENOMEM;
}

static int send_some(int fd, struct str *rest)
{
	ssize_t n = write(fd, rest->ptr, rest->len);

	if (n >= 0) {
		*rest = str_skip(*rest, (size_t)n);
		return 0;
	}
	if (errno == EINTR)
		return 0;
	if (errno != EAGAIN)
		return -errno;
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	return poll(&p, 1, -1) < 0 && errno != EINTR ? -errno : 0;
}

/* *ret_sent: bytes. */
static int send_all(struct lines *l, int fd, struct str text, size_t *ret_sent)
{
	struct str rest = text;
	int r = 0;

	while (rest.len && r == 0)
		r = send_some(fd, &rest);
	*ret_sent = text.len - rest.len;
	if (rest.len < text.len)
		l->torn = text.ptr[text.len - rest.len - 1] != '\n';
	return r;
}

int lines_try(struct lines *l, int fd)
{
	size_t sent = 0;
	int r = l->torn && l->text.len ? send_all(l, fd, STR("\n"), &sent) : 0;

	if (r < 0)
		return r;
	r = send_all(l, fd, strbuf_str(&l->text), &sent);
	/* A line that was begun is sent again, as a whole. */
	while (sent && sent < l->text.len && l->text.ptr[sent - 1] != '\n')
		sent--;
	l->text.len -= sent;
	if (l->text.len)
		memmove(l->text.ptr, l->text.ptr + sent, l->text.len);
	return r;
}

int lines_send(struct lines *l, int fd)
{
	int r = lines_try(l, fd);

	strbuf_clear(&l->text);
	return r;
}

size_t lines_forget(struct lines *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->text.len; i++)
		n += l->text.ptr[i] == '\n';
	strbuf_clear(&l->text);
	return n;
}

void lines_fresh(struct lines *l)
{
	l->torn = false;
}
