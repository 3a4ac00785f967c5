/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories are watched, not files: editors replace files by renaming, and Kubernetes swaps a ConfigMap by renaming a
 * symbolic link beside them. Whatever happened, a fingerprint of the files decides whether anything changed. Where no
 * watch can be had (the inotify limits), the fingerprint is looked at every second.
 */
#include "daemon/reload.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "daemon/rules.h"
#include "link/stats.h"

enum {
	SETTLE_MS = 100, /* a save is often several changes: unchanged for so long, it is over */
	POLL_MS = 1000,
};

static const char FAILURE[] = "Falco internal: hot restart failure";

struct watched {
	LIST_ENTRY(watched) link;
	uv_fs_event_t handle;
	char *path;
};

struct teller {
	STAILQ_ENTRY(teller) link;
	reload_told_fn *fn;
	void *ctx;
};

STAILQ_HEAD(tellers, teller);

struct reload {
	struct reload_options o;
	uv_work_t work;
	uv_timer_t timer;
	LIST_HEAD(, watched) watched;
	uint64_t fingerprint; /* of the files as they were last loaded */
	uint64_t seen;	      /* when last looked at */
	bool loading, again, polling, stopping;
	/* The worker's results. */
	struct ruleset *rules;
	struct attach attach; /* what they need */
	struct strbuf error, json;
	struct tellers waiting, current; /* current: of the load that is under way */
};

static struct bpf_options delivering(const struct attach *a)
{
	return (struct bpf_options){ .events = &a->events, .syscalls = &a->syscalls };
}

