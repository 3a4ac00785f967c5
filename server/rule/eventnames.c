/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event codes alone cannot tell the generic syscalls apart. So the set is computed once more over a wider
 * space in which each of them (some 270) has a number of its own behind the codes.
 */
#include "rule/eventnames.h"

#include <errno.h>
#include <stdlib.h>

#include "event/event.h"
#include "filter/filter.h"

enum { FIRST_SYSCALL = 640 };
_Static_assert((int)EV_CODES <= FIRST_SYSCALL, "codes and syscalls would overlap");

struct wide {
	struct catalogue c; /* first: callbacks get its address */
	const struct catalogue *base;
};

static bool generic(unsigned code)
{
	return code == EV_GENERIC_E || code == EV_GENERIC_X;
}

static bool wide_named(const struct catalogue *c, struct str name, struct bitset *ret)
{
	const struct catalogue *base = ((const struct wide *)c)->base;
	const struct syscall_info *calls;
	struct bitset set = { 0 };
	size_t n;

	if (!base->events_named(base, name, &set))
		return false;
	bitset_remove(&set, EV_GENERIC_E);
	bitset_remove(&set, EV_GENERIC_X);
	calls = syscall_infos(&n);
	for (size_t i = 0, at = FIRST_SYSCALL; i < n && at < BITSET_BITS;
	     at += generic(calls[i++].exit))
		if (generic(calls[i].exit) &&
		    (str_eqz(name, calls[i].name) || str_eqz(name, calls[i].type)))
			bitset_add(&set, at);
	*ret = set;
	return true;
}

static int by_text(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

void texts_sort(struct texts *t)
{
	size_t n = 0;

	if (t->n)
		qsort(t->items, t->n, sizeof(*t->items), by_text);
	for (size_t i = 0; i < t->n; i++)
		if (!n || !str_eq(t->items[i], t->items[n - 1]))
			t->items[n++] = t->items[i];
	t->n = n;
}

void texts_json(const struct texts *t, struct json *j)
{
	json_open(j, '[');
	for (size_t i = 0; i < t->n; i++)
		json_text(j, t->items[i]);
	json_close(j, ']');
}

static int wide_events(const struct catalogue *c, const struct ast *tree, struct bitset *ret,
		       struct diag *diag)
{
	struct wide wide = { .c = *c, .base = c };

	wide.c.nevents = BITSET_BITS;
	wide.c.events_named = wide_named;
	return filter_events(&wide.c, tree, ret, diag);
}

static bool any_code(const struct syscall_info *call, const struct bitset *codes)
{
	struct str rest = str_of(call->codes), part;
	uint64_t code;

	while (str_split(&rest, ' ', &part))
		if (str_to_u64(part, &code) == 0 && bitset_has(codes, (size_t)code))
			return true;
	return false;
}

int event_syscalls(const struct catalogue *c, const struct ast *tree, struct bitset *ret,
		   struct diag *diag)
{
	struct bitset set, syscalls = { 0 };
	size_t n;
	const struct syscall_info *calls = syscall_infos(&n);
	int rc = wide_events(c, tree, &set, diag);

	if (rc != 0)
		return rc;
	for (size_t i = 0, at = FIRST_SYSCALL; i < n && i < BITSET_BITS;
	     at += generic(calls[i++].exit))
		if (generic(calls[i].exit) ? bitset_has(&set, at) : any_code(&calls[i], &set))
			bitset_add(&syscalls, i);
	*ret = syscalls;
	return 0;
}

int event_names(const struct catalogue *c, const struct ast *tree, bool async, struct arena *a,
		struct texts *ret, struct diag *diag)
{
	const struct syscall_info *calls;
	struct texts names = { 0 };
	struct bitset set;
	size_t n;
	int rc = wide_events(c, tree, &set, diag);

	if (rc != 0)
		return rc;
	bitset_remove(&set, EV_ASYNCEVENT_E);
	if (async)
		bitset_add(&set, EV_ASYNCEVENT_E);
	for (unsigned code = 0; rc == 0 && code < EV_CODES; code++) {
		const struct event_info *info = event_info(code);

		if (bitset_has(&set, code) && !generic(code) && info && info->name &&
		    info->state != EVS_UNUSED && info->kind != EVK_OURS)
			rc = texts_push(a, &names, str_of(info->name));
	}
	calls = syscall_infos(&n);
	for (size_t i = 0, at = FIRST_SYSCALL; rc == 0 && i < n; at += generic(calls[i++].exit))
		if (bitset_has(&set, at) && generic(calls[i].exit))
			rc = texts_push(a, &names, str_of(calls[i].type));
	texts_sort(&names);
	*ret = names;
	return rc;
}

struct gather {
	struct arena *arena;
	struct texts *fields, *operators;
	int rc;
};

static void add(struct gather *g, struct texts *t, struct str s)
{
	if (g->rc == 0)
		g->rc = s.ptr ? texts_push(g->arena, t, s) : -ENOMEM;
}

static void on_node(const struct ast *node, void *ctx)
{
	struct gather *g = ctx;

	if (node->kind != AST_CHECK)
		return;
	if (node->modifier.len)
		add(g, g->operators,
		    arena_printf(g->arena, "%.*s %.*s", STR_ARG(node->op),
				 STR_ARG(node->modifier)));
	else
		add(g, g->operators, node->op);
}

static void on_expr(const struct expr *e, bool right_side, void *ctx)
{
	struct gather *g = ctx;

	if (e->kind != EXPR_FIELD)
		return;
	if (e->has_arg)
		add(g, g->fields,
		    arena_printf(g->arena, "%.*s[%.*s]", STR_ARG(e->text), STR_ARG(e->arg)));
	else
		add(g, g->fields, e->text);
}

int tree_fields(const struct ast *tree, struct arena *a, struct texts *ret_fields,
		struct texts *ret_operators)
{
	struct gather g = { .arena = a, .fields = ret_fields, .operators = ret_operators };

	ast_walk(tree, on_node, on_expr, &g);
	texts_sort(ret_fields);
	texts_sort(ret_operators);
	return g.rc;
}
