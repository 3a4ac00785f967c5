/* SPDX-License-Identifier: Apache-2.0 */
/* One field of every kind the language treats differently, with values that stand for an event. */
#include "small_catalogue.h"

#include <errno.h>

#include "base/cleanup.h"

enum {
	F_ANC,
	F_BOOL,
	F_BYTES,
	F_DOT,
	F_FLOAT,
	F_GONE,
	F_HEX,
	F_IP,
	F_KEYED,
	F_LIST,
	F_NAME,
	F_NET,
	F_NUM,
	F_ONLY,
	F_PAIR,
	F_PORT,
	F_SMALL,
	F_STR,
	F_EVT_NUM,
	F_EVT_TYPE,
};

/* Sorted by name. */
static const struct field_def fields[] = {
	{ "a.anc", "a", "", VT_STRING, FIELD_NO_RHS | FIELD_NO_TRANSFORMER, ARG_INDEX, 0, F_ANC },
	{ "a.bool", "a", "", VT_BOOL, 0, 0, 0, F_BOOL },
	{ "a.bytes", "a", "", VT_BYTES, 0, 0, 0, F_BYTES },
	{ "a.dot", "a", "", VT_STRING, 0, ARG_NAME | ARG_REQUIRED, 0, F_DOT },
	{ "a.float", "a", "", VT_DOUBLE, 0, 0, 0, F_FLOAT },
	{ "a.gone", "a", "", VT_STRING, 0, 0, 0, F_GONE },
	{ "a.hex", "a", "", VT_UINT32, 0, 0, PRINT_HEX, F_HEX },
	{ "a.ip", "a", "", VT_IPADDR, 0, 0, 0, F_IP },
	{ "a.keyed", "a", "", VT_STRING, 0, ARG_KEY | ARG_REQUIRED, 0, F_KEYED },
	{ "a.list", "a", "", VT_STRING, FIELD_LIST, ARG_INDEX, 0, F_LIST },
	{ "a.name", "a", "", VT_STRING, FIELD_NAMES, 0, 0, F_NAME },
	{ "a.net", "a", "", VT_IPNET, FIELD_NO_RHS, 0, 0, F_NET },
	{ "a.num", "a", "", VT_INT64, 0, 0, 0, F_NUM },
	{ "a.only", "a", "", VT_STRING, FIELD_FILTER_ONLY, 0, 0, F_ONLY },
	{ "a.pair", "a", "", VT_IPADDR, FIELD_NO_RHS | FIELD_NO_TRANSFORMER, 0, 0, F_PAIR },
	{ "a.port", "a", "", VT_PORT, 0, 0, 0, F_PORT },
	{ "a.small", "a", "", VT_UINT8, 0, 0, 0, F_SMALL },
	{ "a.str", "a", "", VT_STRING, 0, 0, 0, F_STR },
	{ "evt.num", "evt", "", VT_UINT64, FIELD_EVT_NUM, 0, 0, F_EVT_NUM },
	{ "evt.type", "evt", "", VT_STRING, FIELD_EVT_TYPE, 0, 0, F_EVT_TYPE },
};

static int bind_field(const struct catalogue *c, struct field_ref *ref, struct arena *a,
		      struct str *ret_why)
{
	if (ref->def->id == F_ANC && !ref->has_arg)
		ref->match = MATCH_ANCESTORS;
	if (ref->def->id == F_PAIR)
		ref->match = MATCH_PAIR;
	if (ref->def->id == F_LIST && ref->has_arg)
		ref->list = false;
	if (ref->def->id == F_DOT && !str_eqz(ref->arg, "one") && !str_eqz(ref->arg, "two")) {
		*ret_why = STR("expected one or two");
		return -EINVAL;
	}
	return 0;
}

static const struct value ancestors[] = { { .s = { "bash", 4 } }, { .s = { "sshd", 4 } } };
static const struct value listed[] = { { .s = { "x", 1 } }, { .s = { "y", 1 } } };
static const struct value sides[] = { { .ip = { 4, { 10, 0, 0, 1 } } },
				      { .ip = { 4, { 192, 168, 1, 2 } } } };

static bool pick(const struct value *items, uint32_t n, const struct field_ref *ref,
		 struct value *ret)
{
	if (!ref->has_arg) {
		ret->list.items = items;
		ret->list.n = n;
	} else if (ref->index < (int64_t)n) {
		*ret = items[ref->index];
	} else {
		return false;
	}
	return true;
}

static bool extract(const struct catalogue *c, void *event, const struct field_ref *ref,
		    bool resolved, struct arena *a, struct value *ret)
{
	struct small_event *e = event;

	e->extracted++;
	switch (ref->def->id) {
	case F_ANC: return pick(ancestors, 2, ref, ret);
	case F_LIST: return pick(listed, 2, ref, ret);
	case F_PAIR: return pick(sides, 2, ref, ret);
	case F_BOOL: ret->b = true; return true;
	case F_BYTES:
		ret->s = STR("a\0\xff"
			     "b");
		return true;
	case F_DOT:
	case F_KEYED: ret->s = ref->arg; return true;
	case F_FLOAT: ret->d = 2; return true;
	case F_HEX: ret->u = 0xbeef; return true;
	case F_IP:
	case F_NET: *ret = sides[0]; return true;
	case F_NAME:
		e->extracted_names++;
		ret->s = resolved ? STR("/real") : STR("/link");
		return true;
	case F_NUM: ret->i = -7; return true;
	case F_ONLY: ret->s = STR("hidden"); return true;
	case F_PORT: ret->u = 443; return true;
	case F_SMALL: ret->u = 200; return true;
	case F_STR: ret->s = STR("/usr/Bin/cat"); return true;
	case F_EVT_NUM: ret->u = 5; return true;
	case F_EVT_TYPE: ret->s = str_of(e->type); return true;
	default: return false;
	}
}

static bool events_named(const struct catalogue *c, struct str name, struct bitset *ret)
{
	static const char *const names[] = { "open", "close", "read" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (str_eqz(name, names[i])) {
			bitset_add(ret, 2 * i);
			bitset_add(ret, 2 * i + 1);
			return true;
		}
	}
	return false;
}

const struct catalogue small_catalogue = {
	.fields = fields,
	.nfields = ARRAY_SIZE(fields),
	.bind = bind_field,
	.extract = extract,
	.nevents = 6,
	.events_named = events_named,
};
