/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all alerts of one rule have in common, made at the first one: its fields in the order in which JSON
 * shows them, each key once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alert/builder.h"

enum { PLANS_AT_FIRST = 64 };

static int grow(struct alert_builder *b, size_t index)
{
	size_t n = b->nplans ? b->nplans : PLANS_AT_FIRST;

	while (n <= index)
		n *= 2;
	struct plan **grown = arena_array(&b->arena, n, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	if (b->nplans)
		memcpy(grown, b->plans, b->nplans * sizeof(*grown));
	b->plans = grown;
	b->nplans = n;
	return 0;
}

int alert_builder_rules(struct alert_builder *b, const struct program *p, size_t nrules)
{
	arena_rewind(&b->arena, (struct arena_mark){ 0 });
	b->program = p;
	b->plans = NULL;
	b->nplans = 0;
	return nrules ? grow(b, nrules - 1) : 0;
}

struct str alert_builder_message(const struct alert_builder *b)
{
	return strbuf_str(&b->message);
}

void alert_builder_settings(struct alert_builder *b, const struct alert_settings *settings)
{
	b->settings = *settings;
	(void)alert_builder_rules(b, b->program, 0);
}

static int by_key(const void *a, const void *b)
{
	return str_cmp(((const struct plan_field *)a)->key, ((const struct plan_field *)b)->key);
}

/* Sorted, and of equal keys the one that was added last: extra fields replace those of the output. */
static size_t sort_fields(struct plan_field *f, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		size_t k = 0;
		while (k < kept && !str_eq(f[k].key, f[i].key))
			k++;
		f[k] = f[i];
		kept += k == kept;
	}
	qsort(f, kept, sizeof(*f), by_key);
	return kept;
}

/* Fields that print the event's time in some form are all the same integer in JSON. */
static bool is_time(const struct field_ref *ref)
{
	struct str name = str_of(ref->def->name);

	return ref->type == VT_STRING &&
	       (str_starts(name, STR("evt.time")) || str_starts(name, STR("evt.datetime")) ||
		str_eqz(name, "evt.outputtime"));
}

static struct plan_field slot_field(const struct alert_builder *b, struct str key, uint32_t slot)
{
	const struct field_ref *ref = program_slot_ref(b->program, slot);

	return (struct plan_field){ .key = key, .slot = slot, .ref = ref, .time = is_time(ref) };
}

static size_t collect(const struct alert_builder *b, const struct rule *rule, struct plan_field *to)
{
	size_t mentioned, n = 0;
	const struct format_field *f = format_fields(rule->format, &mentioned);

	to[n++] = (struct plan_field){
		.key = b->settings.time_format_iso_8601 ? STR("evt.time.iso8601") : STR("evt.time"),
		.prefix = true,
		.time = true,
	};
	for (size_t i = 0; i < mentioned; i++)
		to[n++] = slot_field(b, f[i].key, f[i].slot);
	for (size_t i = 0; i < rule->nextras; i++) {
		const struct extra_field *x = &rule->extras[i];
		to[n++] = x->format ? (struct plan_field){ .key = x->key, .format = x->format }
				    : slot_field(b, x->key, x->slot);
	}
	return n;
}

/* What was written to scratch, without the braces around an object's members. */
static struct str keep_members(struct alert_builder *b)
{
	struct str s = strbuf_str(&b->scratch);

	return b->scratch.failed ? (struct str){ 0 }
				 : arena_dup(&b->arena, str_cut(str_skip(s, 1), s.len - 2));
}

static struct json begin_members(struct alert_builder *b)
{
	struct json j = json_to(&b->scratch);

	strbuf_clear(&b->scratch);
	json_open(&j, '{');
	return j;
}

static struct str head_json(struct alert_builder *b)
{
	struct json j = begin_members(b);

	json_key_text(&j, "hostname", str_of(b->settings.hostname));
	json_close(&j, '}');
	return keep_members(b);
}

static struct str tail_json(struct alert_builder *b, const struct rule *rule)
{
	struct json j = begin_members(b);

	json_key_text(&j, "priority", str_of(priority_name(rule->priority)));
	json_key_text(&j, "rule", rule->name);
	json_key_text(&j, "source", rule->source);
	if (b->settings.json_include_tags_property) {
		json_key(&j, STR("tags"));
		json_open(&j, '[');
		for (size_t i = 0; i < rule->ntags; i++)
			json_text(&j, rule->tags[i]);
		json_close(&j, ']');
	}
	json_close(&j, '}');
	return keep_members(b);
}

static int keys_json(struct alert_builder *b, struct plan *p)
{
	for (size_t i = 0; i < p->nfields; i++) {
		struct json j = json_to(&b->scratch);

		strbuf_clear(&b->scratch);
		json_key(&j, p->fields[i].key);
		if (b->scratch.failed)
			return -ENOMEM;
		p->fields[i].json_key = arena_dup(&b->arena, strbuf_str(&b->scratch));
		if (!p->fields[i].json_key.ptr)
			return -ENOMEM;
	}
	return 0;
}

static struct plan *make(struct alert_builder *b, const struct rule *rule)
{
	size_t mentioned;

	format_fields(rule->format, &mentioned);
	struct plan *p = arena_new(&b->arena, struct plan);
	struct plan_field *fields = arena_array(&b->arena, 1 + mentioned + rule->nextras,
						sizeof(*fields));
	if (!p || !fields)
		return NULL;
	p->fields = fields;
	p->nfields = sort_fields(fields, collect(b, rule, fields));
	p->head = head_json(b);
	p->tail = tail_json(b, rule);
	return p->head.ptr && p->tail.ptr && keys_json(b, p) == 0 ? p : NULL;
}

const struct plan *plan_of(struct alert_builder *b, const struct rule *rule,
			   const struct program *program)
{
	if (b->program != program && alert_builder_rules(b, program, 0) < 0)
		return NULL;
	if (rule->index >= b->nplans && grow(b, rule->index) < 0)
		return NULL;
	if (!b->plans[rule->index])
		b->plans[rule->index] = make(b, rule);
	return b->plans[rule->index];
}
