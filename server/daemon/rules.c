/* SPDX-License-Identifier: Apache-2.0 */
/* Rules as the configuration and the command line ask for them; see rules.h. */
#include "daemon/rules.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "fields/catalogue.h"

/* What required_plugin_versions may ask for: container metadata is built in. */
static const struct loaded_plugin built_in[] = { { "container", "0.7.0" } };

enum { APPEND_MAX = 256 };

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

	c.append = calloc((config ? config->nappend_output : 0) + 1, sizeof(*c.append));
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
	}
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

struct loader *rules_loader(const struct config *config, const struct args *args)
{
	struct converted c;

	if (convert(config, args, &c) < 0)
		return NULL;
	struct load_options options = {
		.catalogue = fields_catalogue(),
		.min_priority = config ? (enum priority)config->priority : PRIORITY_DEBUG,
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

static int add_directory(struct loader *l, const char *path)
{
	struct dirent **entries;
	int n = scandir(path, &entries, only_yaml, alphasort), r = 0;

	for (int i = 0; i < n; i++) {
		char file[4096];
		struct stat st;

		snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name);
		free(entries[i]);
		if (r == 0 && stat(file, &st) == 0 && S_ISREG(st.st_mode))
			r = loader_add_file(l, file);
	}
	if (n >= 0)
		free(entries);
	return r;
}

static int add_path(struct loader *l, const char *path, bool required)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return required ? loader_add_file(l, path) : 0;
	if (S_ISDIR(st.st_mode))
		return add_directory(l, path);
	return loader_add_file(l, path);
}

int rules_load(const struct config *config, const struct args *args, struct loader **ret_loader,
	       struct ruleset **ret_rules, struct diag *diag)
{
	struct loader *l = rules_loader(config, args);
	int r = l ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < args->rules.n; i++)
		r = add_path(l, args->rules.items[i], true);
	for (size_t i = 0; r == 0 && !args->rules.n && config && i < config->rules_files.n; i++)
		r = add_path(l, config->rules_files.items[i].ptr, false);
	if (r < 0) {
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

void rules_error(const struct loader *l, struct diag *diag)
{
	_cleanup_(strbuf_done) struct strbuf text = { 0 };

	loader_first_error(l, &text);
	diag_set(diag, "%s", strbuf_z(&text) ? text.ptr : "out of memory");
}
