/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `- rule:` items (rules-language.md 1.7): a full definition, an `override`, the old `append: true`, or the
 * older stand-alone `enabled`. Whatever an item may replace is read into a rule of its own first, so
 * that a faulty item leaves the collected rule as it was.
 */
#include <errno.h>

#include "base/cleanup.h"
#include "base/suggest.h"
#include "rule/exceptions.h"
#include "rule/override.h"

enum key {
	K_DESC,
	K_CONDITION,
	K_OUTPUT,
	K_TAGS,
	K_EXCEPTIONS,
	K_PRIORITY,
	K_ENABLED,
	K_CAPTURE,
	K_CAPTURE_DURATION,
	K_WARN_EVTTYPES,
	K_SKIP,
	K_KEYS
};

static const struct override_key keys[K_KEYS] = {
	[K_DESC] = { "desc", true, true },
	[K_CONDITION] = { "condition", true, true },
	[K_OUTPUT] = { "output", true, true },
	[K_TAGS] = { "tags", true, true },
	[K_EXCEPTIONS] = { "exceptions", true, true },
	[K_PRIORITY] = { "priority", false, true },
	[K_ENABLED] = { "enabled", false, true },
	[K_CAPTURE] = { "capture", false, true },
	[K_CAPTURE_DURATION] = { "capture_duration", false, true },
	[K_WARN_EVTTYPES] = { "warn_evttypes", false, true },
	[K_SKIP] = { "skip-if-unknown-filter", false, true },
};

static const char *const known[] = {
	"rule",
	"desc",
	"condition",
	"output",
	"priority",
	"source",
	"enabled",
	"capture",
	"capture_duration",
	"warn_evttypes",
	"skip-if-unknown-filter",
	"tags",
	"exceptions",
	"append",
	"override",
	NULL,
};

static bool source_known(struct str source)
{
	return str_eqz(source, "syscall");
}

static int read_tags(struct reading *r, const struct ynode *item, const struct place *place,
		     struct texts *ret)
{
	const struct ynode *n = ynode_get(item, "tags");

	return n ? read_texts(r, n, "tags", place, ret) : 0;
}

static int read_priority(struct reading *r, const struct ynode *item, struct rule_item *rule)
{
	struct str text;
	int rc = read_text(r, item, "priority", rule->place, true, &text);

	if (rc < 0)
		return rc;
	if (priority_parse(text, &rule->priority) == 0)
		return 0;
	const struct place *place = place_node(r, rule->place, "rule priority", (struct str){ 0 },
					       ynode_get(item, "priority"));
	struct suggest near = suggest_for(text);

	for (unsigned i = 0; i <= PRIORITY_DEBUG; i++)
		suggest_offer(&near, str_of(priority_name((enum priority)i)));
	if (near.best.ptr)
		return result_add(r->result, LOAD_ERR_YAML_VALIDATE, place,
				  "`%.*s` is no priority; did you mean `%.*s`?", STR_ARG(text),
				  STR_ARG(near.best));
	return result_add(r->result, LOAD_ERR_YAML_VALIDATE, place,
			  "`%.*s` is no priority; emergency, alert, critical, error, warning, "
			  "notice, informational or debug was expected",
			  STR_ARG(text));
}

static int read_duration(struct reading *r, const struct ynode *item, struct rule_item *rule)
{
	const struct ynode *n = ynode_get(item, "capture_duration");

	if (!n || ynode_u32(n, &rule->capture_ms) == 0)
		return 0;
	if (n->kind == YN_NULL)
		return result_add(r->result, LOAD_ERR_YAML_VALIDATE, rule->place,
				  "the key `capture_duration` has no value");
	return result_add(r->result, LOAD_ERR_YAML_VALIDATE,
			  place_node(r, rule->place, "value for", STR("capture_duration"), n),
			  "`capture_duration` must be a number of milliseconds");
}

static int read_output(struct reading *r, const struct ynode *item, struct rule_item *rule)
{
	int rc = read_text(r, item, "output", rule->place, true, &rule->output.s);

	if (rc < 0)
		return rc;
	rule->output.s = str_trim(rule->output.s);
	rule->output_place = place_node(r, rule->place, "rule output", (struct str){ 0 },
					ynode_get(item, "output"));
	return 0;
}

static int read_condition(struct reading *r, const struct ynode *item, struct rule_item *rule)
{
	int rc = read_text(r, item, "condition", rule->place, true, &rule->cond.s);

	if (rc == 0)
		rule->cond_place = place_node(r, rule->place, "rule condition", (struct str){ 0 },
					      ynode_get(item, "condition"));
	return rc;
}

