/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One list in order of arrival, hence of deadlines. It is walked only when a container's answer came or the
 * first deadline has passed, and is bounded, so finding one container's events by looking at all is cheap.
 */
#include "daemon/waiting.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

struct ruleset_use *ruleset_use_new(struct ruleset *rs)
{
	struct ruleset_use *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->refs = 1;
	u->eval = eval_new(ruleset_program(rs));
	if (!u->eval) {
		free(u);
		return NULL;
	}
	u->rules = ruleset_ref(rs);
	return u;
}

struct ruleset_use *ruleset_use_unref(struct ruleset_use *u)
{
	if (!u || --u->refs)
		return NULL;
	eval_free(u->eval);
	ruleset_unref(u->rules);
	free(u);
	return NULL;
}

void waiting_event_free(struct waiting_event *e)
{
	if (!e)
		return;
	ruleset_use_unref(e->use);
	arena_done(&e->arena);
	free(e);
}

bool waiting_reads_late(const struct ruleset_use *use, const struct rule *rule, struct arena *a)
{
	const struct program *p = eval_program(use->eval);
	size_t n = program_slots(p);
	bool *marks = arena_array(a, n + 1, sizeof(*marks));

	if (!marks)
		return true;
	rule_mark_slots(rule, marks);
	for (size_t i = 0; i < n; i++)
		if (marks[i] && program_slot_ref(p, (uint32_t)i)->def->flags & FIELD_LATE)
			return true;
	return false;
}

static int keep(struct waiting_event *e, const struct fields_event *fe,
		const struct rule *const *rules, size_t nrules)
{
	struct arena *a = &e->arena;
	size_t nslots = program_slots(eval_program(e->use->eval));
	bool *marks = arena_array(a, nslots + 1, sizeof(*marks));

	e->rec = arena_alloc(a, fe->ev->hdr->len);
	e->rules = arena_array(a, nrules, sizeof(struct rule *));
	if (!marks || !e->rec || !e->rules)
		return -ENOMEM;
	memcpy(e->rec, fe->ev->hdr, fe->ev->hdr->len);
	for (size_t i = 0; i < nrules; i++) {
		e->rules[e->nrules++] = rules[i];
		rule_mark_slots(rules[i], marks);
	}
	e->frozen = eval_freeze(e->use->eval, marks, e->both_names, a);
	return e->frozen ? 0 : -ENOMEM;
}

int waiting_add(struct waiting *w, struct ruleset_use *use, const struct fields_event *fe,
		struct container *c, const struct rule *const *rules, size_t nrules,
		uint64_t wait_ns)
{
	if (w->count >= LIMIT_WAITING || c->waiting >= LIMIT_WAITING_CONTAINER ||
	    w->bytes >= LIMIT_WAITING_BYTES) {
		w->n.refused++;
		return -EAGAIN;
	}
	struct waiting_event *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->use = use;
	use->refs++;
	e->since_ns = fe->ev->hdr->ts_ns;
	e->deadline_ns = e->since_ns + wait_ns;
	e->num = fe->ev->num;
	e->wall_ns = fe->ev->wall_ns;
	e->first_ns = fe->first_ns;
	e->prev_ns = fe->prev_ns;
	e->both_names = fields_names_differ(fe->ev);
	e->container = arena_dup(&e->arena, c->id);
	if (!e->container.ptr || keep(e, fe, rules, nrules) < 0) {
		waiting_event_free(e);
		return -ENOMEM;
	}
	if (!w->first)
		w->last = &w->first;
	*w->last = e;
	w->last = &e->next;
	w->count++;
	w->bytes += e->arena.total;
	w->n.waited++;
	c->waiting++;
	return 0;
}

static void take_out(struct waiting *w, struct waiting_event **at, struct container *c,
		     uint64_t now_ns)
{
	struct waiting_event *e = *at;
	uint64_t ns = now_ns > e->since_ns ? now_ns - e->since_ns : 0;

	*at = e->next;
	if (w->last == &e->next)
		w->last = at;
	w->count--;
	w->bytes -= e->arena.total;
	if (c && c->waiting)
		c->waiting--;
	bool whole = c && c->status == CONTAINER_KNOWN, part = c && c->has_info;

	*(whole ? &w->n.answered : part ? &w->n.partly : &w->n.without) += 1;
	w->n.total_ns += ns;
	w->n.longest_ns = ns > w->n.longest_ns ? ns : w->n.longest_ns;
}

struct waiting_event *waiting_take(struct waiting *w, const struct state *s, uint64_t now_ns)
{
	for (struct waiting_event **at = &w->first; *at; at = &(*at)->next) {
		struct waiting_event *e = *at;
		struct container *c = state_container(s, e->container);

		if (c && container_pending(c) && now_ns < e->deadline_ns)
			continue;
		take_out(w, at, c, now_ns);
		return e;
	}
	return NULL;
}

void waiting_done(struct waiting *w)
{
	while (w->first) {
		struct waiting_event *e = w->first;

		w->first = e->next;
		waiting_event_free(e);
	}
	*w = (struct waiting){ 0 };
}
