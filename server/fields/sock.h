/* SPDX-License-Identifier: Apache-2.0 */
/* The two ends of an internet socket and who is who, put together from what a record tells. */
#pragma once

#include "base/strbuf.h"
#include "event/event.h"
#include "filter/value.h"

struct sock_end {
	struct ip_addr ip;
	uint16_t port;
};

struct sock {
	bool pair;    /* client and server are known */
	bool listens; /* only the server's end, which is ours */
	bool client_is_local;
	struct sock_end client, server;
};

/* The addresses are IPv4 ones in IPv6 form. */
bool sock_is_mapped(const struct rec_fd *fd);
/* False: the event's descriptor is no internet socket. */
bool sock_of(const struct event *ev, struct sock *ret);
struct fx;

/* The wanted end (END_CLIENT and so on) of the event's descriptor; false: not known. */
bool sock_end(const struct fx *x, uint32_t which, struct sock_end *ret);
/* client->server, or the one end that is known; nothing for a fresh socket. */
void sock_print(const struct sock *s, struct strbuf *out);
