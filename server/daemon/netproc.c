/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting and watching the network process. Executing the program anew instead of going on in a forked
 * copy means that it may be restarted at any time, when this process has long had threads, and that it holds
 * nothing of the sensor's memory.
 */
#include "daemon/netproc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/limits.h"
#include "base/log.h"
#include "daemon/settings.h"
#include "link/control.h"

enum {
	READY_MS = 10000,
	BACKOFF_FIRST_MS = 50,
	BACKOFF_MAX_MS = 5000,
	STOP_MS = 2000,
	CHILD_FD_BASE = 3, /* ring, eventfd, control */
};

struct netproc {
	const struct config *config;
	uv_loop_t *loop;
	struct link_writer *link;
	uv_process_t process;
	uv_poll_t *poll; /* closed and made anew with each start; NULL: not watching */
	uv_timer_t retry;
	struct control *control;
	int control_fd;
	uint64_t backoff_ms;
	uint64_t http_at; /* number of the newest alert that the HTTP receiver has */
	uint64_t epoch;	  /* of the sequence numbers: this start of the sensor */
	bool running, stopping;
};

static int launch(struct netproc *n, struct diag *diag);

static void on_retry(uv_timer_t *t)
{
	struct netproc *n = t->data;
	struct diag diag = { 0 };

	if (n->running) { /* the last one has been killed and is about to be reaped */
		uv_timer_start(&n->retry, on_retry, n->backoff_ms, 0);
		return;
	}
	if (launch(n, &diag) < 0) {
		log_error("network process: %s", diag.text);
		n->backoff_ms = n->backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS
								   : n->backoff_ms * 2;
		uv_timer_start(&n->retry, on_retry, n->backoff_ms, 0);
	} else {
		log_notice("the network process is started again");
		n->backoff_ms = BACKOFF_FIRST_MS;
	}
}

static void free_handle(uv_handle_t *h)
{
	free(h);
}

static void drop_control(struct netproc *n)
{
	if (n->poll)
		uv_close((uv_handle_t *)TAKE(n->poll), free_handle);
	n->control = control_free(n->control);
	if (n->control_fd >= 0)
		close(TAKE_FD(n->control_fd));
}

static void on_process_exit(uv_process_t *p, int64_t status, int signum)
{
	struct netproc *n = p->data;

	n->running = false;
	uv_close((uv_handle_t *)p, NULL);
	if (n->stopping || !n->poll)
		return;
	drop_control(n);
	log_error("the network process ended (status %ld, signal %d)", (long)status, signum);
	uv_timer_start(&n->retry, on_retry, n->backoff_ms, 0);
}

static void on_control(uv_poll_t *p, int status, int events)
{
	struct netproc *n = p->data;
	struct control_message m;
	int r;

	while ((r = control_receive(n->control, &m)) > 0) {
		if (m.kind == CONTROL_LOG)
			log_line((enum log_level)(m.log.level & 7), STR_FMT, STR_ARG(m.log.text));
		else if (m.kind == CONTROL_HTTP_AT)
			n->http_at = m.seq;
	}
	if (r < 0) {
		uv_poll_stop(p); /* on_process_exit follows */
	} else if (control_flush(n->control) < 0) {
		log_debug("control channel: a message was dropped");
	}
}

static int read_pem(const char *path, struct strbuf *out, struct diag *diag)
{
	int r = io_read_file(path, LIMIT_CONFIG_BYTES, out);

	if (r == 0 && out->len)
		return 0;
	diag_file(diag, path);
	diag_set(diag, "expected a PEM file: %s", r ? strerror(-r) : "it is empty");
	return -EINVAL;
}

struct pems {
	struct strbuf cert, key, ca;
};

static void pems_done(struct pems *p)
{
	if (p->key.ptr)
		explicit_bzero(p->key.ptr, p->key.cap);
	strbuf_done(&p->cert);
	strbuf_done(&p->key);
	strbuf_done(&p->ca);
}

static int load_pems(const struct config *c, struct pems *pems, struct diag *diag)
{
	bool tls = !str_starts(str_of(c->grpc.bind_address), STR("unix:"));

	for (size_t i = 0; i < c->tiercel.listen.n; i++)
		tls = tls || !str_starts(c->tiercel.listen.items[i], STR("unix:"));
	if (!tls)
		return 0;
	if (read_pem(c->grpc.cert_chain, &pems->cert, diag) < 0 ||
	    read_pem(c->grpc.private_key, &pems->key, diag) < 0 ||
	    read_pem(c->grpc.root_certs, &pems->ca, diag) < 0)
		return -EINVAL;
	return 0;
}

