/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is the client and who the server is told by the flags of the record, which the kernel side sets on
 * connect and accept; without them a connect makes a client. Sends on unconnected sockets name their
 * peer in a parameter only.
 */
#include "fields/sock.h"

#include <sys/socket.h>

#include "event/text.h"
#include "fields/extract.h"

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

static bool is_zero(const uint8_t *p, size_t n)
{
	while (n && !*p) {
		p++;
		n--;
	}
	return n == 0;
}

bool sock_is_mapped(const struct rec_fd *fd)
{
	bool local = memcmp(fd->local_addr, mapped, sizeof(mapped)) == 0;
	bool remote = memcmp(fd->remote_addr, mapped, sizeof(mapped)) == 0;

	return local || remote;
}

static struct sock_end make_end(bool v6, const uint8_t *addr, uint16_t port)
{
	struct sock_end e = { .ip.family = v6 ? 6 : 4, .port = port };

	if (v6 && memcmp(addr, mapped, sizeof(mapped)) == 0) {
		e.ip.family = 4;
		addr += sizeof(mapped);
	}
	memcpy(e.ip.bytes, addr, e.ip.family == 6 ? 16 : 4);
	return e;
}

static bool is_unset(const struct sock_end *e)
{
	return !e->port && is_zero(e->ip.bytes, sizeof(e->ip.bytes));
}

/* The ends in a SOCKTUPLE parameter (record.h). */
static bool tuple_ends(const struct event *ev, struct sock_end *ret_from, struct sock_end *ret_to)
{
	for (unsigned i = 0; i < ev->info->nparams; i++) {
		struct str s = ev->params[i];

		if (ev->info->params[i].type != PT_SOCKTUPLE || !s.len)
			continue;
		size_t n = s.ptr[0] == AF_INET ? 4 : s.ptr[0] == AF_INET6 ? 16 : 0;
		const uint8_t *p = (const uint8_t *)s.ptr + 1;
		uint16_t port;

		if (!n || s.len < 1 + 2 * (n + sizeof(port)))
			continue;
		memcpy(&port, p + n, sizeof(port));
		*ret_from = make_end(n == 16, p, port);
		p += n + sizeof(port);
		memcpy(&port, p + n, sizeof(port));
		*ret_to = make_end(n == 16, p, port);
		return true;
	}
	return false;
}

/* The address a connect was for, also when it failed. */
static bool wanted_end(const struct event *ev, struct sock_end *ret)
{
	int i = ev->info->code == EV_SOCKET_CONNECT_X ? event_param(ev->info, STR("addr")) : -1;
	struct str s = i >= 0 ? ev->params[i] : (struct str){ 0 };
	size_t n = !s.len ? 0 : s.ptr[0] == AF_INET ? 4 : s.ptr[0] == AF_INET6 ? 16 : 0;
	uint16_t port;

	if (!n || s.len < 1 + n + sizeof(port))
		return false;
	memcpy(&port, s.ptr + 1 + n, sizeof(port));
	*ret = make_end(n == 16, (const uint8_t *)s.ptr + 1, port);
	return true;
}

bool sock_of(const struct event *ev, struct sock *ret)
{
	char kind = fd_kind(ev);
	const struct rec_fd *fd = ev->fd;

	if (!fd_available(ev) || (kind != '4' && kind != '6'))
		return false;
	*ret = (struct sock){ 0 };
	struct sock_end local = make_end(fd->kind == '6', fd->local_addr, fd->local_port);
	struct sock_end remote = make_end(fd->kind == '6', fd->remote_addr, fd->remote_port);
	struct sock_end from, to;

	if (is_unset(&remote) && !(fd->flags & REC_FD_LISTENING) && tuple_ends(ev, &from, &to)) {
		ret->pair = true;
		ret->client = from;
		ret->server = to;
		ret->client_is_local = ev->info->code == EV_SOCKET_CONNECT_X ||
				       ev->info->flags & EVF_WRITES_TO_FD;
		return true;
	}
	if (is_unset(&remote) && !wanted_end(ev, &remote)) {
		ret->listens = !is_unset(&local) && !(fd->flags & REC_FD_CLIENT);
		ret->server = local;
		return true;
	}
	bool role = fd->flags & (REC_FD_CLIENT | REC_FD_SERVER | REC_FD_CONNECTED);

	ret->pair = role || ev->info->code == EV_SOCKET_CONNECT_X;
	ret->client_is_local = !(fd->flags & REC_FD_SERVER);
	ret->client = ret->client_is_local ? local : remote;
	ret->server = ret->client_is_local ? remote : local;
	return true;
}

static void print_end(const struct sock_end *e, struct strbuf *out)
{
	addr_print(e->ip.family == 6 ? AF_INET6 : AF_INET, e->ip.bytes, out);
	strbuf_addc(out, ':');
	strbuf_add_u64(out, e->port);
}