/* Reads one key of the table into the rule. */
static int read_key(struct reading *r, const struct ynode *item, enum key key, bool full,
		    struct rule_item *rule)
{
	switch (key) {
	case K_DESC: return read_text(r, item, "desc", rule->place, true, &rule->desc.s);
	case K_CONDITION: return read_condition(r, item, rule);
	case K_OUTPUT: return read_output(r, item, rule);
	case K_TAGS: return read_tags(r, item, rule->place, &rule->tags);
	case K_EXCEPTIONS: return exceptions_read(r, item, rule->place, full, &rule->exceptions);
	case K_PRIORITY: return read_priority(r, item, rule);
	case K_ENABLED: return read_bool(r, item, "enabled", rule->place, &rule->enabled);
	case K_CAPTURE: return read_bool(r, item, "capture", rule->place, &rule->capture);
	case K_CAPTURE_DURATION: return read_duration(r, item, rule);
	case K_WARN_EVTTYPES:
		return read_bool(r, item, "warn_evttypes", rule->place, &rule->warn_evttypes);
	case K_SKIP:
		return read_bool(r, item, "skip-if-unknown-filter", rule->place,
				 &rule->skip_unknown);
	default: return 0;
	}
}

static int check_source(struct reading *r, const struct ynode *item, const struct rule_item *rule,
			const struct rule_item *old)
{
	const struct ynode *source = ynode_get(item, "source");

	if (!ynode_is(source, YN_SCALAR) || !source->text.len || str_eq(source->text, old->source))
		return 0;
	return result_add(r->result, LOAD_ERR_VALIDATE, rule->place,
			  "the rule exists with source %.*s; it cannot change to %.*s",
			  STR_ARG(old->source), STR_ARG(source->text));
}

/* The rule an item changes; NULL with the fault in the result. */
static struct rule_item *changed_rule(struct reading *r, const struct ynode *item,
				      const struct rule_item *rule, const char *what)
{
	struct rule_item *old = strmap_find(&r->items->rule_names, rule->name);

	if (!old) {
		result_add(r->result, LOAD_ERR_VALIDATE, rule->place,
			   "there is no rule %.*s yet to %s", STR_ARG(rule->name), what);
		return NULL;
	}
	return check_source(r, item, rule, old) < 0 ? NULL : old;
}

static int append_key(struct reading *r, enum key key, struct rule_item *rule,
		      struct rule_item *old)
{
	int rc = 0;

	switch (key) {
	case K_DESC: return text_append(r->arena, &old->desc, rule->desc.s);
	case K_CONDITION: return text_append(r->arena, &old->cond, rule->cond.s);
	case K_OUTPUT: return text_append(r->arena, &old->output, rule->output.s);
	case K_EXCEPTIONS: return exceptions_append(r, old, rule->exceptions, rule->place);
	case K_TAGS:
		for (size_t i = 0; rc == 0 && i < rule->tags.n; i++)
			rc = texts_push(r->arena, &old->tags, rule->tags.items[i]);
		return rc;
	default: return 0;
	}
}

static void replace_key(enum key key, const struct rule_item *rule, struct rule_item *old)
{
	switch (key) {
	case K_DESC: old->desc = rule->desc; break;
	case K_CONDITION: old->cond = rule->cond; break;
	case K_OUTPUT: old->output = rule->output; break;
	case K_TAGS: old->tags = rule->tags; break;
	case K_EXCEPTIONS: old->exceptions = rule->exceptions; break;
	case K_PRIORITY: old->priority = rule->priority; break;
	case K_ENABLED: old->enabled = rule->enabled; break;
	case K_CAPTURE: old->capture = rule->capture; break;
	case K_CAPTURE_DURATION: old->capture_ms = rule->capture_ms; break;
	case K_WARN_EVTTYPES: old->warn_evttypes = rule->warn_evttypes; break;
	case K_SKIP: old->skip_unknown = rule->skip_unknown; break;
	default: break;
	}
}

static int override_rule(struct reading *r, const struct ynode *item, struct rule_item *rule,
			 const struct overrides *o)
{
	struct rule_item *old;
	bool appends = false;
	int rc = 0;

	for (enum key k = 0; rc == 0 && k < K_KEYS; k++)
		if (o->ops[k] != OVERRIDE_NONE)
			rc = read_key(r, item, k, o->ops[k] == OVERRIDE_REPLACE, rule);
	for (enum key k = 0; k < K_KEYS; k++)
		appends |= o->ops[k] == OVERRIDE_APPEND;
	if (rc < 0)
		return rc;
	old = changed_rule(r, item, rule, appends ? "append to" : "replace parts of");
	if (!old)
		return -EINVAL;
	for (enum key k = 0; rc == 0 && k < K_KEYS; k++)
		if (o->ops[k] == OVERRIDE_APPEND)
			rc = append_key(r, k, rule, old);
	if (rc == 0 && o->ops[K_EXCEPTIONS] == OVERRIDE_REPLACE)
		rc = exceptions_check(r, rule->exceptions, rule->place, !old->unknown_source);
	for (enum key k = 0; rc == 0 && k < K_KEYS; k++)
		if (o->ops[k] == OVERRIDE_REPLACE)
			replace_key(k, rule, old);
	return rc;
}

