/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One rule after the other, the checks in the order of rules-language.md 1.12. Conditions, outputs and their
 * trees are made in the ruleset's arena and live as long as it does.
 */
#include "rule/compile.h"

#include <errno.h>

#include "base/cleanup.h"
#include "event/event.h"
#include "filter/parser.h"
#include "rule/eventnames.h"
#include "rule/exceptions.h"
#include "rule/hostnames.h"
#include "rule/ruleset_impl.h"

enum { BROAD_CONDITION = 100 }; /* event codes, above which a warning is due */

enum outcome { SKIPPED = 1 }; /* of one rule: left out, with a warning */

struct compiling {
	const struct load_options *options;
	struct result *result;
	struct compiled *out;
	struct arena *arena;
	struct ruleset *rs;
};

/* What a failed step becomes: an error, or a warning when the rule may be skipped for it. */
static int failed(struct compiling *c, const struct rule_item *item, enum load_code code,
		  const struct place *place, int outcome, const struct diag *diag)
{
	if (outcome < 0 && outcome != -EINVAL)
		return outcome;
	if (item->skip_unknown &&
	    (outcome == FILTER_E_UNKNOWN_FIELD || outcome == FILTER_E_UNKNOWN_EVENT)) {
		result_add(c->result, LOAD_UNKNOWN_FILTER, place, "%s", diag->text);
		return SKIPPED;
	}
	return result_add(c->result, code, place, "%s", diag->text);
}

static bool append_matches(const struct append_output *a, const struct rule_item *item)
{
	if (a->source.len && !str_eq(a->source, item->source))
		return false;
	if (a->rule.len && !str_eq(a->rule, item->name))
		return false;
	for (size_t i = 0; i < a->ntags; i++) {
		bool found = false;

		for (size_t k = 0; k < item->tags.n && !found; k++)
			found = str_eq(a->tags[i], item->tags.items[k]);
		if (!found)
			return false;
	}
	return true;
}

static void suggest(const char *name, struct strbuf *out)
{
	strbuf_addc(out, ' ');
	for (const char *p = name; *p; p++)
		strbuf_addc(out, *p == '.' ? '_' : *p);
	strbuf_addz(out, "=%");
	strbuf_addz(out, name);
}

/* " foo_bar=%foo.bar" for every field its provider suggests, in the order existing parsers of lines know. */
static void suggested_output(const struct catalogue *c, struct strbuf *out)
{
	static const char *const order[] = {
		"container.id",	       "container.name", "container.image.repository",
		"container.image.tag", "k8s.pod.name",	 "k8s.ns.name"
	};

	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		const struct field_def *f = catalogue_find(c, str_of(order[i]));

		if (f && f->flags & FIELD_SUGGESTED)
			suggest(f->name, out);
	}
	for (size_t i = 0; i < c->nfields; i++) {
		bool done = false;

		for (size_t k = 0; k < ARRAY_SIZE(order) && !done; k++)
			done = strcmp(c->fields[i].name, order[k]) == 0;
		if (!done && c->fields[i].flags & FIELD_SUGGESTED)
			suggest(c->fields[i].name, out);
	}
}

static void drop_container_info(struct compiling *c, const struct rule_item *item, struct strbuf *b)
{
	struct str what = STR("%container.info");
	char *p;

	if (b->failed || !b->len || !memmem(b->ptr, b->len, what.ptr, what.len))
		return;
	result_add(
		c->result, LOAD_DEPRECATED_ITEM, item->place,
		"%%container.info is deprecated and stands for nothing; name the fields that are "
		"wanted");
	while ((p = memmem(b->ptr, b->len, what.ptr, what.len))) {
		size_t at = (size_t)(p - b->ptr);

		memmove(p, p + what.len, b->len - at - what.len);
		b->len -= what.len;
	}
}

static void deprecated_output(struct compiling *c, const struct rule_item *item, struct str output)
{
	static const char *const names[] = { "evt.dir",		  "evt.latency",
					     "evt.latency.s",	  "evt.latency.ns",
					     "evt.latency.human", "evt.latency.quantized" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct str name = str_of(names[i]);

		if (!str_contains(output, name))
			continue;
		result_add(
			c->result, LOAD_DEPRECATED_ITEM, item->output_place,
			"%.*s is deprecated: only exits of calls are seen, so it is always the same",
			STR_ARG(name));
		result_deprecated(c->result, name);
	}
}

