/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees of conditions: printing, copying, walking. Trees are as deep as their author (or their macros)
 * made them, so every recursion here carries its depth and stops at AST_MAX_DEPTH; the compiler refuses
 * what is deeper before anything else looks at it.
 */
#include "filter/ast.h"

#include <errno.h>

static bool deeper_than(const struct ast *t, unsigned left)
{
	if (left == 0)
		return true;
	for (uint32_t i = 0; i < t->nkids; i++) {
		if (deeper_than(t->kids[i], left - 1))
			return true;
	}
	return false;
}

bool ast_too_deep(const struct ast *t)
{
	return deeper_than(t, AST_MAX_DEPTH);
}

static bool needs_quotes(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '\0' || strchr(" =\\\"'\b\f\n\r\t", s.ptr[i]))
			return true;
	}
	return false;
}

static void add_escaped(char c, struct strbuf *out)
{
	static const char plain[] = "\b\f\n\r\t\\\"";
	static const char letter[] = "bfnrt\\\"";
	const char *at = c ? strchr(plain, c) : NULL;

	if (at) {
		strbuf_addc(out, '\\');
		strbuf_addc(out, letter[at - plain]);
	} else {
		strbuf_addc(out, c);
	}
}

void ast_quote(struct str s, struct strbuf *out)
{
	if (!needs_quotes(s)) {
		strbuf_add(out, s);
		return;
	}
	strbuf_addc(out, '"');
	for (size_t i = 0; i < s.len; i++)
		add_escaped(s.ptr[i], out);
	strbuf_addc(out, '"');
}

static void print_arg(const struct expr *e, struct strbuf *out)
{
	if (!e->has_arg)
		return;
	strbuf_addc(out, '[');
	if (e->arg.len == 0)
		strbuf_addz(out, "\"\"");
	else
		ast_quote(e->arg, out);
	strbuf_addc(out, ']');
}

static void print_expr(const struct expr *e, const char *between, unsigned depth,
		       struct strbuf *out)
{
	if (depth == 0)
		return;
	switch (e->kind) {
	case EXPR_VALUE: ast_quote(e->text, out); break;
	case EXPR_FIELD:
		if (e->val)
			strbuf_addz(out, "val(");
		strbuf_add(out, e->text);
		print_arg(e, out);
		if (e->val)
			strbuf_addc(out, ')');
		break;
	case EXPR_TRANSFORMER:
	case EXPR_LIST:
		strbuf_add(out, e->text);
		strbuf_addc(out, '(');
		for (uint32_t i = 0; i < e->nargs; i++) {
			if (i)
				strbuf_addz(out, e->kind == EXPR_LIST ? between : ",");
			print_expr(e->args[i], ",", depth - 1, out);
		}
		strbuf_addc(out, ')');
		print_arg(e, out);
		break;
	}
}

void expr_print(const struct expr *e, struct strbuf *out)
{
	print_expr(e, ", ", AST_MAX_DEPTH, out);
}

static void print_check(const struct ast *t, struct strbuf *out)
{
	expr_print(t->left, out);
	strbuf_addc(out, ' ');
	strbuf_add(out, t->op);
	if (t->modifier.len) {
		strbuf_addc(out, ' ');
		strbuf_add(out, t->modifier);
	}
	if (t->right) {
		strbuf_addc(out, ' ');
		expr_print(t->right, out);
	}
}

static void print_tree(const struct ast *t, unsigned depth, struct strbuf *out)
{
	if (depth == 0)
		return;
	switch (t->kind) {
	case AST_AND:
	case AST_OR:
		strbuf_addc(out, '(');
		for (uint32_t i = 0; i < t->nkids; i++) {
			if (i)
				strbuf_addz(out, t->kind == AST_AND ? " and " : " or ");
			print_tree(t->kids[i], depth - 1, out);
		}
		strbuf_addc(out, ')');
		break;
	case AST_NOT:
		strbuf_addz(out, "not ");
		print_tree(t->kids[0], depth - 1, out);
		break;
	case AST_MACRO: strbuf_add(out, t->text); break;
	case AST_CHECK: print_check(t, out); break;
	}
}

void ast_print(const struct ast *t, struct strbuf *out)
{
	print_tree(t, AST_MAX_DEPTH, out);
}

