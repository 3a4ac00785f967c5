/* SPDX-License-Identifier: Apache-2.0 */
/* The text form of values of any origin; value_print of format.h is for fields. */
#pragma once

#include "base/strbuf.h"
#include "filter/catalogue.h"

/* list: (a,b); ancestors: v is a list too, its texts stand side by side with blanks between. */
void print_value(enum value_type type, bool list, bool ancestors, enum field_print how,
		 const struct value *v, struct strbuf *out);