static int compile_output(struct compiling *c, const struct rule_item *item, struct rule *rule)
{
	struct strbuf b = { 0 };
	struct diag diag = { 0 };
	struct str text = { 0 };
	int rc;

	strbuf_add(&b, item->output.s);
	for (size_t i = 0; i < c->options->nappend; i++) {
		const struct append_output *a = &c->options->append[i];

		if (!append_matches(a, item))
			continue;
		if (a->extra_output.len) {
			strbuf_addc(&b, ' ');
			strbuf_add(&b, a->extra_output);
		}
		if (a->suggested_output)
			suggested_output(c->options->catalogue, &b);
	}
	drop_container_info(c, item, &b);
	if (strbuf_check(&b) == 0)
		text = arena_dup(c->arena, strbuf_str(&b));
	strbuf_done(&b);
	if (!text.ptr)
		return -ENOMEM;
	rc = format_compile(c->rs->program, text, &rule->format, &diag);
	if (rc != 0)
		return failed(c, item, LOAD_ERR_COMPILE_OUTPUT, item->output_place,
			      /* any token that is no field counts as an unknown one */
			      rc == FILTER_E_INVALID ? FILTER_E_UNKNOWN_FIELD : rc, &diag);
	deprecated_output(c, item, text);
	return 0;
}

/* A field given by its text, to be read as it is. */
static int raw_slot(struct compiling *c, struct str key, uint32_t *ret_slot, struct diag *diag)
{
	struct field_ref ref;
	struct expr *e = NULL;
	size_t n = parse_output_expr(key, c->arena, &e);
	int rc;

	if (n != key.len || !e || e->kind != EXPR_FIELD) {
		diag_set(diag, "`%.*s` is no field", STR_ARG(key));
		return FILTER_E_UNKNOWN_FIELD;
	}
	rc = catalogue_bind(c->options->catalogue, e->text, e->has_arg, e->arg, c->arena, &ref,
			    diag);
	if (rc != 0)
		return rc;
	return program_output_slot(c->rs->program, ref, ret_slot);
}

static int compile_extras(struct compiling *c, const struct rule_item *item, struct rule *rule)
{
	struct extra_field *extras;
	struct diag diag = { 0 };
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < c->options->nappend; i++)
		if (append_matches(&c->options->append[i], item))
			n += c->options->append[i].nfields;
	if (!n)
		return 0;
	extras = arena_array(c->arena, n, sizeof(*extras));
	if (!extras)
		return -ENOMEM;
	rule->extras = extras;
	for (size_t i = 0; rc == 0 && i < c->options->nappend; i++) {
		const struct append_output *a = &c->options->append[i];

		for (size_t k = 0; rc == 0 && append_matches(a, item) && k < a->nfields; k++) {
			struct extra_field *x = &extras[rule->nextras];

			x->key = arena_dup(c->arena, a->fields[k].key);
			if (!x->key.ptr)
				return -ENOMEM;
			if (a->fields[k].format.ptr)
				rc = format_compile(c->rs->program, a->fields[k].format, &x->format,
						    &diag);
			else
				rc = raw_slot(c, x->key, &x->slot, &diag);
			rule->nextras += rc == 0;
		}
	}
	if (rc != 0)
		return failed(c, item, LOAD_ERR_COMPILE_OUTPUT, item->output_place, rc, &diag);
	return 0;
}

static const struct place *condition_place(struct compiling *c, const struct rule_item *item,
					   struct str text, size_t at)
{
	return place_text(c->result->arena, item->cond_place, item->cond_place, text, at, false);
}

struct nearest {
	size_t offset, best;
};

static void on_check(const struct ast *node, void *ctx)
{
	struct nearest *n = ctx;

	if (node->kind == AST_CHECK && node->pos <= n->offset && node->pos >= n->best)
		n->best = node->pos;
}

