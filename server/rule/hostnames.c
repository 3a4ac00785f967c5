/* SPDX-License-Identifier: Apache-2.0 */
/* What stands on the right of a field that is a name; which operator it is does not matter. */
#include "rule/hostnames.h"

#include "base/cleanup.h"
#include "base/limits.h"

struct adding {
	struct ruleset *rs;
	int outcome;
};

static void add(struct adding *a, const struct expr *e)
{
	if (e->kind != EXPR_VALUE || !e->text.len || a->rs->host_names.n == LIMIT_HOST_NAMES)
		return;
	vec_foreach (known, &a->rs->host_names) {
		if (str_eq(*known, e->text))
			return;
	}
	if (vec_push(&a->rs->host_names, e->text) < 0)
		a->outcome = -ENOMEM;
}

static bool is_name(const struct expr *e)
{
	static const char *const fields[] = { "fd.cip.name", "fd.sip.name", "fd.lip.name",
					      "fd.rip.name" };

	for (size_t i = 0; e && e->kind == EXPR_FIELD && i < ARRAY_SIZE(fields); i++) {
		if (str_eqz(e->text, fields[i]))
			return true;
	}
	return false;
}

static void on_node(const struct ast *node, void *ctx)
{
	const struct expr *right = node->kind == AST_CHECK && is_name(node->left) ? node->right
										  : NULL;

	if (!right)
		return;
	add(ctx, right);
	for (uint32_t i = 0; right->kind == EXPR_LIST && i < right->nargs; i++)
		add(ctx, right->args[i]);
}

static void on_expr(const struct expr *e, bool right_side, void *ctx)
{
}

int hostnames_add(struct ruleset *rs, const struct ast *tree)
{
	struct adding a = { .rs = rs };

	ast_walk(tree, on_node, on_expr, &a);
	return a.outcome;
}
