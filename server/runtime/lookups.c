/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of a container that is gone before it can be asked for, what its runtime's event said is all there will ever
 * be: it is kept and serves when the time is over. Docker answers nothing about a container while it starts it,
 * which can take longer than events wait.
 */
#include "runtime/lookups.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/limits.h"
#include "runtime/answer.h"

#define MS UINT64_C(1000000)

enum {
	FIRST_RETRY_MS = 15,
	LAST_RETRY_MS = 60000,
	SHORT_ID = 12,
	PEER_REQUESTS = 8, /* at once; one that hangs must not hold many answers' memory */
};

struct lookup {
	struct lookups *all;
	char id[128], full_id[128];
	unsigned kinds;
	uid_t owner;
	struct arena arena;  /* of partial */
	struct info partial; /* from an event */
	const char *partial_type;
	bool has_partial, answered, done;
	unsigned running, tries;
	uint64_t deadline_ns, next_ns;
};

struct step { /* one request of a lookup, or two: a container's, then its pod's */
	struct lookup *l;
	struct peer *p;
	struct arena arena; /* of info */
	struct info info;
	bool sandbox, alone;
	bool news; /* counts although the lookup is done */
};

static void count(_Atomic uint64_t *n)
{
	atomic_fetch_add_explicit(n, 1, memory_order_relaxed);
}

/* ---- answers ---- */

static void emit(struct lookups *ls, struct str id, struct str json)
{
	record_begin(ls->builder, EV_CONTAINER_INFO, 0, NULL);
	record_str(ls->builder, id);
	record_str(ls->builder, json);
	outbox_push(ls->out, record_end(ls->builder));
}

static void emit_unknown(struct lookups *ls, struct str id)
{
	emit(ls, id, STR("{}"));
	count(&ls->unknown);
}

static void emit_info(struct lookup *l, const struct info *in, const char *type)
{
	_cleanup_(strbuf_done) struct strbuf json = { .limit = LIMIT_RECORD_BYTES };
	struct info named = *in;

	named.type = str_of(type);
	info_print(&named, &json);
	if (!json.failed)
		emit(l->all, str_of(l->id), strbuf_str(&json));
	l->answered = true;
	count(&l->all->found);
}

/* The whole. Of another container: a name that we took for an id is one, and says nothing. */
static void answer(struct lookup *l, const struct info *in, const char *type)
{
	if (!str_eqz(in->full_id, l->full_id))
		return;
	emit_info(l, in, type);
	l->done = true;
}

static void answer_what_there_is(struct lookup *l)
{
	if (l->answered)
		return;
	if (l->has_partial)
		emit_info(l, &l->partial, l->partial_type);
	else
		emit_unknown(l->all, str_of(l->id));
	l->answered = true;
}

/* ---- rounds of requests ---- */

static void lookup_free(struct lookup *l)
{
	strmap_remove(&l->all->map, str_of(l->id));
	arena_done(&l->arena);
	free(l);
}

/* After the last request of a round. */
static void round_over(struct lookup *l)
{
	uint64_t now = clock_boot_ns(), wait = FIRST_RETRY_MS;

	if (l->running)
		return;
	if (l->done) {
		lookup_free(l);
		return;
	}
	for (unsigned i = 1; i < l->tries && wait < LAST_RETRY_MS; i++)
		wait *= 2;
	wait *= MS;
	/* One try is kept for the last moment in which it helps those who wait. */
	if (!l->answered && now < l->deadline_ns && now + wait > l->deadline_ns)
		wait = l->deadline_ns - now;
	l->next_ns = now + wait;
}

static int ask_cri(struct step *st, bool sandbox, struct str id);

static struct lookup *step_free(struct step *st)
{
	struct lookup *l = st->l;

	l->running--;
	st->p->running--;
	arena_done(&st->arena);
	free(st);
	return l;
}

/* True: a further request has been made of it. */
static bool take_cri(struct step *st, struct str body)
{
	struct answer_limits limits = { st->l->all->label_max_len };
	struct arena *a = &st->arena;
	struct str message;
	int r;

	if (!cri_next_message(&body, &message, &r)) {
		peer_failed(st->p);
		return false;
	}
	r = st->sandbox ? cri_read_sandbox(message, &limits, st->alone, a, &st->info)
			: cri_read_status(message, &limits, a, &st->info);
	if (r < 0) {
		peer_failed(st->p);
		return false;
	}
	if (!st->sandbox && st->info.sandbox_id.len && ask_cri(st, true, st->info.sandbox_id) == 0)
		return true;
	answer(st->l, &st->info, st->p->type);
	return false;
}

