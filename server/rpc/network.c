/* SPDX-License-Identifier: Apache-2.0 */
/* One libuv loop with three inputs: the control channel, the link's wake-up, and gRPC's completions. */
#include "rpc/network.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include <grpc/grpc.h>
#include <uv.h>

#include "alert/alert.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/heap.h"
#include "base/limits.h"
#include "base/log.h"
#include "journal/journal.h"
#include "link/control.h"
#include "link/link.h"
#include "link/stats.h"
#include "rpc/access.h"
#include "rpc/backlog.h"
#include "rpc/confine.h"
#include "rpc/grpc_log.h"
#include "rpc/receivers.h"
#include "rpc/report.h"
#include "rpc/names.h"
#include "rpc/server.h"
#include "rpc/statedir.h"
#include "rpc/status.h"
#include "web/web.h"

enum {
	NETWORK_BATCH = 512,	/* blocks read in one turn of the loop */
	NETWORK_HISTORY = 1024, /* batches read before the server answers, whatever comes in */
	NETWORK_BYTES = 32 << 20,
	NETWORK_BYTES_JOURNAL = 4 << 20, /* what is older comes from the journal */
	NETWORK_SPARE = 8 << 20,	 /* bytes freed that may stay with us */
	NETWORK_TRIM_S = 5,
	NETWORK_WAIT_MS = 2000, /* for the journal to have room, while starting and ending */
	NETWORK_BLOCK = LIMIT_ALERT_BYTES + 4096,
	SECOND_MS = 1000, /* how often counters are shared */
};

struct network {
	uv_loop_t loop;
	uv_poll_t control_poll, link_poll;
	uv_idle_t more; /* the link was not read to its end */
	struct control *control;
	struct link_reader *link;
	struct backlog backlog;
	struct journal *journal;   /* NULL: memory is all there is */
	uint64_t first_seq;	   /* of this run of the sensor */
	uint64_t next_seq;	   /* the number that should come next; 0: any */
	struct access *access;	   /* until the server takes it over */
	struct access *in_force;   /* the server's */
	struct rpc_server *server; /* NULL: only HTTP is wanted, or it has ended */
	struct receivers *receivers;
	struct web *web;     /* NULL: none */
	struct stats *stats; /* NULL: nothing is counted */
	uv_timer_t second;
	uint64_t seconds;
	struct rpc_counters counters;
	bool asked_for_calls; /* it was told who may call */
	bool stopping;
	bool failed;
	bool damaged; /* said once */
	bool paused;  /* the journal has no room */
	char *block;
};

static void on_control(uv_poll_t *poll, int status, int events);

/* As control_send. */
static int network_try(const struct control_message *m, void *ctx)
{
	struct network *n = ctx;
	int r = control_send(n->control, m);

	if (r == 1)
		uv_poll_start(&n->control_poll, UV_READABLE | UV_WRITABLE, on_control);
	return r;
}

static void network_send(struct network *n, const struct control_message *m)
{
	int r = network_try(m, n);

	if (r < 0 && !n->stopping)
		log_warning("network: cannot answer the sensor: %s", strerror(-r));
}

static void on_report(const struct control_message *m, void *arg)
{
	network_send(arg, m);
}

static void on_stopped(void *arg)
{
	struct network *n = arg;

	n->server = NULL;
	n->journal = journal_close(n->journal);
}

static void on_receiver_at(struct str name, uint64_t seq, void *ctx)
{
	network_send(ctx, &(struct control_message){ .kind = CONTROL_HTTP_AT,
						     .http_at = { .name = name, .seq = seq } });
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
	uint64_t now = clock_wall_ns();

	stats_observe(n->stats, STAT_NETWORK_LATENCY, now > w.time_ns ? now - w.time_ns : 0);
	struct str message = { n->block + sizeof(w) + w.line_len, w.proto_len };
	struct entry *e = entry_new(seq, w.time_ns, message);
	if (!e)
		return -ENOMEM;
	backlog_add(&n->backlog, e);
	/* What finds no room is a gap on disk, which the journal counts itself. */
	if (n->journal)
		(void)journal_put(n->journal, e);
	entry_unref(e);
	return 0;
}

static void network_damaged(struct network *n, int error)
{
	if (!n->damaged)
		log_error("network: a bad block on the link was skipped: %s", strerror(-error));
	n->damaged = true;
}