static void on_nothing(const struct expr *e, bool right_side, void *ctx)
{
}

/* An unknown event type is reported where its check begins, as the reference does. */
static size_t fault_offset(const struct ast *tree, int outcome, const struct diag *diag)
{
	struct nearest n = { .offset = diag->offset };

	if (outcome != FILTER_E_UNKNOWN_EVENT)
		return diag->offset;
	ast_walk(tree, on_check, on_nothing, &n);
	return n.best;
}

static int parse_rule(struct compiling *c, const struct rule_item *item, struct compiled_rule *out,
		      struct str text, struct ast **ret_tree)
{
	struct diag diag = { 0 };
	int rc = parse_condition(text, LIMIT_RULE_CONDITION_DEPTH, c->arena, ret_tree, &diag);

	if (rc == -EINVAL)
		return result_add(c->result, LOAD_ERR_COMPILE_CONDITION,
				  condition_place(c, item, text, diag.offset), "%s", diag.text);
	if (rc < 0)
		return rc;
	return expand_macros(&c->out->expander, *ret_tree, text, item->place, item->cond_place,
			     &out->macros);
}

static int compile_condition(struct compiling *c, const struct rule_item *item,
			     struct compiled_rule *out, struct str text)
{
	struct filter_warnings warnings = { 0 };
	struct diag diag = { 0 };
	struct rule *rule = out->rule;
	struct strbuf b = { 0 };
	struct ast *tree;
	int rc = parse_rule(c, item, out, text, &tree);

	if (rc < 0)
		return rc;
	out->tree = tree;
	warn_condition(tree, item->cond_place, text, c->result);
	rc = filter_compile(c->rs->program, tree, &rule->cond, &warnings, &diag);
	if (rc != 0)
		return failed(c, item, LOAD_ERR_COMPILE_CONDITION,
			      condition_place(c, item, text, fault_offset(tree, rc, &diag)), rc,
			      &diag);
	rc = hostnames_add(c->rs, tree);
	if (rc < 0)
		return rc;
	for (uint32_t i = 0; i < warnings.n && i < ARRAY_SIZE(warnings.last); i++)
		result_add(c->result, LOAD_COMPILE_CONDITION,
			   condition_place(c, item, text, warnings.last[i].offset), "%s",
			   warnings.last[i].text);
	rc = filter_events(c->options->catalogue, tree, &rule->events, &diag);
	if (rc == 0)
		rc = event_syscalls(c->options->catalogue, tree, &rule->syscalls, &diag);
	if (rc != 0)
		return failed(c, item, LOAD_ERR_COMPILE_CONDITION,
			      condition_place(c, item, text, fault_offset(tree, rc, &diag)), rc,
			      &diag);
	if (item->warn_evttypes && bitset_count(&rule->events) > BROAD_CONDITION)
		result_add(c->result, LOAD_NO_EVTTYPE, item->place,
			   "the condition matches nearly all event types, which costs speed; add a "
			   "check of evt.type");
	bitset_add(&rule->events, EV_ASYNCEVENT_E);
	ast_print(tree, &b);
	rule->condition_compiled = arena_dup(c->arena, strbuf_str(&b));
	rc = strbuf_check(&b) < 0 || !rule->condition_compiled.ptr ? -ENOMEM : 0;
	strbuf_done(&b);
	return rc;
}

static int condition_text(struct compiling *c, const struct rule_item *item, struct texts *lists,
			  struct str *ret)
{
	struct strbuf b = { 0 };
	int rc = exceptions_condition(c->result, item, &b);

	if (rc == 0)
		rc = expand_lists(&c->out->expander, strbuf_str(&b), ret, lists);
	if (rc == -E2BIG)
		rc = result_add(c->result, LOAD_ERR_COMPILE_CONDITION, item->cond_place,
				"with its lists the condition is longer than %d bytes",
				LIMIT_CONDITION_BYTES);
	strbuf_done(&b);
	return rc;
}

