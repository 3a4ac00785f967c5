/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evaluation. Every slot, transformer call and shared node carries the stamp of the moment it was computed;
 * a new event or other names only raise the stamp that counts as fresh, so nothing is cleared. There are two
 * such stamps: what depends on which names are asked for ages sooner. No heap: texts and lists go to the
 * event arena.
 */
#include <errno.h>

#include "filter/frozen.h"
#include "filter/program.h"

struct cell {
	uint64_t stamp;
	uint64_t hash; /* of the text, for sets */
	bool has;
	bool hashed;
	struct value value;
};

struct eval {
	const struct program *p;
	void *event;
	struct arena *arena;
	uint64_t counter;
	uint64_t fresh[2]; /* by "depends on names" */
	bool resolved;
	bool explaining;	     /* nodes are not cached */
	const struct frozen *frozen; /* or NULL: values come from the event */
	struct cell *slots, *cells;
	uint64_t *node_stamps;
	bool *node_results;
};

struct eval *eval_new(const struct program *p)
{
	struct eval *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->p = p;
	e->counter = e->fresh[0] = e->fresh[1] = 1;
	e->slots = calloc(p->slots.n + 1, sizeof(struct cell));
	e->cells = calloc(p->ncells + 1, sizeof(struct cell));
	e->node_stamps = calloc(p->nnodes + 1, sizeof(uint64_t));
	e->node_results = calloc(p->nnodes + 1, sizeof(bool));
	if (!e->slots || !e->cells || !e->node_stamps || !e->node_results)
		return eval_free(e);
	return e;
}

struct eval *eval_free(struct eval *e)
{
	if (!e)
		return NULL;
	free(e->slots);
	free(e->cells);
	free(e->node_stamps);
	free(e->node_results);
	free(e);
	return NULL;
}

const struct program *eval_program(const struct eval *e)
{
	return e->p;
}

void eval_begin(struct eval *e, void *event, struct arena *arena)
{
	e->event = event;
	e->arena = arena;
	e->resolved = false;
	e->frozen = NULL;
	e->fresh[0] = e->fresh[1] = ++e->counter;
}

void eval_thaw(struct eval *e, void *event, struct arena *arena, const struct frozen *f)
{
	eval_begin(e, event, arena);
	e->frozen = f;
}

void eval_names(struct eval *e, bool resolved)
{
	if (e->resolved == resolved)
		return;
	e->resolved = resolved;
	e->fresh[1] = ++e->counter;
}

/* ---- values ---- */

static struct cell *eval_expr(struct eval *e, const struct vexpr *v, struct cell *scratch);

static struct cell *fill_slot(struct eval *e, uint32_t slot)
{
	const struct field_ref *ref = &e->p->slots.items[slot].ref;
	struct cell *cell = &e->slots[slot];
	bool names = ref->def->flags & FIELD_NAMES;

	if (cell->stamp != e->fresh[names]) {
		const struct catalogue *c = e->p->catalogue;

		if (e->frozen && !(ref->def->flags & FIELD_LATE))
			cell->has = frozen_value(e->frozen, slot, names && e->resolved,
						 &cell->value);
		else
			cell->has = c->extract(c, e->event, ref, names && e->resolved, e->arena,
					       &cell->value);
		cell->hashed = false;
		cell->stamp = e->fresh[names];
	}
	return cell->has ? cell : NULL;
}

/* The values of all arguments in the arena, or NULL when one has none. */
static struct value *eval_args(struct eval *e, const struct vexpr *v, bool as_texts)
{
	struct value *args = arena_array(e->arena, v->nargs + 1, sizeof(struct value));

	if (!args)
		return NULL;
	for (uint32_t i = 0; i < v->nargs; i++) {
		struct cell scratch;
		const struct cell *cell = eval_expr(e, v->args[i], &scratch);

		if (!cell)
			return NULL;
		args[i] = cell->value;
		if (as_texts)
			args[i].s = transform_text(v->arg_types[i].type, &cell->value, e->arena);
	}
	return args;
}

static struct cell *fill_cell(struct eval *e, const struct vexpr *v)
{
	struct cell *cell = &e->cells[v->cell];

	if (cell->stamp == e->fresh[v->names])
		return cell->has ? cell : NULL;
	struct value *args = eval_args(e, v, v->kind == VEXPR_LIST);

	cell->has = args != NULL;
	cell->hashed = false;
	if (args && v->kind == VEXPR_LIST) {
		cell->value.list.items = args;
		cell->value.list.n = v->nargs;
	} else if (args) {
		cell->has = v->fn->eval(v->arg_types, args, v->nargs, v->option, e->arena,
					&cell->value);
	}
	cell->stamp = e->fresh[v->names];
	return cell->has ? cell : NULL;
}

