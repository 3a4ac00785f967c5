/* SPDX-License-Identifier: Apache-2.0 */
/* Names of fields: finding them, splitting off dotted arguments, saying what is wrong with them. */
#include "filter/catalogue.h"

#include <errno.h>

#include "base/suggest.h"
#include "filter/filter.h"

const struct field_def *catalogue_find(const struct catalogue *c, struct str name)
{
	size_t low = 0, high = c->nfields;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = str_cmp(name, str_of(c->fields[mid].name));

		if (order == 0)
			return &c->fields[mid];
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

/* The longest field that takes a dotted argument in front of one of the name's dots. */
static const struct field_def *find_dotted(const struct catalogue *c, struct str name,
					   struct str *ret_arg)
{
	for (size_t n = str_rchr(name, '.'); n < name.len; n = str_rchr(str_cut(name, n), '.')) {
		const struct field_def *def = catalogue_find(c, str_cut(name, n));

		if (def && (def->arg & ARG_NAME)) {
			*ret_arg = str_skip(name, n + 1);
			return def;
		}
		if (str_rchr(str_cut(name, n), '.') == n)
			break;
	}
	return NULL;
}

static int unknown(const struct catalogue *c, struct str name, struct diag *diag)
{
	struct suggest near = suggest_for(name);

	for (size_t i = 0; i < c->nfields; i++) {
		if (!(c->fields[i].flags & FIELD_INTERNAL))
			suggest_offer(&near, str_of(c->fields[i].name));
	}
	if (near.best.ptr)
		diag_set(diag, "unknown field \"" STR_FMT "\"; did you mean \"" STR_FMT "\"?",
			 STR_ARG(name), STR_ARG(near.best));
	else
		diag_set(diag, "unknown field \"" STR_FMT "\"", STR_ARG(name));
	return FILTER_E_UNKNOWN_FIELD;
}

static int64_t index_of(const struct field_def *def, struct str arg)
{
	int64_t n;

	if (!(def->arg & ARG_INDEX) || arg.len == 0 || arg.ptr[0] == '+' || str_to_i64(arg, &n) < 0)
		return -1;
	return n < 0 ? -1 : n;
}

static int check_arg(const struct field_def *def, const struct field_ref *ref, bool bracket,
		     struct diag *diag)
{
	if (!ref->has_arg && (def->arg & ARG_REQUIRED)) {
		diag_set(diag, "field \"%s\" needs an argument, as in %s", def->name,
			 def->arg & ARG_NAME	? "field.name"
			 : def->arg & ARG_INDEX ? "field[0]"
						: "field[key]");
		return FILTER_E_INVALID;
	}
	if (bracket && !(def->arg & (ARG_INDEX | ARG_KEY))) {
		diag_set(diag, "field \"%s\" takes no argument in brackets", def->name);
		return FILTER_E_INVALID;
	}
	if (bracket && !(def->arg & ARG_KEY) && ref->index < 0) {
		diag_set(diag, "field \"%s\" takes a number in brackets, not \"" STR_FMT "\"",
			 def->name, STR_ARG(ref->arg));
		return FILTER_E_INVALID;
	}
	return 0;
}

int catalogue_bind(const struct catalogue *c, struct str name, bool has_arg, struct str arg,
		   struct arena *a, struct field_ref *ret, struct diag *diag)
{
	struct str dotted = { 0 }, why = { 0 };
	const struct field_def *def = catalogue_find(c, name);

	if (!def)
		def = find_dotted(c, name, &dotted);
	if (!def)
		return unknown(c, name, diag);
	if (dotted.len && has_arg) {
		diag_set(diag, "field \"%s\" takes one argument, not two", def->name);
		return FILTER_E_INVALID;
	}
	struct field_ref ref = {
		.def = def,
		.arg = arena_dup(a, dotted.len ? dotted : arg),
		.has_arg = has_arg || dotted.len,
		.list = def->flags & FIELD_LIST,
		.match = MATCH_ONE,
		.type = def->type,
	};

	if (!ref.arg.ptr && (arg.len || dotted.len))
		return -ENOMEM;
	ref.index = ref.has_arg ? index_of(def, ref.arg) : -1;
	int r = check_arg(def, &ref, has_arg, diag);

	if (r != 0)
		return r;
	r = c->bind ? c->bind(c, &ref, a, &why) : 0;
	if (r == -EINVAL) {
		diag_set(diag, "field \"%s\" with argument \"" STR_FMT "\": " STR_FMT, def->name,
			 STR_ARG(ref.arg), STR_ARG(why));
		return FILTER_E_INVALID;
	}
	if (r == -ENOENT)
		return unknown(c, name, diag);
	if (r < 0)
		return r;
	*ret = ref;
	return 0;
}

const char *value_type_name(enum value_type t)
{
	static const char *const names[VT_TYPES] = {
		[VT_NONE] = "nothing",
		[VT_BOOL] = "boolean",
		[VT_INT8] = "8-bit integer",
		[VT_INT16] = "16-bit integer",
		[VT_INT32] = "32-bit integer",
		[VT_INT64] = "64-bit integer",
		[VT_UINT8] = "8-bit unsigned integer",
		[VT_UINT16] = "16-bit unsigned integer",
		[VT_UINT32] = "32-bit unsigned integer",
		[VT_UINT64] = "64-bit unsigned integer",
		[VT_DOUBLE] = "floating-point number",
		[VT_RELTIME] = "duration",
		[VT_ABSTIME] = "time",
		[VT_PORT] = "port",
		[VT_IPADDR] = "IP address",
		[VT_IPNET] = "IP network",
		[VT_STRING] = "string",
		[VT_BYTES] = "byte buffer",
	};

	return t < VT_TYPES ? names[t] : "nothing";
}
