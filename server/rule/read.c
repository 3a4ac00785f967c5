/* SPDX-License-Identifier: Apache-2.0 */
/* The shape of a rules file: documents, items, their kinds, and typed values of keys. */
#include "rule/read.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/suggest.h"

const struct place *place_node(struct reading *r, const struct place *parent, const char *type,
			       struct str name, const struct ynode *n)
{
	return place_in(r->arena, parent, type, name, n->line, n->column, n->offset);
}

static const struct place *value_place(struct reading *r, const struct place *parent,
				       const char *key, const struct ynode *n)
{
	return place_node(r, parent, "value for", str_of(key), n);
}

/* A missing key is often there, but misspelt. */
static int missing(struct reading *r, const struct ynode *item, const char *key,
		   const struct place *place)
{
	struct suggest near = suggest_for(str_of(key));

	for (uint32_t i = 0; i + 1 < item->nkids; i += 2)
		if (item->kids[i]->kind == YN_SCALAR)
			suggest_offer(&near, item->kids[i]->text);
	if (near.best.ptr)
		return result_add(r->result, LOAD_ERR_YAML_VALIDATE, place,
				  "the key `%s` is missing; is `%.*s` meant for it?", key,
				  STR_ARG(near.best));
	return result_add(r->result, LOAD_ERR_YAML_VALIDATE, place, "the key `%s` is missing", key);
}

int read_text(struct reading *r, const struct ynode *item, const char *key,
	      const struct place *place, bool required, struct str *ret)
{
	const struct ynode *n = ynode_get(item, key);

	if (!n)
		return required ? missing(r, item, key, place) : 0;
	if (n->kind == YN_NULL)
		return result_add(r->result, LOAD_ERR_YAML_VALIDATE, place,
				  "the key `%s` has no value", key);
	if (n->kind != YN_SCALAR)
		return result_add(r->result, LOAD_ERR_YAML_VALIDATE, value_place(r, place, key, n),
				  "`%s` must be a text, not a %s", key,
				  n->kind == YN_MAP ? "map" : "sequence");
	if (!n->text.len)
		return result_add(r->result, LOAD_ERR_YAML_VALIDATE, value_place(r, place, key, n),
				  "`%s` must not be empty", key);
	*ret = n->text;
	return 0;
}

int read_bool(struct reading *r, const struct ynode *item, const char *key,
	      const struct place *place, bool *ret)
{
	const struct ynode *n = ynode_get(item, key);

	if (!n)
		return 0;
	if (n->kind == YN_NULL)
		return result_add(r->result, LOAD_ERR_YAML_VALIDATE, place,
				  "the key `%s` has no value", key);
	if (ynode_bool(n, ret) < 0)
		return result_add(r->result, LOAD_ERR_YAML_VALIDATE, value_place(r, place, key, n),
				  "`%s` must be true or false", key);
	return 0;
}

int read_texts(struct reading *r, const struct ynode *seq, const char *key,
	       const struct place *place, struct texts *ret)
{
	const struct place *at = value_place(r, place, key, seq);
	struct texts texts = { 0 };

	if (seq->kind != YN_SEQ)
		return result_add(r->result, LOAD_ERR_YAML_VALIDATE, at,
				  "`%s` must be a sequence, as in [a, b]", key);
	for (uint32_t i = 0; i < seq->nkids; i++) {
		const struct ynode *n = seq->kids[i];

		if (n->kind != YN_SCALAR) {
			return result_add(r->result, LOAD_ERR_YAML_VALIDATE,
					  place_node(r, at, "list item", (struct str){ 0 }, n),
					  "every element of `%s` must be a text", key);
		}
		if (texts_push(r->arena, &texts, n->text) < 0)
			return -ENOMEM;
	}
	*ret = texts;
	return 0;
}

int read_name(struct reading *r, const struct ynode *item, const char *kind, struct str *ret_name,
	      const struct place **ret_place)
{
	const struct place *nameless = place_node(r, r->file, kind, (struct str){ 0 }, item);
	int rc = read_text(r, item, kind, nameless, true, ret_name);

	if (rc < 0)
		return rc;
	*ret_place = place_node(r, r->file, kind, *ret_name, item);
	return 0;
}

