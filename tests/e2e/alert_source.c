/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sensor that makes its alerts up, so that streaming is tested without a kernel: writes numbered alerts to
 * a link whose other end is a network process, which it starts again when it is killed.
 *
 *	alert_source certs DIR
 *	alert_source serve ADDRESSES COUNT PER_SECOND [CERT KEY CA] [NAME=VALUE]... [stream_alerts=N] [state=DIR]
 *		[journal_bytes=N] [output_bytes=N]
 *
 * `serve` prints "ready ADDRESSES PID" for every network process, writes COUNT alerts (0 PER_SECOND: at
 * once), and obeys lines on stdin: "more N" writes N more, "status" prints counters; at the end of input it
 * stops.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alert/alert.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/io.h"
#include "client/certs.h"
#include "daemon/accessfiles.h"
#include "link/control.h"
#include "link/link.h"
#include "outputs.pb-c.h"
#include "rpc/network.h"
#include "tiercel.pb-c.h"

enum { OUTPUT_MAX = 16384 };

struct source {
	struct link_writer *link;
	struct control *control;
	int fd;
	pid_t pid;
	uint64_t seq;
	struct control_message settings, access;
	struct access_paths paths;
	struct access_texts texts;
	uint64_t seen;
	uint64_t output_bytes; /* of an alert's text; 0: some 200 */
};

static void write_alert(struct source *s)
{
	Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	Falco__Outputs__Response m = FALCO__OUTPUTS__RESPONSE__INIT;
	Falco__Outputs__Response__OutputFieldsEntry entry =
		FALCO__OUTPUTS__RESPONSE__OUTPUT_FIELDS_ENTRY__INIT;
	Falco__Outputs__Response__OutputFieldsEntry *entries[] = { &entry };
	char key[] = "evt.num", value[24], rule[] = "Made up", source[] = "syscall", tag[] = "test";
	char output[OUTPUT_MAX], hostname[] = "here", *tags[] = { tag };
	uint64_t seq = ++s->seq, now = clock_wall_ns();
	_cleanup_(strbuf_done) struct strbuf block = { 0 };

	snprintf(value, sizeof(value), "%" PRIu64, seq);
	int pad = s->output_bytes ? (int)s->output_bytes : 200;
	snprintf(output, sizeof(output), "alert number %s %0*d", value, pad, 0);
	entry.key = key;
	entry.value = value;
	time.seconds = (int64_t)(now / NS_PER_SEC);
	time.nanos = (int32_t)(now % NS_PER_SEC);
	m.time = &time;
	m.priority = FALCO__SCHEMA__PRIORITY__NOTICE;
	m.rule = rule;
	m.output = output;
	m.output_fields = entries;
	m.n_output_fields = 1;
	m.hostname = hostname;
	m.tags = tags;
	m.n_tags = 1;
	m.source = source;
	struct alert_wire w = {
		.line_len = (uint32_t)strlen(output),
		.proto_len = (uint32_t)falco__outputs__response__get_packed_size(&m),
		.priority = (uint32_t)m.priority,
		.seq = seq,
		.time_ns = now,
	};
	w.len = (uint32_t)((sizeof(w) + w.line_len + w.proto_len + 7) & ~7u);
	char *room = strbuf_room(&block, w.len);
	if (!room)
		exit(1);
	memset(room, 0, w.len);
	memcpy(room, &w, sizeof(w));
	memcpy(room + sizeof(w), output, w.line_len);
	falco__outputs__response__pack(&m, (uint8_t *)room + sizeof(w) + w.line_len);
	if (link_write(s->link, seq, (struct str){ room, w.len }) < 0)
		exit(1);
}

static void network_drop(struct source *s)
{
	s->control = control_free(s->control);
	close(s->fd);
	waitpid(s->pid, NULL, 0);
}

