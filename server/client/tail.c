/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `tiercel tail`. It holds one position: that of the last alert, loss or bookmark it was told. With --follow a
 * stream that breaks is called again behind it, so nothing is shown twice, and what the server has no more is
 * told by its `lost`.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "client/call.h"
#include "client/client.h"
#include "client/print.h"
#include "client/request.h"

enum { TAIL_WAIT_MS = 200, TAIL_WAIT_MAX_MS = 5000 };

enum tail_end {
	TAIL_DONE,	   /* all that was wanted is shown */
	TAIL_BROKEN,	   /* try again */
	TAIL_WRONG = -100, /* trying again is of no use; it was said why */
};

struct tail {
	const struct client_options *o;
	struct client *client;
	Falco__Outputs__Cursor at;
	bool has_at;	/* at is a position */
	bool color;	/* of stdout */
	bool color_err; /* of stderr */
	bool told;	/* that the server cannot be reached */
	uint64_t shown;
	struct strbuf line;
};

static bool colored(const struct client_options *o, int fd)
{
	const char *no_color = getenv("NO_COLOR");

	if (o->color != COLOR_AUTO)
		return o->color == COLOR_ALWAYS;
	return isatty(fd) && (!no_color || !*no_color);
}

static int show(struct tail *t, int fd)
{
	int r = strbuf_check(&t->line);

	if (r == 0)
		r = io_write_all(fd, strbuf_str(&t->line));
	strbuf_clear(&t->line);
	return r;
}

/* Losses are lines like others for a program, and for a person apart from what is piped on. */
static int show_loss(struct tail *t, const Falco__Outputs__Loss *lost)
{
	if (t->o->json)
		print_loss_json(lost, &t->line);
	else
		print_loss_text(lost, t->color_err, &t->line);
	return show(t, t->o->json ? STDOUT_FILENO : STDERR_FILENO);
}

static int show_alert(struct tail *t, const Falco__Outputs__Response *m)
{
	t->shown++;
	if (t->o->json)
		print_alert_json(m, &t->line);
	else
		print_alert_text(m, t->color, &t->line);
	return show(t, STDOUT_FILENO);
}

static int take(struct tail *t, const Falco__Outputs__Response *m)
{
	int r = m->lost ? show_loss(t, m->lost) : m->bookmark ? 0 : show_alert(t, m);

	if (r == 0 && m->position) {
		t->at.epoch = m->position->epoch;
		t->at.seq = m->position->seq;
		t->has_at = true;
	}
	return r;
}

static bool enough(const struct tail *t)
{
	return t->o->count && t->shown >= t->o->count;
}

static void back(struct tail *t)
{
	if (t->told)
		fprintf(stderr, "tiercel: %s is there again\n", client_target(t->client));
	t->told = false;
}

/* A server that knows none of our fields would send everything, and call it what was asked for. */
static bool understands(const struct tail *t, const struct client_call *call)
{
	if (client_call_is_tiercel(call) || !request_is_ours(t->o))
		return true;
	fprintf(stderr, "Error: %s is no Tiercel: it can only be followed, without filters\n",
		client_target(t->client));
	return false;
}

static enum tail_end read_all(struct tail *t, struct client_call *call)
{
	_cleanup_(strbuf_done) struct strbuf packed = { 0 };

	while (!enough(t) && client_call_next(call, &packed)) {
		Falco__Outputs__Response *m = falco__outputs__response__unpack(
			NULL, packed.len, (const uint8_t *)packed.ptr);

		if (!m)
			return TAIL_BROKEN;
		back(t);
		int r = understands(t, call) ? take(t, m) : -EPROTO;
		falco__outputs__response__free_unpacked(m, NULL);
		if (r < 0)
			return TAIL_WRONG;
	}
	return TAIL_DONE;
}

/* With follow everything that may pass is waited for, also a server that is not there yet. */
static enum tail_end judge(struct tail *t, const struct client_call *call)
{
	struct str text;
	grpc_status_code code = client_call_status(call, &text);

	if (code == GRPC_STATUS_OK && !t->o->follow)
		return TAIL_DONE;
	bool passes = code == GRPC_STATUS_OK || code == GRPC_STATUS_UNAVAILABLE ||
		      code == GRPC_STATUS_RESOURCE_EXHAUSTED || code == GRPC_STATUS_INTERNAL ||
		      code == GRPC_STATUS_UNKNOWN || code == GRPC_STATUS_CANCELLED;
	if (!passes || !t->o->follow) {
		fprintf(stderr, "Error: %s: " STR_FMT "\n", client_target(t->client),
			STR_ARG(text));
		return TAIL_WRONG;
	}
	if (!t->told)
		fprintf(stderr, "tiercel: %s: " STR_FMT "; trying again\n",
			client_target(t->client), STR_ARG(text));
	t->told = true;
	return TAIL_BROKEN;
}

static enum tail_end run_once(struct tail *t)
{
	_cleanup_(strbuf_done) struct strbuf request = { 0 };
	struct client_call *call;

	if (request_pack(t->o, t->has_at ? &t->at : NULL, &request) < 0 ||
	    client_call(t->client, "/falco.outputs.service/sub", strbuf_str(&request), 0, &call) <
		    0) {
		fprintf(stderr, "Error: out of memory\n");
		return TAIL_WRONG;
	}
	enum tail_end end = read_all(t, call);
	if (end == TAIL_DONE && !enough(t))
		end = judge(t, call);
	client_call_free(call);
	return end;
}

int tail_run(const struct client_options *o)
{
	struct tail t = {
		.o = o,
		.at = FALCO__OUTPUTS__CURSOR__INIT,
		.color = colored(o, STDOUT_FILENO),
		.color_err = colored(o, STDERR_FILENO),
	};
	struct diag diag = { 0 };
	unsigned wait_ms = TAIL_WAIT_MS;

	if (client_new(o, &t.client, &diag) < 0) {
		_cleanup_(strbuf_done) struct strbuf text = { 0 };

		diag_print(&diag, &text);
		fprintf(stderr, "Error: " STR_FMT "\n", STR_ARG(strbuf_str(&text)));
		return 1;
	}
	enum tail_end end;
	uint64_t before = 0;
	while ((end = run_once(&t)) == TAIL_BROKEN) {
		wait_ms = t.shown > before ? TAIL_WAIT_MS : wait_ms * 2;
		if (wait_ms > TAIL_WAIT_MAX_MS)
			wait_ms = TAIL_WAIT_MAX_MS;
		before = t.shown;
		usleep(wait_ms * 1000);
	}
	strbuf_done(&t.line);
	client_free(t.client);
	return end == TAIL_DONE ? 0 : 1;
}
