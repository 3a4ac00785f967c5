/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One value in the two forms alerts have: a typed JSON element, decided by the field's declared type and not
 * by content (falco-compat.md 3.2), and the text of gRPC's output_fields.
 */
#pragma once

#include "base/json.h"
#include "filter/format.h"

struct value_form {
	bool base64;	/* byte buffers */
	size_t longest; /* texts are cut to so many bytes */
};

/* v NULL: null. scratch is overwritten. */
void value_json(struct json *j, const struct field_ref *ref, const struct value *v,
		const struct value_form *form, struct strbuf *scratch);
/* v NULL: <NA>. Valid until scratch is used again; the bytes may be invalid UTF-8. */
struct str value_text(const struct field_ref *ref, const struct value *v,
		      const struct value_form *form, struct strbuf *scratch);