/* False: it did not start. */
static bool network_spawn(struct source *s)
{
	int fds[2];
	struct control_message m;

	if (control_pair(fds) < 0)
		exit(1);
	fflush(stdout);
	s->pid = fork();
	if (s->pid == 0) {
		close(fds[0]);
		if (!freopen("/dev/null", "r", stdin))
			exit(1);
		int r = network_main(&(struct network_fds){ .ring = link_writer_ring_fd(s->link),
							    .event = link_writer_event_fd(s->link),
							    .control = fds[1],
							    .stats = { -1, -1 } });
		close(fds[1]);
		link_writer_free(s->link);
		exit(r);
	}
	close(fds[1]);
	s->fd = fds[0];
	if (control_new(s->fd, &s->control) < 0 || control_send(s->control, &s->access) < 0 ||
	    control_send(s->control, &s->settings) < 0)
		exit(1);
	do
		if (control_wait(s->control, 20000, &m) != 1)
			exit(1);
	while (m.kind == CONTROL_LOG);
	if (m.kind == CONTROL_READY)
		printf("ready " STR_FMT " %d\n", STR_ARG(m.ready.text), (int)s->pid);
	else
		printf("failed " STR_FMT "\n", STR_ARG(m.text));
	fflush(stdout);
	if (m.kind == CONTROL_READY && !s->settings.settings.first_seq) {
		s->settings.settings.first_seq = m.ready.first_seq;
		s->seq = m.ready.first_seq - 1;
	}
	if (m.kind == CONTROL_READY)
		return true;
	network_drop(s);
	return false;
}

/* Where the sensor would raise an internal alert. */
static void note(const struct control_message *m)
{
	if (m->kind == CONTROL_ALERT)
		fprintf(stderr, "alert %d: " STR_FMT "\n", (int)m->alert.cause,
			STR_ARG(m->alert.text));
}

static void status(struct source *s)
{
	struct control_message m = { 0 };

	const struct control_message ask = { .kind = CONTROL_ASK, .ask = { .what = ASK_STATUS } };

	if (control_send(s->control, &ask) < 0)
		exit(1);
	while (m.kind != CONTROL_ANSWER) {
		if (control_wait(s->control, 10000, &m) != 1)
			exit(1);
		note(&m);
	}
	Tiercel__V1__StatusResponse *now = tiercel__v1__status_response__unpack(
		NULL, m.answer.text.len, (const uint8_t *)m.answer.text.ptr);
	if (!now)
		exit(1);
	uint64_t lost = 0;
	for (size_t i = 0; i < now->n_dropped; i++)
		if (strcmp(now->dropped[i]->key, "streams") == 0)
			lost = now->dropped[i]->value;
	printf("status alerts=%" PRIu64 " kept=%" PRIu64 " calls=%" PRIu64 " streams=%" PRIu64
	       " sent=%" PRIu64 " lost=%" PRIu64 " refused=%" PRIu64 "\n",
	       now->received, now->backlog_alerts, now->calls, (uint64_t)now->n_streams, now->sent,
	       lost, now->refused);
	tiercel__v1__status_response__free_unpacked(now, NULL);
	fflush(stdout);
}

/* One command; false at the end of input. */
static bool obey(struct source *s)
{
	char line[100];
	uint64_t n;

	if (!fgets(line, sizeof(line), stdin))
		return false;
	struct str text = str_trim(str_of(line));
	if (str_starts(text, STR("more ")) && str_to_u64(str_skip(text, 5), &n) == 0)
		while (n--)
			write_alert(s);
	else if (str_eqz(text, "status"))
		status(s);
	return true;
}

/* False: the network process is gone. */
static bool listen_to(struct source *s)
{
	struct control_message m;
	int r;

	while ((r = control_receive(s->control, &m)) == 1)
		note(&m);
	return r == 0;
}

/* As the sensor does: what changed and is good goes to the network process. */
static void look_at_files(struct source *s)
{
	struct access_texts texts;
	uint64_t now = access_fingerprint(&s->paths);
	struct diag d;

	if (now == s->seen)
		return;
	s->seen = now;
	if (access_read(&s->paths, &texts, &d) < 0) {
		printf("fault %s\n", d.text);
		fflush(stdout);
		access_texts_done(&texts);
		return;
	}
	access_texts_done(&s->texts);
	s->texts = texts;
	access_fill(&s->paths, &s->texts, &s->access.access);
	control_send(s->control, &s->access);
}

static int serve(struct source *s, uint64_t count, uint64_t rate)
{
	if (!network_spawn(s))
		return 1;
	for (;;) {
		struct pollfd fds[] = { { .fd = 0, .events = POLLIN },
					{ .fd = s->fd, .events = POLLIN } };
		uint64_t burst = rate ? (rate + 99) / 100 : count;

		for (uint64_t i = 0; i < burst && count; i++, count--)
			write_alert(s);
		int events = poll(fds, 2, count ? 10 : 100);
		look_at_files(s);
		if (events <= 0)
			continue;
		if (fds[1].revents && !listen_to(s)) {
			network_drop(s);
			if (!network_spawn(s))
				return 1;
		}
		if (fds[0].revents && !obey(s))
			break;
	}
	control_send(s->control, &(struct control_message){ .kind = CONTROL_STOP });
	int how = 0;
	s->control = control_free(s->control);
	waitpid(s->pid, &how, 0);
	close(s->fd);
	printf("stopped %d\n", WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how));
	return 0;
}

