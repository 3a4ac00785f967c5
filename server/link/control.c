/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message travels as one or more packets, because the kernel bounds a packet by the socket's buffer and a
 * certificate chain may be larger: each packet says the kind, the size of the whole and where its part
 * belongs. Packets of one message come in order without others in between, so one assembly buffer is enough.
 */
#include "link/control.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/strbuf.h"

enum {
	CONTROL_PART = 32 << 10, /* payload bytes of one packet */
	CONTROL_WAITING = 4 << 20,
	CONTROL_FIELDS = 40,
};

struct control_packet {
	uint32_t kind;
	uint32_t total;
	uint32_t at;
	uint32_t len;
};

enum field_type { FIELD_END, FIELD_TEXT, FIELD_U64 };

struct control_row {
	struct {
		enum field_type type;
		size_t offset;
	} fields[CONTROL_FIELDS + 1];
};

#define SETTING(type, name)                                                                        \
	{                                                                                          \
		type, offsetof(struct control_message, settings.name)                              \
	}
#define HTTP(type, name)                                                                           \
	{                                                                                          \
		type, offsetof(struct control_message, http.name)                                  \
	}
#define WEB(type, name)                                                                            \
	{                                                                                          \
		type, offsetof(struct control_message, web.name)                                   \
	}
#define ACCESS(type, name)                                                                         \
	{                                                                                          \
		type, offsetof(struct control_message, access.name)                                \
	}
static const struct control_row control_rows[] = {
	[CONTROL_SETTINGS] = { {
		SETTING(FIELD_TEXT, bind_address),
		SETTING(FIELD_TEXT, hostname),
		SETTING(FIELD_TEXT, version),
		SETTING(FIELD_TEXT, engine_version),
		SETTING(FIELD_TEXT, fields_checksum),
		SETTING(FIELD_U64, stream_alerts),
		SETTING(FIELD_U64, stream_bytes),
		SETTING(FIELD_U64, epoch),
		SETTING(FIELD_TEXT, user),
		SETTING(FIELD_U64, log_level),
		SETTING(FIELD_U64, log_stderr),
		SETTING(FIELD_U64, log_syslog),
		SETTING(FIELD_U64, log_iso_8601),
		SETTING(FIELD_TEXT, state_dir),
		SETTING(FIELD_U64, journal_bytes),
		SETTING(FIELD_U64, journal_age_ns),
		SETTING(FIELD_U64, first_seq),
	} },
	[CONTROL_READY] = { {
		{ FIELD_TEXT, offsetof(struct control_message, ready.text) },
		{ FIELD_U64, offsetof(struct control_message, ready.first_seq) },
		{ FIELD_U64, offsetof(struct control_message, ready.journal) },
	} },
	[CONTROL_FAILED] = { { { FIELD_TEXT, offsetof(struct control_message, text) } } },
	[CONTROL_ASK] = { {
		{ FIELD_U64, offsetof(struct control_message, ask.id) },
		{ FIELD_U64, offsetof(struct control_message, ask.what) },
		{ FIELD_TEXT, offsetof(struct control_message, ask.text) },
	} },
	[CONTROL_ANSWER] = { {
		{ FIELD_U64, offsetof(struct control_message, answer.id) },
		{ FIELD_U64, offsetof(struct control_message, answer.outcome) },
		{ FIELD_TEXT, offsetof(struct control_message, answer.text) },
	} },
	[CONTROL_STOP] = { { { FIELD_END, 0 } } },
	[CONTROL_LOG] = { {
		{ FIELD_U64, offsetof(struct control_message, log.level) },
		{ FIELD_TEXT, offsetof(struct control_message, log.text) },
	} },
	[CONTROL_HTTP] = { {
		HTTP(FIELD_TEXT, name),
		HTTP(FIELD_TEXT, url),
		HTTP(FIELD_TEXT, user_agent),
		HTTP(FIELD_TEXT, ca_pem),
		HTTP(FIELD_TEXT, ca_path),
		HTTP(FIELD_TEXT, cert_pem),
		HTTP(FIELD_TEXT, key_pem),
		HTTP(FIELD_U64, insecure),
		HTTP(FIELD_U64, echo),
		HTTP(FIELD_U64, compress),
		HTTP(FIELD_U64, keep_alive),
		HTTP(FIELD_U64, json),
		HTTP(FIELD_U64, batch),
		HTTP(FIELD_U64, spool),
		HTTP(FIELD_U64, give_up_ms),
		HTTP(FIELD_U64, after),
	} },
	[CONTROL_WEB] = { {
		WEB(FIELD_TEXT, address),
		WEB(FIELD_TEXT, health_path),
		WEB(FIELD_TEXT, versions),
		WEB(FIELD_TEXT, pem),
		WEB(FIELD_U64, port),
		WEB(FIELD_U64, metrics),
		WEB(FIELD_U64, groups),
	} },
	[CONTROL_ACCESS] = { {
		ACCESS(FIELD_TEXT, cert_name),	   ACCESS(FIELD_TEXT, key_name),
		ACCESS(FIELD_TEXT, ca_name),	   ACCESS(FIELD_TEXT, crl_name),
		ACCESS(FIELD_TEXT, policy_name),   ACCESS(FIELD_TEXT, cert_pem),
		ACCESS(FIELD_TEXT, key_pem),	   ACCESS(FIELD_TEXT, ca_pem),
		ACCESS(FIELD_TEXT, crl_pem),	   ACCESS(FIELD_TEXT, policy),
		ACCESS(FIELD_U64, common_names),   ACCESS(FIELD_U64, max_calls),
		ACCESS(FIELD_U64, max_calls_each), ACCESS(FIELD_U64, socket_mode),
		ACCESS(FIELD_U64, has_group),	   ACCESS(FIELD_U64, socket_group),
		ACCESS(FIELD_U64, message_bytes),  ACCESS(FIELD_U64, handshake_ms),
		ACCESS(FIELD_U64, ping_ms),
	} },
	[CONTROL_HTTP_END] = { { { FIELD_END, 0 } } },
	[CONTROL_HTTP_AT] = { {
		{ FIELD_TEXT, offsetof(struct control_message, http_at.name) },
		{ FIELD_U64, offsetof(struct control_message, http_at.seq) },
	} },
	[CONTROL_LOGGING] = { {
		{ FIELD_U64, offsetof(struct control_message, logging.level) },
		{ FIELD_U64, offsetof(struct control_message, logging.to_stderr) },
		{ FIELD_U64, offsetof(struct control_message, logging.to_syslog) },
		{ FIELD_U64, offsetof(struct control_message, logging.iso_8601) },
	} },
	[CONTROL_ALERT] = { {
		{ FIELD_U64, offsetof(struct control_message, alert.cause) },
		{ FIELD_TEXT, offsetof(struct control_message, alert.text) },
	} },
};