/* Numbers that the ring no longer had. */
static void note_missed(struct network *n, uint64_t seq, uint64_t missed)
{
	if (n->next_seq)
		missed = seq > n->next_seq ? seq - n->next_seq : 0;
	if (!missed)
		return;
	if (!n->counters.link_missed)
		log_warning("network: the link was overrun, %llu alerts are lost",
			    (unsigned long long)missed);
	n->counters.link_missed += missed;
	if (n->journal)
		journal_missed(n->journal, (struct gap){ seq - missed, seq - 1, LOSS_OVERRUN });
}

/* True: the link is empty, or the journal wants us to wait; it says when to go on. */
static bool network_read(struct network *n)
{
	uint64_t seq, missed;
	size_t len;

	for (int i = 0; i < NETWORK_BATCH; i++) {
		if (n->journal && !journal_room(n->journal)) {
			n->paused = true;
			return true;
		}
		int r = link_read(n->link, n->block, NETWORK_BLOCK, &seq, &len, &missed);
		if (r == 0)
			return true;
		if (r < 0) {
			network_damaged(n, r);
			continue;
		}
		n->counters.alerts++;
		note_missed(n, seq, missed);
		if (seq >= n->next_seq)
			n->next_seq = seq + 1;
		n->counters.newest_seq = seq;
		r = keep(n, seq, len);
		if (r < 0)
			network_damaged(n, r);
	}
	return false;
}

static void show(struct network *n)
{
	backlog_show(&n->backlog, n->journal ? journal_kept(n->journal) : n->counters.newest_seq);
}

/* All that is in the ring, without the loop: before it runs, and at the end. */
static void network_read_all(struct network *n)
{
	int waited = 0;

	for (int i = 0; i < NETWORK_HISTORY; i++) {
		if (!network_read(n))
			continue;
		if (!n->paused || waited++ > NETWORK_WAIT_MS)
			break;
		n->paused = false;
		usleep(1000);
	}
	show(n);
}

static void network_stop(struct network *n)
{
	if (n->stopping)
		return;
	n->stopping = true;
	if (n->journal)
		journal_ending(n->journal);
	network_read_all(n);
	receivers_alerts(n->receivers);
	n->receivers = receivers_stop(n->receivers);
	if (n->server)
		rpc_server_stop(n->server, on_stopped, n);
	else
		n->journal = journal_close(n->journal);
	n->web = web_stop(n->web);
	uv_close((uv_handle_t *)&n->control_poll, NULL);
	uv_close((uv_handle_t *)&n->link_poll, NULL);
	uv_close((uv_handle_t *)&n->more, NULL);
	uv_close((uv_handle_t *)&n->second, NULL);
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
	show(n);
	receivers_alerts(n->receivers);
	if (n->server)
		rpc_server_alerts(n->server);
}

static void on_kept(void *arg)
{
	struct network *n = arg;

	if (n->stopping)
		return;
	if (n->paused) {
		n->paused = false;
		network_take(n);
		return;
	}
	show(n);
	receivers_alerts(n->receivers);
	if (n->server)
		rpc_server_alerts(n->server);
}

static void on_journal_failed(const char *text, struct gap missed, void *arg)
{
	if (text)
		report(CAUSE_JOURNAL, "%s", text);
	else if (missed.last)
		report(CAUSE_JOURNAL_GAP,
		       "alerts are kept on disk again; %" PRIu64 " (sequence %" PRIu64
		       " to %" PRIu64 ") are not there",
		       missed.last - missed.first + 1, missed.first, missed.last);
	else
		log_notice("journal: alerts are kept on disk again");
}

static void on_link(uv_poll_t *poll, int status, int events)
{
	struct network *n = poll->data;

	if (!n->stopping)
		network_take(n);
}

static void count(void *ctx)
{
	struct network *n = ctx;

	n->counters.kept = n->backlog.end - n->backlog.first;
	n->counters.kept_bytes = n->backlog.bytes;
	if (n->server)
		rpc_server_count(n->server, &n->counters);
}

struct question {
	struct network *network;
	uint64_t id;
};

static void on_names(struct str text, void *ctx)
{
	_cleanup_(freep) struct question *q = ctx;

	if (!q->network->stopping)
		network_send(
			q->network,
			&(struct control_message){
				.kind = CONTROL_ANSWER,
				.answer = { .id = q->id, .outcome = ANSWER_OK, .text = text } });
}

static void answer_names(struct network *n, const struct control_ask *ask)
{
	struct question *q = malloc(sizeof(*q));

	if (!q)
		return;
	*q = (struct question){ .network = n, .id = ask->id };
	if (names_look_up(&n->loop, ask->text, on_names, q) < 0)
		free(q);
}

