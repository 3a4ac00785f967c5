/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of a container that is gone before it can be asked for, what its runtime's event said is all there will ever
 * be: the engine is told at once, as a part, and uses it when waiting has been in vain. Docker answers nothing
 * about a container while it starts it, which can take longer than events wait.
 */
#include "runtime/lookups.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/limits.h"

#define MS UINT64_C(1000000)

enum {
	FIRST_RETRY_MS = 15,
	LAST_RETRY_MS = 60000,
	UNASKED_TRIES = 8, /* for a container that only a runtime's event told of */
	SHORT_ID = 12,
	PEER_REQUESTS = 16, /* at once; one that hangs must not hold many answers' memory */
	ON_ITS_WAY_MS = 2000,
	STARTING_MS = 10000, /* after which the news of a start is of another one */
};

static void count(_Atomic uint64_t *n)
{
	atomic_fetch_add_explicit(n, 1, memory_order_relaxed);
}

/* ---- answers ---- */

static void emit(struct lookups *ls, struct str id, const struct info *in)
{
	_cleanup_(strbuf_done) struct strbuf json = { .limit = LIMIT_RECORD_BYTES };

	info_print(in, &json);
	if (json.failed)
		return;
	record_begin(ls->builder, EV_CONTAINER_INFO, 0, NULL);
	record_str(ls->builder, id);
	record_str(ls->builder, strbuf_str(&json));
	outbox_push(ls->out, record_end(ls->builder));
}

static void emit_unknown(struct lookups *ls, struct str id)
{
	emit(ls, id, &(struct info){ 0 });
	count(&ls->unknown);
}

static void emit_found(struct lookup *l, const struct info *in, const char *type)
{
	struct info named = *in;

	named.type = str_of(type);
	emit(l->all, str_of(l->id), &named);
}

/* Of another container: a name that we took for an id is one, and says nothing. */
void lookup_found(struct lookup *l, const struct info *in, const char *type)
{
	if (!str_eqz(in->full_id, l->full_id))
		return;
	emit_found(l, in, type);
	if (in->partial) {
		l->has_partial = true;
		return;
	}
	if (!l->done)
		count(&l->all->found);
	l->answered = l->done = true;
	l->told_ns = clock_boot_ns();
}

/* The engine keeps a part it was told; this says that it need not wait for more. */
static void answer_unknown(struct lookup *l)
{
	if (l->answered || !l->asked)
		return;
	emit_unknown(l->all, str_of(l->id));
	l->answered = true;
}

/* ---- rounds of steps ---- */

static void lookup_free(struct lookup *l)
{
	strmap_remove(&l->all->map, str_of(l->id));
	free(l);
}

/* After the last step of a round. May free it. */
static void round_over(struct lookup *l)
{
	uint64_t now = clock_boot_ns(), wait = FIRST_RETRY_MS;

	l->next_ns = UINT64_MAX;
	if (l->running || l->done)
		return;
	if (!l->asked && l->has_partial)
		return; /* until it starts, or the engine asks */
	if (!l->asked && l->tries >= UNASKED_TRIES) {
		lookup_free(l);
		return;
	}
	for (unsigned i = 1; i < l->tries && wait < LAST_RETRY_MS; i++)
		wait *= 2;
	wait = (wait < LAST_RETRY_MS ? wait : LAST_RETRY_MS) * MS;
	/* One try is kept for the last moment in which it helps those who wait. */
	if (l->asked && !l->answered && now < l->deadline_ns && now + wait > l->deadline_ns)
		wait = l->deadline_ns - now;
	l->next_ns = now + wait;
}

void lookup_step_over(struct lookup *l)
{
	round_over(l);
}

/* A round. only: the one that told of it; NULL: all that may know it. May free it. */
static void ask(struct lookup *l, struct peer *only)
{
	struct peers *ps = l->all->peers;
	uint64_t now = clock_boot_ns(), soon = l->deadline_ns > now ? l->deadline_ns : now;
	bool hope = false, asked = false;

	for (size_t i = 0; i < ps->n; i++) {
		struct peer *p = &ps->list[i];

		if ((only && p != only) || !(l->kinds & 1u << p->kind) ||
		    !peer_usable(p, l->owner, soon))
			continue;
		hope = true;
		if (peer_usable(p, l->owner, now) && p->running < PEER_REQUESTS)
			asked |= step_start(l, p, false) == 0;
	}
	if (!hope)
		answer_unknown(l); /* nobody to wait for */
	l->tries += asked || !hope;
	round_over(l);
}

