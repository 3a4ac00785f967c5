/* SPDX-License-Identifier: Apache-2.0 */
/* Settings with a shape of their own: lists of maps. Keys they do not know are warnings; see settings.h. */
#include "config/settings.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/json.h"

/* A lone map counts as a list of one. */
static const struct tree *first_of(const struct tree *t, size_t *ret_n)
{
	*ret_n = t->kind == TREE_MAP ? 1 : tree_count(t);
	return t->kind == TREE_MAP ? t : t->first;
}

/* The i-th value of a list that may be a lone value: faults are told where it stands. */
static const struct tree *element(const struct tree *t, size_t i)
{
	return t->kind == TREE_LIST ? tree_at(t, i) : t;
}

static void warn_keys(struct setting_ctx *c, const struct tree *map, const char *const *known,
		      size_t nknown)
{
	for (const struct tree *n = map->first; n; n = n->next) {
		size_t i = 0;
		while (i < nknown && !str_eqz(n->key, known[i]))
			i++;
		if (i == nknown)
			tree_warn(c->report, n, "unknown key " STR_FMT " is ignored",
				  STR_ARG(str_cut(n->key, 100)));
	}
}

static int text_at(struct setting_ctx *c, const struct tree *map, struct str key, struct str *ret)
{
	const struct tree *t = tree_get(map, key);

	*ret = (struct str){ "", 0 };
	return t ? setting_text(c, t, ret) : 0;
}

static int selection(struct setting_ctx *c, const struct tree *t, struct config_selection *ret)
{
	static const char *const known[] = { "rule", "tag" };
	const struct tree *body = t->kind == TREE_MAP ? t->first : NULL;

	if (!body || body->next || body->kind != TREE_MAP ||
	    (!str_eqz(body->key, "enable") && !str_eqz(body->key, "disable")))
		return tree_fail(c->report, t,
				 "expected enable: or disable: with rule: or tag: below");
	warn_keys(c, body, known, ARRAY_SIZE(known));
	ret->enable = str_eqz(body->key, "enable");
	int r = text_at(c, body, STR("rule"), &ret->rule);
	if (r == 0)
		r = text_at(c, body, STR("tag"), &ret->tag);
	if (r == 0 && !ret->rule.len && !ret->tag.len)
		r = tree_fail(c->report, body, "expected rule: or tag:");
	return r;
}

static int set_selections(struct setting_ctx *c, const struct setting *s, const struct tree *t)
{
	size_t n;
	const struct tree *at = first_of(t, &n);
	struct config_selection *items = arena_array(c->arena, n ? n : 1, sizeof(*items));

	if (t->kind == TREE_TEXT)
		return setting_wrong(c, t, "a list");
	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++, at = at->next) {
		int r = selection(c, at, &items[i]);
		if (r)
			return r;
	}
	c->config->rules = items;
	c->config->nrules = n;
	return 0;
}

/* `field.name`, or `key: format`. */
static int extra_field(struct setting_ctx *c, const struct tree *t, struct config_extra_field *ret)
{
	if (t->kind == TREE_TEXT)
		return setting_text(c, t, &ret->key);
	const struct tree *pair = t->kind == TREE_MAP ? t->first : NULL;
	if (!pair || pair->next || pair->kind != TREE_TEXT)
		return tree_fail(c->report, t, "expected a field or one `key: format`");
	ret->key = arena_dup(c->arena, pair->key);
	if (!ret->key.ptr)
		return -ENOMEM;
	return setting_text(c, pair, &ret->format);
}

static int extra_fields(struct setting_ctx *c, const struct tree *t,
			struct config_append_output *ret)
{
	if (!t || t->kind == TREE_NULL)
		return 0;
	bool one = t->kind == TREE_TEXT;
	size_t n = one ? 1 : tree_count(t);
	if (t->kind == TREE_MAP)
		return setting_wrong(c, t, "a list");
	struct config_extra_field *items = arena_array(c->arena, n ? n : 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	const struct tree *at = one ? t : t->first;
	for (size_t i = 0; i < n; i++, at = at->next) {
		int r = extra_field(c, at, &items[i]);
		if (r)
			return r;
	}
	ret->fields = items;
	ret->nfields = n;
	return 0;
}

static int match(struct setting_ctx *c, const struct tree *t, struct config_append_output *ret)
{
	static const char *const known[] = { "rule", "source", "tags" };

	ret->rule = ret->source = (struct str){ "", 0 };
	if (!t || t->kind == TREE_NULL)
		return 0;
	if (t->kind != TREE_MAP)
		return setting_wrong(c, t, "a map");
	warn_keys(c, t, known, ARRAY_SIZE(known));
	int r = text_at(c, t, STR("rule"), &ret->rule);
	if (r == 0)
		r = text_at(c, t, STR("source"), &ret->source);
	const struct tree *tags = tree_get(t, STR("tags"));
	return r == 0 && tags ? setting_texts(c, tags, &ret->tags) : r;
}

static int append_entry(struct setting_ctx *c, const struct tree *t,
			struct config_append_output *ret)
{
	static const char *const known[] = { "match", "extra_output", "extra_fields",
					     "suggested_output" };

