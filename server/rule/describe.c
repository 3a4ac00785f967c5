/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys are in alphabetical order, as the reference prints them. Details are worked out when asked for and
 * in an arena of their own; running out of memory leaves an array short.
 */
#include "rule/describe.h"

#include "rule/eventnames.h"
#include "rule/ruleset_impl.h"

struct describing {
	const struct catalogue *cat;
	const struct collection *items;
	struct compiled *compiled;
	struct arena arena;
	struct json *j;
};

static void key_texts(struct describing *d, const char *key, struct texts *t)
{
	texts_sort(t);
	json_key(d->j, str_of(key));
	texts_json(t, d->j);
}

static void key_tree(struct describing *d, const struct ast *tree)
{
	struct strbuf b = { 0 };

	ast_print(tree, &b);
	json_key_text(d->j, "condition_compiled", strbuf_str(&b));
	strbuf_done(&b);
}

static void key_events(struct describing *d, const struct ast *tree, bool async)
{
	struct texts names = { 0 };
	struct diag diag;

	event_names(d->cat, tree, async, &d->arena, &names, &diag);
	key_texts(d, "events", &names);
}

static void plugin_json(const struct plugin_version *v, struct json *j)
{
	json_key_text(j, "name", v->name);
	json_key_text(j, "version", v->text);
}

static void requirements_json(struct describing *d)
{
	const struct requirements *rq = &d->items->requirements;
	struct str text = arena_printf(&d->arena, "%u.%u.%u", rq->engine.major, rq->engine.minor,
				       rq->engine.patch);

	json_key_text(d->j, "required_engine_version", text);
	json_key(d->j, STR("required_plugin_versions"));
	json_open(d->j, '[');
	for (const struct plugin_requirement *r = rq->first; r; r = r->next) {
		if (!r->n)
			continue;
		json_open(d->j, '{');
		json_key(d->j, STR("alternatives"));
		json_open(d->j, '[');
		for (size_t i = 1; i < r->n; i++) {
			json_open(d->j, '{');
			plugin_json(&r->items[i], d->j);
			json_close(d->j, '}');
		}
		json_close(d->j, ']');
		plugin_json(&r->items[0], d->j);
		json_close(d->j, '}');
	}
	json_close(d->j, ']');
}

static void push_value(struct describing *d, struct texts *t, const struct exc_value *v)
{
	if (!v)
		return;
	for (size_t i = 0; v->list && i < v->nitems; i++)
		texts_push(&d->arena, t, v->items[i]->text);
	if (!v->list)
		texts_push(&d->arena, t, v->text);
}

static void exceptions_json(struct describing *d, const struct rule_item *item)
{
	struct texts names = { 0 }, fields = { 0 }, operators = { 0 };

	for (const struct exception *e = item->exceptions; e; e = e->next) {
		texts_push(&d->arena, &names, e->name);
		push_value(d, &fields, e->fields);
		if (e->comps)
			push_value(d, &operators, e->comps);
		else
			texts_push(&d->arena, &operators, e->fields->list ? STR("=") : STR("in"));
	}
	key_texts(d, "exception_fields", &fields);
	key_texts(d, "exception_names", &names);
	key_texts(d, "exception_operators", &operators);
}

static void extras_json(struct describing *d, const struct rule *rule)
{
	if (!rule->nextras)
		return;
	json_key(d->j, STR("extra_output_formatted_fields"));
	json_open(d->j, '{');
	for (size_t i = 0; i < rule->nextras; i++)
		if (rule->extras[i].format) {
			json_key(d->j, rule->extras[i].key);
			json_text(d->j, format_text(rule->extras[i].format));
		}
	json_close(d->j, '}');
}

static void output_fields_json(struct describing *d, const struct rule *rule)
{
	struct texts fields = { 0 };
	size_t n;
	const struct format_field *f = format_fields(rule->format, &n);

	for (size_t i = 0; i < n; i++)
		texts_push(&d->arena, &fields, f[i].key);
	key_texts(d, "output_fields", &fields);
}