static void take_docker(struct step *st, struct str body)
{
	struct answer_limits limits = { st->l->all->label_max_len };

	if (docker_read_inspect(body, &limits, &st->arena, &st->info) == 0)
		answer(st->l, &st->info, st->p->type);
	else
		peer_failed(st->p);
}

/* True: a further request has been made of it. */
static bool take_answer(struct step *st, enum http_outcome outcome, struct str body)
{
	bool cri = st->p->kind == RUNTIME_CRI;

	if (outcome == HTTP_OK && cri)
		return take_cri(st, body);
	if (outcome == HTTP_OK) {
		take_docker(st, body);
	} else if (st->sandbox && !st->alone) {
		answer(st->l, &st->info, st->p->type); /* without its pod */
	} else if (outcome == HTTP_NOT_FOUND && cri && !st->sandbox) {
		st->alone = true;
		return ask_cri(st, true, str_of(st->l->full_id)) == 0;
	}
	return false;
}

static void on_answer(void *ctx, enum http_outcome outcome, struct str body)
{
	struct step *st = ctx;

	if (outcome == HTTP_STOPPED) {
		step_free(st);
		return;
	}
	if (outcome == HTTP_FAILED || outcome == HTTP_NOT_OFFERED)
		peer_failed(st->p);
	else
		peer_works(st->p);
	if ((st->l->done && !st->news) || !take_answer(st, outcome, body))
		round_over(step_free(st));
}

static int ask_cri(struct step *st, bool sandbox, struct str id)
{
	_cleanup_(strbuf_done) struct strbuf body = { 0 };

	st->sandbox = sandbox;
	(sandbox ? cri_write_sandbox : cri_write_status)(id, &body);
	if (body.failed)
		return -ENOMEM;
	return http_start(st->l->all->http,
			  &(struct http_request){
				  .socket = st->p->path,
				  .path = sandbox ? "/runtime.v1.RuntimeService/PodSandboxStatus"
						  : "/runtime.v1.RuntimeService/ContainerStatus",
				  .body = strbuf_str(&body),
				  .on_end = on_answer,
				  .ctx = st });
}

static int ask_docker(struct step *st)
{
	char path[160];

	snprintf(path, sizeof(path), "/containers/%s/json", st->l->full_id);
	return http_start(st->l->all->http, &(struct http_request){ .socket = st->p->path,
								    .path = path,
								    .on_end = on_answer,
								    .ctx = st });
}

static void ask_one(struct lookup *l, struct peer *p, bool news)
{
	struct step *st = calloc(1, sizeof(*st));

	if (!st)
		return;
	*st = (struct step){
		.l = l, .p = p, .arena.limit = (size_t)2 * LIMIT_RUNTIME_ANSWER, .news = news
	};
	int r = p->kind == RUNTIME_CRI ? ask_cri(st, false, str_of(l->full_id)) : ask_docker(st);
	if (r < 0) {
		free(st);
		return;
	}
	l->running++;
	p->running++;
}

/* A round. only: the one that told of it; NULL: all that may know it. */
static void ask(struct lookup *l, struct peer *only)
{
	struct peers *ps = l->all->peers;
	uint64_t now = clock_boot_ns();
	bool busy = false;

	l->tries++;
	l->next_ns = UINT64_MAX;
	for (size_t i = 0; i < ps->n; i++) {
		struct peer *p = &ps->list[i];

		if ((only && p != only) || !(l->kinds & 1u << p->kind) ||
		    !peer_usable(p, l->owner, now))
			continue;
		busy |= p->running >= PEER_REQUESTS;
		if (p->running < PEER_REQUESTS)
			ask_one(l, p, false);
	}
	if (!l->running && !busy && !l->has_partial)
		answer_what_there_is(l); /* nobody to wait for */
	round_over(l);
}

/* ---- the table ---- */

/* Ids become part of a path: only what runtimes make. */
static bool good_id(struct str id)
{
	for (size_t i = 0; i < id.len; i++) {
		char c = id.ptr[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      c == '-' || c == '_' || (c == '.' && i)))
			return false;
	}
	return id.len > 0 && id.len < sizeof(((struct lookup *)0)->id);
}

