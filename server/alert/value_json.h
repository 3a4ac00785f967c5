/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One value in the two forms alerts have: a typed JSON element, decided by the field's declared type and not
 * by content (falco-compat.md 3.2), and the text of gRPC's output_fields.
 */
#pragma once

#include "base/json.h"
#include "filter/format.h"

/* v NULL: null. Texts are cut to `longest` bytes; scratch is overwritten. */
void value_json(struct json *j, const struct field_ref *ref, const struct value *v, size_t longest,
		struct strbuf *scratch);
/* v NULL: <NA>. Valid until scratch is used again; the bytes may be invalid UTF-8. */
struct str value_text(const struct field_ref *ref, const struct value *v, size_t longest,
		      struct strbuf *scratch);
