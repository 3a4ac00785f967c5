/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files and command-line settings become one tree, the tree becomes a struct config, and then what no
 * single setting can know is checked: that there is an output, and that each output has what it needs.
 */
#include "config/config.h"

#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/limits.h"
#include "base/vec.h"
#include "config/describe.h"
#include "config/override.h"
#include "config/settings.h"

struct counted {
	_Atomic unsigned refs;
	struct arena arena;
	struct config config;
};

struct loading {
	struct arena trees; /* the load lifetime */
	struct counted *result;
	struct tree *root;
	VEC(struct str) files;
	VEC(struct str) watched;
	dev_t main_dev;
	ino_t main_ino;
	struct config_report *report;
};

void config_report_done(struct config_report *r)
{
	free(r->warnings);
	*r = (struct config_report){ 0 };
}

static struct counted *counted_of(struct config *c)
{
	return (struct counted *)(void *)((char *)c - offsetof(struct counted, config));
}

struct config *config_ref(struct config *c)
{
	atomic_fetch_add_explicit(&counted_of(c)->refs, 1, memory_order_relaxed);
	return c;
}

struct config *config_unref(struct config *c)
{
	if (!c)
		return NULL;
	struct counted *k = counted_of(c);
	if (atomic_fetch_sub_explicit(&k->refs, 1, memory_order_acq_rel) == 1) {
		arena_done(&k->arena);
		free(k);
	}
	return NULL;
}

static size_t run_of(struct str s, bool digits)
{
	size_t n = 0;

	while (n < s.len && (s.ptr[n] >= '0' && s.ptr[n] <= '9') == digits)
		n++;
	return n;
}

int config_duration_ms(struct str text, uint64_t *ret)
{
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = { { "ms", 1 },	 { "s", 1000 },	     { "m", 60000 },	  { "h", 3600000 },
		      { "d", 86400000 }, { "w", 604800000 }, { "y", 31536000000 } };
	uint64_t sum = 0, v;
	size_t after = ARRAY_SIZE(units); /* larger units come first, each once */

	if (!text.len)
		return -EINVAL;
	while (text.len) {
		size_t u = 0, digits = run_of(text, true);
		if (str_to_u64(str_cut(text, digits), &v) < 0)
			return -EINVAL;
		text = str_skip(text, digits);
		struct str unit = str_cut(text, run_of(text, false));
		text = str_skip(text, unit.len);
		while (u < after && !str_eqz(unit, units[u].name))
			u++;
		if (u == after)
			return -EINVAL;
		after = u;
		if (__builtin_mul_overflow(v, units[u].ms, &v) ||
		    __builtin_add_overflow(sum, v, &sum))
			return -ERANGE;
	}
	*ret = sum;
	return 0;
}

static int note_file(struct loading *l, const char *path)
{
	struct str copy = arena_dup(&l->result->arena, str_of(path));

	return copy.ptr ? vec_push(&l->files, copy) : -ENOMEM;
}

static int note_watched(struct loading *l, const char *path)
{
	struct str copy = arena_dup(&l->result->arena, str_of(path));

	return copy.ptr ? vec_push(&l->watched, copy) : -ENOMEM;
}

static int read_tree(struct loading *l, const char *path, struct tree **ret)
{
	struct str name = arena_dup(&l->trees, str_of(path));
	struct strbuf text = { 0 };
	struct tree *t = NULL;

	if (!name.ptr)
		return -ENOMEM;
	int r = io_read_file(path, LIMIT_CONFIG_BYTES, &text);
	if (r < 0 && r != -ENOMEM)
		r = tree_fail(l->report, &(struct tree){ .file = name.ptr }, "cannot be read: %s",
			      strerror(-r));
	if (r == 0)
		r = tree_parse(&l->trees, name.ptr, strbuf_str(&text), true, &t, l->report);
	strbuf_done(&text);
	if (r)
		return r;
	if (t->kind == TREE_NULL)
		t->kind = TREE_MAP;
	if (t->kind != TREE_MAP)
		return tree_fail(l->report, t, "expected keys with values, found %s",
				 tree_kind_name(t));
	*ret = t;
	return note_file(l, path);
}

enum strategy { MERGE_APPEND, MERGE_OVERRIDE, MERGE_ADD_ONLY };

static void merge(struct tree *into, struct tree *from, enum strategy how)
{
	struct tree *next;

	for (struct tree *n = from->first; n; n = next) {
		next = n->next;
		struct tree *old = tree_get(into, n->key);
		if (!old || how == MERGE_OVERRIDE ||
		    (how == MERGE_APPEND && (old->kind != TREE_LIST || n->kind != TREE_LIST))) {
			tree_put(into, n);
		} else if (how == MERGE_APPEND && n->first) {
			if (old->last)
				old->last->next = n->first;
			else
				old->first = n->first;
			old->last = n->last;
		}
	}
}