/* As Falco does, a start goes on without a file: connections then fail, and the log says why. */
static void read_optional(const char *key, const char *path, struct strbuf *out)
{
	struct diag diag = { 0 };

	if (path && *path && read_pem(path, out, &diag) < 0)
		log_error("http_output.%s: %s: %s", key, path, diag.text);
}

static int send_http(struct netproc *n, struct diag *diag)
{
	const struct config *c = n->config;
	_cleanup_(pems_done) struct pems pems = { 0 };
	bool ca = *c->http_output.ca_cert;

	if (!c->http_output.enabled)
		return 0;
	read_optional(ca ? "ca_cert" : "ca_bundle",
		      ca ? c->http_output.ca_cert : c->http_output.ca_bundle, &pems.ca);
	if (c->http_output.mtls) {
		read_optional("client_cert", c->http_output.client_cert, &pems.cert);
		read_optional("client_key", c->http_output.client_key, &pems.key);
	}
	const struct control_message m = {
		.kind = CONTROL_HTTP,
		.http = {
			.url = str_of(c->http_output.url),
			.user_agent = str_of(c->http_output.user_agent),
			.ca_pem = strbuf_str(&pems.ca),
			.ca_path = str_of(c->http_output.ca_path),
			.cert_pem = strbuf_str(&pems.cert),
			.key_pem = strbuf_str(&pems.key),
			.insecure = c->http_output.insecure,
			.echo = c->http_output.echo,
			.compress = c->http_output.compress_uploads,
			.keep_alive = c->http_output.keep_alive,
			.json = c->json_output,
			.capacity = (uint64_t)c->outputs_queue_capacity,
			.after = n->http_at,
		},
	};
	int r = control_send(n->control, &m);
	if (r < 0)
		diag_set(diag, "control channel: %s", strerror(-r));
	return r < 0 ? r : 0;
}

static int send_settings(struct netproc *n, struct diag *diag)
{
	const struct config *c = n->config;
	_cleanup_(pems_done) struct pems pems = { 0 };
	_cleanup_(strbuf_done) struct strbuf addresses = { 0 };
	struct alert_settings alert;
	bool grpc = c->grpc.enabled && c->grpc_output;

	if (grpc)
		strbuf_addz(&addresses, c->grpc.bind_address);
	for (size_t i = 0; grpc && i < c->tiercel.listen.n; i++) {
		strbuf_addc(&addresses, ',');
		strbuf_add(&addresses, c->tiercel.listen.items[i]);
	}
	if (grpc && load_pems(c, &pems, diag) < 0)
		return -EINVAL;
	settings_alert(c, &alert);
	const struct control_message m = {
		.kind = CONTROL_SETTINGS,
		.settings = {
			.bind_address = strbuf_str(&addresses),
			.cert_name = str_of(c->grpc.cert_chain),
			.key_name = str_of(c->grpc.private_key),
			.ca_name = str_of(c->grpc.root_certs),
			.cert_pem = strbuf_str(&pems.cert),
			.key_pem = strbuf_str(&pems.key),
			.ca_pem = strbuf_str(&pems.ca),
			.hostname = str_of(alert.hostname),
			.version = STR(TIERCEL_VERSION),
			.stream_alerts = (uint64_t)c->tiercel.stream_alerts,
			.epoch = n->epoch,
			.user = str_of(c->tiercel.user),
			.log_level = (uint64_t)c->log_level,
			.log_stderr = c->log_stderr,
			.log_syslog = c->log_syslog,
			.log_iso_8601 = c->time_format_iso_8601,
		},
	};
	int r = control_send(n->control, &m);
	if (r < 0)
		diag_set(diag, "control channel: %s", strerror(-r));
	return r < 0 ? r : 0;
}

