/* SPDX-License-Identifier: Apache-2.0 */
/* The transformers (rules-language.md 3.10): one row each, with what they accept and what they give. */
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "filter/value.h"

/* The type of an argument or a result. */
struct vtype {
	enum value_type type;
	bool list;
	bool literal_list; /* written as (a, b): elements may be of several types, all turned into text */
};

struct transformer {
	const char *name;
	/* Whether it takes these arguments; if so *ret is what it gives. option: it has a [..] behind it. */
	bool (*accepts)(const struct vtype *args, size_t n, bool option, struct vtype *ret);
	const char *wants; /* for messages */
	/* False: no value. All arguments have values; texts may be put into the arena. */
	bool (*eval)(const struct vtype *types, const struct value *args, size_t n, char option,
		     struct arena *a, struct value *ret);
};

/* NULL when there is none of that name. */
const struct transformer *transformer_find(struct str name);
const struct transformer *transformer_at(size_t i);
/* An element of a list as join prints it. ptr NULL: memory is out. */
struct str transform_text(enum value_type type, const struct value *v, struct arena *a);
