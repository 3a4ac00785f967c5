/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions: parse, print, parse what was printed where that is possible, compile, derive events, evaluate
 * and explain. Beyond not crashing: a clone prints the same, and the explanation agrees with the result.
 */
#include <stdlib.h>

#include "base/limits.h"
#include "filter/filter.h"
#include "filter/parser.h"
#include "fuzz.h"
#include "small_catalogue.h"

static void check_clone(const struct ast *tree, struct arena *a)
{
	struct strbuf first = { 0 }, second = { 0 };
	struct ast *copy = ast_clone(tree, a);

	ast_print(tree, &first);
	if (copy)
		ast_print(copy, &second);
	if (copy && !str_eq(strbuf_str(&first), strbuf_str(&second)))
		abort();
	strbuf_done(&first);
	strbuf_done(&second);
}

static void check_eval(struct program *p, const struct cond *cond, const struct bitset *events)
{
	struct small_event event = { .type = "open" };
	struct strbuf decider = { 0 };
	struct arena arena = { 0 };
	struct eval *e = eval_new(p);

	if (!e)
		return;
	eval_begin(e, &event, &arena);
	bool result = eval_cond(e, cond);

	if (eval_explain(e, cond, &decider) != result)
		abort();
	/* The event is an open, code 0: when the condition holds, the set must have it. */
	if (result && events && !bitset_has(events, 0))
		abort();
	eval_names(e, true);
	eval_cond(e, cond);
	eval_free(e);
	strbuf_done(&decider);
	arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct arena load = { 0 };
	struct diag diag = { 0 };
	struct ast *tree;

	if (parse_condition(text, LIMIT_RULE_CONDITION_DEPTH, &load, &tree, &diag) == 0) {
		struct program *p = program_new(&small_catalogue);
		struct filter_warnings warnings = { 0 };
		struct bitset events = { 0 };
		struct cond *cond;

		check_clone(tree, &load);
		int known = filter_events(&small_catalogue, tree, &events, &diag);

		if (p && filter_compile(p, tree, &cond, &warnings, &diag) == 0) {
			program_seal(p);
			check_eval(p, cond, known == 0 ? &events : NULL);
		}
		program_free(p);
	}
	arena_done(&load);
	return 0;
}