/* ---- the table ---- */

/* Ids become part of a path, and of a header: only what runtimes make. */
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

/* What is told, and what is unknown and was told so, makes room. */
static bool make_room(struct lookups *ls)
{
	struct str key;
	void *value;

	if (ls->map.count < LIMIT_RUNTIME_REQUESTS)
		return true;
	for (size_t at = 0; strmap_next(&ls->map, &at, &key, &value);) {
		struct lookup *l = value;

		if (!l->running && (l->answered || !l->asked)) {
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

static struct lookup *lookup_new(struct lookups *ls, struct str id, struct str full_id,
				 struct str space)
{
	if (!good_id(id) || !good_id(full_id) || !make_room(ls))
		return NULL;
	struct lookup *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->all = ls;
	l->kinds = ~0u;
	snprintf(l->id, sizeof(l->id), STR_FMT, STR_ARG(id));
	snprintf(l->full_id, sizeof(l->full_id), STR_FMT, STR_ARG(full_id));
	if (good_id(space))
		snprintf(l->space, sizeof(l->space), STR_FMT, STR_ARG(space));
	l->next_ns = UINT64_MAX;
	set_deadline(l);
	if (strmap_put(&ls->map, str_of(l->id), l) < 0) {
		free(l);
		return NULL;
	}
	return l;
}

static bool told_within(const struct lookup *l, uint64_t ms)
{
	return clock_boot_ns() < l->told_ns + ms * MS;
}

void lookups_ask(struct lookups *ls, const struct question *q)
{
	struct str id = str_of(q->id);
	struct lookup *l = strmap_find(&ls->map, id);

	if (!l)
		l = lookup_new(ls, id, str_of(q->full_id), str_of(q->space));
	if (!l) {
		emit_unknown(ls, id);
		return;
	}
	if (!l->heard)
		l->kinds = q->kinds;
	l->owner = q->owner;
	if (l->done && told_within(l, ON_ITS_WAY_MS))
		return;
	l->asked = true;
	l->done = l->answered = false;
	l->tries = 0;
	set_deadline(l);
	if (!l->running)
		ask(l, NULL);
}

static void forget(struct lookups *ls, struct str id, struct lookup *l)
{
	emit(ls, id, &(struct info){ .gone = true });
	if (l && !l->running)
		lookup_free(l);
}

void lookups_heard(struct lookups *ls, struct peer *p, const struct peer_news *news)
{
	struct str id = str_cut(news->full_id, SHORT_ID);
	struct lookup *l = strmap_find(&ls->map, id);

	if (news->what == PEER_GONE) {
		forget(ls, id, l);
		return;
	}
	if (!l)
		l = lookup_new(ls, id, news->full_id, news->space);
	if (!l || (l->has_partial && !l->done && news->what == PEER_MADE))
		return;
	l->heard = true;
	l->kinds = 1u << p->kind;
	if (news->partial && !l->done && !l->has_partial)
		lookup_found(l, news->partial, p->type);
	bool again = news->what == PEER_STARTED && (l->started || !told_within(l, STARTING_MS));

	l->started |= news->what == PEER_STARTED;
	if (l->done && again)
		(void)step_start(l, p, true);
	else if (!l->done && !l->running)
		ask(l, p);
}

void lookups_again(struct lookups *ls)
{
	struct str key;
	void *value;

	for (size_t at = 0; strmap_next(&ls->map, &at, &key, &value);) {
		struct lookup *l = value;

		if (!l->running && !l->done)
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
		bool waited_for = l->asked && !l->answered;

		if (waited_for && now >= l->deadline_ns) {
			answer_unknown(l);
			waited_for = false;
		}
		if (!l->running && l->next_ns <= now)
			return l;
		uint64_t next = waited_for && l->deadline_ns < l->next_ns ? l->deadline_ns
									  : l->next_ns;
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

	for (size_t at = 0; strmap_next(&ls->map, &at, &key, &value);)
		free(value);
	strmap_done(&ls->map);
}
