/* SPDX-License-Identifier: Apache-2.0 */
/* Rules as the configuration and the command line ask for them; see rules.h. */
#include "daemon/rules.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "fields/catalogue.h"

/* What required_plugin_versions may ask for: container metadata is built in. */
static const struct loaded_plugin built_in[] = { { "container", "0.7.0" } };

const struct loaded_plugin *rules_plugins(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(built_in);
	return built_in;
}

struct converted {
	struct append_output *append;
	struct rule_selection *selections;
	size_t nappend, nselections;
};

static void converted_done(struct converted *c)
{
	for (size_t i = 0; i < c->nappend; i++)
		free((void *)(uintptr_t)c->append[i].fields);
	free(c->append);
	free(c->selections);
}

static int convert_fields(const struct config_append_output *from, struct append_output *to)
{
	struct append_field *fields = calloc(from->nfields + 1, sizeof(*fields));

	if (!fields)
		return -ENOMEM;
	for (size_t i = 0; i < from->nfields; i++)
		fields[i] = (struct append_field){ from->fields[i].key, from->fields[i].format };
	to->fields = fields;
	to->nfields = from->nfields;
	return 0;
}

static int convert(const struct config *config, const struct args *args, struct converted *ret)
{
	struct converted c = { 0 };
	bool everywhere = false; /* the suggested output is in all alerts */

	c.append = calloc((config ? config->nappend_output : 0) + 2, sizeof(*c.append));
	c.selections = calloc((config ? config->nrules : 0) + 1, sizeof(*c.selections));
	if (!c.append || !c.selections)
		goto out;
	for (size_t i = 0; config && i < config->nappend_output; i++) {
		const struct config_append_output *from = &config->append_output[i];
		struct append_output *to = &c.append[c.nappend++];

		*to = (struct append_output){
			.rule = from->rule,
			.source = from->source,
			.tags = from->tags.items,
			.ntags = from->tags.n,
			.extra_output = from->extra_output,
			.suggested_output = from->suggested_output,
		};
		if (convert_fields(from, to) < 0)
			goto out;
		everywhere = everywhere || (from->suggested_output && !from->rule.len &&
					    !from->source.len && !from->tags.n);
	}
	if (args->container_output && !everywhere)
		c.append[c.nappend++] = (struct append_output){ .suggested_output = true };
	if (args->print)
		c.append[c.nappend++] =
			(struct append_output){ .extra_output = str_of(args->print) };
	for (size_t i = 0; config && i < config->nrules; i++)
		c.selections[c.nselections++] = (struct rule_selection){
			.enable = config->rules[i].enable,
			.rule = config->rules[i].rule,
			.tag = config->rules[i].tag,
		};
	*ret = c;
	return 0;
out:
	converted_done(&c);
	return -ENOMEM;
}

static int declare_static(const struct config *config)
{
	size_t n = config ? config->nstatic_fields : 0;
	_cleanup_(freep) struct static_field *fields = calloc(n + 1, sizeof(*fields));

	if (!fields)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		fields[i] = (struct static_field){ config->static_fields[i].key,
						   config->static_fields[i].value };
	return fields_declare_static(fields, n);
}

struct loader *rules_loader(const struct config *config, const struct args *args)
{
	struct converted c;

	if (declare_static(config) < 0 || convert(config, args, &c) < 0)
		return NULL;
	struct load_options options = {
		.catalogue = fields_catalogue(),
		.min_priority = config ? (enum priority)config->priority : PRIORITY_DEBUG,
		.base64 = config && config->buffer_format_base64,
		.append = c.append,
		.nappend = c.nappend,
		.selections = c.selections,
		.nselections = c.nselections,
		.plugins = built_in,
		.nplugins = ARRAY_SIZE(built_in),
	};
	struct loader *l = loader_new(&options);

	converted_done(&c);
	return l;
}

static int only_yaml(const struct dirent *d)
{
	struct str name = str_of(d->d_name);

	return str_ends(name, STR(".yaml")) || str_ends(name, STR(".yml"));
}

typedef int (*file_fn)(const char *path, void *ctx);

static int visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

/* Those of its files that `which` chooses, in order of name. */
static int each_of(const char *path, int (*which)(const struct dirent *), file_fn fn, void *ctx)
{
	struct dirent **entries;
	int n = scandir(path, &entries, which, alphasort), r = 0;

	for (int i = 0; i < n; i++) {
		char file[4096];
		struct stat st;

		snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name);
		free(entries[i]);
		if (r == 0 && stat(file, &st) == 0 && S_ISREG(st.st_mode))
			r = fn(file, ctx);
	}
	if (n >= 0)
		free(entries);
	return r;
}

