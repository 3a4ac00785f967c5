/* SPDX-License-Identifier: Apache-2.0 */
/* `- macro:` items (rules-language.md 1.6). */
#include <errno.h>

#include "rule/override.h"

static const char *const known[] = { "macro", "condition", "append", "override", NULL };
static const struct override_key keys[] = { { "condition", true, true } };

static bool letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool plain_name(struct str s)
{
	bool letters = s.len && letter(s.ptr[0]);

	for (size_t i = 0; i < s.len && letters; i++)
		letters = letter(s.ptr[i]) || (s.ptr[i] >= '0' && s.ptr[i] <= '9') ||
			  s.ptr[i] == '_';
	return letters;
}

int read_macro(struct reading *r, const struct ynode *item)
{
	struct macro_item *m = arena_new(r->arena, struct macro_item);
	struct overrides o;
	bool append = false;
	int rc = m ? read_name(r, item, "macro", &m->name, &m->place) : -ENOMEM;

	if (rc < 0)
		return rc;
	if (!plain_name(m->name))
		result_add(r->result, LOAD_INVALID_MACRO_NAME, m->place,
			   "a condition cannot refer to `%.*s`: a name is a letter, then letters, "
			   "digits and underscores",
			   STR_ARG(m->name));
	rc = read_text(r, item, "condition", m->place, true, &m->cond.s);
	if (rc == 0)
		rc = read_append(r, item, m->place, &append);
	if (rc == 0)
		rc = overrides_read(r, item, m->place, keys, 1, &o);
	if (rc < 0)
		return rc;
	if (append && o.any)
		return result_add(r->result, LOAD_ERR_YAML_VALIDATE, m->place,
				  "`append` and `override` exclude each other");
	m->cond_place = place_node(r, m->place, "macro condition", (struct str){ 0 },
				   ynode_get(item, "condition"));
	rc = collect_macro(r, m, append || o.ops[0] == OVERRIDE_APPEND);
	return rc < 0 ? rc : read_unknown_keys(r, item, known, m->place);
}
