/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions to nodes: operators checked against types (rules-language.md 3.5), literals converted once,
 * lists made into sets or tries. Identical subtrees become one node: its key is the kind and the numbers of
 * its parts, or what a check compares with what.
 */
#include "filter/compile.h"

#include <errno.h>

#include "base/suggest.h"
#include "filter/literal.h"
#include "filter/warn.h"

struct compiler {
	struct program *p;
	struct filter_warnings *warnings;
	struct diag *diag;
};

static int compile_node(struct compiler *c, const struct ast *t, const struct node **ret);

static int add_node(struct program *p, const struct node *model, const struct node **ret)
{
	struct node *n = arena_new(&p->arena, struct node);

	if (!n)
		return -ENOMEM;
	*n = *model;
	n->id = p->nnodes++;
	*ret = n;
	return key_put(p, n);
}

/* The known node of the current key, which has one more parent now. */
static const struct node *find_node(struct program *p)
{
	struct node *n = key_find(p);

	if (n)
		n->shared = true;
	return n;
}

static int compile_chain(struct compiler *c, const struct ast *t, const struct node **ret)
{
	static const char kinds[] = { [AST_AND] = 'A', [AST_OR] = 'O', [AST_NOT] = 'N' };
	static const enum node_kind made[] = {
		[AST_AND] = NODE_AND, [AST_OR] = NODE_OR, [AST_NOT] = NODE_NOT
	};
	struct node model = { .kind = made[t->kind], .nkids = t->nkids };

	model.kids = arena_array(&c->p->arena, t->nkids + 1, sizeof(model.kids[0]));
	if (!model.kids)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->nkids; i++) {
		int r = compile_node(c, t->kids[i], &model.kids[i]);

		if (r != 0)
			return r;
		model.names = model.names || model.kids[i]->names;
	}
	key_start(c->p, kinds[t->kind]);
	for (uint32_t i = 0; i < t->nkids; i++)
		key_bytes(c->p, &model.kids[i]->id, sizeof(model.kids[i]->id));
	*ret = find_node(c->p);
	return *ret ? 0 : add_node(c->p, &model, ret);
}

/* ---- checks ---- */

static int invalid(struct compiler *c, uint32_t pos)
{
	c->diag->offset = pos;
	return FILTER_E_INVALID;
}

static int check_operator(struct compiler *c, const struct ast *t, const struct node *n)
{
	const struct vtype *type = &n->left->type;

	if (type->list && !n->op->lists) {
		diag_set(c->diag,
			 "operator \"%s\" does not work on lists; in, intersects and exists do",
			 n->op->name);
		return invalid(c, t->pos);
	}
	if (!(n->op->types & 1U << type->type)) {
		diag_set(c->diag, "operator \"%s\" does not work on a field of type %s",
			 n->op->name, value_type_name(type->type));
		return invalid(c, t->pos);
	}
	return 0;
}

static enum modifier modifier_of(struct str s)
{
	return str_eqz(s, "oneof")   ? MODIFIER_ONEOF
	       : str_eqz(s, "anyof") ? MODIFIER_ANYOF
	       : str_eqz(s, "allof") ? MODIFIER_ALLOF
				     : MODIFIER_NONE;
}

/* Flags of the field a check begins with; none when it begins with a transformer. */
static uint32_t left_flags(const struct compiler *c, const struct node *n)
{
	return n->left->kind == VEXPR_SLOT ? c->p->slots.items[n->left->cell].ref.def->flags : 0;
}

static int compile_right_field(struct compiler *c, const struct ast *t, struct node *n)
{
	const struct vtype *left = &n->left->type;

	if (!n->op->field || left->type == VT_IPNET || left_flags(c, n) & FIELD_NO_RHS) {
		diag_set(c->diag,
			 "this comparison takes no field or transformer on the right side");
		return invalid(c, t->right->pos);
	}
	int r = vexpr_make(c->p, t->right, PLACE_RIGHT, &n->right, c->diag);

	if (r != 0)
		return r;
	const struct vtype *right = &n->right->type;

	if (right->type != left->type || right->list != left->list) {
		diag_set(c->diag,
			 "the left side is a %s%s, the right side a %s%s: they have to agree",
			 left->list ? "list of type " : "", value_type_name(left->type),
			 right->list ? "list of type " : "", value_type_name(right->type));
		return invalid(c, t->right->pos);
	}
	n->names = n->names || n->right->names;
	return 0;
}

static int check_event_name(struct compiler *c, const struct expr *value)
{
	struct bitset codes = { 0 };

	if (c->p->catalogue->events_named(c->p->catalogue, value->text, &codes))
		return 0;
	struct suggest near = suggest_for(value->text);

	if (c->p->catalogue->offer_events)
		c->p->catalogue->offer_events(&near);
	if (near.best.ptr)
		diag_set(c->diag, "unknown event \"" STR_FMT "\"; did you mean \"" STR_FMT "\"?",
			 STR_ARG(value->text), STR_ARG(near.best));
	else
		diag_set(c->diag,
			 "unknown event \"" STR_FMT
			 "\": expected the name of an event or system call",
			 STR_ARG(str_cut(value->text, 100)));
	c->diag->offset = value->pos;
	return FILTER_E_UNKNOWN_EVENT;
}

static int convert_operands(struct compiler *c, struct expr *const *values, uint32_t count,
			    struct node *n)
{
	struct operand *operands = arena_array(&c->p->arena, count + 1, sizeof(*operands));

