/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiercel.outputs: any number of files, programs and HTTP receivers. An element is read by rows of its own, as the
 * configuration is by those of table.c, so that its keys mean what they mean there.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/settings.h"

static const struct choice types[] = {
	{ "file", CONFIG_OUTPUT_FILE },
	{ "program", CONFIG_OUTPUT_PROGRAM },
	{ "http", CONFIG_OUTPUT_HTTP },
	{ NULL },
};

#define ROW(k, p, m, d, ...)                                                                       \
	{                                                                                          \
		.path = p, .kind = &setting_##k##_kind,                                            \
		.offset = offsetof(struct config_output, m), .fallback = d, __VA_ARGS__            \
	}

static const struct setting rows[] = {
	ROW(text, "name", name, ""),
	ROW(choice, "type", type, "file", .choices = types),
	ROW(text, "filename", filename, ""),
	ROW(text, "program", program, ""),
	ROW(flag, "keep_alive", keep_alive, "false"),
	ROW(url, "url", http.url, ""),
	ROW(text, "user_agent", http.user_agent, "falcosecurity/falco"),
	ROW(flag, "insecure", http.insecure, "false"),
	ROW(text, "ca_cert", http.ca_cert, ""),
	ROW(text, "ca_bundle", http.ca_bundle, ""),
	ROW(text, "ca_path", http.ca_path, "/etc/ssl/certs"),
	ROW(flag, "mtls", http.mtls, "false"),
	ROW(text, "client_cert", http.client_cert, "/etc/ssl/certs/client.crt"),
	ROW(text, "client_key", http.client_key, "/etc/ssl/certs/client.key"),
	ROW(flag, "echo", http.echo, "false"),
	ROW(flag, "compress_uploads", http.compress_uploads, "false"),
	ROW(int, "batch", http.batch, "1", .min = 1, .max = 10000),
	ROW(flag, "spool", http.spool, "true"),
	ROW(duration, "give_up", http.give_up_ms, "0"),
};

static int read_key(struct setting_ctx *c, const struct tree *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (str_eqz(t->key, rows[i].path))
			return t->kind == TREE_NULL ? 0 : rows[i].kind->set(c, &rows[i], t);
	}
	tree_warn(c->report, t, "unknown key " STR_FMT " is ignored",
		  STR_ARG(str_cut(t->key, 100)));
	return 0;
}

static int check(struct setting_ctx *c, const struct tree *t, struct config_output *o)
{
	const struct {
		const char *key, *value;
	} needs[] = {
		[CONFIG_OUTPUT_FILE] = { "filename", o->filename },
		[CONFIG_OUTPUT_PROGRAM] = { "program", o->program },
		[CONFIG_OUTPUT_HTTP] = { "url", o->http.url },
	};
	static const char *const taken[] = { "stdout", "file", "syslog", "program", "http_output" };

	if (!tree_get(t, STR("type")))
		return tree_fail(c->report, t, "expected type: with file, program or http");
	if (!o->name[0])
		return tree_fail(c->report, t, "expected name:, by which log and metrics call it");
	for (size_t i = 0; i < ARRAY_SIZE(taken); i++) {
		if (!strcmp(o->name, taken[i]))
			return tree_fail(c->report, t, "the name %s is that of another output",
					 o->name);
	}
	if (!needs[o->type].value[0])
		return tree_fail(c->report, t, "an output of this type needs %s",
				 needs[o->type].key);
	o->http.enabled = o->type == CONFIG_OUTPUT_HTTP;
	o->http.keep_alive = o->keep_alive;
	return 0;
}

static int read_output(struct setting_ctx *all, const struct tree *t, struct config_output *o)
{
	struct setting_ctx c = *all;
	int r = 0;

	if (t->kind != TREE_MAP)
		return setting_wrong(all, t, "a map");
	c.base = o;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(rows); i++)
		r = setting_default(&c, &rows[i]);
	for (const struct tree *k = t->first; r == 0 && k; k = k->next)
		r = read_key(&c, k);
	return r ? r : check(&c, t, o);
}

static int set_outputs(struct setting_ctx *c, const struct setting *s, const struct tree *t)
{
	size_t n = tree_count(t);

	if (t->kind != TREE_LIST)
		return setting_wrong(c, t, "a list");
	if (n > CONFIG_OUTPUTS_MAX)
		return tree_fail(c->report, t, "outputs: at most %d", CONFIG_OUTPUTS_MAX);
	struct config_output *items = arena_array(c->arena, n + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct tree *at = tree_at(t, i);
		int r = read_output(c, at, &items[i]);
		if (r)
			return r;
		for (size_t k = 0; k < i; k++) {
			if (!strcmp(items[k].name, items[i].name))
				return tree_fail(c->report, at,
						 "the name %s is that of another output",
						 items[i].name);
		}
	}
	c->config->tiercel.outputs = items;
	c->config->tiercel.noutputs = n;
	return 0;
}

const struct setting_kind setting_outputs_kind = {
	"list of outputs", set_outputs,
	"\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"name\",\"type\"],"
	"\"properties\":{\"name\":{\"type\":\"string\"},"
	"\"type\":{\"enum\":[\"file\",\"program\",\"http\"]}}}"
};
