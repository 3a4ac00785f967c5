/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The map of the program. A rule's whole condition is evaluated with the names as given and, if some name
 * of the event resolves to another, once more with the resolved ones (DESIGN.md, decision 6); outputs print
 * the names as given. Nothing here takes memory from the heap unless a rule matches.
 */
#include "daemon/pipeline.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/limits.h"
#include "fields/catalogue.h"

#define SETTLED_NS UINT64_C(1000000000)

#define FOLDED_RULE "Tiercel internal: repeated alerts"

enum { TIMED_EVERY = 257 }; /* events of which rules' time is measured: prime, to meet every kind */

enum {
	ASK_DOUBLINGS = 8,
	LOOKS_MAX = 256, /* at events of a container nobody knows, each dearer than matching it */
};

struct pipeline {
	struct pipeline_options options;
	struct alert_settings alert_settings;
	struct state *state;
	struct ruleset_use *use;
	struct waiting waiting;
	struct learn *learn; /* NULL: nothing is learnt */
	uint32_t generation;
	struct alert_builder *builder;
	struct throttle *throttle;
	struct arena arena;
	struct pipeline_counters n;
	uint64_t next_seq;
	uint64_t last_ts_ns;
	uint64_t first_ns, prev_ns; /* of events that rules may see */
};

struct pipeline *pipeline_new(const struct pipeline_options *options, struct ruleset *rs)
{
	struct pipeline *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->options = *options;
	p->alert_settings = *options->alert;
	p->options.alert = &p->alert_settings;
	if (options->hostname == options->alert->hostname)
		p->options.hostname = p->alert_settings.hostname;
	p->next_seq = options->first_seq;
	p->state = state_new(options->max_threads ? options->max_threads : LIMIT_THREADS);
	p->builder = alert_builder_new(&p->alert_settings);
	p->throttle = throttle_new();
	if (p->throttle)
		throttle_set(p->throttle, &options->throttle);
	if (!p->state || !p->builder || !p->throttle || pipeline_rules(p, rs) < 0)
		return pipeline_free(p);
	return p;
}

struct pipeline *pipeline_free(struct pipeline *p)
{
	if (!p)
		return NULL;
	waiting_done(&p->waiting);
	alert_builder_free(p->builder);
	throttle_free(p->throttle);
	learn_free(p->learn);
	ruleset_use_unref(p->use);
	state_free(p->state);
	arena_done(&p->arena);
	free(p);
	return NULL;
}

int pipeline_rules(struct pipeline *p, struct ruleset *rs)
{
	struct ruleset_use *use = ruleset_use_new(rs);
	size_t n;

	ruleset_rules(rs, &n);
	struct learn *learn = p->options.discard ? learn_new(rs, p->generation + 1) : NULL;

	if (!use || (p->options.discard && !learn) ||
	    alert_builder_rules(p->builder, ruleset_program(rs), n) < 0) {
		ruleset_use_unref(use);
		learn_free(learn);
		return -ENOMEM;
	}
	(void)throttle_rules(p->throttle, n);
	learn_free(p->learn);
	p->learn = learn;
	p->generation++;
	ruleset_use_unref(p->use);
	p->use = use;
	return 0;
}

void pipeline_manner(struct pipeline *p, const struct pipeline_manner *m)
{
	p->alert_settings = m->alert;
	alert_builder_settings(p->builder, &p->alert_settings);
	p->options.match_all = m->match_all;
	throttle_set(p->throttle, &m->throttle);
	p->options.wait_ns = p->options.ask ? m->wait_ns : 0;
}

static void publish(struct pipeline *p, struct alert *alert, const struct rule *rule)
{
	if (!alert) {
		p->n.lost++;
		return;
	}
	alert->wire.seq = p->next_seq++;
	p->n.alerts++;
	p->options.publish(alert, rule, p->options.publish_ctx);
}

/* A match counts whether its alert goes out or not. */
static void raise_alert(struct pipeline *p, const struct rule *rule, struct eval *eval,
			const struct event *ev)
{
	atomic_fetch_add_explicit(rule->matches, 1, memory_order_relaxed);
	if (!throttle_pass(p->throttle, rule, ev->hdr->ts_ns))
		return;
	struct alert *alert = alert_build(p->builder, rule, eval, ev);

	if (alert &&
	    throttle_fold(p->throttle, rule, alert_builder_message(p->builder), ev->hdr->ts_ns))
		alert_unref(alert);
	else
		publish(p, alert, rule);
}