static int copy_item(struct compiling *c, const struct rule_item *item, struct rule *rule)
{
	const struct {
		struct str from, *to;
	} texts[] = {
		{ item->name, &rule->name },	   { item->desc.s, &rule->desc },
		{ item->source, &rule->source },   { item->cond.s, &rule->condition },
		{ item->output.s, &rule->output },
	};
	struct texts tags = { .items = arena_copy(c->arena, item->tags.items, item->tags.n,
						  sizeof(struct str)),
			      .n = item->tags.n };

	rule->matches = arena_alloc(c->arena, sizeof(*rule->matches));
	rule->nanos = arena_alloc(c->arena, sizeof(*rule->nanos));
	if (!tags.items || !rule->matches || !rule->nanos)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		*texts[i].to = arena_dup(c->arena, texts[i].from);
		if (!texts[i].to->ptr)
			return -ENOMEM;
	}
	texts_sort(&tags); /* appended ones came in any order, and again */
	for (size_t i = 0; i < tags.n; i++) {
		tags.items[i] = arena_dup(c->arena, tags.items[i]);
		if (!tags.items[i].ptr)
			return -ENOMEM;
	}
	rule->tags = tags.items;
	rule->ntags = tags.n;
	rule->priority = item->priority;
	rule->enabled = item->enabled && item->priority <= c->options->min_priority;
	return 0;
}

static int compile_rule(struct compiling *c, const struct rule_item *item,
			struct compiled_rule *out)
{
	struct rule *rule = arena_new(c->arena, struct rule);
	struct str text;
	int rc;

	if (!rule)
		return -ENOMEM;
	*out = (struct compiled_rule){ .rule = rule, .item = item };
	rc = copy_item(c, item, rule);
	if (rc == 0)
		rc = condition_text(c, item, &out->lists, &text);
	if (rc == 0)
		rc = compile_output(c, item, rule);
	if (rc == 0)
		rc = compile_extras(c, item, rule);
	if (rc == 0)
		rc = compile_condition(c, item, out, text);
	return rc;
}

static void warn_unused(struct collection *items, struct result *result)
{
	vec_foreach (m, &items->macros)
		if (!(*m)->used)
			result_add(result, LOAD_UNUSED_MACRO, (*m)->place,
				   "macro %.*s is never used", STR_ARG((*m)->name));
	vec_foreach (l, &items->lists)
		if (!(*l)->used)
			result_add(result, LOAD_UNUSED_LIST, (*l)->place, "list %.*s is never used",
				   STR_ARG((*l)->name));
}

static int compile_all(struct compiling *c, struct collection *items)
{
	struct compiled *out = c->out;
	int rc = expander_init(&out->expander, items, c->arena, c->result);

	for (size_t i = 0; rc == 0 && i < items->rules.n; i++) {
		struct compiled_rule *slot = &out->rules[c->rs->nrules];

		if (items->rules.items[i]->unknown_source)
			continue;
		rc = compile_rule(c, items->rules.items[i], slot);
		if (rc == 0) {
			slot->rule->index = (uint32_t)c->rs->nrules;
			c->rs->rules[c->rs->nrules++] = slot->rule;
		} else if (rc == SKIPPED) {
			rc = 0;
		}
	}
	out->nlists = items->lists.n;
	out->nmacros = items->macros.n;
	if (rc == 0)
		warn_unused(items, c->result);
	return rc;
}

int compile_rules(const struct load_options *options, struct collection *items,
		  struct result *result, struct compiled *ret)
{
	struct compiled out = { .ruleset = ruleset_new(options->catalogue, items->rules.n) };
	struct compiling c = {
		.options = options, .result = result, .out = &out, .rs = out.ruleset
	};
	int rc = -ENOMEM;

	if (out.ruleset) {
		c.arena = &out.ruleset->arena;
		if (options->base64)
			program_base64(out.ruleset->program);
		out.rules = arena_array(c.arena, items->rules.n + 1, sizeof(*out.rules));
		if (out.rules)
			rc = compile_all(&c, items);
	}
	if (rc < 0) {
		compiled_done(&out);
		return rc;
	}
	*ret = out;
	return 0;
}

void compiled_done(struct compiled *c)
{
	expander_done(&c->expander);
	c->ruleset = ruleset_unref(c->ruleset);
}
