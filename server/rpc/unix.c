/* SPDX-License-Identifier: Apache-2.0 */
/* See unix.h. The table of numbers belongs to the process, as descriptors do. */
#include "rpc/unix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <grpc/grpc_posix.h>
#include <grpc/grpc_security.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

enum {
	UNIX_SLOTS = 4096,
	UNIX_BACKLOG = 128,
	UNIX_ACCEPTS = 64, /* in one turn of the loop */
	UNIX_GROUPS = 256, /* of one peer */
};
#define UNIX_REST_NS (5 * NS_PER_SEC) /* before a number is used again */

struct unix_slot {
	uint64_t taken_ns; /* 0: never */
	struct unix_peer peer;
	uint32_t calls;
};

static struct {
	int base; /* number of slot 0; 0: not set up */
	int n;
	int next;
	struct unix_slot slots[UNIX_SLOTS];
} table;

struct unix_listener {
	uv_poll_t poll;
	grpc_server *server;
	grpc_server_credentials *plain;
	int fd;
	dev_t dev;
	ino_t ino;
	uint64_t turned_away;
	struct sockaddr_un address;
};

static void table_init(void)
{
	struct rlimit limit = { .rlim_cur = 1024 };

	if (table.base)
		return;
	getrlimit(RLIMIT_NOFILE, &limit);
	rlim_t files = limit.rlim_cur > 1 << 20 ? 1 << 20 : limit.rlim_cur;
	table.n = files / 2 < UNIX_SLOTS ? (int)(files / 2) : UNIX_SLOTS;
	table.base = (int)files - table.n;
}

/* Who is at the other end, as of its connect: 0, or negative errno. */
static int peer_read(int fd, struct unix_peer *ret)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0)
		return -errno;
	gid_t *groups = calloc(UNIX_GROUPS + 1, sizeof(*groups));
	if (!groups)
		return -ENOMEM;
	groups[0] = who.gid;
	len = UNIX_GROUPS * sizeof(*groups);
	/* Without them (before 4.13, or too many) only its own group counts: less is permitted, not more. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups + 1, &len) < 0)
		len = 0;
	size_t n = 1 + len / sizeof(*groups);
	gid_t *fit = realloc(groups, n * sizeof(*groups));
	*ret = (struct unix_peer){ .uid = who.uid, .groups = fit ? fit : groups, .ngroups = n };
	return 0;
}

/* Moves fd to the next free high number: the slot, or -1. fd is closed either way, the peer taken over. */
static int table_take(int fd, const struct unix_peer *peer)
{
	uint64_t now = clock_boot_ns();

	for (int tries = 0; tries < table.n; tries++) {
		int i = table.next;
		struct unix_slot *s = &table.slots[i];
		int number = table.base + i;

		table.next = (i + 1) % table.n;
		if (s->calls || (s->taken_ns && now - s->taken_ns < UNIX_REST_NS) ||
		    fcntl(number, F_GETFD) >= 0)
			continue;
		if (dup3(fd, number, O_CLOEXEC) < 0)
			break;
		close(fd);
		free(s->peer.groups);
		*s = (struct unix_slot){ .taken_ns = now, .peer = *peer };
		return i;
	}
	close(fd);
	free(peer->groups);
	return -1;
}

const struct unix_peer *unix_peer(int slot)
{
	return &table.slots[slot].peer;
}

int unix_call_begin(const char *peer)
{
	int64_t number;
	struct str text = str_of(peer);

	if (!str_starts(text, STR("fd:")) || str_to_i64(str_skip(text, 3), &number) < 0 ||
	    number < table.base || number >= table.base + table.n)
		return -ENOENT;
	int slot = (int)number - table.base;
	if (!table.slots[slot].taken_ns)
		return -ENOENT;
	table.slots[slot].calls++;
	return slot;
}

void unix_call_end(int slot)
{
	table.slots[slot].calls--;
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
	struct unix_listener *l = poll->data;

	for (int i = 0; i < UNIX_ACCEPTS; i++) {
		struct unix_peer peer = { 0 };
		int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			return;
		if (peer_read(fd, &peer) < 0) {
			close(fd);
			continue;
		}
		int slot = table_take(fd, &peer);
		if (slot < 0) {
			if (l->turned_away++ == 0)
				log_warning("grpc: too many connections on the unix socket");
			continue;
		}
		grpc_server_add_channel_from_fd(l->server, table.base + slot, l->plain);
	}
}