/* NULL: no value. scratch is used for constants. */
static struct cell *eval_expr(struct eval *e, const struct vexpr *v, struct cell *scratch)
{
	switch (v->kind) {
	case VEXPR_SLOT: return fill_slot(e, v->cell);
	case VEXPR_CONST:
		*scratch = (struct cell){ .has = true, .value = v->value };
		return scratch;
	case VEXPR_LIST:
	case VEXPR_CALL: return fill_cell(e, v);
	}
	return NULL;
}

const struct value *eval_slot(struct eval *e, uint32_t slot)
{
	if (slot >= e->p->slots.n)
		return NULL;
	struct cell *cell = fill_slot(e, slot);

	return cell ? &cell->value : NULL;
}

bool eval_vexpr(struct eval *e, const struct vexpr *v, struct value *ret_value)
{
	struct cell scratch;
	const struct cell *cell = eval_expr(e, v, &scratch);

	if (cell)
		*ret_value = cell->value;
	return cell != NULL;
}

/* ---- checks ---- */

/*
 * What a check is about: one value, or the two sides of a socket, of which an operator has to hold for
 * either, or for both when it is a negative one.
 */
struct subject {
	const struct value *values;
	uint32_t n;
	struct cell *cell; /* of a single value, for its hash; or NULL */
};

static bool holds_scalar(struct eval *e, const struct node *n, const struct subject *s,
			 const struct operand *r)
{
	for (uint32_t i = 0; i < s->n; i++) {
		bool one = n->op->eval(n->left->type.type, &s->values[i], r, e->arena);

		if (one != n->op->negative)
			return one;
	}
	return n->op->negative;
}

static bool holds_modified(struct eval *e, const struct node *n, const struct subject *s)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < n->noperands; i++) {
		if (holds_scalar(e, n, s, &n->operands[i]))
			count++;
		else if (n->modifier == MODIFIER_ALLOF)
			return false;
		if (count && n->modifier == MODIFIER_ANYOF)
			return true;
	}
	return n->modifier == MODIFIER_ONEOF ? count == 1 : count > 0;
}

static bool in_set(struct eval *e, const struct node *n, const struct value *v, struct cell *cell)
{
	enum value_type type = n->left->type.type;

	if (n->use_set) {
		char buf[MEMBER_BYTES];
		uint64_t hash;
		bool hashed = false;
		struct str key = member_key(type, v, buf);

		return cell ? set_has(&n->set, key, &cell->hash, &cell->hashed)
			    : set_has(&n->set, key, &hash, &hashed);
	}
	for (uint32_t i = 0; i < n->noperands; i++) {
		if (n->op->eval(type, v, &n->operands[i], e->arena))
			return true;
	}
	return false;
}

static bool any_in_set(struct eval *e, const struct node *n, const struct subject *s)
{
	for (uint32_t i = 0; i < s->n; i++) {
		if (in_set(e, n, &s->values[i], s->cell))
			return true;
	}
	return false;
}

static bool any_has_prefix(const struct node *n, const struct subject *s)
{
	for (uint32_t i = 0; i < s->n; i++) {
		if (pmatch_has(n->prefixes, s->values[i].s))
			return true;
	}
	return false;
}

/* A comparison with a field or transformer on the right, neither side a list. */
static bool holds_right(struct eval *e, const struct node *n, const struct subject *s)
{
	struct cell scratch;
	const struct cell *right = eval_expr(e, n->right, &scratch);

	if (!right)
		return false;
	struct operand operand = { .value = right->value };

	return holds_scalar(e, n, s, &operand);
}

static bool holds(struct eval *e, const struct node *n, const struct subject *s)
{
	if (n->right)
		return holds_right(e, n, s);
	switch (n->op->kind) {
	case OP_EXISTS: return true;
	case OP_IN:
	case OP_INTERSECTS: return any_in_set(e, n, s);
	case OP_PMATCH: return any_has_prefix(n, s);
	case OP_SCALAR:
		return n->modifier ? holds_modified(e, n, s)
				   : holds_scalar(e, n, s, &n->operands[0]);
	}
	return false;
}

static bool in_right_list(struct eval *e, const struct node *n, const struct value *v,
			  const struct value *right)
{
	for (uint32_t i = 0; i < right->list.n; i++) {
		struct operand operand = { .value = right->list.items[i] };

		if (n->op->eval(n->left->type.type, v, &operand, e->arena))
			return true;
	}
	return false;
}