static void rule_json(struct describing *d, struct compiled_rule *r)
{
	struct json *j = d->j;
	const struct rule *rule = r->rule;
	struct texts fields = { 0 }, operators = { 0 }, none = { 0 };
	struct texts tags = { .items = (struct str *)(uintptr_t)rule->tags, .n = rule->ntags };

	tree_fields(r->tree, &d->arena, &fields, &operators);
	json_open(j, '{');
	json_key(j, STR("details"));
	json_open(j, '{');
	json_key_text(j, "condition_compiled", rule->condition_compiled);
	key_texts(d, "condition_fields", &fields);
	key_texts(d, "condition_operators", &operators);
	key_events(d, r->tree, true);
	exceptions_json(d, r->item);
	extras_json(d, rule);
	key_texts(d, "lists", &r->lists);
	key_texts(d, "macros", &r->macros);
	json_key_text(j, "output_compiled", format_text(rule->format));
	output_fields_json(d, rule);
	key_texts(d, "plugins", &none);
	json_close(j, '}');
	json_key(j, STR("info"));
	json_open(j, '{');
	json_key(j, STR("capture"));
	json_bool(j, r->item->capture);
	json_key(j, STR("capture_duration"));
	json_u64(j, r->item->capture_ms);
	json_key_text(j, "condition", rule->condition);
	json_key_text(j, "description", rule->desc);
	json_key(j, STR("enabled"));
	json_bool(j, rule->enabled);
	json_key_text(j, "name", rule->name);
	json_key_text(j, "output", rule->output);
	json_key_text(j, "priority", str_of(priority_name(rule->priority)));
	json_key_text(j, "source", rule->source);
	key_texts(d, "tags", &tags);
	json_close(j, '}');
	json_close(j, '}');
}

static void macro_json(struct describing *d, const struct macro_tree *m)
{
	struct json *j = d->j;
	struct texts fields = { 0 }, operators = { 0 }, lists = { 0 }, macros = { 0 }, none = { 0 };
	struct str text;

	tree_fields(m->tree, &d->arena, &fields, &operators);
	/* Again, for the names only. */
	expand_lists(&d->compiled->expander, m->item->cond.s, &text, &lists);
	for (size_t i = 0; i < m->uses.n; i++)
		texts_push(&d->arena, &macros, m->uses.items[i]);
	json_open(j, '{');
	json_key(j, STR("details"));
	json_open(j, '{');
	key_tree(d, m->tree);
	key_texts(d, "condition_fields", &fields);
	key_texts(d, "condition_operators", &operators);
	key_events(d, m->tree, true);
	key_texts(d, "lists", &lists);
	key_texts(d, "macros", &macros);
	key_texts(d, "plugins", &none);
	json_key(j, STR("used"));
	json_bool(j, m->item->used);
	json_close(j, '}');
	json_key(j, STR("info"));
	json_open(j, '{');
	json_key_text(j, "condition", m->item->cond.s);
	json_key_text(j, "name", m->item->name);
	json_close(j, '}');
	json_close(j, '}');
}

static void list_json(struct describing *d, const struct flat_list *f)
{
	struct json *j = d->j;
	struct texts lists = { 0 }, none = { 0 };
	struct str rest = f->text, part;

	for (size_t i = 0; i < f->item->items.n; i++) {
		struct list_item *other = strmap_find(&d->items->list_names,
						      f->item->items.items[i]);

		if (other && other->index < f->item->visibility && other != f->item)
			texts_push(&d->arena, &lists, other->name);
	}
	json_open(j, '{');
	json_key(j, STR("details"));
	json_open(j, '{');
	json_key(j, STR("items_compiled"));
	json_open(j, '[');
	while (str_split(&rest, ',', &part))
		json_text(j, str_trim(part));
	json_close(j, ']');
	key_texts(d, "lists", &lists);
	key_texts(d, "plugins", &none);
	json_key(j, STR("used"));
	json_bool(j, f->item->used);
	json_close(j, '}');
	json_key(j, STR("info"));
	json_open(j, '{');
	json_key(j, STR("items"));
	texts_json(&f->item->items, j);
	json_key_text(j, "name", f->item->name);
	json_close(j, '}');
	json_close(j, '}');
}

static void definitions_json(struct describing *d)
{
	struct compiled *c = d->compiled;
	bool have = c->ruleset;

	json_key(d->j, STR("lists"));
	json_open(d->j, '[');
	for (size_t i = 0; have && i < c->nlists; i++)
		list_json(d, &c->expander.lists[i]);
	json_close(d->j, ']');
	json_key(d->j, STR("macros"));
	json_open(d->j, '[');
	for (size_t i = 0; have && i < c->nmacros; i++)
		macro_json(d, &c->expander.macros[i]);
	json_close(d->j, ']');
}

void describe(const struct catalogue *cat, const struct collection *items, struct compiled *c,
	      struct str only, struct json *j)
{
	struct describing d = { .cat = cat, .items = items, .compiled = c, .j = j };
	size_t n = c->ruleset ? c->ruleset->nrules : 0;

	json_open(j, '{');
	if (!only.len)
		definitions_json(&d);
	if (!only.len)
		requirements_json(&d);
	json_key(j, STR("rules"));
	json_open(j, '[');
	for (size_t i = 0; i < n; i++)
		if (!only.len || str_eq(only, c->ruleset->rules[i]->name))
			rule_json(&d, &c->rules[i]);
	json_close(j, ']');
	json_close(j, '}');
	arena_done(&d.arena);
}
