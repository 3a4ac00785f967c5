/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema as tables of keys and types: what the reference's JSON schema says, with its weak typing (any
 * scalar passes for a text, words for booleans do not). The first thing that does not fit is told.
 */
#include "rule/schema.h"

#include <stdio.h>

#include "base/cleanup.h"

enum type {
	T_TEXT, /* any scalar */
	T_BOOL,
	T_INT,
	T_PRIORITY,
	T_OPERATION, /* append or replace */
	T_TEXTS,
	T_ANY,
	T_OBJECT,
	T_OBJECTS, /* a sequence of them */
};

struct object;

struct property {
	const char *key;
	enum type type;
	const struct object *object;
};

struct object {
	const struct property *properties;
	const char *required[3];
	bool not_empty;
};

static const struct object alternative = {
	.properties =
		(const struct property[]){ { "name", T_TEXT }, { "version", T_TEXT }, { NULL } },
	.required = { "name", "version" },
};
static const struct object plugin = {
	.properties = (const struct property[]){ { "name", T_TEXT },
						 { "version", T_TEXT },
						 { "alternatives", T_OBJECTS, &alternative },
						 { NULL } },
	.required = { "name", "version" },
};
static const struct object exception = {
	.properties = (const struct property[]){ { "name", T_TEXT },
						 { "fields", T_ANY },
						 { "comps", T_ANY },
						 { "values", T_ANY },
						 { NULL } },
	.required = { "name" },
};
static const struct object override = {
	.properties = (const struct property[]){ { "items", T_OPERATION },
						 { "desc", T_OPERATION },
						 { "condition", T_OPERATION },
						 { "output", T_OPERATION },
						 { "priority", T_OPERATION },
						 { "enabled", T_OPERATION },
						 { "exceptions", T_OPERATION },
						 { "capture", T_OPERATION },
						 { "capture_duration", T_OPERATION },
						 { "tags", T_OPERATION },
						 { "warn_evttypes", T_OPERATION },
						 { "skip-if-unknown-filter", T_OPERATION },
						 { NULL } },
	.not_empty = true,
};
static const struct object item = {
	.properties = (const struct property[]){ { "required_engine_version", T_TEXT },
						 { "required_plugin_versions", T_OBJECTS, &plugin },
						 { "macro", T_TEXT },
						 { "condition", T_TEXT },
						 { "list", T_TEXT },
						 { "items", T_TEXTS },
						 { "rule", T_TEXT },
						 { "desc", T_TEXT },
						 { "output", T_TEXT },
						 { "source", T_TEXT },
						 { "priority", T_PRIORITY },
						 { "enabled", T_BOOL },
						 { "append", T_BOOL },
						 { "capture", T_BOOL },
						 { "capture_duration", T_INT },
						 { "warn_evttypes", T_BOOL },
						 { "skip-if-unknown-filter", T_BOOL },
						 { "tags", T_TEXTS },
						 { "exceptions", T_OBJECTS, &exception },
						 { "override", T_OBJECT, &override },
						 { NULL } },
};

static const char *const booleans[] = { "true", "false", NULL };
static const char *const operations[] = { "append", "replace", NULL };
static const char *const priorities[] = { "EMERGENCY", "ALERT", "CRITICAL",	 "ERROR", "WARNING",
					  "NOTICE",    "INFO",	"INFORMATIONAL", "DEBUG", NULL };

struct checking {
	struct arena *arena;
	struct str text;
};

static bool wrong(struct checking *c, const struct ynode *n, const char *key, const char *expected)
{
	c->text = arena_printf(c->arena, "line %u, column %u: `%s` %s", n->line + 1, n->column + 1,
			       key, expected);
	return false;
}

static bool one_of(struct str s, const char *const *words)
{
	for (; *words; words++)
		if (str_eqz(s, *words))
			return true;
	return false;
}

static bool check_object(struct checking *c, const struct ynode *n, const struct object *o,
			 const char *name);

static bool check_texts(struct checking *c, const struct ynode *n, const char *key)
{
	if (n->kind != YN_SEQ)
		return wrong(c, n, key, "should be a sequence of texts");
	for (uint32_t i = 0; i < n->nkids; i++)
		if (n->kids[i]->kind != YN_SCALAR)
			return wrong(c, n->kids[i], key, "should hold texts only");
	return true;
}

static bool check_objects(struct checking *c, const struct ynode *n, const struct property *p)
{
	if (n->kind != YN_SEQ)
		return wrong(c, n, p->key, "should be a sequence of maps");
	for (uint32_t i = 0; i < n->nkids; i++)
		if (!check_object(c, n->kids[i], p->object, p->key))
			return false;
	return true;
}

static bool check_value(struct checking *c, const struct ynode *n, const struct property *p)
{
	uint32_t number;

	switch (p->type) {
	case T_TEXT: return n->kind == YN_SCALAR || wrong(c, n, p->key, "should be a text");
	case T_BOOL:
		return (n->kind == YN_SCALAR && one_of(n->text, booleans)) ||
		       wrong(c, n, p->key, "should be true or false");
	case T_INT: return ynode_u32(n, &number) == 0 || wrong(c, n, p->key, "should be a number");
	case T_PRIORITY:
		return (n->kind == YN_SCALAR && one_of(n->text, priorities)) ||
		       wrong(c, n, p->key, "should be a priority in capital letters");
	case T_OPERATION:
		return (n->kind == YN_SCALAR && one_of(n->text, operations)) ||
		       wrong(c, n, p->key, "should be append or replace");
	case T_TEXTS: return check_texts(c, n, p->key);
	case T_OBJECT: return check_object(c, n, p->object, p->key);
	case T_OBJECTS: return check_objects(c, n, p);
	default: return true;
	}
}