/* `in`: every element on the right; `intersects`: at least one. */
static bool holds_list(struct eval *e, const struct node *n, const struct value *v)
{
	bool want_all = n->op->kind == OP_IN;
	const struct cell *right = NULL;
	struct cell scratch;

	if (n->right) {
		right = eval_expr(e, n->right, &scratch);
		if (!right)
			return false;
	} else if (n->noperands == 0) {
		return false;
	}
	for (uint32_t i = 0; i < v->list.n; i++) {
		const struct value *item = &v->list.items[i];
		bool in = right ? in_right_list(e, n, item, &right->value)
				: in_set(e, n, item, NULL);

		if (in != want_all)
			return in;
	}
	return want_all;
}

bool eval_check(struct eval *e, const struct node *n)
{
	struct cell scratch;
	struct cell *cell = eval_expr(e, n->left, &scratch);

	if (!cell)
		return false;
	const struct value *v = &cell->value;

	if (n->left->match == MATCH_ANCESTORS) {
		for (uint32_t i = 0; i < v->list.n; i++) {
			if (holds(e, n, &(struct subject){ &v->list.items[i], 1, NULL }))
				return true;
		}
		return false;
	}
	if (n->left->match == MATCH_PAIR)
		return v->list.n &&
		       holds(e, n, &(struct subject){ v->list.items, v->list.n, NULL });
	if (n->op->kind == OP_EXISTS)
		return true;
	if (n->left->type.list)
		return holds_list(e, n, v);
	return holds(e, n, &(struct subject){ v, 1, cell });
}

/* ---- nodes ---- */

static bool eval_node(struct eval *e, const struct node *n);

static bool compute(struct eval *e, const struct node *n)
{
	switch (n->kind) {
	case NODE_CHECK: return eval_check(e, n);
	case NODE_NOT: return !eval_node(e, n->kids[0]);
	case NODE_AND:
		for (uint32_t i = 0; i < n->nkids; i++) {
			if (!eval_node(e, n->kids[i]))
				return false;
		}
		return true;
	case NODE_OR:
		for (uint32_t i = 0; i < n->nkids; i++) {
			if (eval_node(e, n->kids[i]))
				return true;
		}
		return false;
	}
	return false;
}

static bool eval_node(struct eval *e, const struct node *n)
{
	if (!n->shared || e->explaining)
		return compute(e, n);
	if (e->node_stamps[n->id] != e->fresh[n->names]) {
		e->node_results[n->id] = compute(e, n);
		e->node_stamps[n->id] = e->fresh[n->names];
	}
	return e->node_results[n->id];
}

bool eval_cond(struct eval *e, const struct cond *c)
{
	return eval_node(e, &c->top);
}

/* ---- explaining ---- */

static void print_node(const struct node *n, struct strbuf *out)
{
	switch (n->kind) {
	case NODE_CHECK: strbuf_add(out, n->text); break;
	case NODE_NOT:
		strbuf_addz(out, "not ");
		print_node(n->kids[0], out);
		break;
	case NODE_AND:
	case NODE_OR:
		strbuf_addc(out, '(');
		for (uint32_t i = 0; i < n->nkids; i++) {
			if (i)
				strbuf_addz(out, n->kind == NODE_AND ? " and " : " or ");
			print_node(n->kids[i], out);
		}
		strbuf_addc(out, ')');
		break;
	}
}

/* The kid that alone made the chain what it is, or NULL when all of them did. */
static const struct node *decisive_kid(struct eval *e, const struct node *n)
{
	for (uint32_t i = 0; i < n->nkids; i++) {
		if (eval_node(e, n->kids[i]) == (n->kind == NODE_OR))
			return n->kids[i];
	}
	return NULL;
}

/* Down from the top as long as one kid decides; `not` in front of a check stays with it. */
static const struct node *find_decider(struct eval *e, const struct node *n)
{
	for (;;) {
		const struct node *kid = NULL;

		if (n->kind == NODE_AND || n->kind == NODE_OR)
			kid = decisive_kid(e, n);
		else if (n->kind == NODE_NOT && n->kids[0]->kind != NODE_CHECK)
			kid = n->kids[0];
		if (!kid)
			return n;
		n = kid;
	}
}

bool eval_explain(struct eval *e, const struct cond *c, struct strbuf *ret_decider)
{
	e->explaining = true;
	bool result = eval_node(e, &c->top);

	print_node(find_decider(e, &c->top), ret_decider);
	e->explaining = false;
	return result;
}