int rules_paths(const struct config *config, const struct args *args,
		int (*fn)(const char *path, bool directory, void *ctx), void *ctx)
{
	size_t n = args->rules.n ? args->rules.n : config ? config->rules_files.n : 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		const char *path = args->rules.n ? args->rules.items[i]
						 : config->rules_files.items[i].ptr;
		struct stat st;

		r = fn(path, stat(path, &st) == 0 && S_ISDIR(st.st_mode), ctx);
	}
	return r;
}

static int each_in_directory(const char *path, file_fn fn, void *ctx)
{
	return each_of(path, only_yaml, fn, ctx);
}

struct visiting {
	file_fn fn;
	void *ctx;
};

static int visit_path(const char *path, bool directory, void *ctx)
{
	struct visiting *v = ctx;

	if (directory)
		return each_in_directory(path, v->fn, v->ctx);
	return access(path, F_OK) == 0 ? v->fn(path, v->ctx) : 0;
}

int rules_files(const struct config *config, const struct args *args,
		int (*fn)(const char *path, void *ctx), void *ctx)
{
	struct visiting v = { fn, ctx };

	return rules_paths(config, args, visit_path, &v);
}

struct adding {
	struct loader *loader;
	bool required; /* a missing file is an error */
};

static int add_file(const char *path, void *ctx)
{
	return loader_add_file(((struct adding *)ctx)->loader, path);
}

static int add_path(const char *path, bool directory, void *ctx)
{
	struct adding *a = ctx;

	if (directory)
		return each_in_directory(path, add_file, a);
	return a->required || access(path, F_OK) == 0 ? add_file(path, a) : 0;
}

static int mix_file(const char *path, void *ctx)
{
	uint64_t *h = ctx;
	struct stat st;

	if (stat(path, &st) < 0) {
		*h = hash_u64(*h + 1);
		return 0;
	}
	const uint64_t parts[] = { *h,
				   hash_str(str_of(path)),
				   st.st_dev,
				   st.st_ino,
				   (uint64_t)st.st_size,
				   (uint64_t)st.st_mtim.tv_sec,
				   (uint64_t)st.st_mtim.tv_nsec };
	*h = hash_bytes(parts, sizeof(parts));
	return 0;
}

static int mix_path(const char *path, bool directory, void *ctx)
{
	/* A configuration's directory is read whatever the names are. */
	return directory ? each_of(path, visible, mix_file, ctx) : mix_file(path, ctx);
}

int files_paths(const struct config *config, const struct args *args,
		int (*fn)(const char *path, bool directory, void *ctx), void *ctx)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < config->watched.n; i++) {
		const char *path = config->watched.items[i].ptr;
		struct stat st;

		r = fn(path, stat(path, &st) == 0 && S_ISDIR(st.st_mode), ctx);
	}
	return r ? r : rules_paths(config, args, fn, ctx);
}

uint64_t files_fingerprint(const struct config *config, const struct args *args)
{
	uint64_t h = 0;

	files_paths(config, args, mix_path, &h);
	return h;
}

int rules_load(const struct config *config, const struct args *args, struct loader **ret_loader,
	       struct ruleset **ret_rules, struct diag *diag)
{
	struct loader *l = rules_loader(config, args);
	struct adding adding = { .loader = l, .required = args->rules.n };
	int r = l ? rules_paths(config, args, add_path, &adding) : -ENOMEM;
	if (r < 0) {
		diag_set(diag, "cannot load rules: %s", strerror(-r));
		loader_free(l);
		return r;
	}
	struct ruleset *rs = r == 0 ? loader_finish(l, diag) : NULL;
	*ret_loader = l;
	if (!rs)
		return LOAD_E_INVALID;
	*ret_rules = rs;
	return 0;
}

void rules_results_json(const struct loader *l, struct strbuf *out)
{
	struct json j = json_to(out);

	json_open(&j, '{');
	json_key(&j, STR("falco_load_results"));
	loader_json(l, &j);
	json_close(&j, '}');
	strbuf_addc(out, '\n');
}

void rules_error(const struct loader *l, struct diag *diag)
{
	_cleanup_(strbuf_done) struct strbuf text = { 0 };

	loader_first_error(l, &text);
	diag_set(diag, "%s", strbuf_z(&text) ? text.ptr : "out of memory");
}
