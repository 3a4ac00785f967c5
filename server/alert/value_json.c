/* SPDX-License-Identifier: Apache-2.0 */
/* One value as JSON or text; see value_json.h. */
#include "alert/value_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Few fields are for conditions only; in outputs they are never there. */
static bool absent(const struct field_ref *ref, const struct value *v)
{
	return !v || (ref->def->flags & FIELD_FILTER_ONLY);
}

struct str value_text(const struct field_ref *ref, const struct value *v, size_t longest,
		      struct strbuf *scratch)
{
	strbuf_clear(scratch);
	if (absent(ref, v))
		return STR("<NA>");
	if (ref->type == VT_STRING && !ref->list && ref->match == MATCH_ONE)
		return str_cut(v->s, longest);
	value_print(ref, v, scratch);
	return str_cut(strbuf_str(scratch), longest);
}

/* The shortest decimal text that reads back as the same number, always with a point or an exponent. */
static void double_json(struct json *j, double d)
{
	char text[40];

	if (!isfinite(d)) {
		json_null(j);
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text) - 2, "%.*g", digits, d);
		if (strtod(text, NULL) == d)
			break;
	}
	struct str s = str_of(text);
	if (strspn(text, "-0123456789") == s.len) {
		memcpy(text + s.len, ".0", 3);
		s.len += 2;
	}
	json_raw(j, s);
}

static void list_json(struct json *j, const struct field_ref *ref, const struct value *v,
		      size_t longest, struct strbuf *scratch)
{
	struct field_ref one = *ref;

	one.list = false;
	json_open(j, '[');
	for (uint32_t i = 0; i < v->list.n; i++)
		json_text(j, value_text(&one, &v->list.items[i], longest, scratch));
	json_close(j, ']');
}

void value_json(struct json *j, const struct field_ref *ref, const struct value *v, size_t longest,
		struct strbuf *scratch)
{
	bool printed = ref->def->print == PRINT_HEX || ref->def->print == PRINT_OCT;

	if (absent(ref, v)) {
		json_null(j);
		return;
	}
	if (ref->match != MATCH_ONE) { /* all in one text */
		json_text(j, value_text(ref, v, longest, scratch));
		return;
	}
	if (ref->list) {
		list_json(j, ref, v, longest, scratch);
		return;
	}
	switch (ref->type) {
	case VT_BOOL: json_bool(j, v->b); return;
	case VT_DOUBLE: double_json(j, v->d); return;
	case VT_INT8:
	case VT_INT16:
	case VT_INT32:
	case VT_INT64:
		if (printed)
			break;
		json_i64(j, v->i);
		return;
	case VT_UINT8:
	case VT_UINT16:
	case VT_UINT32:
	case VT_UINT64:
	case VT_RELTIME:
	case VT_ABSTIME:
	case VT_PORT:
		if (printed)
			break;
		json_u64(j, v->u);
		return;
	case VT_NONE:
	case VT_IPADDR:
	case VT_IPNET:
	case VT_STRING:
	case VT_BYTES:
	case VT_TYPES: break;
	}
	json_text(j, value_text(ref, v, longest, scratch));
}