static void publish_folded(const struct folded *f, void *ctx)
{
	struct pipeline *p = ctx;
	char count[24], since[24], text[512];
	struct str rule = str_cut(f->rule, 256);

	snprintf(count, sizeof(count), "%" PRIu64, f->count);
	snprintf(since, sizeof(since), "%" PRIu64, f->since_ns + p->options.boot_offset_ns);
	snprintf(text, sizeof(text), FOLDED_RULE ": " STR_FMT ", %" PRIu64 " more like the first",
		 STR_ARG(rule), f->count);
	const struct alert_pair pairs[] = {
		{ .key = "count", .value = str_of(count), .numeric = true },
		{ .key = "message", .value = f->message },
		{ .key = "rule", .value = f->rule },
		{ .key = "since", .value = str_of(since), .numeric = true },
	};
	pipeline_internal(p, p->last_ts_ns, FOLDED_RULE, f->priority, str_of(text), pairs,
			  ARRAY_SIZE(pairs));
}

static bool timed_cond(struct eval *eval, const struct rule *rule)
{
	uint64_t began = clock_boot_ns();
	bool matches = eval_cond(eval, rule->cond);

	atomic_fetch_add_explicit(rule->nanos, (clock_boot_ns() - began) * TIMED_EVERY,
				  memory_order_relaxed);
	return matches;
}

/* Marks in `hit` which of the candidates match; stops at the first one if that is all that counts. */
static size_t match_names(struct pipeline *p, struct eval *eval, const struct rule *const *rules,
			  size_t n, bool *hit)
{
	bool timed = p->n.events % TIMED_EVERY == 0;

	for (size_t i = 0; i < n; i++) {
		if (hit[i] ||
		    !(timed ? timed_cond(eval, rules[i]) : eval_cond(eval, rules[i]->cond)))
			continue;
		hit[i] = true;
		if (!p->options.match_all)
			return i;
	}
	return n;
}

static int by_index(const void *a, const void *b)
{
	const struct rule *const *x = a, *const *y = b;

	return ((*x)->index > (*y)->index) - ((*x)->index < (*y)->index);
}

/* The hits and all rules of the same conditions, in order of definition. */
static void publish_all(struct pipeline *p, struct eval *eval, const struct rule *const *rules,
			size_t n, const bool *hit, const struct event *ev)
{
	size_t most = 0, nhits = 0;

	for (size_t i = 0; i < n; i++)
		for (const struct rule *r = rules[i]; hit[i] && r; r = r->same)
			most++;
	const struct rule **hits = arena_array(&p->arena, most + 1, sizeof(*hits));

	if (!hits) {
		p->n.no_memory++;
		return;
	}
	for (size_t i = 0; i < n; i++)
		for (const struct rule *r = rules[i]; hit[i] && r; r = r->same)
			hits[nhits++] = r;
	qsort(hits, nhits, sizeof(struct rule *), by_index);
	for (size_t i = 0; i < nhits; i++)
		raise_alert(p, hits[i], eval, ev);
}

/* The evaluator is at the event. */
static void match_rules(struct pipeline *p, struct eval *eval, const struct rule *const *rules,
			size_t n, const struct event *ev, bool both_names)
{
	bool *hit = arena_array(&p->arena, n + 1, sizeof(*hit));

	if (!hit) {
		p->n.no_memory++;
		return;
	}
	size_t first = match_names(p, eval, rules, n, hit);

	if (both_names) {
		eval_names(eval, true);
		size_t earlier = match_names(p, eval, rules, first, hit);

		first = earlier < first ? earlier : first;
		eval_names(eval, false);
	}
	if (p->options.match_all)
		publish_all(p, eval, rules, n, hit, ev);
	else if (first < n)
		raise_alert(p, rules[first], eval, ev);
}

/* Those of the candidates that are not certainly false without the container's metadata; with both names. */
static size_t possible(struct pipeline *p, const struct rule *const *rules, size_t n,
		       const struct event *ev, const struct rule **ret_rules)
{
	bool both = fields_names_differ(ev);
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		enum early outcome = eval_early(p->use->eval, rules[i]->cond);

		if (outcome == EARLY_FALSE && both) {
			eval_names(p->use->eval, true);
			outcome = eval_early(p->use->eval, rules[i]->cond);
			eval_names(p->use->eval, false);
		}
		if (outcome != EARLY_FALSE)
			ret_rules[kept++] = rules[i];
	}
	return kept;
}

