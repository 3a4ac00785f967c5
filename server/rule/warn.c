/* SPDX-License-Identifier: Apache-2.0 */
/* One row per code; the texts are what `-V` shows beside an issue. */
#include "rule/warn.h"

#include "filter/ast.h"
#include "rule/result.h"

static const struct load_code_info codes[LOAD_CODES] = {
	[LOAD_ERR_FILE_READ] = { "LOAD_ERR_FILE_READ", true, "File cannot be read",
				 "The rules file could not be opened or read." },
	[LOAD_ERR_YAML_PARSE] = { "LOAD_ERR_YAML_PARSE", true, "Not valid YAML",
				  "The text of the rules file is not YAML." },
	[LOAD_ERR_YAML_VALIDATE] = { "LOAD_ERR_YAML_VALIDATE", true, "Unexpected rules structure",
				     "The file is YAML, but not of the shape a rules file has." },
	[LOAD_ERR_COMPILE_CONDITION] = { "LOAD_ERR_COMPILE_CONDITION", true,
					 "Condition does not compile",
					 "A condition has a mistake in its syntax or names." },
	[LOAD_ERR_COMPILE_OUTPUT] = { "LOAD_ERR_COMPILE_OUTPUT", true, "Output does not compile",
				      "An output format names something that does not exist." },
	[LOAD_ERR_VALIDATE] = { "LOAD_ERR_VALIDATE", true, "Rules item does not make sense",
				"An item is well formed but contradicts another one or the engine." },
	[LOAD_ERR_EXTENSION] = { "LOAD_ERR_EXTENSION", true, "Engine extension failed",
				 "An extension of the engine refused an item." },
	[LOAD_UNKNOWN_SOURCE] = { "LOAD_UNKNOWN_SOURCE", false, "No such event source",
				  "A rule is for an event source that nothing loaded here provides. "
				  "The rule is left out." },
	[LOAD_UNSAFE_NA_CHECK] = { "LOAD_UNSAFE_NA_CHECK", false, "Comparison with <NA>",
				   "A field of this kind never has the text <NA>: a missing value makes "
				   "the comparison false. Use `exists` to ask whether there is one." },
	[LOAD_NO_EVTTYPE] = { "LOAD_NO_EVTTYPE", false, "Condition without event types",
			      "The condition does not say which event types it is about, so it is "
			      "evaluated for nearly all of them. That costs speed; add a check of "
			      "evt.type." },
	[LOAD_UNKNOWN_FILTER] = { "LOAD_UNKNOWN_FILTER", false, "Unknown field or event type",
				  "A rule uses a field or event type that is not known here and asks "
				  "to be skipped in this case. The rule is left out." },
	[LOAD_UNUSED_MACRO] = { "LOAD_UNUSED_MACRO", false, "Macro never used",
				"A macro is defined, but no rule or macro refers to it." },
	[LOAD_UNUSED_LIST] = { "LOAD_UNUSED_LIST", false, "List never used",
			       "A list is defined, but no rule, macro or list refers to it." },
	[LOAD_UNKNOWN_ITEM] = { "LOAD_UNKNOWN_ITEM", false, "Unknown kind of item",
				"An element of the file is no rule, macro, list or requirement. It is "
				"ignored." },
	[LOAD_DEPRECATED_ITEM] = { "LOAD_DEPRECATED_ITEM", false, "Deprecated item",
				   "Something is used that still works but is on its way out." },
	[LOAD_WARNING_EXTENSION] = { "LOAD_WARNING_EXTENSION", false, "Engine extension warns",
				     "An extension of the engine has a remark about an item." },
	[LOAD_APPEND_NO_VALUES] = { "LOAD_APPEND_NO_VALUES", false,
				    "Exception appended without values",
				    "An exception is appended to, but nothing is given to append." },
	[LOAD_EXCEPTION_NAME_NOT_UNIQUE] = { "LOAD_EXCEPTION_NAME_NOT_UNIQUE", false,
					     "Exception name used twice",
					     "Two exceptions of one rule have the same name, so a "
					     "later append can reach only one of them." },
	[LOAD_INVALID_MACRO_NAME] = { "LOAD_INVALID_MACRO_NAME", false, "Unusable macro name",
				      "A condition cannot refer to a macro of this name: a name is a "
				      "letter followed by letters, digits and underscores." },
	[LOAD_INVALID_LIST_NAME] = { "LOAD_INVALID_LIST_NAME", false, "Unusable list name",
				     "The name of a list should have no blanks, quotes, parentheses, "
				     "commas or equal signs, which end a word in a condition." },
	[LOAD_COMPILE_CONDITION] = { "LOAD_COMPILE_CONDITION", false, "Doubtful condition",
				     "The condition compiles, but probably does not mean what it looks "
				     "like." },
	[LOAD_UNKNOWN_KEY] = { "LOAD_UNKNOWN_KEY", false, "Unknown key",
			       "An item has a key that does not belong to its kind. It is ignored." },
};

const struct load_code_info *load_code_info(enum load_code code)
{
	return &codes[code];
}

struct visit {
	const struct place *place;
	struct str text;
	struct result *result;
};

static bool holds_na(const struct expr *e)
{
	if (!e)
		return false;
	if (e->kind == EXPR_VALUE)
		return str_eqz(e->text, "<NA>");
	for (uint32_t i = 0; e->kind == EXPR_LIST && i < e->nargs; i++)
		if (e->args[i]->kind == EXPR_VALUE && str_eqz(e->args[i]->text, "<NA>"))
			return true;
	return false;
}

/* The first field below e with one of these beginnings; transformers nest no deeper than the parser lets. */
static const struct expr *unsafe_field(const struct expr *e)
{
	if (!e)
		return NULL;
	if (e->kind == EXPR_FIELD)
		return str_starts(e->text, STR("ka.")) || str_starts(e->text, STR("jevt.")) ? e
											    : NULL;
	for (uint32_t i = 0; i < e->nargs; i++) {
		const struct expr *found = unsafe_field(e->args[i]);

		if (found)
			return found;
	}
	return NULL;
}

/* The whole condition: the reference does not say where in it. */
static const struct place *here(const struct visit *v)
{
	return place_text(v->result->arena, v->place, v->place, v->text, 0, true);
}

static void on_node(const struct ast *node, void *ctx)
{
	struct visit *v = ctx;
	const struct expr *bad;

	if (node->kind != AST_CHECK || !holds_na(node->right))
		return;
	bad = unsafe_field(node->left);
	if (bad)
		result_add(v->result, LOAD_UNSAFE_NA_CHECK, here(v),
			   "%.*s is compared with <NA>; ask with `exists` whether it has a value",
			   STR_ARG(bad->text));
}

static bool is_deprecated(struct str field)
{
	return str_eqz(field, "evt.dir") || str_eqz(field, "evt.latency") ||
	       str_starts(field, STR("evt.latency."));
}

static void on_expr(const struct expr *e, bool right_side, void *ctx)
{
	struct visit *v = ctx;

	if (e->kind != EXPR_FIELD || !is_deprecated(e->text))
		return;
	result_add(v->result, LOAD_DEPRECATED_ITEM, here(v),
		   "%.*s is deprecated: only exits of calls are seen, so it is always the same",
		   STR_ARG(e->text));
	result_deprecated(v->result, e->text);
}

void warn_condition(const struct ast *tree, const struct place *place, struct str text,
		    struct result *r)
{
	struct visit v = { .place = place, .text = text, .result = r };

	ast_walk(tree, on_node, on_expr, &v);
}
