/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From YAML items to the collection. Each kind of item has a reader; what they share is here. All
 * functions return 0 or a negative errno: -EINVAL with the fault in the result, -ENOMEM.
 */
#pragma once

#include "rule/items.h"

/* All documents of a file in order; stops at the first fault. */
int read_documents(struct reading *r, const struct ydocs *docs);

int read_list(struct reading *r, const struct ynode *item);
int read_macro(struct reading *r, const struct ynode *item);
int read_rule(struct reading *r, const struct ynode *item);

/* Places. */
const struct place *place_node(struct reading *r, const struct place *parent, const char *type,
			       struct str name, const struct ynode *n);

/* A non-empty scalar. Absent: -EINVAL when required, else *ret is left alone. */
int read_text(struct reading *r, const struct ynode *item, const char *key,
	      const struct place *place, bool required, struct str *ret);
int read_bool(struct reading *r, const struct ynode *item, const char *key,
	      const struct place *place, bool *ret);
/* A sequence of scalars. */
int read_texts(struct reading *r, const struct ynode *seq, const char *key,
	       const struct place *place, struct texts *ret);
/* The name of an item, and its place with that name. */
int read_name(struct reading *r, const struct ynode *item, const char *kind, struct str *ret_name,
	      const struct place **ret_place);
/* A warning for each key that is not in the NULL-terminated list. Always 0. */
int read_unknown_keys(struct reading *r, const struct ynode *item, const char *const *known,
		      const struct place *place);
/* Reads `append`, with the warning it deserves. */
int read_append(struct reading *r, const struct ynode *item, const struct place *place, bool *ret);