/* What the new rules need comes before they are in force; the old ones still get theirs. */
static int widen(struct reload *r, struct diag *diag)
{
	int rc = attach_choose(r->o.config, r->rules, &r->attach, diag);

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

static void load(uv_work_t *w)
{
	struct reload *r = w->data;
	struct loader *l = NULL;
	struct diag diag = { 0 };

	strbuf_clear(&r->error);
	strbuf_clear(&r->json);
	int rc = rules_load(r->o.config, r->o.args, &l, &r->rules, &diag);
	if (l)
		rules_results_json(l, &r->json);
	if (l && !diag.text[0] && (rc || loader_warnings(l)))
		loader_print(l, rc == 0, &r->error);
	else if (rc)
		strbuf_addz(&r->error, diag.text[0] ? diag.text : strerror(rc < 0 ? -rc : EINVAL));
	loader_free(l);
	if (rc == 0 && (rc = widen(r, &diag)) < 0) {
		r->rules = ruleset_unref(r->rules);
		strbuf_clear(&r->error);
		strbuf_addz(&r->error, diag.text);
	}
}

static void refused(struct reload *r)
{
	_cleanup_(strbuf_done) struct strbuf text = { 0 };
	struct str why = str_trim(strbuf_str(&r->error));

	log_error("reload: " STR_FMT "; the old rules stay in force", STR_ARG(why));
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

static void loaded(uv_work_t *w, int status)
{
	struct reload *r = w->data;

	r->loading = false;
	if (r->stopping)
		return;
	if (r->rules) {
		engine_rules(r->o.engine, r->rules);
		narrow(r);
		if (r->o.loaded)
			r->o.loaded(r->rules, r->o.ctx);
		tell(r, true);
		r->rules = ruleset_unref(r->rules);
		stats_add(r->o.stats, STAT_RELOADS, 1);
		log_notice("rules are loaded anew");
	} else {
		stats_add(r->o.stats, STAT_RELOADS_FAILED, 1);
		refused(r);
		tell(r, false);
	}
	if (r->again)
		reload_ask(r);
}

void reload_ask(struct reload *r)
{
	r->again = r->loading;
	if (r->loading)
		return;
	r->fingerprint = rules_fingerprint(r->o.config, r->o.args);
	r->work.data = r;
	r->loading = uv_queue_work(r->o.loop, &r->work, load, loaded) == 0;
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

static void look(uv_timer_t *t)
{
	struct reload *r = t->data;
	uint64_t now = rules_fingerprint(r->o.config, r->o.args);
	bool settled = now == r->seen;

	r->seen = now;
	if (now == r->fingerprint)
		return;
	if (settled)
		reload_ask(r);
	else if (!r->polling)
		uv_timer_start(&r->timer, look, SETTLE_MS, 0);
}

static void changed(uv_fs_event_t *h, const char *name, int events, int status)
{
	struct reload *r = h->loop->data;

	/* Not put off by further changes: something else may be busy in the directory. */
	if (!uv_is_active((uv_handle_t *)&r->timer))
		uv_timer_start(&r->timer, look, SETTLE_MS, 0);
}

static void free_watched(uv_handle_t *h)
{
	struct watched *w = h->data;

	free(w->path);
	free(w);
}

static int watch_directory(struct reload *r, const char *path)
{
	struct watched *w;

	LIST_FOREACH(w, &r->watched, link)
	{
		if (strcmp(w->path, path) == 0)
			return 0;
	}
	w = calloc(1, sizeof(*w));
	char *copy = w ? strdup(path) : NULL;
	if (!copy) {
		free(w);
		return -ENOMEM;
	}
	w->path = copy;
	w->handle.data = w;
	uv_fs_event_init(r->o.loop, &w->handle);
	int rc = uv_fs_event_start(&w->handle, changed, path, 0);
	if (rc < 0) {
		uv_close((uv_handle_t *)&w->handle, free_watched);
		return rc;
	}
	LIST_INSERT_HEAD(&r->watched, w, link);
	return 0;
}

static int watch_parent(struct reload *r, const char *path)
{
	char copy[PATH_MAX];

	if ((size_t)snprintf(copy, sizeof(copy), "%s", path) >= sizeof(copy))
		return -ENAMETOOLONG;
	return watch_directory(r, dirname(copy));
}

/* Where its name is, where it really is, and, of a directory, what is in it. */
static int watch_path(const char *path, bool directory, void *ctx)
{
	struct reload *r = ctx;
	char real[PATH_MAX];
	int rc = watch_parent(r, path);

	if (rc == 0 && realpath(path, real))
		rc = watch_parent(r, real);
	if (rc == 0 && directory)
		rc = watch_directory(r, path);
	return rc == -ENOENT ? 0 : rc;
}

static void watch(struct reload *r)
{
	int rc = rules_paths(r->o.config, r->o.args, watch_path, r);

	if (rc == 0)
		return;
	log_warning("rules files cannot be watched (%s): looking at them every second",
		    uv_strerror(rc));
	r->polling = true;
	uv_timer_start(&r->timer, look, POLL_MS, POLL_MS);
}

int reload_start(const struct reload_options *options, struct reload **ret)
{
	struct reload *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->o = *options;
	STAILQ_INIT(&r->waiting);
	STAILQ_INIT(&r->current);
	r->o.loop->data = r;
	uv_timer_init(r->o.loop, &r->timer);
	r->timer.data = r;
	r->fingerprint = r->seen = rules_fingerprint(r->o.config, r->o.args);
	if (r->o.config->watch_config_files)
		watch(r);
	*ret = r;
	return 0;
}

static void on_closed(uv_handle_t *h)
{
	struct reload *r = h->data;

	strbuf_done(&r->error);
	strbuf_done(&r->json);
	free(r);
}

struct reload *reload_stop(struct reload *r)
{
	struct watched *w;

	if (!r)
		return NULL;
	r->stopping = true;
	while (r->loading)
		uv_run(r->o.loop, UV_RUN_ONCE);
	r->rules = ruleset_unref(r->rules);
	STAILQ_CONCAT(&r->current, &r->waiting);
	strbuf_clear(&r->error);
	strbuf_addz(&r->error, "the server is stopping");
	tell(r, false);
	while ((w = LIST_FIRST(&r->watched))) {
		LIST_REMOVE(w, link);
		uv_close((uv_handle_t *)&w->handle, free_watched);
	}
	uv_close((uv_handle_t *)&r->timer, on_closed);
	return NULL;
}
