/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The items of rules files as they stand after all redefinitions, appends and overrides so far: what
 * compile.c makes a ruleset of. Everything lives in the loader's arena.
 */
#pragma once

#include "base/hash.h"
#include "base/vec.h"
#include "rule/requirements.h"
#include "rule/result.h"
#include "rule/ruleset.h"
#include "rule/yaml.h"

struct texts { /* arrays of the arena that grow by doubling */
	struct str *items;
	size_t n, cap;
};

struct text { /* the same for a text that is appended to */
	struct str s;
	size_t cap;
};

/*
 * index: place in the order of definition, kept when redefined. visibility: when it was last defined or
 * appended to; what has a smaller index can be seen from it (rules-language.md 1.9, 1.10).
 */
struct list_item {
	struct str name;
	const struct place *place;
	struct texts items;
	uint32_t index, visibility;
	uint32_t number; /* its place among the lists */
	bool used;
};

struct macro_item {
	struct str name;
	struct text cond;
	const struct place *place, *cond_place;
	uint32_t index, visibility;
	bool used;
};

struct exc_value { /* a scalar, or a list of further ones */
	bool list;
	struct str text;
	struct exc_value **items;
	size_t nitems;
};

struct exception {
	struct str name;
	const struct place *place;
	const struct exc_value *fields, *comps; /* NULL: not given */
	const struct exc_value **values;
	size_t nvalues, cap;
	struct exception *next;
};

struct rule_item {
	struct str name, source;
	struct text desc, cond, output;
	const struct place *place, *cond_place, *output_place;
	enum priority priority;
	bool enabled, capture, warn_evttypes, skip_unknown, unknown_source;
	uint32_t capture_ms;
	struct texts tags; /* as they came */
	struct exception *exceptions;
};

struct collection {
	struct arena *arena;
	VEC(struct list_item *) lists;
	VEC(struct macro_item *) macros;
	VEC(struct rule_item *) rules;
	struct strmap list_names, macro_names, rule_names;
	uint32_t next_index;
	struct requirements requirements;
};

void collection_done(struct collection *c);

/* What readers work with. */
struct reading {
	struct collection *items;
	struct arena *arena;
	struct result *result;
	const struct catalogue *catalogue;
	const struct place *file;
};

/*
 * Collecting one item. 0, or a negative errno: -EINVAL with the fault in the result, -ENOMEM.
 * The item is in the arena and is the collection's from then on.
 */
int collect_list(struct reading *r, struct list_item *item, bool append);
int collect_macro(struct reading *r, struct macro_item *item, bool append);
int collect_rule(struct reading *r, struct rule_item *item);

/* Growing what is in the arena; -ENOMEM. */
int texts_push(struct arena *a, struct texts *t, struct str s);
int text_append(struct arena *a, struct text *to, struct str more); /* after one blank */
int exception_push(struct arena *a, struct exception *e, const struct exc_value *v);
