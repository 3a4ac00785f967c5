/* SPDX-License-Identifier: Apache-2.0 */
/* Lists put into condition texts, macros put into trees (rules-language.md 1.9, 1.10). */
#pragma once

#include "filter/ast.h"
#include "rule/items.h"

struct flat_list { /* a list with one level of other lists put in */
	struct list_item *item;
	struct str text; /* the elements joined with ", " */
	bool empty;
};

struct macro_tree {
	struct macro_item *item;
	struct str text; /* after lists */
	struct ast *tree;
	size_t nodes, height; /* of the resolved tree */
	struct texts uses;    /* macros it names itself */
	enum { MACRO_RAW, MACRO_BUSY, MACRO_RESOLVED } state;
};

struct expander {
	struct arena *arena; /* of the ruleset being made */
	struct result *result;
	struct collection *items;
	bool odd_lists;		   /* a list's name has delimiters in it */
	struct flat_list *lists;   /* in order of definition */
	struct macro_tree *macros; /* as items->macros */
	struct strmap macro_names; /* struct macro_tree */
};

/* Flattens the lists, parses and resolves all macros. -EINVAL with the fault in the result, -ENOMEM. */
int expander_init(struct expander *x, struct collection *items, struct arena *arena,
		  struct result *result);
void expander_done(struct expander *x);
/* A value as it is put into a condition: quoted, as it is, if it has a blank and begins without a quote. */
void expand_quote(struct str value, struct strbuf *out);
/* Puts the lists into text; used: names of the lists that occurred. */
int expand_lists(struct expander *x, struct str text, struct str *ret, struct texts *used);
/* Puts the macros into the tree; place is that of the item whose text it was, written of the text. */
int expand_macros(struct expander *x, struct ast *tree, struct str text, const struct place *place,
		  const struct place *written, struct texts *used);