void sock_print(const struct sock *s, struct strbuf *out)
{
	if (!is_unset(&s->client)) {
		print_end(&s->client, out);
		strbuf_addz(out, "->");
	}
	if (!is_unset(&s->server))
		print_end(&s->server, out);
}

bool sock_end(const struct fx *x, uint32_t which, struct sock_end *ret)
{
	struct sock s;

	if (!sock_of(x->ev, &s))
		return false;
	if (s.listens && which == END_SERVER) {
		*ret = s.server;
		return true;
	}
	if (!s.pair)
		return false;
	bool client = which == END_CLIENT || (which == END_LOCAL && s.client_is_local) ||
		      (which == END_REMOTE && !s.client_is_local);

	*ret = client ? s.client : s.server;
	return true;
}

bool x_fd_ip(const struct fx *x, struct value *ret)
{
	struct sock_end e;

	if (!sock_end(x, x->which, &e))
		return false;
	ret->ip = e.ip;
	return true;
}

bool x_fd_port(const struct fx *x, struct value *ret)
{
	struct sock_end e;

	if (!sock_end(x, x->which, &e))
		return false;
	ret->u = e.port;
	return true;
}

static bool both_ends(const struct fx *x, bool ports, struct value *ret)
{
	struct value *items = arena_array(x->arena, 2, sizeof(*items));
	uint32_t n = 0;
	struct sock_end e;

	if (!items)
		return false;
	for (uint32_t which = END_CLIENT; which <= END_SERVER; which++) {
		if (!sock_end(x, which, &e))
			continue;
		if (ports)
			items[n++].u = e.port;
		else
			items[n++].ip = e.ip;
	}
	ret->list.items = items;
	ret->list.n = n;
	return n;
}

bool x_fd_ip_pair(const struct fx *x, struct value *ret)
{
	return both_ends(x, false, ret);
}

bool x_fd_port_pair(const struct fx *x, struct value *ret)
{
	return both_ends(x, true, ret);
}

bool x_fd_proto(const struct fx *x, struct value *ret)
{
	struct sock_end e;

	if (!sock_end(x, x->which, &e))
		return false;
	struct strbuf b = fx_buf(x, 8);

	strbuf_add_u64(&b, e.port);
	return fx_take(&b, ret);
}

enum { NAMES = 8 /* of one address */ };

/* Of the names that rules have, those that stand for the address; an empty one when none does. */
bool x_fd_ip_name(const struct fx *x, struct value *ret)
{
	struct value *items = arena_array(x->arena, NAMES, sizeof(*items));
	char address[HOST_ADDRESS] = { 0 };
	struct sock_end e;
	struct str name;
	uint32_t n = 0;

	if (!items || !sock_end(x, x->which, &e))
		return false;
	address[0] = (char)e.ip.family;
	memcpy(address + 1, e.ip.bytes, e.ip.family == 6 ? 16 : 4);
	for (size_t at = 0; n < NAMES && (name = state_host_name(x->fe->state, address, &at)).ptr;)
		items[n++].s = name;
	if (!n)
		items[n++].s = STR("");
	ret->list.items = items;
	ret->list.n = n;
	return true;
}

bool x_fd_is_server(const struct fx *x, struct value *ret)
{
	struct sock s;

	if (!fd_available(x->ev) || !fd_kind(x->ev))
		return false;
	ret->b = sock_of(x->ev, &s) && (s.listens || (s.pair && !s.client_is_local));
	return true;
}

bool x_fd_connected(const struct fx *x, struct value *ret)
{
	if (!fd_available(x->ev) || !fd_kind(x->ev))
		return false;
	ret->b = fd_is_socket(x->ev) && x->ev->fd->flags & REC_FD_CONNECTED;
	return true;
}

bool x_fd_name_changed(const struct fx *x, struct value *ret)
{
	struct sock_end from, to;

	if (!fd_available(x->ev) || !fd_kind(x->ev))
		return false;
	switch (x->ev->info->code) {
	case EV_SOCKET_CONNECT_X:
	case EV_SOCKET_BIND_X: ret->b = event_i64(x->ev, 0, -1) >= 0; break;
	case EV_SOCKET_SENDTO_X:
	case EV_SOCKET_SENDMSG_X:
	case EV_SOCKET_SENDMMSG_X:
	case EV_SOCKET_RECVFROM_X:
	case EV_SOCKET_RECVMSG_X:
	case EV_SOCKET_RECVMMSG_X:
		/* Every datagram may have another peer; which one came before is not kept. */
		ret->b = !(x->ev->fd->flags & REC_FD_CONNECTED) && tuple_ends(x->ev, &from, &to);
		break;
	default: ret->b = false;
	}
	return true;
}
