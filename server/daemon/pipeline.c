/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The map of the program. A rule's whole condition is evaluated with the names as given and, if some name
 * of the event resolves to another, once more with the resolved ones (DESIGN.md, decision 6); outputs print
 * the names as given. Nothing here takes memory from the heap unless a rule matches.
 */
#include "daemon/pipeline.h"

#include <errno.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/limits.h"
#include "fields/catalogue.h"

struct pipeline {
	struct pipeline_options options;
	struct alert_settings alert_settings;
	struct state *state;
	struct ruleset *rules;
	struct eval *eval;
	struct alert_builder *builder;
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
	p->next_seq = options->first_seq;
	p->state = state_new(options->max_threads ? options->max_threads : LIMIT_THREADS);
	p->builder = alert_builder_new(&p->alert_settings);
	if (!p->state || !p->builder || pipeline_rules(p, rs) < 0)
		return pipeline_free(p);
	return p;
}

struct pipeline *pipeline_free(struct pipeline *p)
{
	if (!p)
		return NULL;
	alert_builder_free(p->builder);
	eval_free(p->eval);
	ruleset_unref(p->rules);
	state_free(p->state);
	arena_done(&p->arena);
	free(p);
	return NULL;
}

int pipeline_rules(struct pipeline *p, struct ruleset *rs)
{
	struct eval *eval = eval_new(ruleset_program(rs));
	size_t n;

	ruleset_rules(rs, &n);
	if (!eval || alert_builder_rules(p->builder, ruleset_program(rs), n) < 0) {
		eval_free(eval);
		return -ENOMEM;
	}
	eval_free(p->eval);
	ruleset_unref(p->rules);
	p->eval = eval;
	p->rules = ruleset_ref(rs);
	return 0;
}

static void publish(struct pipeline *p, struct alert *alert, const struct rule *rule)
{
	if (!alert) {
		p->n.lost++;
		return;
	}
	alert->wire.seq = p->next_seq++;
	p->n.alerts++;
	if (rule)
		atomic_fetch_add_explicit(rule->matches, 1, memory_order_relaxed);
	p->options.publish(alert, rule, p->options.publish_ctx);
}

/* Marks in `hit` which of the candidates match; stops at the first one if that is all that counts. */
static size_t match_names(struct pipeline *p, const struct rule *const *rules, size_t n, bool *hit)
{
	for (size_t i = 0; i < n; i++) {
		if (hit[i] || !eval_cond(p->eval, rules[i]->cond))
			continue;
		hit[i] = true;
		if (!p->options.match_all)
			return i;
	}
	return n;
}

static void match(struct pipeline *p, struct event *ev)
{
	size_t n;

	ruleset_candidates(p->rules, ev->hdr->type, &n);
	if (!n)
		return;
	struct fields_event fe = { .ev = ev,
				   .state = p->state,
				   .hostname = p->options.hostname,
				   .first_ns = p->first_ns,
				   .prev_ns = p->prev_ns };

	eval_begin(p->eval, &fe, &p->arena);
	bool differ = fields_names_differ(ev);
	const struct rule *const *rules = ruleset_select(p->rules, ev->hdr->type, p->eval, differ,
							 &p->arena, &n);
	bool *hit = arena_array(&p->arena, n + 1, sizeof(*hit));

	if (!hit) {
		p->n.no_memory++;
		return;
	}
	size_t first = match_names(p, rules, n, hit);
	if (differ) {
		eval_names(p->eval, true);
		size_t earlier = match_names(p, rules, first, hit);

		first = earlier < first ? earlier : first;
		eval_names(p->eval, false);
	}
	for (size_t i = 0; i < n; i++) {
		if (!hit[i] || (!p->options.match_all && i != first))
			continue;
		publish(p, alert_build(p->builder, rules[i], p->eval, ev), rules[i]);
	}
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
	ev.wall_ns = rec->ts_ns + p->options.boot_offset_ns;
	if (state_before(p->state, &ev) < 0)
		p->n.no_memory++;
	if (ev.info->kind != EVK_OURS) {
		struct arena_mark mark = arena_mark(&p->arena);

		ev.num = ++p->n.events;
		if (!p->first_ns)
			p->first_ns = p->prev_ns = rec->ts_ns;
		match(p, &ev);
		p->prev_ns = rec->ts_ns;
		arena_rewind(&p->arena, mark);
	}
	state_after(p->state, &ev);
}

void pipeline_internal(struct pipeline *p, const char *rule, enum priority priority,
		       struct str message, const struct alert_pair *pairs, size_t npairs)
{
	publish(p,
		alert_build_internal(p->builder, rule, priority, message, pairs, npairs,
				     p->last_ts_ns + p->options.boot_offset_ns),
		NULL);
}

void pipeline_counters(const struct pipeline *p, struct pipeline_counters *ret)
{
	*ret = p->n;
}

const struct state *pipeline_state(const struct pipeline *p)
{
	return p->state;
}