static bool ask(struct pipeline *p, const struct container *c, const struct rec_ident *inside)
{
	return !p->options.ask || p->options.ask(c, inside, p->options.ask_ctx);
}

/*
 * A runtime that is slow may take longer between making a container's cgroup, which is when it is asked, and the
 * first program in it than events wait. So what nobody knew is asked for anew, ever more seldom.
 */
static bool ask_again(struct pipeline *p, struct container *c, uint64_t now_ns)
{
	unsigned doublings = c->asked_again < ASK_DOUBLINGS ? c->asked_again : ASK_DOUBLINGS;

	c->asked_again++;
	c->ask_again_ns = now_ns + (p->options.wait_ns << doublings);
	if (!ask(p, c, NULL))
		return false;
	c->status = CONTAINER_ASKED;
	return true;
}

static void look_less(const struct pipeline *p, struct container *c, uint64_t now_ns)
{
	if (container_pending(c) || ++c->looks < LOOKS_MAX)
		return;
	c->looks = 0;
	c->ask_again_ns = now_ns + p->options.wait_ns;
}

/* True: the event waits, or nothing can match it. */
static bool wait_for(struct pipeline *p, struct container *c, const struct fields_event *fe,
		     const struct rule *const *rules, size_t n)
{
	const struct rule **kept = arena_array(&p->arena, n, sizeof(*kept));

	if (!kept)
		return false;
	size_t nkept = possible(p, rules, n, fe->ev, kept);
	uint64_t now_ns = fe->ev->hdr->ts_ns;

	if (!nkept)
		return true;
	bool late = false;

	for (size_t i = 0; i < nkept && !late; i++)
		late = waiting_reads_late(p->use, kept[i], &p->arena);
	if (!late) {
		look_less(p, c, now_ns);
		return false;
	}
	if (!container_pending(c) && !ask_again(p, c, now_ns))
		return false;
	return waiting_add(&p->waiting, p->use, fe, c, kept, nkept, p->options.wait_ns) == 0;
}

/* Whether what is to come, or can be asked for, may still give LATE fields a value. */
static bool may_wait(const struct pipeline *p, const struct container *c, uint64_t now_ns)
{
	return p->options.wait_ns && (container_pending(c) || (c->status == CONTAINER_UNKNOWN &&
							       now_ns >= c->ask_again_ns));
}

static void match(struct pipeline *p, struct event *ev, struct container *c)
{
	size_t n;
	const struct rule *const *rules = ruleset_candidates(p->use->rules, ev->hdr->type, &n);

	if (!n)
		return;
	struct fields_event fe = { .ev = ev,
				   .state = p->state,
				   .hostname = p->options.hostname,
				   .first_ns = p->first_ns,
				   .prev_ns = p->prev_ns };

	bool differ = fields_names_differ(ev);

	eval_begin(p->use->eval, &fe, &p->arena);
	/* All candidates: their index reads values that are not there yet. */
	if (c && may_wait(p, c, ev->hdr->ts_ns) && wait_for(p, c, &fe, rules, n))
		return;
	rules = ruleset_select(p->use->rules, ev->hdr->type, p->use->eval, differ, &p->arena, &n);
	match_rules(p, p->use->eval, rules, n, ev, differ);
	struct probe_key key;

	if (p->learn && learn_event(p->learn, p->use->eval, ev, differ, &key))
		p->options.discard(&key, p->options.discard_ctx);
}

/* An event that has waited: everything but the container's metadata is as it was. */
static void match_waited(struct pipeline *p, struct waiting_event *w)
{
	struct arena_mark mark = arena_mark(&p->arena);
	struct event ev;
	struct fields_event fe = { .ev = &ev,
				   .state = p->state,
				   .hostname = p->options.hostname,
				   .first_ns = w->first_ns,
				   .prev_ns = w->prev_ns,
				   .container = w->container,
				   .waited = true };

	if (event_decode(w->rec, w->rec->len, &ev) < 0)
		return;
	ev.num = w->num;
	ev.wall_ns = w->wall_ns;
	ev.proc = state_same_proc(p->state, &w->rec->who);
	eval_thaw(w->use->eval, &fe, &p->arena, w->frozen);
	match_rules(p, w->use->eval, w->rules, w->nrules, &ev, w->both_names);
	eval_begin(w->use->eval, NULL, &p->arena);
	arena_rewind(&p->arena, mark);
}

