/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One runtime asked about one container: up to three requests, each after the answer to the one before. CRI tells
 * of a container, then of its pod; an id that it does not know may be a pod's own container. containerd, asked as
 * itself, knows those that were made past CRI, and those of CRI from the first moment, when CRI does not yet.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "runtime/answer.h"
#include "runtime/lookups.h"

enum call { INSPECT, STATUS, SANDBOX, NATIVE };

struct step {
	struct lookup *l;
	struct peer *p;
	struct arena arena; /* of info */
	struct info info;
	enum call call;
	bool alone; /* SANDBOX: it may be the pod's own container */
	bool news;  /* counts although the lookup is done */
};

static int ask(struct step *st, enum call call, struct str id);

static struct lookup *step_free(struct step *st)
{
	struct lookup *l = st->l;

	l->running--;
	st->p->running--;
	arena_done(&st->arena);
	free(st);
	return l;
}

static struct answer_limits limits_of(const struct step *st)
{
	return (struct answer_limits){ st->l->all->label_max_len };
}

static void found(struct step *st)
{
	lookup_found(st->l, &st->info, st->p->type);
}

/* ---- answers: true when a further request has been made of it ---- */

static bool take_inspect(struct step *st, struct str body)
{
	struct answer_limits limits = limits_of(st);

	if (docker_read_inspect(body, &limits, &st->arena, &st->info) == 0)
		found(st);
	else
		peer_failed(st->p);
	return false;
}

static bool take_status(struct step *st, struct str message)
{
	struct answer_limits limits = limits_of(st);

	if (cri_read_status(message, &limits, &st->arena, &st->info) < 0) {
		peer_failed(st->p);
		return false;
	}
	if (st->info.sandbox_id.len && ask(st, SANDBOX, st->info.sandbox_id) == 0)
		return true;
	found(st);
	return false;
}

static bool take_sandbox(struct step *st, struct str message)
{
	struct answer_limits limits = limits_of(st);

	if (cri_read_sandbox(message, &limits, st->alone, &st->arena, &st->info) < 0)
		peer_failed(st->p);
	else
		found(st);
	return false;
}

static bool take_native(struct step *st, struct str message)
{
	struct answer_limits limits = limits_of(st);

	if (containerd_read_container(message, &limits, &st->arena, &st->info) < 0)
		peer_failed(st->p);
	else
		found(st);
	return false;
}

static bool take_message(struct step *st, struct str body)
{
	struct str message;
	int r;

	if (!cri_next_message(&body, &message, &r)) {
		peer_failed(st->p);
		return false;
	}
	switch (st->call) {
	case STATUS: return take_status(st, message);
	case SANDBOX: return take_sandbox(st, message);
	default: return take_native(st, message);
	}
}

/* The next place to ask when this one does not know it. */
static bool ask_elsewhere(struct step *st)
{
	switch (st->call) {
	case NATIVE: return ask(st, STATUS, str_of(st->l->full_id)) == 0;
	case STATUS: st->alone = true; return ask(st, SANDBOX, str_of(st->l->full_id)) == 0;
	default: return false;
	}
}

static bool take_answer(struct step *st, enum http_outcome outcome, struct str body)
{
	if (outcome == HTTP_OK)
		return st->call == INSPECT ? take_inspect(st, body) : take_message(st, body);
	if (st->call == SANDBOX && !st->alone) {
		found(st); /* without its pod */
		return false;
	}
	return (outcome == HTTP_NOT_FOUND || (outcome == HTTP_NOT_OFFERED && st->call == NATIVE)) &&
	       ask_elsewhere(st);
}

static void on_answer(void *ctx, enum http_outcome outcome, struct str body)
{
	struct step *st = ctx;

	switch (outcome) {
	case HTTP_STOPPED: step_free(st); return;
	case HTTP_NOT_OFFERED:
		if (st->call == NATIVE)
			break;
		/* fall through */
	case HTTP_FAILED: peer_failed(st->p); break;
	case HTTP_ERROR: peer_refused(st->p); break;
	default: peer_works(st->p);
	}
	if ((st->l->done && !st->news) || !take_answer(st, outcome, body))
		lookup_step_over(step_free(st));
}

/* ---- requests ---- */

static const char *const paths[] = {
	[STATUS] = "/runtime.v1.RuntimeService/ContainerStatus",
	[SANDBOX] = "/runtime.v1.RuntimeService/PodSandboxStatus",
	[NATIVE] = "/containerd.services.containers.v1.Containers/Get",
};

static int ask(struct step *st, enum call call, struct str id)
{
	static void (*const writers[])(struct str id, struct strbuf * out) = {
		[STATUS] = cri_write_status,
		[SANDBOX] = cri_write_sandbox,
		[NATIVE] = containerd_write_get,
	};
	_cleanup_(strbuf_done) struct strbuf body = { 0 };
	char text[192];
	struct http_request r = {
		.socket = st->p->path, .path = paths[call], .on_end = on_answer, .ctx = st
	};

	if (call == INSPECT) {
		snprintf(text, sizeof(text), "/containers/%s/json", st->l->full_id);
		r.path = text;
	} else {
		writers[call](id, &body);
		r.body = strbuf_str(&body);
	}
	if (call == NATIVE) {
		snprintf(text, sizeof(text), "containerd-namespace: %s", st->l->space);
		r.header = text;
	}
	st->call = call;
	peer_asked(st->p);
	return body.failed ? -ENOMEM : http_start(st->l->all->http, &r);
}

int step_start(struct lookup *l, struct peer *p, bool news)
{
	struct step *st = calloc(1, sizeof(*st));
	enum call call = p->kind != RUNTIME_CRI					   ? INSPECT
			 : peer_is_containerd(p) && l->space[0] && !l->has_partial ? NATIVE
										   : STATUS;

	if (!st)
		return -ENOMEM;
	*st = (struct step){
		.l = l, .p = p, .arena.limit = (size_t)2 * LIMIT_RUNTIME_ANSWER, .news = news
	};
	if (ask(st, call, str_of(l->full_id)) < 0) {
		free(st);
		return -ENOMEM;
	}
	l->running++;
	p->running++;
	return 0;
}
