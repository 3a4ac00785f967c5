/* SPDX-License-Identifier: Apache-2.0 */
/* `- list:` items (rules-language.md 1.5). */
#include <errno.h>

#include "rule/override.h"

static const char *const known[] = { "list", "items", "append", "override", NULL };
static const struct override_key keys[] = { { "items", true, true } };

static bool plain_name(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (memchr("()\"' \t\n\v\f\r=,", s.ptr[i], 12))
			return false;
	return true;
}

int read_list(struct reading *r, const struct ynode *item)
{
	struct list_item *l = arena_new(r->arena, struct list_item);
	struct overrides o;
	const struct place *place;
	bool append = false;
	int rc = l ? read_name(r, item, "list", &l->name, &l->place) : -ENOMEM;

	if (rc < 0)
		return rc;
	place = l->place;
	if (!plain_name(l->name))
		result_add(r->result, LOAD_INVALID_LIST_NAME, l->place,
			   "`%.*s` has characters that end a word in a condition",
			   STR_ARG(l->name));
	const struct ynode *items = ynode_get(item, "items");

	if (!items)
		return result_add(r->result, LOAD_ERR_YAML_VALIDATE, l->place,
				  "the key `items` is missing");
	rc = read_texts(r, items, "items", l->place, &l->items);
	if (rc == 0)
		rc = read_append(r, item, l->place, &append);
	if (rc == 0)
		rc = overrides_read(r, item, l->place, keys, 1, &o);
	if (rc < 0)
		return rc;
	if (append && o.any)
		return result_add(r->result, LOAD_ERR_YAML_VALIDATE, l->place,
				  "`append` and `override` exclude each other");
	rc = collect_list(r, l, append || o.ops[0] == OVERRIDE_APPEND);
	return rc < 0 ? rc : read_unknown_keys(r, item, known, place);
}