	if (t->kind != TREE_MAP)
		return tree_fail(c->report, t, "append_output: expected a map, found %s",
				 tree_kind_name(t));
	warn_keys(c, t, known, ARRAY_SIZE(known));
	int r = match(c, tree_get(t, STR("match")), ret);
	if (r == 0)
		r = text_at(c, t, STR("extra_output"), &ret->extra_output);
	if (r == 0)
		r = extra_fields(c, tree_get(t, STR("extra_fields")), ret);
	const struct tree *suggested = tree_get(t, STR("suggested_output"));
	return r == 0 && suggested ? setting_bool(c, suggested, &ret->suggested_output) : r;
}

static int set_append_output(struct setting_ctx *c, const struct setting *s, const struct tree *t)
{
	size_t n;
	const struct tree *at = first_of(t, &n);
	struct config_append_output *items = arena_array(c->arena, n ? n : 1, sizeof(*items));

	if (t->kind == TREE_TEXT)
		return setting_wrong(c, t, "a list");
	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++, at = at->next) {
		int r = append_entry(c, at, &items[i]);
		if (r)
			return r;
	}
	c->config->append_output = items;
	c->config->nappend_output = n;
	return 0;
}

/* A map becomes its JSON text: that is what a plugin's init function takes. */
static int init_config(struct setting_ctx *c, const struct tree *t, struct str *ret)
{
	*ret = (struct str){ "", 0 };
	if (!t || t->kind == TREE_NULL)
		return 0;
	if (t->kind == TREE_TEXT)
		return setting_text(c, t, ret);
	struct strbuf b = { 0 };
	struct json j = json_to(&b);
	tree_json(t, &j);
	*ret = b.failed ? (struct str){ 0 } : arena_dup(c->arena, strbuf_str(&b));
	strbuf_done(&b);
	return ret->ptr ? 0 : -ENOMEM;
}

static int plugin(struct setting_ctx *c, const struct tree *t, struct config_plugin *ret)
{
	static const char *const known[] = { "name", "library_path", "init_config", "open_params" };

	if (t->kind != TREE_MAP)
		return tree_fail(c->report, t, "plugins: expected a map, found %s",
				 tree_kind_name(t));
	warn_keys(c, t, known, ARRAY_SIZE(known));
	int r = text_at(c, t, STR("name"), &ret->name);
	if (r == 0 && !ret->name.len)
		r = tree_fail(c->report, t, "plugins: an entry without a name");
	if (r == 0)
		r = text_at(c, t, STR("library_path"), &ret->library_path);
	if (r == 0)
		r = init_config(c, tree_get(t, STR("init_config")), &ret->init_config);
	if (r == 0 && str_eqz(ret->name, "container"))
		r = container_init_config(c, tree_get(t, STR("init_config")));
	return r == 0 ? text_at(c, t, STR("open_params"), &ret->open_params) : r;
}

/* Only those load_plugins names stay, in its order; without that key all do. */
static int select_plugins(struct setting_ctx *c, const struct config_plugin *all, size_t nall)
{
	const struct tree *load = tree_get(c->root, STR("load_plugins"));
	struct config_texts names;

	c->config->plugins = all;
	c->config->nplugins = nall;
	if (!load || load->kind == TREE_NULL)
		return 0;
	int r = setting_texts(c, load, &names);
	if (r)
		return r;
	struct config_plugin *kept = arena_array(c->arena, names.n ? names.n : 1, sizeof(*kept));
	if (!kept)
		return -ENOMEM;
	for (size_t i = 0; i < names.n; i++) {
		size_t k = 0;
		while (k < nall && !str_eq(all[k].name, names.items[i]))
			k++;
		if (k == nall)
			return tree_fail(c->report, element(load, i),
					 "load_plugins names " STR_FMT
					 ", which plugins does not have",
					 STR_ARG(str_cut(names.items[i], 100)));
		kept[i] = all[k];
	}
	c->config->plugins = kept;
	c->config->nplugins = names.n;
	return 0;
}

static int set_plugins(struct setting_ctx *c, const struct setting *s, const struct tree *t)
{
	size_t n;
	const struct tree *at = first_of(t, &n);
	struct config_plugin *items = arena_array(c->arena, n ? n : 1, sizeof(*items));

	if (t->kind == TREE_TEXT)
		return setting_wrong(c, t, "a list");
	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++, at = at->next) {
		int r = plugin(c, at, &items[i]);
		if (r)
			return r;
	}
	return select_plugins(c, items, n);
}

/* With `plugins` present the work is done there. */
static int set_load_plugins(struct setting_ctx *c, const struct setting *s, const struct tree *t)
{
	const struct tree *plugins = tree_get(c->root, STR("plugins"));

	return plugins && plugins->kind != TREE_NULL ? 0 : select_plugins(c, NULL, 0);
}

