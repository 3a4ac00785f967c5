/* SPDX-License-Identifier: Apache-2.0 */
/* Literals that are probably not what their author meant (rules-language.md 2.2, LOAD_COMPILE_CONDITION). */
#pragma once

#include "filter/filter.h"
#include "filter/op.h"

void warn_literal(const struct catalogue *c, const struct op *op, const struct expr *value,
		  struct filter_warnings *w);
