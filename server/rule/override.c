/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An override names every key it is meant for, so that a forgotten one is an error and not a silent
 * change. What is not a map is taken for an empty one, as the reference does.
 */
#include "rule/override.h"

#include <errno.h>

#include "base/suggest.h"

static int bad_key(struct reading *r, const struct place *place, struct str key,
		   const struct override_key *keys, size_t n)
{
	struct suggest near = suggest_for(key);

	for (size_t i = 0; i < n; i++)
		suggest_offer(&near, str_of(keys[i].key));
	if (near.best.ptr)
		return result_add(r->result, LOAD_ERR_YAML_VALIDATE, place,
				  "`%.*s` cannot be overridden; did you mean `%.*s`?", STR_ARG(key),
				  STR_ARG(near.best));
	return result_add(r->result, LOAD_ERR_YAML_VALIDATE, place, "`%.*s` cannot be overridden",
			  STR_ARG(key));
}

static int read_one(struct reading *r, const struct ynode *key, const struct ynode *value,
		    const struct place *outer, const struct override_key *keys, size_t n,
		    struct overrides *o)
{
	struct str name = key->kind == YN_SCALAR ? key->text : STR("?");
	const struct place *place = place_node(r, outer, "overrides", name, key);
	size_t i = 0;

	while (i < n && !str_eqz(name, keys[i].key))
		i++;
	if (i == n)
		return bad_key(r, place, name, keys, n);
	if (value->kind == YN_SCALAR && str_eqz(value->text, "append") && keys[i].append)
		o->ops[i] = OVERRIDE_APPEND;
	else if (value->kind == YN_SCALAR && str_eqz(value->text, "replace") && keys[i].replace)
		o->ops[i] = OVERRIDE_REPLACE;
	else
		return result_add(r->result, LOAD_ERR_YAML_VALIDATE, place,
				  keys[i].append ? "`%s` takes append or replace"
						 : "`%s` takes replace only",
				  keys[i].key);
	o->any = true;
	return 0;
}

int overrides_read(struct reading *r, const struct ynode *item, const struct place *place,
		   const struct override_key *keys, size_t n, struct overrides *ret)
{
	const struct ynode *map = ynode_get(item, "override");
	struct overrides o = { 0 };

	if (!ynode_is(map, YN_MAP)) {
		*ret = o;
		return 0;
	}
	const struct place *outer = place_node(r, place, "overrides", (struct str){ 0 }, item);

	for (uint32_t i = 0; i + 1 < map->nkids; i += 2) {
		int rc = read_one(r, map->kids[i], map->kids[i + 1], outer, keys, n, &o);

		if (rc < 0)
			return rc;
	}
	for (size_t i = 0; o.any && i < n; i++) {
		const struct ynode *value = ynode_get(item, keys[i].key);

		if (o.ops[i] != OVERRIDE_NONE && !value)
			return result_add(r->result, LOAD_ERR_YAML_VALIDATE, place,
					  "`override` names `%s`, but the item does not have it",
					  keys[i].key);
		if (o.ops[i] == OVERRIDE_NONE && value)
			return result_add(
				r->result, LOAD_ERR_YAML_VALIDATE,
				place_node(r, place, "overrides", str_of(keys[i].key), value),
				"unexpected key `%s`: `override` does not name it", keys[i].key);
	}
	*ret = o;
	return 0;
}
