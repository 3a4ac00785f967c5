/* SPDX-License-Identifier: Apache-2.0 */
/* Recorded cases about single events: files, sockets, plain calls. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "world_build.h"

struct end {
	uint8_t v4[4], v6[16];
	uint16_t port;
};

static const struct end client_end = {
	.v4 = { 172, 40, 111, 222 },
	.v6 = { [15] = 1 },
	.port = 54321,
};
static const struct end server_end = {
	.v4 = { 142, 251, 111, 147 },
	.v6 = { 0x20, 0x01, 0x48, 0x60, 0x48, 0x60, [14] = 0x88, [15] = 0x88 },
	.port = 443,
};

static size_t put_end(uint8_t *to, const struct end *e, bool v6)
{
	size_t n = v6 ? 16 : 4;

	memcpy(to, v6 ? e->v6 : e->v4, n);
	memcpy(to + n, &e->port, sizeof(e->port));
	return n + sizeof(e->port);
}

static void p_sock(struct world *w, bool v6, const struct end *from, const struct end *to)
{
	uint8_t text[64] = { v6 ? AF_INET6 : AF_INET };
	size_t n = 1;

	if (from)
		n += put_end(text + n, from, v6);
	n += put_end(text + n, to, v6);
	record_param(&w->rec, text, n);
}

static void add_socket(struct world *w, int64_t num, bool v6, uint8_t flags,
		       const struct end *local, const struct end *remote)
{
	struct rec_fd fd = {
		.num = num,
		.kind = v6 ? '6' : '4',
		.l4 = local ? IPPROTO_TCP : 0,
		.family = v6 ? AF_INET6 : AF_INET,
		.flags = flags,
	};

	if (local) {
		memcpy(fd.local_addr, v6 ? local->v6 : local->v4, v6 ? 16 : 4);
		fd.local_port = local->port;
	}
	if (remote) {
		memcpy(fd.remote_addr, v6 ? remote->v6 : remote->v4, v6 ? 16 : 4);
		fd.remote_port = remote->port;
	}
	put_fd(w, fd);
}

static void open_event(struct world *w, int64_t fd, const char *name, uint32_t flags, uint32_t mode,
		       uint32_t dev, uint64_t ino)
{
	world_begin(w, EV_SYSCALL_OPEN_X);
	record_i64(&w->rec, fd);
	record_str(&w->rec, str_of(name));
	record_u32(&w->rec, flags);
	record_u32(&w->rec, mode);
	record_u32(&w->rec, dev);
	record_u64(&w->rec, ino);
	put_text(w, REC_X_BASE, "/root");
	if (fd >= 0)
		put_fd(w, (struct rec_fd){ .num = fd, .kind = 'f', .dev = dev, .ino = ino });
}

static void ctx_open_ok(struct world *w)
{
	open_event(w, 3, "/opt/dir/SUBDIR/file.txt", 3 | 4 | 0x4000, 0755, 5, 123);
}

static void ctx_open_enoent(struct world *w)
{
	open_event(w, -ENOENT, "/etc/nosuch", 1, 0, 0, 0);
}

static void ctx_open_eperm(struct world *w)
{
	open_event(w, -EPERM, "/etc/nosuch", 1, 0, 0, 0);
}

static void ctx_openat_rel(struct world *w)
{
	world_begin(w, EV_SYSCALL_OPENAT_2_X);
	record_i64(&w->rec, 4);
	record_i64(&w->rec, AT_FDCWD);
	record_str(&w->rec, STR("sub/../x.txt"));
	record_u32(&w->rec, 1);
	record_u32(&w->rec, 0);
	record_u32(&w->rec, 0);
	record_u64(&w->rec, 0);
	put_fd(w, (struct rec_fd){ .num = 4, .kind = 'f' });
}

static void connect_event(struct world *w, bool v6, int64_t res)
{
	world_begin(w, EV_SOCKET_CONNECT_X);
	record_i64(&w->rec, res);
	p_sock(w, v6, &client_end, &server_end);
	record_i64(&w->rec, 4);
	p_sock(w, v6, NULL, &server_end);
	add_socket(w, 4, v6, REC_FD_CLIENT | REC_FD_CONNECTED, &client_end, &server_end);
}

static void ctx_conn(struct world *w)
{
	connect_event(w, false, 0);
}

static void ctx_connect6(struct world *w)
{
	connect_event(w, true, 0);
}

static void ctx_connect_again(struct world *w)
{
	connect_event(w, false, -ENOENT);
}

static void ctx_socket(struct world *w)
{
	world_begin(w, EV_SOCKET_SOCKET_X);
	record_i64(&w->rec, 4);
	record_u32(&w->rec, AF_INET);
	record_u32(&w->rec, SOCK_STREAM);
	record_u32(&w->rec, 0);
	record_u32(&w->rec, 0);
	add_socket(w, 4, false, 0, NULL, NULL);
}

static void bind_event(struct world *w, bool v6)
{
	world_begin(w, EV_SOCKET_BIND_X);
	record_i64(&w->rec, 0);
	p_sock(w, v6, NULL, &server_end);
	record_i64(&w->rec, 4);
	add_socket(w, 4, v6, 0, &server_end, NULL);
}

static void ctx_bind4(struct world *w)
{
	bind_event(w, false);
}

static void ctx_bind6(struct world *w)
{
	bind_event(w, true);
}

static void accept_event(struct world *w, bool v6)
{
	world_begin(w, EV_SOCKET_ACCEPT_5_X);
	record_i64(&w->rec, 6);
	p_sock(w, v6, &client_end, &server_end);
	record_param(&w->rec, &(uint8_t){ 0 }, 1);
	record_u32(&w->rec, 0);
	record_u32(&w->rec, 5);
	add_socket(w, 6, v6, REC_FD_SERVER, &server_end, &client_end);
}

static void ctx_accept4(struct world *w)
{
	accept_event(w, false);
}

static void ctx_accept6(struct world *w)
{
	accept_event(w, true);
}

static void ctx_readev(struct world *w)
{
	world_begin(w, EV_SYSCALL_READ_X);
	record_i64(&w->rec, 5);
	record_param(&w->rec, "a\0b\xff\n", 5);
	record_i64(&w->rec, 0);
	record_u32(&w->rec, 10);
	put_text(w, REC_X_PATH, "/dev/null");
	put_fd(w, (struct rec_fd){ .kind = 'f' });
}

static void ctx_generic(struct world *w)
{
	const struct syscall_info *call = NULL;
	uint16_t nr = 0;

	while (nr < 1000 &&
	       !((call = syscall_by_number(nr, false)) && str_eqz(STR("sysinfo"), call->name)))
		nr++;
	world_begin(w, EV_GENERIC_X);
	record_param(&w->rec, &nr, 2);
	record_param(&w->rec, &nr, 2);
	w->rec.hdr.syscall = nr;
}

static void ctx_setuid(struct world *w)
{
	world_begin(w, EV_SYSCALL_SETUID_X);
	record_i64(&w->rec, 0);
	record_u32(&w->rec, 5);
}

static void ctx_chmod(struct world *w)
{
	world_begin(w, EV_SYSCALL_CHMOD_X);
	record_i64(&w->rec, 0);
	record_str(&w->rec, STR("/bin/x"));
	record_u32(&w->rec, 0x9ed);
}

static void ctx_link(struct world *w)
{
	world_begin(w, EV_SYSCALL_LINK_2_X);
	record_i64(&w->rec, 0);
	record_str(&w->rec, STR("/old"));
	record_str(&w->rec, STR("/new"));
}

/* Another name by the time the call looked it up. */
static void swapped(struct world *w, uint16_t code)
{
	const struct event_info *info = event_info(code);

	world_begin(w, code);
	record_i64(&w->rec, 3);
	for (unsigned i = 1; i < info->nparams; i++) {
		if (info->params[i].type == PT_FSPATH || info->params[i].type == PT_FSRELPATH)
			record_str(&w->rec, STR("/tmp/some_other_file"));
		else
			put_none(w);
	}
	put_text(w, REC_X_PATH, "/tmp/the_file");
	put_fd(w, (struct rec_fd){ .num = 3, .kind = 'f' });
}