int read_unknown_keys(struct reading *r, const struct ynode *item, const char *const *known,
		      const struct place *place)
{
	for (uint32_t i = 0; i + 1 < item->nkids; i += 2) {
		const struct ynode *key = item->kids[i];
		struct str text = key->kind == YN_SCALAR ? key->text : STR("?");
		struct suggest near = suggest_for(text);
		bool found = false;

		for (const char *const *k = known; *k && !found; k++) {
			found = key->kind == YN_SCALAR && str_eqz(text, *k);
			suggest_offer(&near, str_of(*k));
		}
		if (found)
			continue;
		if (near.best.ptr)
			result_add(r->result, LOAD_UNKNOWN_KEY, place,
				   "unknown key `%.*s`; did you mean `%.*s`?", STR_ARG(text),
				   STR_ARG(near.best));
		else
			result_add(r->result, LOAD_UNKNOWN_KEY, place, "unknown key `%.*s`",
				   STR_ARG(text));
	}
	return 0;
}

int read_append(struct reading *r, const struct ynode *item, const struct place *place, bool *ret)
{
	bool append = false;
	int rc = read_bool(r, item, "append", place, &append);

	if (rc < 0)
		return rc;
	if (append)
		result_add(r->result, LOAD_DEPRECATED_ITEM, place,
			   "`append` is deprecated; write `override` with the keys to append to");
	*ret = append;
	return 0;
}

static int read_engine_version(struct reading *r, const struct ynode *item)
{
	static const char *const known[] = { "required_engine_version", NULL };
	const struct ynode *value = ynode_get(item, known[0]);
	const struct place *place = place_node(r, r->file, known[0], (struct str){ 0 }, item);
	struct version version;

	read_unknown_keys(r, item, known, place);
	if (value->kind != YN_SCALAR || version_parse_engine(value->text, &version) < 0)
		return result_add(r->result, LOAD_ERR_YAML_VALIDATE, place,
				  "the engine version must be a number or three numbers, "
				  "as in 63 or 0.63.0");
	if (!version_accepts(engine_version, version))
		return result_add(r->result, LOAD_ERR_VALIDATE, place,
				  "the rules need engine version %u.%u.%u, this is %u.%u.%u",
				  version.major, version.minor, version.patch, engine_version.major,
				  engine_version.minor, engine_version.patch);
	if (version_cmp(version, r->items->requirements.engine) > 0)
		r->items->requirements.engine = version;
	return 0;
}

static int read_plugin(struct reading *r, const struct ynode *n, const struct place *parent,
		       const char *type, struct plugin_version *ret, const struct place **ret_place)
{
	const struct place *place = place_node(r, parent, type, (struct str){ 0 }, n);
	int rc;

	if (n->kind != YN_MAP)
		return result_add(r->result, LOAD_ERR_YAML_VALIDATE, place,
				  "a plugin requirement must be a map with name and version");
	rc = read_text(r, n, "name", place, true, &ret->name);
	if (rc < 0)
		return rc;
	place = place_node(r, parent, type, ret->name, n);
	rc = read_text(r, n, "version", place, true, &ret->text);
	if (rc < 0)
		return rc;
	*ret_place = place;
	return 0;
}

static int check_plugin(struct reading *r, const struct place *place,
			const struct plugin_requirement *req, struct plugin_version *v)
{
	if (version_parse(v->text, &v->version) < 0)
		return result_add(r->result, LOAD_ERR_VALIDATE, place,
				  "%.*s is no version of plugin %.*s; three numbers are expected, "
				  "as in 0.1.0",
				  STR_ARG(v->text), STR_ARG(v->name));
	for (size_t i = 0; i < req->n; i++)
		if (str_eq(req->items[i].name, v->name))
			return result_add(r->result, LOAD_ERR_VALIDATE, place,
					  "plugin %.*s is named twice in one requirement",
					  STR_ARG(v->name));
	return 0;
}