/* What is unknown and was told so makes room first. */
static bool make_room(struct lookups *ls)
{
	struct str key;
	void *value;

	if (ls->map.count < LIMIT_RUNTIME_REQUESTS)
		return true;
	for (size_t at = 0; strmap_next(&ls->map, &at, &key, &value);) {
		struct lookup *l = value;

		if (l->answered && !l->running) {
			lookup_free(l);
			return true;
		}
	}
	return false;
}

static void set_deadline(struct lookup *l)
{
	l->deadline_ns = clock_boot_ns() + l->all->wait_ns * 9 / 10;
}

static struct lookup *lookup_new(struct lookups *ls, struct str id, struct str full_id)
{
	if (!good_id(id) || !good_id(full_id) || !make_room(ls))
		return NULL;
	struct lookup *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->all = ls;
	l->kinds = UINT_MAX;
	snprintf(l->id, sizeof(l->id), STR_FMT, STR_ARG(id));
	snprintf(l->full_id, sizeof(l->full_id), STR_FMT, STR_ARG(full_id));
	l->arena.limit = 4 * LIMIT_RECORD_BYTES;
	l->next_ns = UINT64_MAX;
	set_deadline(l);
	if (strmap_put(&ls->map, str_of(l->id), l) < 0) {
		free(l);
		return NULL;
	}
	return l;
}

void lookups_ask(struct lookups *ls, const struct question *q)
{
	struct str id = str_of(q->id);
	struct lookup *l = strmap_find(&ls->map, id);

	if (!l)
		l = lookup_new(ls, id, str_of(q->full_id));
	if (!l) {
		emit_unknown(ls, id);
		return;
	}
	l->kinds = q->kinds;
	l->owner = q->owner;
	if (l->done)
		return; /* what was told is on its way */
	l->answered = false;
	set_deadline(l);
	if (!l->running)
		ask(l, NULL);
}

static void keep_partial(struct lookup *l, const struct info *partial, const char *type)
{
	_cleanup_(strbuf_done) struct strbuf json = { 0 };
	struct info copy;

	info_print(partial, &json);
	if (json.failed || l->has_partial || info_parse(strbuf_str(&json), &l->arena, &copy) < 0)
		return;
	l->partial = copy;
	l->partial_type = type;
	l->has_partial = true;
}

void lookups_heard(struct lookups *ls, struct peer *p, struct str full_id,
		   const struct info *partial)
{
	struct str id = str_cut(full_id, SHORT_ID);
	struct lookup *l = strmap_find(&ls->map, id);

	if (!l)
		l = lookup_new(ls, id, full_id);
	if (!l)
		return;
	if (partial)
		keep_partial(l, partial, p->type);
	if (l->done)
		ask_one(l, p, true);
	else if (!l->running)
		ask(l, p);
}

void lookups_again(struct lookups *ls)
{
	struct str key;
	void *value;

	for (size_t at = 0; strmap_next(&ls->map, &at, &key, &value);) {
		struct lookup *l = value;

		if (!l->running)
			l->next_ns = 0;
	}
}

/* One that is due; asking may free it, so the walk begins anew. */
static struct lookup *due(struct lookups *ls, uint64_t now, uint64_t *ret_next)
{
	struct str key;
	void *value;

	*ret_next = UINT64_MAX;
	for (size_t at = 0; strmap_next(&ls->map, &at, &key, &value);) {
		struct lookup *l = value;

		if (!l->answered && now >= l->deadline_ns)
			answer_what_there_is(l);
		if (!l->running && l->next_ns <= now)
			return l;
		uint64_t next = l->answered || l->deadline_ns > l->next_ns ? l->next_ns
									   : l->deadline_ns;
		if (next < *ret_next)
			*ret_next = next;
	}
	return NULL;
}

uint64_t lookups_run(struct lookups *ls, uint64_t now_ns)
{
	struct lookup *l;
	uint64_t next;

	while ((l = due(ls, now_ns, &next)))
		ask(l, NULL);
	return next;
}

void lookups_done(struct lookups *ls)
{
	struct str key;
	void *value;

	for (size_t at = 0; strmap_next(&ls->map, &at, &key, &value);) {
		struct lookup *l = value;

		arena_done(&l->arena);
		free(l);
	}
	strmap_done(&ls->map);
}
