/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One at a time, from the request to the moment when nobody uses what was before: ask, load (worker), apply, done. What
 * the new rules need of the probe is there before they are in force, and what only the old ones needed goes after.
 */
#include "daemon/reload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "daemon/filewatch.h"
#include "daemon/rules.h"
#include "link/stats.h"

static const char FAILURE[] = "Falco internal: hot restart failure";

struct teller {
	STAILQ_ENTRY(teller) link;
	reload_told_fn *fn;
	void *ctx;
};

STAILQ_HEAD(tellers, teller);

struct reload {
	struct reload_options o;
	struct filewatch *watch;
	uv_work_t work;
	bool busy, loading, again, stopping;
	/* The worker's results. */
	struct config *config;
	struct ruleset *rules;
	struct attach attach; /* what they need */
	struct strbuf error, json;
	struct tellers waiting, current; /* current: of the load that is under way */
};

static struct bpf_options delivering(const struct attach *a)
{
	return (struct bpf_options){ .events = &a->events,
				     .syscalls = &a->syscalls,
				     .extras = a->extras };
}

static int widen(struct reload *r, struct diag *diag)
{
	int rc = attach_choose(r->config, r->rules, &r->attach, diag);

	if (rc < 0)
		return rc;
	struct attach both = r->attach;

	attach_add(&both, &r->o.attach);
	struct bpf_options o = delivering(&both);
	return r->o.source ? bpf_source_widen(r->o.source, &o, diag) : 0;
}

static void narrow(struct reload *r)
{
	r->o.attach = r->attach;
	struct bpf_options o = delivering(&r->o.attach);
	if (r->o.source)
		bpf_source_narrow(r->o.source, &o);
}

static void log_warnings(const struct config_report *report)
{
	for (size_t i = 0; i < report->nwarnings; i++) {
		_cleanup_(strbuf_done) struct strbuf text = { 0 };

		diag_print(&report->warnings[i], &text);
		log_warning("%s", strbuf_z(&text) ? text.ptr : "");
	}
}

static int load_config(struct reload *r)
{
	const struct args *args = r->o.args;
	struct config_report report = { 0 };
	int rc = config_load(args->config, args->overrides.items, args->overrides.n, &r->config,
			     &report);

	if (rc == 0)
		log_warnings(&report);
	else if (rc == CONFIG_E_INVALID)
		diag_print(&report.error, &r->error);
	else
		strbuf_addz(&r->error, strerror(-rc));
	config_report_done(&report);
	return rc;
}

static int load_rules(struct reload *r)
{
	struct loader *l = NULL;
	struct diag diag = { 0 };
	int rc = rules_load(r->config, r->o.args, &l, &r->rules, &diag);

	if (l)
		rules_results_json(l, &r->json);
	if (l && !diag.text[0] && (rc || loader_warnings(l)))
		loader_print(l, rc == 0, &r->error);
	else if (rc)
		strbuf_addz(&r->error, diag.text[0] ? diag.text : strerror(rc < 0 ? -rc : EINVAL));
	loader_free(l);
	if (rc == 0 && (rc = widen(r, &diag)) < 0) {
		strbuf_clear(&r->error);
		strbuf_addz(&r->error, diag.text);
	}
	return rc;
}

static void drop_results(struct reload *r)
{
	r->config = config_unref(r->config);
	r->rules = ruleset_unref(r->rules);
}

static void load(uv_work_t *w)
{
	struct reload *r = w->data;

	strbuf_clear(&r->error);
	strbuf_clear(&r->json);
	if (load_config(r) || load_rules(r))
		drop_results(r);
}

static void refused(struct reload *r)
{
	_cleanup_(strbuf_done) struct strbuf text = { 0 };
	struct str why = str_trim(strbuf_str(&r->error));

	stats_add(r->o.stats, STAT_RELOADS_FAILED, 1);
	log_error("reload: " STR_FMT "; the old settings and the old rules stay in force",
		  STR_ARG(why));
	strbuf_addz(&text, FAILURE);
	strbuf_addz(&text, ": ");
	strbuf_add(&text, why);
	int rc = strbuf_check(&text);
	if (rc == 0)
		rc = engine_internal(r->o.engine, FAILURE, PRIORITY_CRITICAL, strbuf_str(&text),
				     NULL, 0);
	if (rc < 0)
		log_error("reload: the internal alert could not be raised: %s", strerror(-rc));
}

