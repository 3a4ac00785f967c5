/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For which events a condition can be true (rules-language.md 5.1). Negation is pushed down to the leaves;
 * a leaf that says nothing about the event's type stands for all events either way.
 */
#include <errno.h>

#include "filter/filter.h"

struct finder {
	const struct catalogue *c;
	struct diag *diag;
	struct bitset all;
};

static const struct field_def *plain_field(const struct finder *f, const struct expr *e)
{
	return e->kind == EXPR_FIELD ? catalogue_find(f->c, e->text) : NULL;
}

static bool mentions_type(const struct finder *f, const struct expr *e, unsigned depth)
{
	const struct field_def *def = plain_field(f, e);

	if (def && (def->flags & FIELD_EVT_TYPE))
		return true;
	for (uint32_t i = 0; depth && i < e->nargs; i++) {
		if (mentions_type(f, e->args[i], depth - 1))
			return true;
	}
	return false;
}

static int transformed(struct finder *f, uint32_t pos)
{
	diag_set(f->diag,
		 "the type of the event cannot go through transformers or be compared with "
		 "other fields: its events could not be told");
	f->diag->offset = pos;
	return FILTER_E_INVALID;
}

/* ---- evt.type ---- */

static int add_named(struct finder *f, const struct expr *value, struct bitset *codes)
{
	struct bitset named = { 0 };

	if (!f->c->events_named(f->c, value->text, &named)) {
		diag_set(f->diag, "unknown event \"" STR_FMT "\"",
			 STR_ARG(str_cut(value->text, 100)));
		f->diag->offset = value->pos;
		return FILTER_E_UNKNOWN_EVENT;
	}
	bitset_or(codes, &named);
	return 0;
}

static int type_leaf(struct finder *f, const struct ast *t, bool negated, struct bitset *ret)
{
	bool differ = str_eqz(t->op, "!=");
	struct bitset codes = { 0 };
	int r = 0;

	if (str_eqz(t->op, "exists")) {
		*ret = negated ? (struct bitset){ 0 } : f->all;
		return 0;
	}
	if (t->right->kind == EXPR_FIELD || t->right->kind == EXPR_TRANSFORMER)
		return transformed(f, t->right->pos);
	if (t->modifier.len || !(differ || t->op.ptr[0] == '=' || str_eqz(t->op, "in"))) {
		*ret = f->all;
		return 0;
	}
	if (t->right->kind == EXPR_VALUE)
		r = add_named(f, t->right, &codes);
	for (uint32_t i = 0; r == 0 && i < t->right->nargs; i++)
		r = add_named(f, t->right->args[i], &codes);
	if (r != 0)
		return r;
	if (differ != negated) {
		*ret = f->all;
		bitset_minus(ret, &codes);
	} else {
		*ret = codes;
	}
	return 0;
}

/* ---- evt.num, which is never less than 1 ---- */

enum verdict { NEVER, ALWAYS, MAYBE };

static enum verdict compare_num(struct str op, uint64_t n)
{
	if (str_eqz(op, "=") || str_eqz(op, "==") || str_eqz(op, "in"))
		return n == 0 ? NEVER : MAYBE;
	if (str_eqz(op, "!="))
		return n == 0 ? ALWAYS : MAYBE;
	if (str_eqz(op, "<"))
		return n <= 1 ? NEVER : MAYBE;
	if (str_eqz(op, "<="))
		return n == 0 ? NEVER : MAYBE;
	if (str_eqz(op, ">"))
		return n == 0 ? ALWAYS : MAYBE;
	if (str_eqz(op, ">="))
		return n <= 1 ? ALWAYS : MAYBE;
	return MAYBE;
}

static enum verdict num_value(struct str op, const struct expr *value)
{
	uint64_t n;

	return str_to_u64(value->text, &n) == 0 ? compare_num(op, n) : MAYBE;
}

static enum verdict num_verdict(const struct ast *t)
{
	if (!t->right || t->modifier.len)
		return MAYBE;
	if (t->right->kind == EXPR_VALUE)
		return num_value(t->op, t->right);
	if (t->right->kind != EXPR_LIST || !str_eqz(t->op, "in"))
		return MAYBE;
	for (uint32_t i = 0; i < t->right->nargs; i++) {
		if (num_value(t->op, t->right->args[i]) != NEVER)
			return MAYBE;
	}
	return NEVER;
}

/* ---- tree ---- */

static int leaf(struct finder *f, const struct ast *t, bool negated, struct bitset *ret)
{
	const struct field_def *def = plain_field(f, t->left);

	if (t->left->kind != EXPR_FIELD && mentions_type(f, t->left, AST_MAX_DEPTH))
		return transformed(f, t->left->pos);
	if (def && (def->flags & FIELD_EVT_TYPE))
		return type_leaf(f, t, negated, ret);
	enum verdict verdict = def && (def->flags & FIELD_EVT_NUM) ? num_verdict(t) : MAYBE;
	bool none = verdict == (negated ? ALWAYS : NEVER);

	*ret = none ? (struct bitset){ 0 } : f->all;
	return 0;
}

static int find(struct finder *f, const struct ast *t, bool negated, struct bitset *ret)
{
	if (t->kind == AST_CHECK)
		return leaf(f, t, negated, ret);
	if (t->kind == AST_NOT)
		return find(f, t->kids[0], !negated, ret);
	if (t->kind == AST_MACRO) {
		*ret = f->all;
		return 0;
	}
	bool both = (t->kind == AST_AND) != negated;
	struct bitset sum = both ? f->all : (struct bitset){ 0 };

	for (uint32_t i = 0; i < t->nkids; i++) {
		struct bitset kid;
		int r = find(f, t->kids[i], negated, &kid);

		if (r != 0)
			return r;
		if (both)
			bitset_and(&sum, &kid);
		else
			bitset_or(&sum, &kid);
	}
	*ret = sum;
	return 0;
}

int filter_events(const struct catalogue *c, const struct ast *tree, struct bitset *ret_codes,
		  struct diag *diag)
{
	struct finder f = { .c = c, .diag = diag };

	if (ast_too_deep(tree)) {
		diag_set(diag, "the condition is nested deeper than the limit of %d",
			 AST_MAX_DEPTH);
		diag->offset = tree->pos;
		return FILTER_E_INVALID;
	}
	for (size_t i = 0; i < c->nevents && i < BITSET_BITS; i++)
		bitset_add(&f.all, i);
	return find(&f, tree, false, ret_codes);
}