	if (!operands)
		return -ENOMEM;
	n->operands = operands;
	n->noperands = count;
	for (uint32_t i = 0; i < count; i++) {
		int r = 0;

		if (left_flags(c, n) & FIELD_EVT_TYPE)
			r = check_event_name(c, values[i]);
		if (r == 0)
			r = literal_convert(n->left->type.type, n->op, values[i]->text,
					    &c->p->arena, &operands[i], c->diag);
		if (r == FILTER_E_INVALID)
			c->diag->offset = values[i]->pos;
		if (r != 0)
			return r;
		if (operands[i].regex && vec_push(&c->p->regexes, operands[i].regex) < 0) {
			regex_free(operands[i].regex);
			return -ENOMEM;
		}
	}
	return 0;
}

static int build_set(struct program *p, struct node *n)
{
	enum value_type type = n->left->type.type;

	if (type == VT_IPNET || type == VT_DOUBLE)
		return 0;
	int r = set_init(&n->set, n->noperands, &p->arena);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < n->noperands; i++) {
		char buf[MEMBER_BYTES];
		struct str key = member_key(type, &n->operands[i].value, buf);

		if (key.ptr == buf)
			key = arena_dup(&p->arena, key);
		if (key.len && !key.ptr)
			return -ENOMEM;
		set_add(&n->set, key);
	}
	n->use_set = true;
	return 0;
}

static int build_prefixes(struct program *p, struct node *n)
{
	struct pmatch *m = pmatch_new(&p->arena);
	int r = m ? 0 : -ENOMEM;

	for (uint32_t i = 0; r == 0 && i < n->noperands; i++)
		r = pmatch_add(m, n->operands[i].value.s);
	n->prefixes = m;
	return r;
}

static int add_check(struct compiler *c, const struct ast *t, struct node *model,
		     const struct node **ret)
{
	struct strbuf text = { 0 };

	ast_print(t, &text);
	model->text = arena_dup(&c->p->arena, strbuf_str(&text));
	int r = strbuf_check(&text) < 0 || !model->text.ptr ? -ENOMEM : 0;

	strbuf_done(&text);
	return r < 0 ? r : add_node(c->p, model, ret);
}

static void key_check(struct compiler *c, const struct ast *t, const struct node *n)
{
	key_start(c->p, 'C');
	key_bytes(c->p, &n->left->id, sizeof(n->left->id));
	key_bytes(c->p, &n->op, sizeof(n->op));
	strbuf_addc(&c->p->key, (char)('0' + n->modifier));
	if (n->right) {
		strbuf_addc(&c->p->key, 'F');
		key_bytes(c->p, &n->right->id, sizeof(n->right->id));
	} else if (t->right && t->right->kind == EXPR_VALUE) {
		key_text(c->p, t->right->text);
	} else if (t->right) {
		for (uint32_t i = 0; i < t->right->nargs; i++)
			key_text(c->p, t->right->args[i]->text);
	}
}

/* One value is a list of one. */
static int compile_literals(struct compiler *c, const struct ast *t, struct node *n,
			    const struct node **ret)
{
	struct expr *const *values = t->right->args;
	struct expr *single[1] = { t->right };
	uint32_t count = t->right->nargs;

	if (t->right->kind == EXPR_VALUE) {
		values = single;
		count = 1;
	}
	for (uint32_t i = 0; i < count; i++)
		warn_literal(c->p->catalogue, n->op, values[i], c->warnings);
	key_check(c, t, n);
	*ret = find_node(c->p);
	if (*ret)
		return 0;
	int r = convert_operands(c, values, count, n);

	if (r == 0 && n->op->kind == OP_PMATCH)
		r = build_prefixes(c->p, n);
	else if (r == 0 && n->op->kind != OP_SCALAR)
		r = build_set(c->p, n);
	return r != 0 ? r : add_check(c, t, n, ret);
}

static int compile_check(struct compiler *c, const struct ast *t, const struct node **ret)
{
	struct node model = { .kind = NODE_CHECK,
			      .op = op_find(t->op),
			      .modifier = modifier_of(t->modifier) };

	if (!model.op) {
		diag_set(c->diag, "unknown operator \"" STR_FMT "\"", STR_ARG(t->op));
		return invalid(c, t->pos);
	}
	int r = vexpr_make(c->p, t->left, PLACE_LEFT, &model.left, c->diag);

	if (r == 0)
		r = check_operator(c, t, &model);
	if (r != 0)
		return r;
	model.names = model.left->names;
	if (t->right && t->right->kind != EXPR_VALUE && t->right->kind != EXPR_LIST)
		r = compile_right_field(c, t, &model);
	else if (t->right)
		return compile_literals(c, t, &model, ret);
	if (r != 0)
		return r;
	key_check(c, t, &model);
	*ret = find_node(c->p);
	return *ret ? 0 : add_check(c, t, &model, ret);
}

static int compile_node(struct compiler *c, const struct ast *t, const struct node **ret)
{
	switch (t->kind) {
	case AST_AND:
	case AST_OR:
	case AST_NOT: return compile_chain(c, t, ret);
	case AST_CHECK: return compile_check(c, t, ret);
	case AST_MACRO: break;
	}
	diag_set(c->diag, "undefined macro \"" STR_FMT "\"", STR_ARG(t->text));
	return invalid(c, t->pos);
}

int filter_compile(struct program *p, const struct ast *tree, struct cond **ret_cond,
		   struct filter_warnings *warnings, struct diag *diag)
{
	struct compiler c = { p, warnings, diag };
	const struct node *top;

	if (p->sealed)
		return -EINVAL;
	if (ast_too_deep(tree)) {
		diag_set(diag, "the condition is nested deeper than the limit of %d",
			 AST_MAX_DEPTH);
		return invalid(&c, tree->pos);
	}
	int r = compile_node(&c, tree, &top);

	if (r == 0)
		*ret_cond = (struct cond *)top;
	return r;
}
