/* SPDX-License-Identifier: Apache-2.0 */
/* One libuv loop with three inputs: the control channel, the link's wake-up, and gRPC's completions. */
#include "rpc/network.h"

#include <errno.h>
#include <stdlib.h>

#include <grpc/grpc.h>
#include <uv.h>

#include "alert/alert.h"
#include "base/cleanup.h"
#include "base/limits.h"
#include "base/log.h"
#include "link/control.h"
#include "link/link.h"
#include "output/channel.h"
#include "output/http.h"
#include "rpc/backlog.h"
#include "rpc/confine.h"
#include "rpc/grpc_log.h"
#include "rpc/server.h"

enum {
	NETWORK_BATCH = 512,	/* blocks read in one turn of the loop */
	NETWORK_HISTORY = 1024, /* batches read before the server starts, whatever comes in */
	NETWORK_BYTES = 32 << 20,
	NETWORK_BLOCK = LIMIT_ALERT_BYTES + 4096,
	HTTP_AT_MS = 200,   /* how often the sensor is told how far a receiver is */
	HTTP_STOP_MS = 500, /* for what is queued when all ends */
};

struct network {
	uv_loop_t loop;
	uv_poll_t control_poll, link_poll;
	uv_idle_t more; /* the link was not read to its end */
	struct control *control;
	struct link_reader *link;
	struct backlog backlog;
	struct rpc_server *server; /* NULL: only HTTP is wanted, or it has ended */
	struct channel *http;	   /* NULL: none */
	uint64_t http_after, http_told;
	uv_timer_t http_timer;
	struct control_status status;
	bool stopping;
	bool failed;
	bool damaged; /* said once */
	char *block;
};

static void on_control(uv_poll_t *poll, int status, int events);

static void network_send(struct network *n, const struct control_message *m)
{
	int r = control_send(n->control, m);

	if (r == 1)
		uv_poll_start(&n->control_poll, UV_READABLE | UV_WRITABLE, on_control);
	else if (r < 0 && !n->stopping)
		log_warning("network: cannot answer the sensor: %s", strerror(-r));
}

static void on_stopped(void *arg)
{
	struct network *n = arg;

	n->server = NULL;
}

static void network_stop(struct network *n)
{
	if (n->stopping)
		return;
	n->stopping = true;
	if (n->server)
		rpc_server_stop(n->server, on_stopped, n);
	uv_close((uv_handle_t *)&n->control_poll, NULL);
	uv_close((uv_handle_t *)&n->link_poll, NULL);
	uv_close((uv_handle_t *)&n->more, NULL);
	uv_close((uv_handle_t *)&n->http_timer, NULL);
}

/* A full queue drops, counts and says so by itself. */
static void put_http(struct network *n, const struct alert_wire *w)
{
	struct alert *a = alert_dup((const struct alert_wire *)(const void *)n->block);

	if (a)
		channel_put(n->http, a);
	else
		log_error("network: out of memory, alert %llu is not sent by HTTP",
			  (unsigned long long)w->seq);
	alert_unref(a);
}

static void on_http_timer(uv_timer_t *t)
{
	struct network *n = t->data;
	uint64_t seq = channel_counters(n->http).last_seq;

	if (seq == n->http_told)
		return;
	n->http_told = seq;
	network_send(n, &(struct control_message){ .kind = CONTROL_HTTP_AT, .seq = seq });
}

/* A block is what the sensor wrote, but the ring is shared: nothing in it is believed unchecked. */
static int keep(struct network *n, uint64_t seq, size_t len)
{
	struct alert_wire w;

	if (len < sizeof(w))
		return -EBADMSG;
	memcpy(&w, n->block, sizeof(w));
	if (w.len > len || w.line_len > len - sizeof(w) ||
	    w.proto_len > len - sizeof(w) - w.line_len)
		return -EBADMSG;
	if (n->http && seq > n->http_after)
		put_http(n, &w);
	struct str message = { n->block + sizeof(w) + w.line_len, w.proto_len };
	return backlog_add(&n->backlog, seq, w.time_ns, message);
}