static bool dup_text(struct str *s, struct arena *a)
{
	if (s->len == 0)
		return true;
	*s = arena_dup(a, *s);
	return s->ptr != NULL;
}

static struct expr *clone_expr(const struct expr *e, struct arena *a, unsigned depth)
{
	struct expr *copy = depth ? arena_new(a, struct expr) : NULL;

	if (!copy)
		return NULL;
	*copy = *e;
	if (!dup_text(&copy->text, a) || !dup_text(&copy->arg, a))
		return NULL;
	if (e->nargs == 0)
		return copy;
	copy->args = arena_array(a, e->nargs, sizeof(struct expr *));
	if (!copy->args)
		return NULL;
	for (uint32_t i = 0; i < e->nargs; i++) {
		copy->args[i] = clone_expr(e->args[i], a, depth - 1);
		if (!copy->args[i])
			return NULL;
	}
	return copy;
}

static bool clone_sides(struct ast *copy, struct arena *a)
{
	if (!dup_text(&copy->text, a) || !dup_text(&copy->op, a) || !dup_text(&copy->modifier, a))
		return false;
	if (copy->left) {
		copy->left = clone_expr(copy->left, a, AST_MAX_DEPTH);
		if (!copy->left)
			return false;
	}
	if (copy->right) {
		copy->right = clone_expr(copy->right, a, AST_MAX_DEPTH);
		if (!copy->right)
			return false;
	}
	return true;
}

static struct ast *clone_tree(const struct ast *t, struct arena *a, unsigned depth)
{
	struct ast *copy = depth ? arena_new(a, struct ast) : NULL;

	if (!copy)
		return NULL;
	*copy = *t;
	if (!clone_sides(copy, a))
		return NULL;
	if (t->nkids == 0)
		return copy;
	copy->kids = arena_array(a, t->nkids, sizeof(struct ast *));
	if (!copy->kids)
		return NULL;
	for (uint32_t i = 0; i < t->nkids; i++) {
		copy->kids[i] = clone_tree(t->kids[i], a, depth - 1);
		if (!copy->kids[i])
			return NULL;
	}
	return copy;
}

struct ast *ast_clone(const struct ast *t, struct arena *a)
{
	return clone_tree(t, a, AST_MAX_DEPTH);
}

static int visit_macros(struct ast *t, int (*fn)(struct ast *node, void *ctx), void *ctx,
			unsigned depth)
{
	if (depth == 0)
		return -ELOOP;
	if (t->kind == AST_MACRO)
		return fn(t, ctx);
	for (uint32_t i = 0; i < t->nkids; i++) {
		int r = visit_macros(t->kids[i], fn, ctx, depth - 1);

		if (r != 0)
			return r;
	}
	return 0;
}

int ast_macros(struct ast *t, int (*fn)(struct ast *node, void *ctx), void *ctx)
{
	return visit_macros(t, fn, ctx, AST_MAX_DEPTH);
}

struct walk {
	void (*on_node)(const struct ast *node, void *ctx);
	void (*on_expr)(const struct expr *e, bool right_side, void *ctx);
	void *ctx;
};

static void walk_expr(const struct walk *w, const struct expr *e, bool right, unsigned depth)
{
	if (depth == 0)
		return;
	if (e->kind == EXPR_FIELD && w->on_expr)
		w->on_expr(e, right, w->ctx);
	for (uint32_t i = 0; i < e->nargs; i++)
		walk_expr(w, e->args[i], right, depth - 1);
}

static void walk_tree(const struct walk *w, const struct ast *t, unsigned depth)
{
	if (depth == 0)
		return;
	if (w->on_node)
		w->on_node(t, w->ctx);
	if (t->left)
		walk_expr(w, t->left, false, AST_MAX_DEPTH);
	if (t->right)
		walk_expr(w, t->right, true, AST_MAX_DEPTH);
	for (uint32_t i = 0; i < t->nkids; i++)
		walk_tree(w, t->kids[i], depth - 1);
}

void ast_walk(const struct ast *t, void (*on_node)(const struct ast *node, void *ctx),
	      void (*on_expr)(const struct expr *e, bool right_side, void *ctx), void *ctx)
{
	struct walk w = { on_node, on_expr, ctx };

	walk_tree(&w, t, AST_MAX_DEPTH);
}