static void ctx_swapped_name(struct world *w)
{
	swapped(w, w->num == 2	 ? EV_SYSCALL_OPEN_X
		   : w->num == 4 ? EV_SYSCALL_OPENAT_2_X
				 : EV_SYSCALL_CREAT_X);
}

static void ctx_sizeless_epoll(struct world *w)
{
	world_begin(w, EV_SYSCALL_EPOLL_CREATE_X);
	record_i64(&w->rec, 0);
	record_param(&w->rec, &(int32_t){ -22 }, 4);
}

static void ctx_two_descriptors(struct world *w)
{
	world_begin(w, EV_SOCKET_CONNECT_X);
	record_i64(&w->rec, 0);
	p_sock(w, true, &client_end, &server_end);
	record_i64(&w->rec, 4);
	p_sock(w, true, NULL, &server_end);
	add_socket(w, 4, true, REC_FD_CLIENT | REC_FD_CONNECTED, &client_end, &server_end);
}

const struct context event_contexts[] = {
	{ "open_ok", 0, ctx_open_ok, false },
	{ "open_enoent", 0, ctx_open_enoent, false },
	{ "open_eperm", 0, ctx_open_eperm, false },
	{ "openat_rel", 0, ctx_openat_rel, false },
	{ "conn", 0, ctx_conn, false },
	{ "readev", 0, ctx_readev, false },
	{ "generic", 0, ctx_generic, false },
	{ "setuid", 0, ctx_setuid, false },
	{ "chmod", 0, ctx_chmod, false },
	{ "link", 0, ctx_link, false },
	{ "net_socket", 1, ctx_socket, false },
	{ "net_ipv4_connect", 2, ctx_conn, false },
	{ "net_ipv4_connect_with_intermediate_event", 3, ctx_conn, false },
	{ "net_ipv6_multiple_connects", 2, ctx_connect6, false },
	{ "net_ipv6_multiple_connects", 3, ctx_connect6, false },
	{ "net_bind_listen_accept_ipv4", 2, ctx_bind4, false },
	{ "net_bind_listen_accept_ipv4", 4, ctx_accept4, false },
	{ "net_bind_listen_accept_ipv6", 2, ctx_bind6, false },
	{ "net_bind_listen_accept_ipv6", 4, ctx_accept6, false },
	{ "net_connect_exit_event_fails", 3, ctx_connect_again, false },
	{ "net_connect_enter_event_is_empty", 3, ctx_connect_again, false },
	{ "filename_toctou", 0, ctx_swapped_name, false },
	{ "EVT_FILTER_rawarg_madness", 1, ctx_sizeless_epoll, false },
	{ "check_some_fd_fields", 2, ctx_two_descriptors, false },
	{ 0 },
};