static void network_damaged(struct network *n, int error)
{
	if (!n->damaged)
		log_error("network: a bad block on the link was skipped: %s", strerror(-error));
	n->damaged = true;
}

/* True: the link is empty. */
static bool network_read(struct network *n)
{
	uint64_t seq, missed;
	size_t len;

	for (int i = 0; i < NETWORK_BATCH; i++) {
		int r = link_read(n->link, n->block, NETWORK_BLOCK, &seq, &len, &missed);
		if (r == 0)
			return true;
		if (r < 0) {
			network_damaged(n, r);
			continue;
		}
		if (missed && !n->status.link_missed)
			log_warning("network: the link was overrun, %llu alerts are lost",
				    (unsigned long long)missed);
		n->status.alerts++;
		n->status.link_missed += missed;
		n->status.newest_seq = seq;
		r = keep(n, seq, len);
		if (r < 0)
			network_damaged(n, r);
	}
	return false;
}

static void network_take(struct network *n);

static void on_more(uv_idle_t *idle)
{
	network_take(idle->data);
}

static void network_take(struct network *n)
{
	if (network_read(n))
		uv_idle_stop(&n->more);
	else
		uv_idle_start(&n->more, on_more);
	if (n->server)
		rpc_server_alerts(n->server);
}

static void on_link(uv_poll_t *poll, int status, int events)
{
	struct network *n = poll->data;

	if (!n->stopping)
		network_take(n);
}

static void network_status(struct network *n)
{
	struct control_message m = { .kind = CONTROL_STATUS };

	n->status.kept = n->backlog.end - n->backlog.first;
	n->status.kept_bytes = n->backlog.bytes;
	if (n->server)
		rpc_server_status(n->server, &n->status);
	m.status = n->status;
	network_send(n, &m);
}

static void on_control(uv_poll_t *poll, int status, int events)
{
	struct network *n = poll->data;
	struct control_message m;
	int r = 0;

	if (events & UV_WRITABLE) {
		r = control_flush(n->control);
		if (r == 0)
			uv_poll_start(&n->control_poll, UV_READABLE, on_control);
	}
	while (!n->stopping && (r = control_receive(n->control, &m)) == 1) {
		if (m.kind == CONTROL_STATUS_ASK)
			network_status(n);
		else if (m.kind == CONTROL_STOP)
			network_stop(n);
	}
	if (r >= 0 || n->stopping)
		return;
	n->failed = r != -EPIPE && r != -ECONNRESET;
	if (n->failed)
		log_error("network: the control channel is broken: %s", strerror(-r));
	network_stop(n);
}

static int network_fail(struct network *n, const char *text)
{
	struct control_message m = { .kind = CONTROL_FAILED, .text = str_of(text) };

	(void)control_send(n->control, &m);
	return 1;
}

static void settings_log(const struct control_settings *s)
{
	if (!s->log_level && !s->log_stderr && !s->log_syslog)
		return;
	log_init(&(struct log_settings){
		.level = s->log_level > LOG_LEVEL_DEBUG ? LOG_LEVEL_DEBUG
							: (enum log_level)s->log_level,
		.to_stderr = s->log_stderr,
		.to_syslog = s->log_syslog,
		.iso_8601 = s->log_iso_8601,
	});
}

static int start_http(struct network *n, const struct control_http *c)
{
	const struct http_settings http = {
		.url = c->url,
		.user_agent = c->user_agent,
		.ca_pem = c->ca_pem,
		.ca_path = c->ca_path,
		.cert_pem = c->cert_pem,
		.key_pem = c->key_pem,
		.insecure = c->insecure,
		.echo = c->echo,
		.compress = c->compress,
		.keep_alive = c->keep_alive,
		.json = c->json,
	};

	n->http_after = n->http_told = c->after;
	n->http = channel_start(&(struct output_settings){
		.ops = &output_http, .http = &http, .capacity = (size_t)c->capacity });
	return n->http ? 0 : network_fail(n, "the HTTP output could not be started");
}