static int append_rule(struct reading *r, const struct ynode *item, struct rule_item *rule)
{
	bool condition = ynode_get(item, "condition"), exceptions = ynode_get(item, "exceptions");
	struct rule_item *old;
	int rc = 0;

	if (condition)
		rc = read_key(r, item, K_CONDITION, false, rule);
	if (rc == 0 && exceptions)
		rc = read_key(r, item, K_EXCEPTIONS, false, rule);
	if (rc < 0)
		return rc;
	old = changed_rule(r, item, rule, "append to");
	if (!old)
		return -EINVAL;
	if (!condition && !exceptions)
		return result_add(r->result, LOAD_ERR_VALIDATE, rule->place,
				  "an appended rule needs `condition` or `exceptions`");
	if (condition)
		rc = append_key(r, K_CONDITION, rule, old);
	if (rc == 0 && exceptions)
		rc = append_key(r, K_EXCEPTIONS, rule, old);
	return rc;
}

static int switch_rule(struct reading *r, const struct ynode *item, struct rule_item *rule)
{
	struct rule_item *old;
	int rc;

	if (!ynode_get(item, "enabled"))
		return result_add(r->result, LOAD_ERR_YAML_VALIDATE, rule->place,
				  "the rule has no condition, output, desc and priority, and no "
				  "`enabled` or `override` either");
	rc = read_key(r, item, K_ENABLED, false, rule);
	if (rc < 0)
		return rc;
	result_add(
		r->result, LOAD_DEPRECATED_ITEM, rule->place,
		"`enabled` on its own is deprecated; write `override: {enabled: replace}` beside it");
	old = changed_rule(r, item, rule, "switch");
	if (!old)
		return -EINVAL;
	old->enabled = rule->enabled;
	return 0;
}

static int define_rule(struct reading *r, const struct ynode *item, struct rule_item *rule)
{
	static const enum key order[] = { K_CONDITION, K_OUTPUT, K_DESC, K_PRIORITY };
	static const enum key optional[] = { K_ENABLED,	      K_CAPTURE, K_CAPTURE_DURATION,
					     K_WARN_EVTTYPES, K_SKIP,	 K_TAGS,
					     K_EXCEPTIONS };
	const struct rule_item *old = strmap_find(&r->items->rule_names, rule->name);
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(order); i++)
		rc = read_key(r, item, order[i], true, rule);
	if (rc == 0)
		rc = read_text(r, item, "source", rule->place, false, &rule->source);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(optional); i++)
		rc = read_key(r, item, optional[i], true, rule);
	if (rc == 0 && old)
		rc = check_source(r, item, rule, old);
	if (rc < 0)
		return rc;
	if (!rule->source.len)
		rule->source = old ? old->source : STR("syscall");
	rule->unknown_source = !source_known(rule->source);
	rc = exceptions_check(r, rule->exceptions, rule->place, !rule->unknown_source);
	if (rc < 0)
		return rc;
	if (rule->unknown_source)
		result_add(r->result, LOAD_UNKNOWN_SOURCE, rule->place,
			   "no events of source %.*s are known here; the rule is left out",
			   STR_ARG(rule->source));
	return collect_rule(r, rule);
}

int read_rule(struct reading *r, const struct ynode *item)
{
	struct rule_item *rule = arena_new(r->arena, struct rule_item);
	struct overrides o;
	bool append = false;
	int rc = rule ? read_name(r, item, "rule", &rule->name, &rule->place) : -ENOMEM;

	if (rc < 0)
		return rc;
	rule->enabled = rule->warn_evttypes = true;
	rc = read_append(r, item, rule->place, &append);
	if (rc < 0)
		return rc;
	if (append && ynode_is(ynode_get(item, "override"), YN_MAP))
		return result_add(r->result, LOAD_ERR_YAML_VALIDATE, rule->place,
				  "`append` and `override` exclude each other");
	rc = overrides_read(r, item, rule->place, keys, K_KEYS, &o);
	if (rc < 0)
		return rc;
	if (append)
		rc = append_rule(r, item, rule);
	else if (o.any)
		rc = override_rule(r, item, rule, &o);
	else if (!ynode_get(item, "condition") && !ynode_get(item, "output") &&
		 !ynode_get(item, "desc") && !ynode_get(item, "priority"))
		rc = switch_rule(r, item, rule);
	else
		rc = define_rule(r, item, rule);
	return rc < 0 ? rc : read_unknown_keys(r, item, known, rule->place);
}