static int read_plugin_entry(struct reading *r, const struct ynode *n, const struct place *parent)
{
	const char *const alt_type = "required plugin versions alternative";
	const struct place *place = NULL, *alt_place = NULL;
	struct plugin_version first = { 0 };
	int rc = read_plugin(r, n, parent, "required plugin versions entry", &first, &place);

	if (rc < 0)
		return rc;
	const struct ynode *alts = ynode_get(n, "alternatives");
	uint32_t nalts = ynode_is(alts, YN_SEQ) ? alts->nkids : 0;
	struct plugin_requirement *req = requirements_add(&r->items->requirements, r->arena,
							  nalts + 1);

	if (!req)
		return -ENOMEM;
	if (alts && alts->kind != YN_SEQ && alts->kind != YN_NULL)
		return result_add(r->result, LOAD_ERR_YAML_VALIDATE, place,
				  "`alternatives` must be a sequence");
	struct plugin_version alt[1];

	for (uint32_t i = 0; i <= nalts; i++) {
		alt[0] = first;
		if (i)
			rc = read_plugin(r, alts->kids[i - 1], place, alt_type, alt, &alt_place);
		/* A fault of an alternative is one of its entry. */
		if (rc == 0)
			rc = check_plugin(r, place, req, alt);
		if (rc < 0)
			return rc;
		req->items[req->n++] = alt[0];
	}
	return 0;
}

static int read_plugins(struct reading *r, const struct ynode *item)
{
	static const char *const known[] = { "required_plugin_versions", NULL };
	const struct ynode *seq = ynode_get(item, known[0]);
	const struct place *place = place_node(r, r->file, "required plugin versions",
					       (struct str){ 0 }, seq);

	read_unknown_keys(r, item, known, place);
	if (seq->kind != YN_SEQ)
		return result_add(
			r->result, LOAD_ERR_YAML_VALIDATE, place,
			"required_plugin_versions must be a sequence of name and version");
	for (uint32_t i = 0; i < seq->nkids; i++) {
		int rc = read_plugin_entry(r, seq->kids[i], place);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int read_item(struct reading *r, const struct ynode *item)
{
	static const struct {
		const char *key;
		int (*read)(struct reading *r, const struct ynode *item);
	} kinds[] = {
		{ "required_engine_version", read_engine_version },
		{ "required_plugin_versions", read_plugins },
		{ "list", read_list },
		{ "macro", read_macro },
		{ "rule", read_rule },
	};
	const struct place *place;

	if (item->kind == YN_NULL)
		return 0;
	if (item->kind == YN_MAP)
		for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
			if (ynode_get(item, kinds[i].key))
				return kinds[i].read(r, item);
	place = place_node(r, r->file, "rules content item", (struct str){ 0 }, item);
	if (item->kind != YN_MAP)
		return result_add(r->result, LOAD_ERR_YAML_VALIDATE, place,
				  "an item must be a map, as in `- rule: name`");
	return result_add(r->result, LOAD_UNKNOWN_ITEM, place,
			  "unknown kind of item; rule, macro, list, required_engine_version or "
			  "required_plugin_versions was expected");
}

int read_documents(struct reading *r, const struct ydocs *docs)
{
	for (size_t d = 0; d < docs->n; d++) {
		const struct ynode *doc = docs->items[d];

		if (doc->kind == YN_NULL)
			continue;
		if (doc->kind != YN_SEQ)
			return result_add(
				r->result, LOAD_ERR_YAML_VALIDATE, r->file,
				doc->kind == YN_MAP
					? "a rules file is a sequence of items, this is a map; "
					  "is a `-` missing?"
					: "a rules file is a sequence of items, this is a text");
		for (uint32_t i = 0; i < doc->nkids; i++) {
			int rc = read_item(r, doc->kids[i]);

			if (rc < 0)
				return rc;
		}
	}
	return 0;
}