void pipeline_second(struct pipeline *p, uint64_t now_ns)
{
	throttle_tick(p->throttle, now_ns, publish_folded, p);
}

void pipeline_tick(struct pipeline *p, uint64_t now_ns)
{
	struct waiting_event *w;

	while (p->waiting.first && (w = waiting_take(&p->waiting, p->state, now_ns))) {
		match_waited(p, w);
		waiting_event_free(w);
	}
}

void pipeline_flush(struct pipeline *p)
{
	pipeline_tick(p, UINT64_MAX);
	pipeline_second(p, UINT64_MAX);
}

/*
 * A process that is in the container's cgroup may still see the host's files: runtimes enter the cgroup, and a mount
 * namespace, first. After an exec inside it does not.
 */
static bool settled(const struct event *ev, const struct proc *proc)
{
	bool exec = ev->info->code == EV_SYSCALL_EXECVE_19_X ||
		    ev->info->code == EV_SYSCALL_EXECVEAT_X;
	uint64_t since = proc->exec_ns > proc->id.start_ns ? proc->exec_ns : proc->id.start_ns;

	return (exec && event_i64(ev, 0, -1) == 0) || ev->hdr->ts_ns > since + SETTLED_NS;
}

/* The container of the event, asked for when it is met for the first time. */
static struct container *container_of(struct pipeline *p, const struct event *ev)
{
	bool is_new;
	struct container *c = state_event_container(p->state, ev, &is_new);
	const struct proc *proc = ev->proc;

	if (!c)
		return NULL;
	if (is_new && c->status == CONTAINER_ASKED && !ask(p, c, NULL))
		c->status = CONTAINER_UNKNOWN;
	if (!c->accounts_wanted && state_own_mounts(p->state, proc) && settled(ev, proc)) {
		c->accounts_wanted = true;
		c->accounts_pending = ask(p, c, &proc->id);
	}
	return c;
}

void pipeline_feed(const struct rec_hdr *rec, void *ctx)
{
	struct pipeline *p = ctx;
	struct event ev;

	if (event_decode(rec, rec->len, &ev) < 0) {
		p->n.damaged++;
		return;
	}
	p->last_ts_ns = rec->ts_ns;
	if (p->waiting.first && rec->ts_ns >= p->waiting.first->deadline_ns)
		pipeline_tick(p, rec->ts_ns);
	ev.wall_ns = rec->ts_ns + p->options.boot_offset_ns;
	if (state_before(p->state, &ev) < 0)
		p->n.no_memory++;
	if (ev.info->code == EV_CONTAINER_INFO)
		pipeline_tick(p, rec->ts_ns);
	if (ev.info->kind != EVK_OURS) {
		struct arena_mark mark = arena_mark(&p->arena);

		ev.num = ++p->n.events;
		if (!p->first_ns)
			p->first_ns = p->prev_ns = rec->ts_ns;
		match(p, &ev, container_of(p, &ev));
		p->prev_ns = rec->ts_ns;
		arena_rewind(&p->arena, mark);
	}
	state_after(p->state, &ev);
}

void pipeline_internal(struct pipeline *p, uint64_t ts_ns, const char *rule, enum priority priority,
		       struct str message, const struct alert_pair *pairs, size_t npairs)
{
	publish(p,
		alert_build_internal(p->builder, rule, priority, message, pairs, npairs,
				     ts_ns + p->options.boot_offset_ns),
		NULL);
}

void pipeline_counters(const struct pipeline *p, struct pipeline_counters *ret)
{
	*ret = p->n;
	ret->waiting = p->waiting.n;
	ret->throttle = throttle_counters(p->throttle);
	if (p->learn)
		ret->learn = learn_counters(p->learn);
}

uint32_t pipeline_generation(const struct pipeline *p)
{
	return p->learn ? p->generation : 0;
}

const uint64_t *pipeline_endings(const struct pipeline *p)
{
	return p->learn ? learn_endings(p->learn) : NULL;
}

const struct state *pipeline_state(const struct pipeline *p)
{
	return p->state;
}