static int spawn(struct netproc *n, int child_end, struct diag *diag)
{
	char *args[] = { (char[]){ "tiercel" }, (char[]){ "network" }, (char[]){ "3" },
			 (char[]){ "4" },	(char[]){ "5" },       NULL };
	uv_stdio_container_t stdio[CHILD_FD_BASE + 3] = {
		{ .flags = UV_IGNORE },
		{ .flags = UV_INHERIT_FD, .data.fd = STDOUT_FILENO },
		{ .flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO },
		{ .flags = UV_INHERIT_FD, .data.fd = link_writer_ring_fd(n->link) },
		{ .flags = UV_INHERIT_FD, .data.fd = link_writer_event_fd(n->link) },
		{ .flags = UV_INHERIT_FD, .data.fd = child_end },
	};
	uv_process_options_t options = {
		.exit_cb = on_process_exit,
		.file = "/proc/self/exe",
		.args = args,
		.stdio = stdio,
		.stdio_count = (int)ARRAY_SIZE(stdio),
	};
	int r = uv_spawn(n->loop, &n->process, &options);

	n->process.data = n;
	if (r < 0) {
		diag_set(diag, "cannot start the network process: %s", uv_strerror(r));
		uv_close((uv_handle_t *)&n->process, NULL);
		return r;
	}
	n->running = true;
	return 0;
}

static int await_ready(struct netproc *n, struct diag *diag)
{
	struct control_message m;
	int r = control_wait(n->control, READY_MS, &m);

	if (r > 0 && m.kind == CONTROL_READY) {
		if (m.text.len)
			log_info("gRPC server listens on " STR_FMT, STR_ARG(m.text));
		return 0;
	}
	if (r > 0 && m.kind == CONTROL_FAILED)
		diag_set(diag, STR_FMT, STR_ARG(m.text));
	else if (r == 0)
		diag_set(diag, "the network process does not answer");
	else
		diag_set(diag, "the network process ended while it started");
	return -EINVAL;
}

static int launch(struct netproc *n, struct diag *diag)
{
	_cleanup_(closep) int child_end = -1;
	int fds[2];
	int r = control_pair(fds);

	if (r < 0) {
		diag_set(diag, "control channel: %s", strerror(-r));
		return r;
	}
	n->control_fd = fds[0];
	child_end = fds[1];
	r = control_new(n->control_fd, &n->control);
	if (r == 0)
		r = send_http(n, diag);
	if (r == 0)
		r = send_settings(n, diag);
	if (r == 0)
		r = spawn(n, child_end, diag);
	close(TAKE_FD(child_end));
	if (r == 0)
		r = await_ready(n, diag);
	if (r < 0) {
		drop_control(n);
		if (n->running)
			uv_process_kill(&n->process, SIGKILL);
		return r;
	}
	n->poll = malloc(sizeof(*n->poll));
	if (!n->poll) {
		drop_control(n);
		uv_process_kill(&n->process, SIGKILL);
		return -ENOMEM;
	}
	uv_poll_init(n->loop, n->poll, n->control_fd);
	n->poll->data = n;
	uv_poll_start(n->poll, UV_READABLE, on_control);
	return 0;
}

/* Waits for the exit of a process that was told to end. */
static void reap(struct netproc *n)
{
	for (unsigned waited = 0; n->running && waited < STOP_MS; waited += 10) {
		uv_run(n->loop, UV_RUN_NOWAIT);
		if (n->running)
			usleep(10000);
	}
	if (n->running) {
		uv_process_kill(&n->process, SIGKILL);
		while (n->running)
			uv_run(n->loop, UV_RUN_ONCE);
	}
}

int netproc_start(const struct config *config, uv_loop_t *loop, struct link_writer *link,
		  struct netproc **ret, struct diag *diag)
{
	struct netproc *n = calloc(1, sizeof(*n));

	if (!n)
		return -ENOMEM;
	*n = (struct netproc){ .config = config,
			       .loop = loop,
			       .link = link,
			       .control_fd = -1,
			       .epoch = clock_wall_ns(),
			       .backoff_ms = BACKOFF_FIRST_MS };
	uv_timer_init(loop, &n->retry);
	n->retry.data = n;
	int r = launch(n, diag);
	if (r < 0) {
		netproc_stop(n);
		return r;
	}
	*ret = n;
	return 0;
}

static void on_closed(uv_handle_t *h)
{
	free(h->data);
}

struct netproc *netproc_stop(struct netproc *n)
{
	if (!n)
		return NULL;
	n->stopping = true;
	if (n->running && n->control)
		control_send(n->control, &(struct control_message){ .kind = CONTROL_STOP });
	reap(n);
	drop_control(n);
	/* The last handle to close: its callback frees what the others live in. */
	uv_close((uv_handle_t *)&n->retry, on_closed);
	return NULL;
}