static int start_server(struct network *n, const struct control_settings *s)
{
	size_t alerts = s->stream_alerts && s->stream_alerts < LIMIT_STREAM_ALERTS
				? (size_t)s->stream_alerts
				: LIMIT_STREAM_ALERTS;
	size_t bytes = s->stream_bytes && s->stream_bytes < SIZE_MAX ? (size_t)s->stream_bytes
								     : NETWORK_BYTES;
	_cleanup_(strbuf_done) struct strbuf text = { 0 };
	struct diag d = { 0 };

	settings_log(s);
	if (backlog_init(&n->backlog, alerts, bytes) < 0)
		return network_fail(n, "out of memory");
	/* The history comes first, so that nobody finds the server without it. */
	for (int i = 0; i < NETWORK_HISTORY && !network_read(n); i++)
		;
	if (n->http && !s->bind_address.len)
		return 0; /* only HTTP is wanted */
	int r = rpc_server_start(&n->loop, s, &n->backlog, &n->server, &d);
	if (r < 0) {
		diag_print(&d, &text);
		const char *z = strbuf_z(&text);
		return network_fail(n, z ? z : "out of memory");
	}
	return 0;
}

static int network_run(struct network *n, int event_fd, int control_fd)
{
	struct control_message m;

	int r = control_wait(n->control, -1, &m);
	while (r == 1 && m.kind == CONTROL_HTTP && !n->http) {
		if (start_http(n, &m.http))
			return 1;
		r = control_wait(n->control, -1, &m);
	}
	if (r != 1 || m.kind != CONTROL_SETTINGS)
		return r == -EPIPE || r == -ECONNRESET ? 0
						       : network_fail(n, "expected the settings");
	if (start_server(n, &m.settings))
		return 1;
	if (confine_user(m.settings.user) < 0)
		return network_fail(n, "cannot become the user tiercel.user names");
	if (uv_poll_init(&n->loop, &n->control_poll, control_fd) < 0 ||
	    uv_poll_init(&n->loop, &n->link_poll, event_fd) < 0 ||
	    uv_idle_init(&n->loop, &n->more) < 0 || uv_timer_init(&n->loop, &n->http_timer) < 0)
		return network_fail(n, "cannot watch the descriptors");
	n->control_poll.data = n->link_poll.data = n->more.data = n->http_timer.data = n;
	if (n->http)
		uv_timer_start(&n->http_timer, on_http_timer, HTTP_AT_MS, HTTP_AT_MS);
	uv_poll_start(&n->control_poll, UV_READABLE, on_control);
	uv_poll_start(&n->link_poll, UV_READABLE, on_link);
	struct control_message ready = { .kind = CONTROL_READY,
					 .text = n->server ? rpc_server_addresses(n->server)
							   : STR("") };
	network_send(n, &ready);
	network_take(n); /* and the reader is asleep from here on */
	return 0;
}

int network_main(int ring_fd, int event_fd, int control_fd)
{
	struct network n = { 0 };
	int failed = 1;

	if (uv_loop_init(&n.loop) < 0)
		return 1;
	grpc_log_install();
	grpc_init();
	n.block = malloc(NETWORK_BLOCK);
	if (n.block && control_new(control_fd, &n.control) == 0) {
		int r = link_reader_new(ring_fd, event_fd, &n.link);
		failed = r < 0 ? network_fail(&n, "the link to the sensor is no ring")
			       : network_run(&n, event_fd, control_fd);
		/* After a failure this ends at once or when the half-started server is gone. */
		uv_run(&n.loop, UV_RUN_DEFAULT);
	}
	n.http = channel_stop(n.http, HTTP_STOP_MS);
	backlog_done(&n.backlog);
	link_reader_free(n.link);
	control_free(n.control);
	free(n.block);
	uv_loop_close(&n.loop);
	grpc_shutdown_blocking();
	return failed || n.failed;
}
