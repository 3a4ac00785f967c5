/* SPDX-License-Identifier: Apache-2.0 */
/* `tiercel status`: how the server is, for a person or as JSON. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/json.h"
#include "client/call.h"
#include "client/client.h"
#include "client/print.h"
#include "tiercel.pb-c.h"

typedef Tiercel__V1__StatusResponse Status;

enum { STATUS_WAIT_MS = 10000 };

#define NUMBER(member)                                                                             \
	{                                                                                          \
#member, offsetof(Status, member)                                                  \
	}

static const struct {
	const char *name;
	size_t offset;
} numbers[] = {
	NUMBER(epoch),
	NUMBER(oldest),
	NUMBER(newest),
	NUMBER(first),
	NUMBER(events),
	NUMBER(events_discarded),
	NUMBER(alerts),
	NUMBER(rules),
	NUMBER(reloads),
	NUMBER(reloads_failed),
	NUMBER(network_restarts),
	NUMBER(calls),
	NUMBER(sent),
	NUMBER(refused),
	NUMBER(received),
	NUMBER(backlog_alerts),
	NUMBER(backlog_bytes),
};

static void key_time(struct json *j, struct str key, const Google__Protobuf__Timestamp *t)
{
	json_key(j, key);
	print_time_json(t, j);
}

static void key_number(struct json *j, struct str key, uint64_t v)
{
	json_key(j, key);
	json_u64(j, v);
}

static void stream_json(const Tiercel__V1__Stream *s, struct json *j)
{
	json_open(j, '{');
	json_key_text(j, "identity", str_of(s->identity));
	json_key_text(j, "method", str_of(s->method));
	json_key_text(j, "consumer", str_of(s->consumer));
	json_key(j, STR("legacy"));
	json_bool(j, s->legacy);
	key_time(j, STR("opened"), s->opened);
	key_number(j, STR("next"), s->next);
	key_number(j, STR("lag"), s->lag);
	key_number(j, STR("sent"), s->sent);
	key_number(j, STR("lost"), s->lost);
	key_number(j, STR("outstanding"), s->outstanding);
	json_close(j, '}');
}

static void status_json(const Status *m, struct strbuf *out)
{
	struct json j = json_to(out);

	json_open(&j, '{');
	json_key_text(&j, "version", str_of(m->version));
	json_key_text(&j, "engine_version", str_of(m->engine_version));
	json_key_text(&j, "hostname", str_of(m->hostname));
	key_time(&j, STR("started"), m->started);
	key_number(&j, STR("uptime_s"), m->uptime ? (uint64_t)m->uptime->seconds : 0);
	key_time(&j, STR("rules_loaded"), m->rules_loaded);
	json_key(&j, STR("journal"));
	json_bool(&j, m->journal);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		key_number(&j, str_of(numbers[i].name),
			   *(const uint64_t *)(const void *)((const char *)m + numbers[i].offset));
	json_key(&j, STR("dropped"));
	json_open(&j, '{');
	for (size_t i = 0; i < m->n_dropped; i++)
		key_number(&j, str_of(m->dropped[i]->key), m->dropped[i]->value);
	json_close(&j, '}');
	json_key(&j, STR("streams"));
	json_open(&j, '[');
	for (size_t i = 0; i < m->n_streams; i++)
		stream_json(m->streams[i], &j);
	json_close(&j, ']');
	json_close(&j, '}');
	strbuf_addc(out, '\n');
}

static void add_duration(uint64_t s, struct strbuf *out)
{
	if (s >= 86400)
		strbuf_printf(out, "%" PRIu64 " d ", s / 86400);
	if (s >= 3600)
		strbuf_printf(out, "%" PRIu64 " h ", s / 3600 % 24);
	if (s >= 60)
		strbuf_printf(out, "%" PRIu64 " min ", s / 60 % 60);
	strbuf_printf(out, "%" PRIu64 " s", s % 60);
}

static void add_dropped(const Status *m, struct strbuf *out)
{
	bool any = false;

	strbuf_addz(out, "dropped    ");
	for (size_t i = 0; i < m->n_dropped; i++) {
		if (!m->dropped[i]->value)
			continue;
		strbuf_printf(out, "%s%" PRIu64 " at ", any ? ", " : "", m->dropped[i]->value);
		print_safe(str_of(m->dropped[i]->key), out);
		any = true;
	}
	strbuf_addz(out, any ? "\n" : "nothing\n");
}

static void add_streams(const Status *m, struct strbuf *out)
{
	if (m->n_streams)
		strbuf_printf(out, "\n%-10s %-10s %-10s %-23s %-5s %s\n", "lag", "sent", "lost",
			      "since", "", "identity");
	for (size_t i = 0; i < m->n_streams; i++) {
		const Tiercel__V1__Stream *s = m->streams[i];

		strbuf_printf(out, "%-10" PRIu64 " %-10" PRIu64 " %-10" PRIu64 " ", s->lag, s->sent,
			      s->lost);
		print_time(s->opened, out);
		strbuf_printf(out, " %-5s ", s->method);
		print_safe(str_of(s->identity), out);
		if (*s->consumer) {
			strbuf_addz(out, ", consumer ");
			print_safe(str_of(s->consumer), out);
		}
		strbuf_addz(out, s->legacy ? ", as Falco's clients\n" : "\n");
	}
}

static void status_text(const Status *m, struct strbuf *out)
{
	strbuf_addz(out, "tiercel    ");
	print_safe(str_of(m->version), out);
	strbuf_addz(out, " (engine ");
	print_safe(str_of(m->engine_version), out);
	strbuf_addz(out, ") on ");
	print_safe(str_of(m->hostname), out);
	if (m->uptime) {
		strbuf_addz(out, ", up ");
		add_duration((uint64_t)m->uptime->seconds, out);
	}
	strbuf_printf(out, "\nalerts     %" PRIu64, m->alerts);
	if (m->newest)
		strbuf_printf(out, "; kept are %" PRIu64 " to %" PRIu64, m->oldest, m->newest);
	strbuf_printf(out, " (%s, epoch %" PRIu64 ")\n", m->journal ? "on disk" : "in memory only",
		      m->epoch);
	strbuf_printf(out, "events     %" PRIu64 ", and %" PRIu64 " ended in the kernel\n",
		      m->events, m->events_discarded);
	add_dropped(m, out);
	strbuf_printf(out, "rules      %" PRIu64, m->rules);
	if (m->rules_loaded) {
		strbuf_addz(out, ", loaded ");
		print_time(m->rules_loaded, out);
	}
	strbuf_printf(out, "; reloads: %" PRIu64 " good, %" PRIu64 " refused\n", m->reloads,
		      m->reloads_failed);
	strbuf_printf(out,
		      "network    %" PRIu64 " calls open, %" PRIu64 " messages sent, %" PRIu64
		      " turned away; started again %" PRIu64 " times\n",
		      m->calls, m->sent, m->refused, m->network_restarts);
	add_streams(m, out);
}

static int show(const struct client_options *o, struct str packed)
{
	_cleanup_(strbuf_done) struct strbuf out = { 0 };
	Status *m = tiercel__v1__status_response__unpack(NULL, packed.len,
							 (const uint8_t *)packed.ptr);

	if (!m)
		return 1;
	if (o->json)
		status_json(m, &out);
	else
		status_text(m, &out);
	tiercel__v1__status_response__free_unpacked(m, NULL);
	return strbuf_check(&out) < 0 || io_write_all(STDOUT_FILENO, strbuf_str(&out)) < 0;
}

int status_run(const struct client_options *o)
{
	_cleanup_(strbuf_done) struct strbuf text = { 0 };
	struct client *client = NULL;
	struct client_call *call = NULL;
	struct diag diag = { 0 };
	struct str why;
	int status = 1;

	if (client_new(o, &client, &diag) < 0) {
		diag_print(&diag, &text);
		fprintf(stderr, "Error: " STR_FMT "\n", STR_ARG(strbuf_str(&text)));
	} else if (client_call(client, "/tiercel.v1.Tiercel/Status", STR(""), STATUS_WAIT_MS,
			       &call) < 0) {
		fprintf(stderr, "Error: out of memory\n");
	} else if (client_call_next(call, &text)) {
		status = show(o, strbuf_str(&text));
	} else {
		client_call_status(call, &why);
		fprintf(stderr, "Error: %s: " STR_FMT "\n", client_target(client), STR_ARG(why));
	}
	client_call_free(call);
	client_free(client);
	return status;
}