struct control {
	int fd;
	struct strbuf out; /* packets, each behind its header */
	size_t out_at;
	struct strbuf in; /* the message being put together */
	struct control_packet expect;
	char packet[sizeof(struct control_packet) + CONTROL_PART];
};

static const struct control_row *row_find(uint32_t kind)
{
	return kind >= CONTROL_SETTINGS && kind < ARRAY_SIZE(control_rows) ? &control_rows[kind]
									   : NULL;
}

int control_pair(int ret_fds[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_fds) < 0)
		return -errno;
	return 0;
}

int control_new(int fd, struct control **ret)
{
	struct control *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->fd = fd;
	*ret = c;
	return 0;
}

struct control *control_free(struct control *c)
{
	if (!c)
		return NULL;
	strbuf_done(&c->out);
	strbuf_done(&c->in);
	free(c);
	return NULL;
}

int control_fd(const struct control *c)
{
	return c->fd;
}

static void encode(const struct control_row *row, const struct control_message *m, struct strbuf *b)
{
	for (size_t i = 0; row->fields[i].type != FIELD_END; i++) {
		const char *field = (const char *)m + row->fields[i].offset;

		if (row->fields[i].type == FIELD_U64) {
			strbuf_add(b, (struct str){ field, sizeof(uint64_t) });
			continue;
		}
		struct str text;
		memcpy(&text, field, sizeof(text));
		uint32_t len = (uint32_t)text.len;
		strbuf_add(b, (struct str){ (const char *)&len, sizeof(len) });
		strbuf_add(b, text);
	}
}

