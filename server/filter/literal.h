/* SPDX-License-Identifier: Apache-2.0 */
/* Literals of conditions as values of a field's type (rules-language.md 3.5). */
#pragma once

#include "base/arena.h"
#include "base/diag.h"
#include "filter/op.h"

/*
 * 0 with *ret filled (texts in the arena); FILTER_E_INVALID with diag->text; -ENOMEM. Globs and regular
 * expressions are prepared when the operator wants them; regexes belong to the caller.
 */
int literal_convert(enum value_type type, const struct op *op, struct str text, struct arena *a,
		    struct operand *ret, struct diag *diag);