static void answer(struct network *n, const struct control_ask *ask)
{
	_cleanup_(strbuf_done) struct strbuf text = { 0 };
	struct control_message m = { .kind = CONTROL_ANSWER,
				     .answer = { .id = ask->id, .outcome = ANSWER_FAILED } };

	if (ask->what == ASK_NAMES) {
		answer_names(n, ask);
		return;
	}
	if (ask->what == ASK_STATUS && n->server && rpc_server_status(n->server, &text) == 0) {
		m.answer.outcome = ANSWER_OK;
		m.answer.text = strbuf_str(&text);
	}
	network_send(n, &m);
}

static void on_second(uv_timer_t *t)
{
	struct network *n = t->data;

	count(n);
	if (++n->seconds % NETWORK_TRIM_S == 0)
		heap_trim(NETWORK_SPARE);
	const struct {
		enum stat_id id;
		uint64_t value;
	} rows[] = {
		{ STAT_NET_ALERTS, n->counters.alerts },
		{ STAT_NET_MISSED, n->counters.link_missed },
		{ STAT_NET_SEQ, n->counters.newest_seq },
		{ STAT_NET_KEPT, n->counters.kept },
		{ STAT_NET_KEPT_BYTES, n->counters.kept_bytes },
		{ STAT_GRPC_CALLS, n->counters.calls },
		{ STAT_GRPC_STREAMS, n->counters.streams },
		{ STAT_GRPC_SENT, n->counters.sent },
		{ STAT_GRPC_LOST, n->counters.lost },
		{ STAT_GRPC_REFUSED, n->counters.refused },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		stats_set(n->stats, rows[i].id, rows[i].value);
	if (n->web)
		stats_set(n->stats, STAT_WEB_REQUESTS, web_requests(n->web));
	receivers_measure(n->receivers);
}

/* The sensor has checked what it sends: a fault here is one of ours. */
static void change_access(struct network *n, const struct control_access *c)
{
	struct diag d = { 0 };

	if (access_set(n->in_force, c, &d) < 0)
		log_error("network: certificates and policy stay as they were: %s", d.text);
	else
		log_notice("certificates and policy are loaded anew");
}

static int network_fail(struct network *n, const char *text)
{
	struct control_message m = { .kind = CONTROL_FAILED, .text = str_of(text) };

	(void)control_send(n->control, &m);
	return 1;
}

static void log_as(uint64_t level, bool to_stderr, bool to_syslog, bool iso_8601)
{
	log_init(&(struct log_settings){
		.level = level > LOG_LEVEL_DEBUG ? LOG_LEVEL_DEBUG : (enum log_level)level,
		.to_stderr = to_stderr,
		.to_syslog = to_syslog,
		.iso_8601 = iso_8601,
	});
}

static void settings_log(const struct control_settings *s)
{
	if (s->log_level || s->log_stderr || s->log_syslog)
		log_as(s->log_level, s->log_stderr, s->log_syslog, s->log_iso_8601);
}

static int want_receiver(struct network *n, const struct control_http *c)
{
	return receivers_want(n->receivers, c) < 0
		       ? network_fail(n, "an HTTP receiver could not be started")
		       : 0;
}

static void change_receivers(struct network *n)
{
	if (receivers_commit(n->receivers) < 0)
		report(CAUSE_SETTINGS, "an HTTP receiver could not be started");
}

static void on_waiting(void *arg)
{
	static const char text[] = "waiting for the server before to write its alerts down";
	const struct control_log log = { .level = LOG_LEVEL_NOTICE, .text = str_of(text) };
	struct network *n = arg;

	/* The loop does not run yet; a line that finds no room is no loss. */
	(void)control_send(n->control,
			   &(struct control_message){ .kind = CONTROL_LOG, .log = log });
}

/* Without a journal the server goes on with what is in memory: alerts matter more than their history. */
static void start_journal(struct network *n, const struct control_settings *s, const char *dir)
{
	struct diag d = { 0 };
	_cleanup_(strbuf_done) struct strbuf text = { 0 };
	const struct journal_settings settings = {
		.dir = dir,
		.max_bytes = s->journal_bytes,
		.max_age_ns = s->journal_age_ns,
		.first_seq = s->first_seq,
		.kept = on_kept,
		.failed = on_journal_failed,
		.waiting = on_waiting,
		.arg = n,
	};

	n->first_seq = s->first_seq ? s->first_seq : 1;
	if (!dir)
		return;
	if (journal_open(&n->loop, &settings, &n->journal, &d) < 0) {
		diag_print(&d, &text);
		report(CAUSE_JOURNAL, STR_FMT "; alerts are kept in memory only",
		       STR_ARG(strbuf_str(&text)));
		return;
	}
	uint64_t oldest, newest;
	journal_range(n->journal, &oldest, &newest);
	n->first_seq = journal_first(n->journal);
	n->next_seq = newest >= n->first_seq ? newest + 1 : n->first_seq;
}

static struct web_settings web_of(const struct control_web *c)
{
	return (struct web_settings){
		.address = c->address,
		.port = (uint16_t)c->port,
		.health_path = c->health_path,
		.versions = c->versions,
		.pem = c->pem,
		.metrics = c->metrics,
		.groups = (unsigned)c->groups,
	};
}

/* Starts, changes or stops it. */
static int set_web(struct network *n, const struct control_web *c, struct diag *d)
{
	const struct web_settings s = web_of(c);
	uint16_t before = n->web ? web_port(n->web) : 0;

	if (!c->address.len) {
		n->web = web_stop(n->web);
		return 0;
	}
	int r = n->web ? web_change(&n->web, &s, d) : web_start(&n->loop, &s, n->stats, &n->web, d);
	if (r == 0 && web_port(n->web) != before)
		log_info("the web endpoint listens on " STR_FMT " port %u", STR_ARG(c->address),
			 web_port(n->web));
	return r;
}

static int start_web(struct network *n, const struct control_web *c)
{
	_cleanup_(strbuf_done) struct strbuf text = { 0 };
	struct diag d = { 0 };

	if (set_web(n, c, &d) == 0)
		return 0;
	diag_print(&d, &text);
	const char *z = strbuf_z(&text);
	return network_fail(n, z ? z : "out of memory");
}

static void change_web(struct network *n, const struct control_web *c)
{
	struct diag d = { 0 };

	if (set_web(n, c, &d) < 0)
		report(CAUSE_SETTINGS, "%s", d.text);
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
		if (m.kind == CONTROL_ASK)
			answer(n, &m.ask);
		else if (m.kind == CONTROL_ANSWER && n->server)
			rpc_server_answer(n->server, &m.answer);
		else if (m.kind == CONTROL_ACCESS && n->server)
			change_access(n, &m.access);
		else if (m.kind == CONTROL_WEB)
			change_web(n, &m.web);
		else if (m.kind == CONTROL_HTTP)
			(void)receivers_want(n->receivers, &m.http);
		else if (m.kind == CONTROL_HTTP_END)
			change_receivers(n);
		else if (m.kind == CONTROL_LOGGING)
			log_as(m.logging.level, m.logging.to_stderr, m.logging.to_syslog,
			       m.logging.iso_8601);
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

static int first_access(struct network *n, const struct control_access *c)
{
	struct diag d = { 0 };
	_cleanup_(strbuf_done) struct strbuf text = { 0 };

	n->asked_for_calls = true;
	diag_set(&d, "out of memory");
	if (access_set(n->access, c, &d) == 0)
		return 0;
	diag_print(&d, &text);
	const char *z = strbuf_z(&text);
	return network_fail(n, z ? z : "out of memory");
}

static int start_server(struct network *n, const struct control_settings *s)
{
	size_t alerts = s->stream_alerts && s->stream_alerts < LIMIT_STREAM_ALERTS
				? (size_t)s->stream_alerts
				: LIMIT_STREAM_ALERTS;
	size_t bytes = s->state_dir.len ? NETWORK_BYTES_JOURNAL : NETWORK_BYTES;
	_cleanup_(strbuf_done) struct strbuf text = { 0 };
	struct diag d = { 0 };

	if (s->stream_bytes && s->stream_bytes < SIZE_MAX)
		bytes = (size_t)s->stream_bytes;
	settings_log(s);
	if (backlog_init(&n->backlog, alerts, bytes) < 0)
		return network_fail(n, "out of memory");
	if ((receivers_count(n->receivers) || n->web || !n->asked_for_calls) &&
	    !s->bind_address.len)
		return 0; /* gRPC is not wanted */
	n->in_force = TAKE(n->access);
	int r = rpc_server_start(&n->loop, s, n->in_force, &n->backlog, &n->server, &d);
	if (r < 0) {
		diag_print(&d, &text);
		const char *z = strbuf_z(&text);
		return network_fail(n, z ? z : "out of memory");
	}
	return 0;
}

/* Ports, sockets and the journal's directory as root; the journal's files and all calls as nobody. */
static int start_all(struct network *n, const struct control_settings *s)
{
	_cleanup_(strbuf_done) struct strbuf dir = { 0 };
	struct diag d = { 0 };

	if (start_server(n, s))
		return 1;
	bool wanted = n->server || receivers_count(n->receivers);

	if (wanted && s->state_dir.len && statedir_make(s->state_dir, s->user, &dir, &d) < 0)
		report(CAUSE_JOURNAL, "%s; alerts are kept in memory only", d.text);
	if (confine_user(s->user) < 0)
		return network_fail(n, "cannot become the user tiercel.user names");
	start_journal(n, s, dir.len ? strbuf_z(&dir) : NULL);
	/* Calls are answered when the loop runs; nobody finds the server without its history. */
	network_read_all(n);
	if (receivers_begin(n->receivers, n->journal, n->first_seq) < 0)
		return network_fail(n, "an HTTP receiver could not be started");
	const struct rpc_sensor sensor = {
		.stats = n->stats,
		.counters = &n->counters,
		.count = count,
		.ask = network_try,
		.ctx = n,
	};
	if (n->server)
		rpc_server_begin(n->server, &sensor, n->journal, n->first_seq);
	return 0;
}

static int network_run(struct network *n, int event_fd, int control_fd)
{
	struct control_message m;

	int r = control_wait(n->control, -1, &m);
	const struct receivers_options ro = { .loop = &n->loop,
					      .backlog = &n->backlog,
					      .stats = n->stats,
					      .at = on_receiver_at,
					      .ctx = n };

	if (access_new(&n->loop, &n->access) < 0 || receivers_new(&ro, &n->receivers) < 0)
		return network_fail(n, "out of memory");
	while (r == 1 && m.kind != CONTROL_SETTINGS) {
		if (m.kind == CONTROL_HTTP	       ? want_receiver(n, &m.http)
		    : m.kind == CONTROL_HTTP_END       ? receivers_commit(n->receivers) < 0
		    : m.kind == CONTROL_WEB && !n->web ? start_web(n, &m.web)
		    : m.kind == CONTROL_ACCESS	       ? first_access(n, &m.access)
						       : 1)
			return 1;
		r = control_wait(n->control, -1, &m);
	}
	if (r != 1 || m.kind != CONTROL_SETTINGS)
		return r == -EPIPE || r == -ECONNRESET ? 0
						       : network_fail(n, "expected the settings");
	if (start_all(n, &m.settings))
		return 1;
	if (uv_poll_init(&n->loop, &n->control_poll, control_fd) < 0 ||
	    uv_poll_init(&n->loop, &n->link_poll, event_fd) < 0 ||
	    uv_idle_init(&n->loop, &n->more) < 0 || uv_timer_init(&n->loop, &n->second) < 0)
		return network_fail(n, "cannot watch the descriptors");
	n->control_poll.data = n->link_poll.data = n->more.data = n->second.data = n;
	uv_timer_start(&n->second, on_second, 0, SECOND_MS);
	uv_poll_start(&n->control_poll, UV_READABLE, on_control);
	uv_poll_start(&n->link_poll, UV_READABLE, on_link);
	struct control_message ready = {
		.kind = CONTROL_READY,
		.ready = { .text = n->server ? rpc_server_addresses(n->server) : STR(""),
			   .first_seq = n->first_seq,
			   .journal = n->journal != NULL },
	};
	network_send(n, &ready);
	report_to(on_report, n);
	network_take(n); /* and the reader is asleep from here on */
	return 0;
}

int network_main(const struct network_fds *fds)
{
	struct network n = { 0 };
	int failed = 1;

	if (uv_loop_init(&n.loop) < 0)
		return 1;
	grpc_log_install();
	grpc_init();
	n.block = malloc(NETWORK_BLOCK);
	if (fds->stats[0] >= 0 && stats_open(fds->stats[0], fds->stats[1], &n.stats) < 0)
		log_error("network: the counters cannot be shared");
	if (n.block && control_new(fds->control, &n.control) == 0) {
		int r = link_reader_new(fds->ring, fds->event, &n.link);
		failed = r < 0 ? network_fail(&n, "the link to the sensor is no ring")
			       : network_run(&n, fds->event, fds->control);
		if (failed) {
			n.web = web_stop(n.web);
			n.receivers = receivers_stop(n.receivers);
		}
		n.access = access_free(n.access);
		/* After a failure this ends at once or when the half-started server is gone. */
		uv_run(&n.loop, UV_RUN_DEFAULT);
	}
	backlog_done(&n.backlog);
	link_reader_free(n.link);
	stats_free(n.stats);
	control_free(n.control);
	free(n.block);
	uv_loop_close(&n.loop);
	grpc_shutdown_blocking();
	return failed || n.failed;
}
