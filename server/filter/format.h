/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output formats: text with %field, %field[arg], %transformer(...), %12field (rules-language.md 4.1),
 * compiled into the same program as the conditions.
 */
#pragma once

#include "base/strbuf.h"
#include "filter/filter.h"

struct format;

/* What a format mentions, in order of first mention; fields inside transformers included. */
struct format_field {
	struct str key; /* the text of the field as written: "proc.aname[2]" */
	uint32_t slot;
};

/*
 * Which fault is which: FILTER_E_UNKNOWN_FIELD is an unknown field or no field at all behind a `%`, which
 * skip-if-unknown-filter forgives; everything else is FILTER_E_INVALID.
 */
/* 0; FILTER_E_UNKNOWN_FIELD or FILTER_E_INVALID with *diag (offset in the text); -ENOMEM. */
int format_compile(struct program *p, struct str text, struct format **ret_format,
		   struct diag *diag);
const struct format_field *format_fields(const struct format *f, size_t *ret_n);
/* The canonical text of the format, as describe prints it (output_compiled). */
struct str format_text(const struct format *f);
/*
 * Renders. tolerant: missing values print <NA> (a leading `*` in the text asks for it too); otherwise
 * false is returned at the first missing value and out holds what came before.
 */
bool format_render(const struct format *f, struct eval *e, bool tolerant, struct strbuf *out);
/* One value in text form, as %field prints it. NULL prints <NA>. */
void value_print(const struct field_ref *ref, const struct value *v, struct strbuf *out);