static int fault(struct diag *d, const char *path, const char *what, int error)
{
	*d = (struct diag){ 0 };
	diag_set(d, "cannot listen on unix://%s: %s%s%s", path, what, error ? ": " : "",
		 error ? strerror(error) : "");
	return error ? -error : -EADDRINUSE;
}

/* mkdir -p of what is above the last slash. */
static int make_parents(const char *path)
{
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];

	for (size_t i = 1; path[i]; i++) {
		if (path[i] != '/')
			continue;
		memcpy(dir, path, i);
		dir[i] = 0;
		if (mkdir(dir, 0755) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

/* Makes way for a new socket: 0, or a fault. */
static int clear_path(const struct sockaddr_un *address, struct diag *d)
{
	const char *path = address->sun_path;
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : fault(d, path, "its path", errno);
	if (!S_ISSOCK(st.st_mode))
		return fault(d, path, "a file that is no socket is in its place", 0);
	_cleanup_(closep) int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
					     0);
	if (probe < 0)
		return fault(d, path, "socket", errno);
	if (connect(probe, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
	    errno == EAGAIN)
		return fault(d, path, "another server is listening there", 0);
	if (errno != ECONNREFUSED)
		return fault(d, path, "the socket in its place", errno);
	if (unlink(path) < 0 && errno != ENOENT)
		return fault(d, path, "removing the stale socket", errno);
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct unix_listener *l = handle->data;

	closep(&l->fd);
	free(l);
}

static int bind_socket(struct unix_listener *l, mode_t mode, gid_t group, struct diag *d)
{
	const char *path = l->address.sun_path;
	struct stat st;

	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0)
		return fault(d, path, "socket", errno);
	/* Nobody may connect before the mode is what was asked for: the umask decides at bind. */
	mode_t old = umask(0177);
	int r = bind(l->fd, (const struct sockaddr *)&l->address, sizeof(l->address));
	int error = errno;
	umask(old);
	if (r < 0)
		return fault(d, path, "bind", error);
	if ((group != (gid_t)-1 && chown(path, (uid_t)-1, group) < 0) || chmod(path, mode) < 0 ||
	    stat(path, &st) < 0 || listen(l->fd, UNIX_BACKLOG) < 0) {
		error = errno;
		unlink(path);
		return fault(d, path, "setting it up", error);
	}
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	return 0;
}

int unix_listen(uv_loop_t *loop, grpc_server *server, const char *path, mode_t mode, gid_t group,
		struct unix_listener **ret, struct diag *d)
{
	struct unix_listener *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->fd = -1;
	l->server = server;
	l->address.sun_family = AF_UNIX;
	int r = 0;
	if (strlen(path) >= sizeof(l->address.sun_path) || path[0] != '/')
		r = fault(d, path, "expected an absolute path of at most 107 bytes", EINVAL);
	if (r == 0) {
		memcpy(l->address.sun_path, path, strlen(path) + 1);
		r = make_parents(path);
		if (r < 0)
			fault(d, path, "making its directory", -r);
	}
	if (r == 0)
		r = clear_path(&l->address, d);
	if (r == 0)
		r = bind_socket(l, mode, group, d);
	if (r == 0 && (r = uv_poll_init(loop, &l->poll, l->fd)) < 0)
		fault(d, path, "poll", -r);
	if (r < 0) {
		closep(&l->fd);
		free(l);
		return r;
	}
	table_init();
	l->poll.data = l;
	l->plain = grpc_insecure_server_credentials_create();
	uv_poll_start(&l->poll, UV_READABLE, on_connection);
	*ret = l;
	return 0;
}

struct unix_listener *unix_close(struct unix_listener *l)
{
	struct stat st;

	if (!l)
		return NULL;
	/* Only our own file: another server may have taken the place meanwhile. */
	if (stat(l->address.sun_path, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino)
		unlink(l->address.sun_path);
	grpc_server_credentials_release(l->plain);
	uv_poll_stop(&l->poll);
	uv_close((uv_handle_t *)&l->poll, on_closed);
	return NULL;
}