static int set_static_fields(struct setting_ctx *c, const struct setting *s, const struct tree *t)
{
	size_t n = tree_count(t);
	struct config_pair *items = arena_array(c->arena, n ? n : 1, sizeof(*items));

	if (t->kind != TREE_MAP)
		return setting_wrong(c, t, "a map");
	if (!items)
		return -ENOMEM;
	const struct tree *at = t->first;
	for (size_t i = 0; i < n; i++, at = at->next) {
		int r = setting_text(c, at, &items[i].value);
		if (r)
			return r;
		items[i].key = arena_dup(c->arena, at->key);
		if (!items[i].key.ptr)
			return -ENOMEM;
	}
	c->config->static_fields = items;
	c->config->nstatic_fields = n;
	return 0;
}

static int set_drop_actions(struct setting_ctx *c, const struct setting *s, const struct tree *t)
{
	static const struct choice actions[] = { { "ignore", 0 },
						 { "log", CONFIG_DROP_LOG },
						 { "alert", CONFIG_DROP_ALERT },
						 { "exit", CONFIG_DROP_EXIT } };
	struct config_texts words;
	unsigned set = 0;
	bool ignore = false;
	int r = setting_texts(c, t, &words);

	for (size_t i = 0; r == 0 && i < words.n; i++) {
		size_t k = 0;
		while (k < ARRAY_SIZE(actions) && !str_ieq(words.items[i], str_of(actions[k].word)))
			k++;
		if (k == ARRAY_SIZE(actions))
			return tree_fail(
				c->report, element(t, i),
				"actions: expected ignore, log, alert or exit, found " STR_FMT,
				STR_ARG(str_cut(words.items[i], 60)));
		set |= (unsigned)actions[k].value;
		ignore = ignore || k == 0;
	}
	if (r == 0 && ignore && (set & (CONFIG_DROP_LOG | CONFIG_DROP_ALERT)))
		return tree_fail(c->report, t, "actions: ignore excludes log and alert");
	if (r == 0)
		c->config->drops.actions = set;
	return r;
}

#define TEXT_SCHEMA  "{\"type\":\"string\"}"
#define TEXTS_SCHEMA "{\"type\":[\"array\",\"string\"],\"items\":{\"type\":\"string\"}}"
#define STEP_SCHEMA                                                                                \
	"{\"type\":\"object\",\"properties\":{\"rule\":" TEXT_SCHEMA ",\"tag\":" TEXT_SCHEMA       \
	"},\"minProperties\":1,\"additionalProperties\":false}"

const struct setting_kind
	setting_selections_kind = { "list of steps", set_selections,
				    "\"type\":\"array\",\"items\":{\"type\":\"object\","
				    "\"properties\":{\"enable\":" STEP_SCHEMA
				    ",\"disable\":" STEP_SCHEMA
				    "},\"minProperties\":1,\"maxProperties\":1,"
				    "\"additionalProperties\":false}" },
	setting_append_output_kind = { "list of additions", set_append_output,
				       "\"type\":\"array\",\"items\":{\"type\":\"object\","
				       "\"properties\":{\"match\":{\"type\":\"object\","
				       "\"properties\":{\"rule\":" TEXT_SCHEMA
				       ",\"source\":" TEXT_SCHEMA ",\"tags\":" TEXTS_SCHEMA
				       "},\"additionalProperties\":false},\"extra_output\":" TEXT_SCHEMA
				       ",\"extra_fields\":{\"type\":\"array\",\"items\":"
				       "{\"type\":[\"string\",\"object\"],\"maxProperties\":1,"
				       "\"additionalProperties\":" TEXT_SCHEMA "}},"
				       "\"suggested_output\":{\"type\":\"boolean\"}},"
				       "\"additionalProperties\":false}" },
	setting_plugins_kind = { "list of plugins", set_plugins,
				 "\"type\":\"array\",\"items\":{\"type\":\"object\","
				 "\"properties\":{\"name\":" TEXT_SCHEMA
				 ",\"library_path\":" TEXT_SCHEMA
				 ",\"init_config\":{\"type\":[\"object\",\"string\",\"null\"]},"
				 "\"open_params\":" TEXT_SCHEMA
				 "},\"required\":[\"name\"],\"additionalProperties\":false}" },
	setting_load_plugins_kind = { "list of names", set_load_plugins,
				      "\"type\":[\"array\",\"string\",\"null\"],"
				      "\"items\":{\"type\":\"string\"}" },
	setting_static_fields_kind = { "map of texts", set_static_fields,
				       "\"type\":\"object\",\"additionalProperties\":"
				       "{\"type\":[\"string\",\"number\",\"boolean\"]}" },
	setting_drop_actions_kind = { "list of words", set_drop_actions,
				      "\"type\":[\"array\",\"string\"],\"items\":"
				      "{\"enum\":[\"ignore\",\"log\",\"alert\",\"exit\"]}" };
