/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operators: one row each, with the types they accept and what they do with one value and one operand.
 * What `in`, `intersects`, modifiers and fields of several values make of that is in eval.c.
 */
#pragma once

#include "base/arena.h"
#include "filter/glob.h"
#include "filter/regex.h"
#include "filter/value.h"

/* A right-hand side, converted for the type of the left one. */
struct operand {
	struct value value;
	uint8_t bits;		 /* VT_IPNET: length of the prefix */
	const struct glob *glob; /* glob, iglob; NULL: made from value.s */
	struct regex *regex;	 /* regex */
};

/* scratch: the event arena. Both sides have the type. */
typedef bool (*op_eval_fn)(enum value_type type, const struct value *v, const struct operand *r,
			   struct arena *scratch);

enum op_kind {
	OP_SCALAR, /* eval on value and operand; modifiers allowed for what strop is in the grammar */
	OP_EXISTS,
	OP_IN,	       /* eval is equality */
	OP_INTERSECTS, /* eval is equality */
	OP_PMATCH,
};

enum op_literal {
	LITERAL_PLAIN,
	LITERAL_HEX,
	LITERAL_GLOB,
	LITERAL_REGEX
}; /* what texts are turned into */

struct op {
	const char *name;
	enum op_kind kind;
	uint32_t types; /* bit 1 << enum value_type */
	bool lists;	/* takes list-valued fields */
	bool field;	/* takes val() and transformers on the right */
	bool negative;	/* of several values all have to satisfy it (MATCH_PAIR) */
	enum op_literal literal;
	op_eval_fn eval;
};

/* NULL when there is none of that name. */
const struct op *op_find(struct str name);
/* i = 0 ... until NULL; for listings. */
const struct op *op_at(size_t i);