static int make_certs(const char *dir)
{
	struct diag d = { 0 };
	_cleanup_(strbuf_done) struct strbuf text = { 0 };

	if (certs_make(dir, (const char *const[]){ "test-host" }, 1, &d) == 0)
		return 0;
	diag_print(&d, &text);
	fprintf(stderr, STR_FMT "\n", STR_ARG(strbuf_str(&text)));
	return 1;
}

/* NAME=VALUE. False: no such name. */
static bool set_option(struct source *s, struct str arg)
{
	struct control_settings *set = &s->settings.settings;
	struct control_access *access = &s->access.access;
	const struct {
		const char *name;
		uint64_t *number;
		const char **text;
	} rows[] = {
		{ "stream_alerts", &set->stream_alerts, NULL },
		{ "journal_bytes", &set->journal_bytes, NULL },
		{ "output_bytes", &s->output_bytes, NULL },
		{ "common_names", &access->common_names, NULL },
		{ "max_calls", &access->max_calls, NULL },
		{ "max_calls_each", &access->max_calls_each, NULL },
		{ "socket_mode", &access->socket_mode, NULL },
		{ "socket_group", &access->socket_group, NULL },
		{ "message_bytes", &access->message_bytes, NULL },
		{ "handshake_ms", &access->handshake_ms, NULL },
		{ "ping_ms", &access->ping_ms, NULL },
		{ "crl", NULL, &s->paths.crl },
		{ "policy", NULL, &s->paths.policy },
	};
	struct str value = str_skip(arg, str_chr(arg, '=') + 1);

	if (str_starts(arg, STR("state="))) {
		set->state_dir = value;
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!str_eqz(str_cut(arg, str_chr(arg, '=')), rows[i].name))
			continue;
		if (rows[i].text)
			*rows[i].text = value.ptr;
		access->has_group = access->has_group || rows[i].number == &access->socket_group;
		return rows[i].text || str_to_u64(value, rows[i].number) == 0;
	}
	return false;
}

/* A fault is said as the network process would say it. */
static int start(struct source *s)
{
	struct diag d;
	_cleanup_(strbuf_done) struct strbuf text = { 0 };

	s->seen = access_fingerprint(&s->paths);
	if (access_read(&s->paths, &s->texts, &d) == 0) {
		access_fill(&s->paths, &s->texts, &s->access.access);
		return link_writer_new(16 << 20, &s->link);
	}
	diag_print(&d, &text);
	printf("failed " STR_FMT "\n", STR_ARG(strbuf_str(&text)));
	return -EINVAL;
}

int main(int argc, char **argv)
{
	struct source s = { .settings = { .kind = CONTROL_SETTINGS },
			    .access = { .kind = CONTROL_ACCESS } };
	struct control_settings *set = &s.settings.settings;
	uint64_t count, rate;
	int files = 0;

	if (argc == 3 && strcmp(argv[1], "certs") == 0)
		return make_certs(argv[2]);
	if (argc < 5 || strcmp(argv[1], "serve") != 0 || str_to_u64(str_of(argv[3]), &count) < 0 ||
	    str_to_u64(str_of(argv[4]), &rate) < 0)
		return 2;
	set->bind_address = str_of(argv[2]);
	set->hostname = STR("here");
	set->version = STR("0.43.1-rc1+abc");
	for (int i = 5; i < argc; i++) {
		const char **names[] = { &s.paths.cert, &s.paths.key, &s.paths.ca };

		if (strchr(argv[i], '=') ? !set_option(&s, str_of(argv[i])) : files == 3)
			return 2;
		if (!strchr(argv[i], '='))
			*names[files++] = argv[i];
	}
	setvbuf(stdin, NULL, _IONBF, 0);
	int r = start(&s) < 0 ? 1 : serve(&s, count, rate);
	link_writer_free(s.link);
	access_texts_done(&s.texts);
	return r;
}