/* Settings that a reload cannot change. */
static void tell_fixed(const struct reload *r)
{
	_cleanup_(strbuf_done) struct strbuf keys = { 0 };

	config_changes(r->o.config, r->config, &keys);
	if (keys.len && strbuf_z(&keys))
		log_warning("reload: counts from the next start on: %s", keys.ptr);
}

static void tell(struct reload *r, bool ok)
{
	struct reload_outcome outcome = {
		.loaded = ok,
		.text = str_trim(strbuf_str(&r->error)),
		.json = strbuf_str(&r->json),
	};
	struct teller *t;

	if (r->rules)
		ruleset_rules(r->rules, &outcome.rules);
	while ((t = STAILQ_FIRST(&r->current))) {
		STAILQ_REMOVE_HEAD(&r->current, link);
		t->fn(&outcome, t->ctx);
		free(t);
	}
}

static void finish(struct reload *r, bool ok)
{
	tell(r, ok);
	drop_results(r);
	r->busy = false;
	if (r->again)
		reload_ask(r);
}

static void loaded(uv_work_t *w, int status)
{
	struct reload *r = w->data;
	struct diag diag = { 0 };

	r->loading = false;
	if (r->stopping)
		return;
	if (r->rules && r->o.apply(r->config, r->rules, r->o.ctx, &diag) == 0)
		return;
	if (diag.text[0]) {
		strbuf_clear(&r->error);
		diag_print(&diag, &r->error);
	}
	refused(r);
	finish(r, false);
}

void reload_done(struct reload *r)
{
	if (!r || !r->rules)
		return;
	tell_fixed(r);
	narrow(r);
	config_unref(r->o.config);
	r->o.config = config_ref(r->config);
	filewatch_set(r->watch, r->o.config, r->o.args);
	stats_add(r->o.stats, STAT_RELOADS, 1);
	log_notice("settings and rules are loaded anew");
	finish(r, true);
}

void reload_ask(struct reload *r)
{
	r->again = r->busy;
	if (r->busy)
		return;
	filewatch_seen(r->watch);
	r->work.data = r;
	r->busy = r->loading = uv_queue_work(r->o.loop, &r->work, load, loaded) == 0;
	STAILQ_CONCAT(&r->current, &r->waiting);
}

int reload_ask_told(struct reload *r, reload_told_fn *fn, void *ctx)
{
	struct teller *t = malloc(sizeof(*t));

	if (!t)
		return -ENOMEM;
	*t = (struct teller){ .fn = fn, .ctx = ctx };
	STAILQ_INSERT_TAIL(&r->waiting, t, link);
	reload_ask(r);
	return 0;
}

static void on_files(void *ctx)
{
	reload_ask(ctx);
}

int reload_start(const struct reload_options *options, struct reload **ret)
{
	struct reload *r = calloc(1, sizeof(*r));

	if (!r || filewatch_start(options->loop, on_files, r, &r->watch) < 0) {
		free(r);
		return -ENOMEM;
	}
	r->o = *options;
	config_ref(r->o.config);
	STAILQ_INIT(&r->waiting);
	STAILQ_INIT(&r->current);
	filewatch_set(r->watch, r->o.config, r->o.args);
	filewatch_seen(r->watch);
	*ret = r;
	return 0;
}

const struct config *reload_config(const struct reload *r)
{
	return r->o.config;
}

struct reload *reload_stop(struct reload *r)
{
	if (!r)
		return NULL;
	r->stopping = true;
	while (r->loading)
		uv_run(r->o.loop, UV_RUN_ONCE);
	STAILQ_CONCAT(&r->current, &r->waiting);
	strbuf_clear(&r->error);
	strbuf_addz(&r->error, "the server is stopping");
	tell(r, false);
	drop_results(r);
	filewatch_stop(r->watch);
	config_unref(r->o.config);
	strbuf_done(&r->error);
	strbuf_done(&r->json);
	free(r);
	return NULL;
}