static int decode(uint32_t kind, struct str in, struct control_message *ret)
{
	const struct control_row *row = row_find(kind);
	struct control_message m = { .kind = (enum control_kind)kind };

	for (size_t i = 0; row->fields[i].type != FIELD_END; i++) {
		char *field = (char *)&m + row->fields[i].offset;

		if (row->fields[i].type == FIELD_U64) {
			if (in.len < sizeof(uint64_t))
				return -EBADMSG;
			memcpy(field, in.ptr, sizeof(uint64_t));
			in = str_skip(in, sizeof(uint64_t));
			continue;
		}
		uint32_t len;
		if (in.len < sizeof(len))
			return -EBADMSG;
		memcpy(&len, in.ptr, sizeof(len));
		in = str_skip(in, sizeof(len));
		if (in.len < len)
			return -EBADMSG;
		struct str text = { in.ptr, len };
		memcpy(field, &text, sizeof(text));
		in = str_skip(in, len);
	}
	if (in.len)
		return -EBADMSG;
	*ret = m;
	return 0;
}

int control_send(struct control *c, const struct control_message *m)
{
	const struct control_row *row = row_find((uint32_t)m->kind);
	_cleanup_(strbuf_done) struct strbuf body = { .limit = LIMIT_CONTROL_BYTES };

	if (!row)
		return -EINVAL;
	encode(row, m, &body);
	if (strbuf_check(&body) < 0)
		return -EMSGSIZE;
	if (c->out.len - c->out_at + body.len > CONTROL_WAITING)
		return -ENOBUFS;
	struct str rest = strbuf_str(&body);
	size_t mark = c->out.len;
	uint32_t at = 0;
	do {
		struct str part = str_cut(rest, CONTROL_PART);
		struct control_packet p = {
			.kind = (uint32_t)m->kind,
			.total = (uint32_t)body.len,
			.at = at,
			.len = (uint32_t)part.len,
		};

		strbuf_add(&c->out, (struct str){ (const char *)&p, sizeof(p) });
		strbuf_add(&c->out, part);
		at += p.len;
		rest = str_skip(rest, part.len);
	} while (rest.len);
	if (strbuf_check(&c->out) < 0) {
		c->out.len = mark;
		c->out.failed = false;
		return -ENOMEM;
	}
	return control_flush(c);
}

int control_flush(struct control *c)
{
	while (c->out_at < c->out.len) {
		struct control_packet p;

		memcpy(&p, c->out.ptr + c->out_at, sizeof(p));
		size_t size = sizeof(p) + p.len;
		if (send(c->fd, c->out.ptr + c->out_at, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
			if (errno == EINTR)
				continue;
			return errno == EAGAIN || errno == ENOBUFS ? 1 : -errno;
		}
		c->out_at += size;
	}
	strbuf_clear(&c->out);
	c->out_at = 0;
	return 0;
}

/* One packet into the message being put together: 1 complete, 0 more to come, -EBADMSG, -ENOMEM. */
static int assemble(struct control *c, struct str packet)
{
	struct control_packet p;

	if (packet.len < sizeof(p))
		return -EBADMSG;
	memcpy(&p, packet.ptr, sizeof(p));
	packet = str_skip(packet, sizeof(p));
	if (p.at == 0) {
		strbuf_clear(&c->in);
		c->expect = p;
	}
	if (!row_find(p.kind) || p.total > LIMIT_CONTROL_BYTES || p.len != packet.len ||
	    p.kind != c->expect.kind || p.total != c->expect.total || p.at != c->in.len ||
	    p.len > p.total - p.at || (!p.len && p.total))
		return -EBADMSG;
	strbuf_add(&c->in, packet);
	if (strbuf_check(&c->in) < 0)
		return -ENOMEM;
	return c->in.len == p.total;
}

int control_receive(struct control *c, struct control_message *ret)
{
	for (;;) {
		ssize_t n = recv(c->fd, c->packet, sizeof(c->packet), MSG_DONTWAIT | MSG_TRUNC);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		if (n == 0)
			return -EPIPE;
		if ((size_t)n > sizeof(c->packet))
			return -EBADMSG;
		int r = assemble(c, (struct str){ c->packet, (size_t)n });
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		struct control_message m;
		r = decode(c->expect.kind, strbuf_str(&c->in), &m);
		/* The next part must start a message. */
		c->expect = (struct control_packet){ 0 };
		if (r < 0)
			return r;
		*ret = m;
		return 1;
	}
}

int control_wait(struct control *c, int timeout_ms, struct control_message *ret)
{
	for (;;) {
		int r = control_receive(c, ret);
		if (r != 0)
			return r;
		struct pollfd p = { .fd = c->fd, .events = POLLIN };
		int n = poll(&p, 1, timeout_ms);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return 0;
	}
}
