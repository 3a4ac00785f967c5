/* SPDX-License-Identifier: Apache-2.0 */
/* One poll loop over all connections: as many may hang as like. */
#include "fake_docker.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

enum { CLIENTS = 600, HUGE = 3 << 20, DEEP = 100000 };

static void put(int fd, struct str s)
{
	while (s.len) {
		ssize_t n = send(fd, s.ptr, s.len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		s = str_skip(s, (size_t)n);
	}
}

static void answer(int fd, const char *status, struct str body)
{
	_cleanup_(strbuf_done) struct strbuf b = { 0 };

	strbuf_printf(&b, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n", status, body.len);
	strbuf_add(&b, body);
	put(fd, strbuf_str(&b));
}

static void repeat(struct strbuf *b, const char *what, size_t n)
{
	for (size_t i = 0; i < n; i++)
		strbuf_addz(b, what);
}

/* False: the connection stays open. */
static bool inspect(struct fake_docker *d, int fd, struct str id)
{
	_cleanup_(strbuf_done) struct strbuf b = { 0 };
	enum fake_mode mode = (enum fake_mode)atomic_load(&d->mode);

	atomic_fetch_add(&d->inspections, 1);
	if (mode == FAKE_HUGE)
		repeat(&b, " ", HUGE);
	else if (mode == FAKE_DEEP)
		repeat(&b, "[", DEEP);
	else
		strbuf_printf(&b,
			      "{\"Id\":\"" STR_FMT "\",\"Name\":\"/name-" STR_FMT
			      "\",\"Config\":{\"Image\":\"r/web:1\"}}",
			      STR_ARG(id), STR_ARG(id));
	switch (mode) {
	case FAKE_HUGE:
	case FAKE_DEEP:
	case FAKE_FOUND: answer(fd, "200 OK", strbuf_str(&b)); break;
	case FAKE_NOT_FOUND: answer(fd, "404 Not Found", STR("{}")); break;
	case FAKE_ERROR: answer(fd, "500 Internal Server Error", STR("{}")); break;
	case FAKE_GARBAGE: put(fd, STR("\x15\x03\x01\0\2\2\x50")); break;
	case FAKE_NO_JSON: answer(fd, "200 OK", STR("<html>\xff")); break;
	case FAKE_HALF:
		put(fd, STR("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"Id\":"));
		return false;
	case FAKE_HANGS: return false;
	case FAKE_CLOSES: break;
	}
	return true;
}

/* False: the connection stays open. */
static bool serve(struct fake_docker *d, int fd, int *ret_stream)
{
	char request[4096];
	ssize_t n = recv(fd, request, sizeof(request) - 1, 0);

	if (n <= 0)
		return true;
	struct str path = str_skip((struct str){ request, (size_t)n }, strlen("GET "));

	path = str_cut(path, str_chr(path, ' '));
	if (str_starts(path, STR("/events"))) {
		put(fd, STR("HTTP/1.1 200 OK\r\n\r\n"));
		*ret_stream = fd;
		atomic_store(&d->streams, true);
		return false;
	}
	path = str_skip(path, strlen("/containers/"));
	return inspect(d, fd, str_cut(path, str_chr(path, '/')));
}

static void stream(struct fake_docker *d, int fd)
{
	const char *line = atomic_load(&d->event);

	if (fd < 0 || !line)
		return;
	put(fd, str_of(line));
	put(fd, STR("\n"));
	atomic_store(&d->event, NULL);
}

static void *run(void *arg)
{
	struct fake_docker *d = arg;
	struct pollfd fds[CLIENTS] = { { d->listener, POLLIN, 0 } };
	nfds_t n = 1;
	int events = -1;

	while (!atomic_load(&d->stop)) {
		poll(fds, n, 2);
		stream(d, events);
		for (nfds_t i = n; i-- > 1;) {
			if (!fds[i].revents)
				continue;
			if (!serve(d, fds[i].fd, &events))
				continue;
			close(fds[i].fd);
			if (fds[i].fd == events)
				events = -1;
			fds[i] = fds[--n];
		}
		if (fds[0].revents & POLLIN && n < CLIENTS)
			fds[n++] = (struct pollfd){ accept(d->listener, NULL, NULL), POLLIN, 0 };
	}
	for (nfds_t i = 0; i < n; i++)
		close(fds[i].fd);
	return NULL;
}

void fake_docker_start(struct fake_docker *d, const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	*d = (struct fake_docker){ .listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	snprintf(d->path, sizeof(d->path), "%s", path);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	if (d->listener < 0 || bind(d->listener, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    listen(d->listener, 256) < 0 || pthread_create(&d->thread, NULL, run, d) != 0)
		abort();
}

void fake_docker_stop(struct fake_docker *d)
{
	atomic_store(&d->stop, true);
	pthread_join(d->thread, NULL);
	unlink(d->path);
}

void fake_docker_tell(struct fake_docker *d, const char *line)
{
	const struct timespec ms = { .tv_nsec = 1000000 };

	while (!atomic_load(&d->streams))
		nanosleep(&ms, NULL);
	atomic_store(&d->event, line);
	while (atomic_load(&d->event))
		nanosleep(&ms, NULL);
}