static int include_file(struct loading *l, const char *path, const struct tree *entry,
			enum strategy how)
{
	struct stat st;
	struct tree *t;

	if (stat(path, &st) < 0)
		return 0; /* missing includes are normal: packages list directories that may not exist */
	if (st.st_dev == l->main_dev && st.st_ino == l->main_ino)
		return tree_fail(l->report, entry, "config_files names the main file itself");
	int r = read_tree(l, path, &t);
	if (r)
		return r;
	const struct tree *inner = tree_get(t, STR("config_files"));
	if (inner)
		return tree_fail(l->report, inner, "config_files is only for the main file");
	merge(l->root, t, how);
	return 0;
}

static int only_files(const struct dirent *e)
{
	return e->d_name[0] != '.' || (e->d_name[1] && e->d_name[1] != '.');
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int include_directory(struct loading *l, const char *path, const struct tree *entry,
			     enum strategy how)
{
	struct dirent **names;
	int n = scandir(path, &names, only_files, by_name);
	int r = n < 0 && errno == ENOMEM ? -ENOMEM : 0;

	for (int i = 0; i < n; i++) {
		struct str full = arena_printf(&l->trees, "%s/%s", path, names[i]->d_name);
		struct stat st;
		if (!full.ptr)
			r = -ENOMEM;
		if (r == 0 && stat(full.ptr, &st) == 0 && S_ISREG(st.st_mode))
			r = include_file(l, full.ptr, entry, how);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return r;
}

static int include(struct loading *l, const struct tree *entry)
{
	static const char *const strategies[] = { "append", "override", "add-only" };
	const struct tree *path = entry->kind == TREE_MAP ? tree_get(entry, STR("path")) : entry;
	const struct tree *strategy = tree_get(entry, STR("strategy"));
	size_t how = 0;

	if (!path || path->kind != TREE_TEXT)
		return tree_fail(l->report, entry,
				 "config_files: expected a path or path: and strategy:");
	if (strategy) {
		while (how < ARRAY_SIZE(strategies) && !str_eqz(strategy->text, strategies[how]))
			how++;
		if (how == ARRAY_SIZE(strategies))
			return tree_fail(l->report, strategy,
					 "strategy: expected append, override or add-only");
	}
	struct stat st;
	if (note_watched(l, path->text.ptr) < 0)
		return -ENOMEM;
	if (stat(path->text.ptr, &st) < 0)
		return 0;
	if (S_ISDIR(st.st_mode))
		return include_directory(l, path->text.ptr, entry, (enum strategy)how);
	return include_file(l, path->text.ptr, entry, (enum strategy)how);
}

static int include_all(struct loading *l)
{
	const struct tree *list = tree_get(l->root, STR("config_files"));

	if (!list || list->kind == TREE_NULL)
		return 0;
	if (list->kind != TREE_LIST)
		return include(l, list);
	for (const struct tree *t = list->first; t; t = t->next) {
		int r = include(l, t);
		if (r)
			return r;
	}
	return 0;
}

static int override_all(struct loading *l, const char *const *overrides, size_t n, bool includes)
{
	for (size_t i = 0; i < n; i++) {
		if (override_is_include(overrides[i]) != includes)
			continue;
		int r = override_apply(&l->trees, l->root, overrides[i], l->report);
		if (r)
			return r;
	}
	return 0;
}

/* Without any file the program shows alerts where it was started and reads rules from the usual places. */
static int built_in(struct loading *l)
{
	return tree_parse(&l->trees, "built-in settings",
			  STR("stdout_output: {enabled: true}\n"
			      "log_stderr: true\n"
			      "log_syslog: false\n"
			      "rules_files: [/etc/tiercel/rules.d]\n"),
			  false, &l->root, l->report);
}

static int read_main(struct loading *l, const char *path)
{
	static const char *const usual[] = { "/etc/falco/falco.yaml", "/etc/tiercel/tiercel.yaml" };
	struct stat st;

	for (size_t i = 0; !path && i < ARRAY_SIZE(usual); i++) {
		if (stat(usual[i], &st) == 0)
			path = usual[i];
	}
	if (!path)
		return built_in(l);
	if (note_watched(l, path) < 0)
		return -ENOMEM;
	if (stat(path, &st) == 0) {
		l->main_dev = st.st_dev;
		l->main_ino = st.st_ino;
	}
	return read_tree(l, path, &l->root);
}

/* The fault is told at the key, if it is in a file. */
static int missing(const struct loading *l, const char *path, const char *what)
{
	const struct tree *at = tree_path(l->root, str_of(path));

	return tree_fail(l->report, at, "%s: %s", path, what);
}

static int check_outputs(const struct loading *l, const struct config *c)
{
	if (c->file_output.enabled && !c->file_output.filename[0])
		return missing(l, "file_output.enabled", "needs file_output.filename");
	if (c->program_output.enabled && !c->program_output.program[0])
		return missing(l, "program_output.enabled", "needs program_output.program");
	if (c->http_output.enabled && !c->http_output.url[0])
		return missing(l, "http_output.enabled", "needs http_output.url");
	if (!c->tiercel.noutputs && !c->stdout_output.enabled && !c->syslog_output.enabled &&
	    !c->file_output.enabled && !c->program_output.enabled && !c->http_output.enabled &&
	    !(c->grpc.enabled && c->grpc_output))
		return tree_fail(
			l->report,
			l->files.n ? &(struct tree){ .file = l->files.items[0].ptr } : NULL,
			"no output is enabled, expected at least one of stdout_output, "
			"file_output, syslog_output, program_output, http_output, grpc_output");
	return 0;
}

/* As Falco does. */
static void clamp_cpus(const struct loading *l, struct config *c)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	const char *key = "engine.modern_ebpf.cpus_for_each_buffer";

	if (cpus < 1 || c->engine.cpus_for_each_buffer <= cpus)
		return;
	const struct tree *at = tree_path(l->root, str_of(key));
	if (at)
		tree_warn(l->report, at, "%s: there are %ld CPUs online, so %ld counts", key, cpus,
			  cpus);
	c->engine.cpus_for_each_buffer = (int)cpus;
}

static int check_rest(const struct loading *l, struct config *c)
{
	if (tree_get(l->root, STR("rules_file")) && tree_get(l->root, STR("rules_files")))
		return missing(l, "rules_file", "cannot stand beside rules_files");
	if (c->engine.kind == CONFIG_ENGINE_REPLAY && !c->engine.capture_file[0])
		return missing(l, "engine.kind", "replay needs engine.replay.capture_file");
	clamp_cpus(l, c);
	if (config_duration_ms(str_of(c->metrics.interval), &c->metrics.interval_ms) < 0)
		c->metrics.interval_ms = 0;
	if (!c->metrics.enabled)
		return 0;
	if (c->metrics.interval_ms < 100)
		return missing(l, "metrics.interval",
			       "expected a duration of 100ms or more, as 30m");
	if (!c->metrics.output_rule && !c->metrics.output_file[0] &&
	    !(c->webserver.enabled && c->webserver.prometheus_metrics_enabled))
		return missing(l, "metrics.enabled",
			       "needs metrics.output_rule, metrics.output_file or "
			       "webserver.prometheus_metrics_enabled");
	return 0;
}

static int keep_texts(struct loading *l, const struct str *from, size_t n, struct config_texts *ret)
{
	struct str *items = arena_array(&l->result->arena, n + 1, sizeof(*items));

	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		items[i] = from[i];
	*ret = (struct config_texts){ .items = items, .n = n };
	return 0;
}

static int fill(struct loading *l)
{
	struct config *c = &l->result->config;
	struct setting_ctx ctx = {
		.arena = &l->result->arena, .config = c, .root = l->root, .report = l->report
	};
	int r = settings_read(&ctx);

	if (r == 0)
		r = check_rest(l, c);
	if (r == 0)
		r = check_outputs(l, c);
	if (r)
		return r;
	c->marks = settings_marks(&ctx);
	if (!c->marks)
		return -ENOMEM;
	r = keep_texts(l, l->files.items, l->files.n, &c->files);
	return r ? r : keep_texts(l, l->watched.items, l->watched.n, &c->watched);
}

static int load(struct loading *l, const char *path, const char *const *overrides,
		size_t noverrides)
{
	l->result = calloc(1, sizeof(*l->result));
	if (!l->result)
		return -ENOMEM;
	l->result->refs = 1;
	int r = read_main(l, path);
	if (r == 0)
		r = override_all(l, overrides, noverrides, true);
	if (r == 0)
		r = include_all(l);
	if (r == 0)
		r = override_all(l, overrides, noverrides, false);
	return r == 0 ? fill(l) : r;
}

/* The result, if it was not taken, goes as well. */
static void loading_done(struct loading *l)
{
	arena_done(&l->trees);
	vec_done(&l->files);
	vec_done(&l->watched);
	if (l->result)
		config_unref(&l->result->config);
}

int config_load(const char *path, const char *const *overrides, size_t noverrides,
		struct config **ret, struct config_report *report)
{
	_cleanup_(loading_done) struct loading l = { .report = report };
	int r = load(&l, path, overrides, noverrides);

	if (r == 0)
		*ret = &TAKE(l.result)->config;
	return r;
}

int config_dump(const char *path, const char *const *overrides, size_t noverrides, bool as_json,
		struct strbuf *out, struct config_report *report)
{
	_cleanup_(loading_done) struct loading l = { .report = report };
	int r = load(&l, path, overrides, noverrides);

	if (r == 0)
		settings_dump(&l.result->config, l.root, as_json, out);
	return r == 0 ? strbuf_check(out) : r;
}
