/* SPDX-License-Identifier: Apache-2.0 */
/* Condition text to tree: the grammar of rules-language.md 3.1 with its quirks. */
#pragma once

#include "base/arena.h"
#include "base/diag.h"
#include "filter/ast.h"

/*
 * 0 with the tree in the arena (texts are copied into it); -EINVAL with the fault in *diag (line, column
 * and offset of the condition text; the file is left alone); -ENOMEM. max_depth: LIMIT_CONDITION_DEPTH or
 * LIMIT_RULE_CONDITION_DEPTH.
 */
int parse_condition(struct str text, unsigned max_depth, struct arena *a, struct ast **ret_tree,
		    struct diag *diag);
/*
 * The longest text at the start of `text` that is a field or transformer expression (used by output
 * formats). Bytes taken, or 0 when there is none.
 */
size_t parse_output_expr(struct str text, struct arena *a, struct expr **ret_expr);
/* The same, telling -EINVAL (there is none) from -ENOMEM. */
int parse_output(struct str text, struct arena *a, struct expr **ret_expr, size_t *ret_taken);

/*
 * The text between the quotes of a quoted literal, escapes decoded (3.2); quote is the kind of quote it
 * stood in. 0 with the text in the arena (or borrowed when nothing had to be decoded), -EINVAL, -ENOMEM.
 */
int parse_unescape(struct str inner, char quote, struct arena *a, struct str *ret);
/* The names the grammar knows; for messages, listings and the compiler's warnings. */
bool parse_is_transformer(struct str name);