static bool check_property(struct checking *c, const struct ynode *key, const struct ynode *value,
			   const struct object *o)
{
	for (const struct property *p = o->properties; p->key; p++)
		if (key->kind == YN_SCALAR && str_eqz(key->text, p->key))
			return check_value(c, value, p);
	return wrong(c, key, "key", "is not one of those expected here");
}

/* Objects nest as deep as the tables above do: three levels. */
static bool check_object(struct checking *c, const struct ynode *n, const struct object *o,
			 const char *name)
{
	uint64_t seen = 0;

	if (n->kind != YN_MAP)
		return wrong(c, n, name, "should be a map");
	for (uint32_t i = 0; i + 1 < n->nkids; i += 2) {
		if (!check_property(c, n->kids[i], n->kids[i + 1], o))
			return false;
		for (unsigned k = 0; o->properties[k].key; k++) {
			if (!str_eqz(n->kids[i]->text, o->properties[k].key))
				continue;
			if (seen & UINT64_C(1) << k)
				return wrong(c, n->kids[i], o->properties[k].key, "is given twice");
			seen |= UINT64_C(1) << k;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(o->required) && o->required[i]; i++)
		if (!ynode_get(n, o->required[i]))
			return wrong(c, n, o->required[i], "is missing");
	return !o->not_empty || n->nkids || wrong(c, n, name, "should not be empty");
}

enum schema_state schema_check(const struct ydocs *docs, struct arena *a, struct str *ret_text)
{
	struct checking c = { .arena = a };
	enum schema_state state = SCHEMA_NONE;

	for (size_t d = 0; d < docs->n; d++) {
		const struct ynode *doc = docs->items[d];
		bool ok = doc->kind == YN_SEQ;

		if (doc->kind == YN_NULL)
			continue;
		if (!ok)
			wrong(&c, doc, "document", "should be a sequence of items");
		for (uint32_t i = 0; ok && i < doc->nkids; i++)
			ok = check_object(&c, doc->kids[i], &item, "item");
		if (!ok) {
			*ret_text = c.text;
			return SCHEMA_FAILED;
		}
		state = SCHEMA_OK;
	}
	return state;
}

static void write_object(const struct object *o, struct json *j);

static void write_words(const char *const *words, struct json *j)
{
	json_key(j, STR("enum"));
	json_open(j, '[');
	for (; *words; words++)
		json_text(j, str_of(*words));
	json_close(j, ']');
}

static void write_array(const char *items, const struct object *o, struct json *j)
{
	json_key_text(j, "type", STR("array"));
	json_key(j, STR("items"));
	if (o)
		write_object(o, j);
	else
		json_raw(j, str_of(items));
}

static void write_value(const struct property *p, struct json *j)
{
	static const char scalar[] = "{\"type\":[\"string\",\"number\",\"boolean\"]}";

	switch (p->type) {
	case T_TEXT: json_raw(j, str_of(scalar)); return;
	case T_OBJECT: write_object(p->object, j); return;
	default: break;
	}
	json_open(j, '{');
	switch (p->type) {
	case T_BOOL: json_key_text(j, "type", STR("boolean")); break;
	case T_INT: json_key_text(j, "type", STR("integer")); break;
	case T_PRIORITY: write_words(priorities, j); break;
	case T_OPERATION: write_words(operations, j); break;
	case T_TEXTS: write_array(scalar, NULL, j); break;
	case T_OBJECTS: write_array(NULL, p->object, j); break;
	default: break;
	}
	json_close(j, '}');
}

static void write_object(const struct object *o, struct json *j)
{
	json_open(j, '{');
	json_key_text(j, "type", STR("object"));
	json_key(j, STR("additionalProperties"));
	json_bool(j, false);
	if (o->not_empty) {
		json_key(j, STR("minProperties"));
		json_i64(j, 1);
	}
	if (o->required[0]) {
		json_key(j, STR("required"));
		json_open(j, '[');
		for (size_t i = 0; i < ARRAY_SIZE(o->required) && o->required[i]; i++)
			json_text(j, str_of(o->required[i]));
		json_close(j, ']');
	}
	json_key(j, STR("properties"));
	json_open(j, '{');
	for (const struct property *p = o->properties; p->key; p++) {
		json_key(j, str_of(p->key));
		write_value(p, j);
	}
	json_close(j, '}');
	json_close(j, '}');
}

void schema_write(struct strbuf *out)
{
	struct json j = json_to(out);

	json_open(&j, '{');
	json_key_text(&j, "$schema", STR("http://json-schema.org/draft-06/schema#"));
	json_key_text(&j, "title", STR("Rules of Tiercel"));
	write_array(NULL, &item, &j);
	json_close(&j, '}');
	strbuf_addc(out, '\n');
}
