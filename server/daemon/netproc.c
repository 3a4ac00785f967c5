/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting and watching the network process. Executing the program anew instead of going on in a forked
 * copy means that it may be restarted at any time, when this process has long had threads, and that it holds
 * nothing of the sensor's memory.
 */
#include "daemon/about.h"
#include "daemon/netproc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/limits.h"
#include "base/log.h"
#include "daemon/accessfiles.h"
#include "daemon/engine.h"
#include "daemon/settings.h"
#include "link/control.h"
#include "rpc/certs.h"
#include "web/metrics.h"

enum {
	READY_MS = 10000,
	READY_STEP_MS = 50,
	READY_LINES = 60, /* for the log, before it is ready */
	BACKOFF_FIRST_MS = 50,
	BACKOFF_MAX_MS = 5000,
	STOP_MS = 5000,
	CHILD_FD_BASE = 3,
	CHILD_FDS = 5, /* ring, eventfd, control, two areas of counters */
};

struct netproc {
	struct config *config;
	uv_loop_t *loop;
	struct link_writer *link;
	struct stats *stats;
	uv_process_t process;
	uv_poll_t *poll; /* closed and made anew with each start; NULL: not watching */
	uv_timer_t retry;
	struct access_watch *access;  /* NULL: there is no gRPC server */
	struct config *access_config; /* whose paths it borrows */
	struct control *control;
	int control_fd;
	uint64_t backoff_ms;
	struct {
		char name[64];
		uint64_t seq;	      /* of the newest alert that it has */
	} places[SETTINGS_RECEIVERS]; /* of HTTP receivers */
	size_t nplaces;
	uint64_t epoch;	    /* of the sequence numbers: this start of the sensor */
	uint64_t first_seq; /* as the network process said first; 0: not yet */
	uint64_t restarts;
	bool memory_only; /* this run's numbers are not the journal's */
	struct engine *engine;
	void (*asked)(const struct control_ask *ask, void *ctx); /* NULL: not now */
	void *asked_ctx;
	netproc_answer_fn answered; /* of what the sensor asks; NULL: nobody listens */
	void *answered_ctx;
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
		n->restarts++;
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

/* The text is the process' own, which may be anybody's by now: it is text to the engine, no more. */
static void raise_alert(struct netproc *n, const struct control_alert *a)
{
	static const struct {
		const char *rule;
		enum priority priority;
	} rows[CAUSES] = {
		[CAUSE_JOURNAL] = { "Tiercel internal: journal failure", PRIORITY_CRITICAL },
		[CAUSE_JOURNAL_GAP] = { "Tiercel internal: journal gap", PRIORITY_WARNING },
		[CAUSE_CERTIFICATES] = { "Tiercel internal: certificate failure",
					 PRIORITY_CRITICAL },
		[CAUSE_POLICY] = { "Tiercel internal: policy failure", PRIORITY_CRITICAL },
		[CAUSE_SETTINGS] = { "Falco internal: hot restart failure", PRIORITY_CRITICAL },
	};
	_cleanup_(strbuf_done) struct strbuf text = { 0 };

	if (!n->engine || a->cause >= CAUSES)
		return;
	strbuf_printf(&text, "%s: " STR_FMT, rows[a->cause].rule, STR_ARG(a->text));
	int r = strbuf_check(&text);
	if (r == 0)
		r = engine_internal(n->engine, rows[a->cause].rule, rows[a->cause].priority,
				    strbuf_str(&text), NULL, 0);
	if (r < 0)
		log_error("an internal alert could not be raised: %s", strerror(-r));
}

void netproc_engine(struct netproc *n, struct engine *engine)
{
	if (n)
		n->engine = engine;
}

static void log_from(const struct control_log *l)
{
	log_line((enum log_level)(l->level & 7), STR_FMT, STR_ARG(l->text));
}

static void on_control(uv_poll_t *p, int status, int events);

/* r as control_send gives it: what could not be sent goes when there is room. */
static void want_flush(struct netproc *n, int r)
{
	if (r >= 0)
		uv_poll_start(n->poll, r ? UV_READABLE | UV_WRITABLE : UV_READABLE, on_control);
}

void netproc_asked(struct netproc *n, void (*fn)(const struct control_ask *ask, void *ctx),
		   void *ctx)
{
	if (!n)
		return;
	n->asked = fn;
	n->asked_ctx = ctx;
}

void netproc_answer(struct netproc *n, const struct control_answer *answer)
{
	const struct control_message m = { .kind = CONTROL_ANSWER, .answer = *answer };

	if (!n->poll)
		return;
	int r = control_send(n->control, &m);
	if (r < 0)
		log_error("control channel: a question is not answered: %s", strerror(-r));
	want_flush(n, r);
}

/* The question's texts are gone when the next message is received: fn keeps what it needs. */
static void pass_question(struct netproc *n, const struct control_ask *ask)
{
	if (n->asked)
		n->asked(ask, n->asked_ctx);
	else
		netproc_answer(n, &(struct control_answer){ ask->id, ANSWER_FAILED,
							    STR("the sensor is not ready") });
}

static void note_receiver(struct netproc *n, const struct control_http_at *at)
{
	size_t i = 0;

	while (i < n->nplaces && !str_eqz(at->name, n->places[i].name))
		i++;
	if (i == ARRAY_SIZE(n->places) || at->name.len >= sizeof(n->places[i].name))
		return;
	snprintf(n->places[i].name, sizeof(n->places[i].name), STR_FMT, STR_ARG(at->name));
	n->places[i].seq = at->seq;
	n->nplaces += i == n->nplaces;
}

static void on_control(uv_poll_t *p, int status, int events)
{
	struct netproc *n = p->data;
	struct control_message m;
	int r;

	if (events & UV_WRITABLE)
		want_flush(n, control_flush(n->control));
	while ((r = control_receive(n->control, &m)) > 0) {
		if (m.kind == CONTROL_LOG)
			log_from(&m.log);
		else if (m.kind == CONTROL_HTTP_AT)
			note_receiver(n, &m.http_at);
		else if (m.kind == CONTROL_ALERT)
			raise_alert(n, &m.alert);
		else if (m.kind == CONTROL_ASK)
			pass_question(n, &m.ask);
		else if (m.kind == CONTROL_ANSWER && n->answered)
			n->answered(&m.answer, n->answered_ctx);
	}
	if (r < 0)
		uv_poll_stop(p); /* on_process_exit follows */
}

void netproc_answers(struct netproc *n, netproc_answer_fn fn, void *ctx)
{
	if (!n)
		return;
	n->answered = fn;
	n->answered_ctx = ctx;
}

int netproc_ask(struct netproc *n, const struct control_ask *ask)
{
	if (!n || !n->running || !n->control)
		return -ENOTCONN;
	int r = control_send(n->control,
			     &(struct control_message){ .kind = CONTROL_ASK, .ask = *ask });

	want_flush(n, r);
	return r < 0 ? r : 0;
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

/* As Falco does, a start goes on without a file: connections then fail, and the log says why. */
static void read_optional(const char *name, const char *key, const char *path, struct strbuf *out)
{
	struct diag diag = { 0 };

	if (path && *path && read_pem(path, out, &diag) < 0)
		log_error("%s.%s: %s: %s", name, key, path, diag.text);
}

/* Where a receiver was, as the network process told last. */
static uint64_t receiver_at(const struct netproc *n, const char *name)
{
	for (size_t i = 0; i < n->nplaces; i++) {
		if (!strcmp(n->places[i].name, name))
			return n->places[i].seq;
	}
	return 0;
}

static int send_receiver(struct netproc *n, const struct settings_receiver *v)
{
	const struct config_http *h = v->http;
	_cleanup_(pems_done) struct pems pems = { 0 };
	bool ca = *h->ca_cert;

	read_optional(v->name, ca ? "ca_cert" : "ca_bundle", ca ? h->ca_cert : h->ca_bundle,
		      &pems.ca);
	if (h->mtls) {
		read_optional(v->name, "client_cert", h->client_cert, &pems.cert);
		read_optional(v->name, "client_key", h->client_key, &pems.key);
	}
	const struct control_message m = {
		.kind = CONTROL_HTTP,
		.http = {
			.name = str_of(v->name),
			.url = str_of(h->url),
			.user_agent = str_of(h->user_agent),
			.ca_pem = strbuf_str(&pems.ca),
			.ca_path = str_of(h->ca_path),
			.cert_pem = strbuf_str(&pems.cert),
			.key_pem = strbuf_str(&pems.key),
			.insecure = h->insecure,
			.echo = h->echo,
			.compress = h->compress_uploads,
			.keep_alive = h->keep_alive,
			.json = n->config->json_output,
			.batch = (uint64_t)h->batch,
			.spool = h->spool,
			.give_up_ms = h->give_up_ms,
			.after = receiver_at(n, v->name),
		},
	};
	return control_send(n->control, &m);
}

static int send_http(struct netproc *n, struct diag *diag)
{
	struct settings_receiver receivers[SETTINGS_RECEIVERS];
	size_t count = settings_receivers(n->config, receivers);
	int r = 0;

	for (size_t i = 0; r >= 0 && i < count; i++)
		r = send_receiver(n, &receivers[i]);
	if (r >= 0)
		r = control_send(n->control, &(struct control_message){ .kind = CONTROL_HTTP_END });
	if (r < 0)
		diag_set(diag, "control channel: %s", strerror(-r));
	return r;
}

static unsigned metrics_groups(const struct config *c)
{
	return (c->metrics.rules_counters_enabled ? METRICS_RULES : 0) |
	       (c->metrics.resource_utilization_enabled ? METRICS_RESOURCES : 0) |
	       (c->metrics.state_counters_enabled ? METRICS_STATE : 0) |
	       (c->metrics.kernel_event_counters_enabled ? METRICS_KERNEL : 0) |
	       (c->metrics.kernel_event_counters_per_cpu_enabled ? METRICS_KERNEL_CPU : 0) |
	       (c->metrics.plugins_metrics_enabled ? METRICS_PLUGINS : 0);
}

static int read_web_pem(const struct config *c, struct strbuf *pem, struct diag *diag)
{
	const char *name = c->webserver.ssl_certificate;

	if (!c->webserver.enabled || !c->webserver.ssl_enabled)
		return 0;
	if (read_pem(name, pem, diag) < 0)
		return -EINVAL;
	return certs_check_pair(&(struct certs_pem){ .cert = strbuf_str(pem),
						     .key = strbuf_str(pem),
						     .cert_name = name,
						     .key_name = name },
				diag);
}

static void pem_done(struct strbuf *pem)
{
	if (pem->ptr)
		explicit_bzero(pem->ptr, pem->cap);
	strbuf_done(pem);
}

static int send_web(struct netproc *n, struct diag *diag)
{
	const struct config *c = n->config;
	_cleanup_(pem_done) struct strbuf pem = { 0 };
	_cleanup_(strbuf_done) struct strbuf versions = { 0 };

	if (!c->webserver.enabled)
		return n->poll ? control_send(n->control,
					      &(struct control_message){ .kind = CONTROL_WEB })
			       : 0;
	if (read_web_pem(c, &pem, diag) < 0)
		return -EINVAL;
	about_version_json(&versions);
	const struct control_message m = {
		.kind = CONTROL_WEB,
		.web = {
			.address = str_of(c->webserver.listen_address),
			.port = (uint64_t)c->webserver.listen_port,
			.health_path = str_of(c->webserver.k8s_healthz_endpoint),
			.versions = strbuf_str(&versions),
			.pem = strbuf_str(&pem),
			.metrics = c->metrics.enabled && c->webserver.prometheus_metrics_enabled,
			.groups = metrics_groups(c),
		},
	};
	int r = control_send(n->control, &m);
	if (r < 0)
		diag_set(diag, "control channel: %s", strerror(-r));
	return r;
}

static bool has_grpc(const struct config *c)
{
	return c->grpc.enabled && c->grpc_output;
}

/* Certificates are asked for only where there is a TCP address. */
static void access_paths(const struct config *c, struct access_paths *ret)
{
	bool tls = !str_starts(str_of(c->grpc.bind_address), STR("unix:"));

	for (size_t i = 0; i < c->tiercel.listen.n; i++)
		tls = tls || !str_starts(c->tiercel.listen.items[i], STR("unix:"));
	*ret = (struct access_paths){ .policy = c->tiercel.policy };
	if (!tls)
		return;
	ret->cert = c->grpc.cert_chain;
	ret->key = c->grpc.private_key;
	ret->ca = c->grpc.root_certs;
	ret->crl = c->tiercel.tls.crl;
}

static int send_access(struct netproc *n, const struct access_texts *texts)
{
	const struct config *c = n->config;
	struct access_paths paths;
	struct control_message m = {
		.kind = CONTROL_ACCESS,
		.access = {
			.common_names = c->tiercel.tls.common_names,
			.max_calls = (uint64_t)c->tiercel.limits.calls,
			.max_calls_each = (uint64_t)c->tiercel.limits.calls_per_identity,
			.socket_mode = (uint64_t)c->tiercel.socket.mode,
			.has_group = c->tiercel.socket.has_group,
			.socket_group = c->tiercel.socket.group,
			.message_bytes = (uint64_t)c->tiercel.limits.message_bytes,
			.handshake_ms = (uint64_t)c->tiercel.limits.handshake_ms,
			.ping_ms = (uint64_t)c->tiercel.limits.ping_ms,
		},
	};

	access_paths(c, &paths);
	access_fill(&paths, texts, &m.access);
	return control_send(n->control, &m);
}

static void on_access(const struct access_texts *texts, void *ctx)
{
	struct netproc *n = ctx;

	/* A process that is about to start gets them with its settings. */
	if (!n->poll)
		return;
	int r = send_access(n, texts);
	if (r < 0)
		log_error("control channel: certificates and policy are not passed on: %s",
			  strerror(-r));
	else
		want_flush(n, r);
}

static void on_access_fault(struct str text, void *ctx)
{
	struct netproc *n = ctx;

	const char *policy = n->config->tiercel.policy;
	bool about_policy = *policy && str_starts(text, str_of(policy));

	log_error("certificates and policy stay as they were: " STR_FMT, STR_ARG(text));
	raise_alert(n, &(struct control_alert){ about_policy ? CAUSE_POLICY : CAUSE_CERTIFICATES,
						text });
}

static int watch_access(struct netproc *n, struct diag *diag)
{
	struct access_watch_options o = {
		.loop = n->loop,
		.changed = on_access,
		.faulty = on_access_fault,
		.ctx = n,
	};
	struct access_watch *before = n->access;

	if (!has_grpc(n->config))
		return 0;
	access_paths(n->config, &o.paths);
	int r = access_watch_start(&o, &n->access, diag);
	if (r < 0)
		return r;
	access_watch_stop(before);
	config_unref(n->access_config);
	n->access_config = config_ref(n->config);
	return 0;
}

static bool same_paths(const struct config *a, const struct config *b)
{
	struct access_paths x = { 0 }, y = { 0 };

	access_paths(a, &x);
	access_paths(b, &y);
	const char *const pairs[][2] = { { x.cert, y.cert },
					 { x.key, y.key },
					 { x.ca, y.ca },
					 { x.crl, y.crl },
					 { x.policy, y.policy } };
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		if (!str_eq(str_of(pairs[i][0] ? pairs[i][0] : ""),
			    str_of(pairs[i][1] ? pairs[i][1] : "")))
			return false;
	}
	return true;
}

static void change_access(struct netproc *n)
{
	_cleanup_(strbuf_done) struct strbuf text = { 0 };
	struct diag diag = { 0 };

	if (!n->access || same_paths(n->access_config, n->config))
		return;
	if (watch_access(n, &diag) == 0) {
		on_access(access_watch_texts(n->access), n);
		return;
	}
	diag_print(&diag, &text);
	on_access_fault(strbuf_str(&text), n);
}

static int send_settings(struct netproc *n, struct diag *diag)
{
	const struct config *c = n->config;
	_cleanup_(strbuf_done) struct strbuf addresses = { 0 };
	struct alert_settings alert;
	bool grpc = has_grpc(c);

	if (grpc)
		strbuf_addz(&addresses, c->grpc.bind_address);
	for (size_t i = 0; grpc && i < c->tiercel.listen.n; i++) {
		strbuf_addc(&addresses, ',');
		strbuf_add(&addresses, c->tiercel.listen.items[i]);
	}
	settings_alert(c, &alert);
	const struct control_message m = {
		.kind = CONTROL_SETTINGS,
		.settings = {
			.bind_address = strbuf_str(&addresses),
			.hostname = str_of(alert.hostname),
			.version = STR(TIERCEL_VERSION),
			.stream_alerts = (uint64_t)c->tiercel.stream_alerts,
			.epoch = n->epoch,
			.user = str_of(c->tiercel.user),
			.log_level = (uint64_t)c->log_level,
			.log_stderr = c->log_stderr,
			.log_syslog = c->log_syslog,
			.log_iso_8601 = c->time_format_iso_8601,
			.state_dir = c->tiercel.journal.enabled && !n->memory_only
					     ? str_of(c->tiercel.state_dir)
					     : STR(""),
			.journal_bytes = c->tiercel.journal.max_bytes,
			.journal_age_ns = c->tiercel.journal.max_age_ms * NS_PER_MS,
			.first_seq = n->first_seq,
		},
	};
	int r = control_send(n->control, &m);
	if (r < 0)
		diag_set(diag, "control channel: %s", strerror(-r));
	return r < 0 ? r : 0;
}

/*
 * The environment with what leaves TLS 1.2 without a cipher: gRPC has no other way, and reads it when it starts.
 * NULL: memory. The texts are the environment's.
 */
static char **tls13_env(void)
{
	static char only_13[] = "GRPC_SSL_CIPHER_SUITES=PSK-AES256-GCM-SHA384";
	size_t n = 0, kept = 0;

	while (environ[n])
		n++;
	char **env = calloc(n + 2, sizeof(*env));
	for (size_t i = 0; env && i < n; i++)
		if (strncmp(environ[i], only_13, strcspn(only_13, "=") + 1) != 0)
			env[kept++] = environ[i];
	if (env)
		env[kept] = only_13;
	return env;
}

static int send_log(struct netproc *n)
{
	const struct config *c = n->config;

	return control_send(
		n->control,
		&(struct control_message){ .kind = CONTROL_LOGGING,
					   .logging = { .level = (uint64_t)c->log_level,
							.to_stderr = c->log_stderr,
							.to_syslog = c->log_syslog,
							.iso_8601 = c->time_format_iso_8601 } });
}

int netproc_check(const struct netproc *n, const struct config *config, struct diag *diag)
{
	_cleanup_(pem_done) struct strbuf pem = { 0 };
	_cleanup_(access_texts_done) struct access_texts texts = { 0 };
	struct access_paths paths;

	if (!n)
		return 0;
	int r = read_web_pem(config, &pem, diag);
	if (r < 0 || !n->access || !has_grpc(config) || same_paths(n->access_config, config))
		return r;
	access_paths(config, &paths);
	return access_read(&paths, &texts, diag);
}

void netproc_change(struct netproc *n, struct config *config)
{
	struct settings_receiver receivers[SETTINGS_RECEIVERS];
	struct diag diag = { 0 };

	if (!n) {
		if (config->webserver.enabled || settings_receivers(config, receivers))
			log_warning("reload: counts from the next start on: webserver and HTTP");
		return;
	}
	config_unref(n->config);
	n->config = config_ref(config);
	change_access(n);
	/* A process that is about to start gets all with its start. */
	if (!n->poll)
		return;
	int r = send_web(n, &diag);
	if (r >= 0)
		r = send_http(n, &diag);
	if (r >= 0)
		r = send_log(n);
	if (r < 0)
		raise_alert(n, &(struct control_alert){ CAUSE_SETTINGS, str_of(diag.text) });
	else
		want_flush(n, r);
}

static int spawn(struct netproc *n, int child_end, struct diag *diag)
{
	char *args[] = { (char[]){ "tiercel" }, (char[]){ "network" },
			 (char[]){ "3" },	(char[]){ "4" },
			 (char[]){ "5" },	(char[]){ "6" },
			 (char[]){ "7" },	NULL };
	uv_stdio_container_t stdio[CHILD_FD_BASE + CHILD_FDS] = {
		{ .flags = UV_IGNORE },
		{ .flags = UV_INHERIT_FD, .data.fd = STDOUT_FILENO },
		{ .flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO },
		{ .flags = UV_INHERIT_FD, .data.fd = link_writer_ring_fd(n->link) },
		{ .flags = UV_INHERIT_FD, .data.fd = link_writer_event_fd(n->link) },
		{ .flags = UV_INHERIT_FD, .data.fd = child_end },
		{ .flags = UV_INHERIT_FD, .data.fd = stats_fd(n->stats, STATS_SENSOR) },
		{ .flags = UV_INHERIT_FD, .data.fd = stats_fd(n->stats, STATS_NETWORK) },
	};
	uv_process_options_t options = {
		.exit_cb = on_process_exit,
		.file = "/proc/self/exe",
		.args = args,
		.stdio = stdio,
		.stdio_count = (int)ARRAY_SIZE(stdio),
	};
	_cleanup_(freep) char **env = n->config->tiercel.tls.min_version == 13 ? tls13_env() : NULL;

	if (n->config->tiercel.tls.min_version == 13 && !env) {
		diag_set(diag, "out of memory");
		return -ENOMEM;
	}
	options.env = env;
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

/* The first message that is no line for the log; each of those is worth another wait, within reason. */
static int first_answer(struct netproc *n, struct control_message *ret)
{
	int r = 0, lines = 0;

	/* Large settings take more than one turn. */
	for (int waited = 0; r == 0 && waited < READY_MS; waited += READY_STEP_MS) {
		r = control_flush(n->control);
		if (r >= 0)
			r = control_wait(n->control, READY_STEP_MS, ret);
		if (r <= 0 || ret->kind != CONTROL_LOG || lines++ == READY_LINES)
			continue;
		log_from(&ret->log);
		waited = r = 0;
	}
	return r;
}

static int await_ready(struct netproc *n, struct diag *diag)
{
	struct control_message m;
	int r = first_answer(n, &m);

	if (r > 0 && m.kind == CONTROL_READY) {
		n->first_seq = m.ready.first_seq;
		n->memory_only = !m.ready.journal;
		if (m.ready.text.len)
			log_info("gRPC server listens on " STR_FMT, STR_ARG(m.ready.text));
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
	if (r >= 0)
		r = send_web(n, diag);
	if (r >= 0 && n->access)
		r = send_access(n, access_watch_texts(n->access));
	if (r < 0 && !diag->text[0])
		diag_set(diag, "control channel: %s", strerror(-r));
	if (r >= 0)
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

int netproc_start(struct config *config, uv_loop_t *loop, struct link_writer *link,
		  struct stats *stats, struct netproc **ret, struct diag *diag)
{
	struct netproc *n = calloc(1, sizeof(*n));

	if (!n)
		return -ENOMEM;
	*n = (struct netproc){ .config = config_ref(config),
			       .loop = loop,
			       .link = link,
			       .stats = stats,
			       .control_fd = -1,
			       .epoch = clock_wall_ns(),
			       .backoff_ms = BACKOFF_FIRST_MS };
	uv_timer_init(loop, &n->retry);
	n->retry.data = n;
	int r = watch_access(n, diag);
	if (r == 0)
		r = launch(n, diag);
	if (r < 0) {
		netproc_stop(n);
		return r;
	}
	*ret = n;
	return 0;
}

pid_t netproc_pid(const struct netproc *n)
{
	return n && n->running ? uv_process_get_pid(&n->process) : 0;
}

uint64_t netproc_restarts(const struct netproc *n)
{
	return n ? n->restarts : 0;
}

uint64_t netproc_first_seq(const struct netproc *n)
{
	return n->first_seq;
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
	n->access = access_watch_stop(n->access);
	config_unref(n->access_config);
	config_unref(n->config);
	/* The last handle to close: its callback frees what the others live in. */
	uv_close((uv_handle_t *)&n->retry, on_closed);
	return NULL;
}
