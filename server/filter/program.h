/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a program, shared by the compiler, the evaluator and formats. Everything lives in the
 * program's arena. Value expressions and nodes are found again by a key that spells them out, so equal ones
 * are one object.
 */
#pragma once

#include "base/hash.h"
#include "base/vec.h"
#include "filter/filter.h"
#include "filter/op.h"
#include "filter/pmatch.h"
#include "filter/set.h"
#include "filter/transform.h"

enum vexpr_kind {
	VEXPR_SLOT,
	VEXPR_CONST,
	VEXPR_LIST, /* of args, as texts */
	VEXPR_CALL,
};

struct vexpr {
	enum vexpr_kind kind;
	struct vtype type;
	uint8_t match; /* enum field_match */
	bool names;    /* depends on which names are asked for */
	uint32_t id;
	uint32_t cell;	    /* VEXPR_SLOT: the slot; VEXPR_CALL, VEXPR_LIST: its cell */
	struct value value; /* VEXPR_CONST */
	const struct transformer *fn;
	char option; /* of getopt(...)[x], else NUL */
	const struct vexpr **args;
	struct vtype *arg_types;
	uint32_t nargs;
};

enum node_kind { NODE_AND, NODE_OR, NODE_NOT, NODE_CHECK };
enum modifier { MODIFIER_NONE, MODIFIER_ONEOF, MODIFIER_ANYOF, MODIFIER_ALLOF };

struct node {
	enum node_kind kind;
	bool names;
	bool shared; /* more than one parent: the result is worth keeping */
	uint32_t id;
	const struct node **kids;
	uint32_t nkids;
	/* NODE_CHECK */
	const struct vexpr *left;
	const struct vexpr *right; /* val() or transformer, else NULL */
	const struct op *op;
	enum modifier modifier;
	const struct operand *operands;
	uint32_t noperands;
	struct set set; /* OP_IN, OP_INTERSECTS on types with exact equality */
	bool use_set;
	const struct pmatch *prefixes;
	struct str text; /* canonical */
};

struct cond {
	struct node top;
};

struct slot {
	struct field_ref ref;
	const struct vexpr *vexpr;
};

struct program {
	const struct catalogue *catalogue;
	struct arena arena;
	VEC(struct slot) slots;
	VEC(struct regex *) regexes;
	struct strmap
		known; /* key -> vexpr, node or slot number + 1; keys begin with a letter for each */
	struct strbuf key; /* being built */
	uint32_t ncells, nvexprs, nnodes;
	bool base64; /* see program_base64 */
	bool sealed;
};

/* Of a NODE_CHECK: whether such values (enum slot_known) decide it, for one text or another. */
bool check_decided(const struct program *p, const struct node *n, const uint8_t *known);
/* A NODE_CHECK, with the values of the event. */
bool eval_check(struct eval *e, const struct node *n);
