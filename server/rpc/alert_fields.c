/* SPDX-License-Identifier: Apache-2.0 */
/* The rules' catalogue without its meaning, and rows of our own in front; see alert_fields.h. */
#include "rpc/alert_fields.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "fields/catalogue.h"
#include "rpc/message.h"
#include "rule/ruleset.h"

enum {
	A_FIELD = 1,
	A_HOSTNAME,
	A_OUTPUT,
	A_PRIORITY,
	A_RULE,
	A_SEVERITY,
	A_SOURCE,
	A_TAGS,
	A_TIME,
	A_OUTPUT_FIELD, /* by its name */
};

#define ROW(fname, ftype, fflags, farg, fid, fdesc)                                                \
	{                                                                                          \
		.name = (fname), .cls = "alert", .desc = (fdesc), .type = (ftype),                 \
		.flags = (fflags), .arg = (farg), .id = (fid)                                      \
	}
/* Sorted; all before the names of the rules' catalogue that begin with a later letter. */
static const struct field_def own[] = {
	ROW("alert.field", VT_STRING, 0, ARG_KEY | ARG_REQUIRED, A_FIELD, "any output field"),
	ROW("alert.hostname", VT_STRING, 0, 0, A_HOSTNAME, "the sensor's host"),
	ROW("alert.output", VT_STRING, 0, 0, A_OUTPUT, "the whole line"),
	ROW("alert.priority", VT_STRING, 0, 0, A_PRIORITY, "its word in lower case"),
	ROW("alert.rule", VT_STRING, 0, 0, A_RULE, "the rule's name"),
	ROW("alert.severity", VT_UINT8, 0, 0, A_SEVERITY, "0 emergency to 7 debug"),
	ROW("alert.source", VT_STRING, 0, 0, A_SOURCE, "where the event came from"),
	ROW("alert.tags", VT_STRING, FIELD_LIST, 0, A_TAGS, "the rule's tags"),
	ROW("alert.time", VT_ABSTIME, 0, 0, A_TIME, "of the event"),
};

static struct field_def *defs;

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct field_def *)a)->name, ((const struct field_def *)b)->name);
}

/* As the key is written in output_fields: name, name[arg] or name.arg. */
static struct str key_of(const struct field_ref *ref, struct arena *a)
{
	if (!ref->has_arg)
		return str_of(ref->def->name);
	return ref->def->arg & ARG_NAME && ref->index < 0
		       ? arena_printf(a, "%s." STR_FMT, ref->def->name, STR_ARG(ref->arg))
		       : arena_printf(a, "%s[" STR_FMT "]", ref->def->name, STR_ARG(ref->arg));
}

static int bind_field(const struct catalogue *c, struct field_ref *ref, struct arena *a,
		      struct str *ret_why)
{
	int64_t n;

	ref->type = ref->def->type;
	ref->match = MATCH_ONE;
	ref->list = ref->def->id == A_TAGS;
	ref->index = -1;
	ref->aux = 0;
	if (ref->has_arg && !ref->def->arg) {
		*ret_why = STR("no argument");
		return -EINVAL;
	}
	if (!ref->has_arg && ref->def->arg & ARG_REQUIRED) {
		*ret_why = STR("an argument");
		return -EINVAL;
	}
	if (ref->has_arg && ref->def->arg & ARG_INDEX && str_to_i64(ref->arg, &n) == 0)
		ref->index = n;
	/* Several values are one text, and what has no type of its own is a text too. */
	if (ref->def->id == A_OUTPUT_FIELD &&
	    (ref->def->flags & FIELD_LIST || ref->type == VT_NONE || ref->type == VT_BYTES))
		ref->type = VT_STRING;
	return 0;
}

static bool read_address(struct str text, struct ip_addr *ret)
{
	char z[64];

	if (text.len >= sizeof(z))
		return false;
	memcpy(z, text.ptr, text.len);
	z[text.len] = 0;
	*ret = (struct ip_addr){ 0 };
	if (inet_pton(AF_INET, z, ret->bytes) == 1)
		ret->family = 4;
	else if (inet_pton(AF_INET6, z, ret->bytes) == 1)
		ret->family = 6;
	return ret->family;
}

static bool read_unsigned(struct str text, uint64_t max, struct value *ret)
{
	/* Printed in hexadecimal or octal by some fields. */
	if (str_starts(text, STR("0x"))) {
		uint64_t v = 0;

		for (size_t i = 2; i < text.len; i++) {
			char c = text.ptr[i];
			int digit = c >= '0' && c <= '9'   ? c - '0'
				    : c >= 'a' && c <= 'f' ? c - 'a' + 10
							   : -1;

			if (digit < 0 || v >> 60)
				return false;
			v = v << 4 | (unsigned)digit;
		}
		ret->u = v;
		return text.len > 2 && v <= max;
	}
	return str_to_u64(text, &ret->u) == 0 && ret->u <= max;
}

static bool read_signed(struct str text, int64_t min, int64_t max, struct value *ret)
{
	return str_to_i64(text, &ret->i) == 0 && ret->i >= min && ret->i <= max;
}

/* A field's text as the value it was. */
static bool read_value(enum value_type type, struct str text, struct value *ret)
{
	switch (type) {
	case VT_BOOL: ret->b = str_eqz(text, "true"); return ret->b || str_eqz(text, "false");
	case VT_INT8: return read_signed(text, INT8_MIN, INT8_MAX, ret);
	case VT_INT16: return read_signed(text, INT16_MIN, INT16_MAX, ret);
	case VT_INT32: return read_signed(text, INT32_MIN, INT32_MAX, ret);
	case VT_INT64: return read_signed(text, INT64_MIN, INT64_MAX, ret);
	case VT_UINT8: return read_unsigned(text, UINT8_MAX, ret);
	case VT_UINT16:
	case VT_PORT: return read_unsigned(text, UINT16_MAX, ret);
	case VT_UINT32: return read_unsigned(text, UINT32_MAX, ret);
	case VT_UINT64:
	case VT_RELTIME:
	case VT_ABSTIME: return read_unsigned(text, UINT64_MAX, ret);
	case VT_DOUBLE: return str_to_double(text, &ret->d) == 0;
	case VT_IPADDR:
	case VT_IPNET: return read_address(text, &ret->ip);
	default: ret->s = text; return !str_eqz(text, "<NA>");
	}
}

static bool tags(const struct message *m, struct arena *a, struct value *ret)
{
	size_t at = 0, n = 0;
	struct str tag;

	while (message_tag(m, &at, &tag))
		n++;
	struct value *items = arena_array(a, n ? n : 1, sizeof(*items));
	if (!items)
		return false;
	at = 0;
	for (size_t i = 0; i < n && message_tag(m, &at, &tag); i++)
		items[i].s = tag;
	ret->list.items = items;
	ret->list.n = (uint32_t)n;
	return true;
}

/* The word of a priority in lower case. */
static struct str priority_word(uint64_t priority)
{
	static const char *const words[] = { "emergency", "alert",  "critical",	     "error",
					     "warning",	  "notice", "informational", "debug" };

	return str_of(words[priority & 7]);
}

static bool extract(const struct catalogue *c, void *event, const struct field_ref *ref,
		    bool resolved, struct arena *a, struct value *ret)
{
	const struct message *m = event;
	struct str text;

	switch (ref->def->id) {
	case A_HOSTNAME: ret->s = m->hostname; return true;
	case A_OUTPUT: ret->s = m->output; return true;
	case A_PRIORITY: ret->s = priority_word(m->priority); return true;
	case A_RULE: ret->s = m->rule; return true;
	case A_SEVERITY: ret->u = m->priority; return true;
	case A_SOURCE: ret->s = m->source; return true;
	case A_TAGS: return tags(m, a, ret);
	case A_TIME: ret->u = m->time_ns; return true;
	case A_FIELD: return message_field(m, ref->arg, &text) && read_value(VT_STRING, text, ret);
	default: return message_field(m, key_of(ref, a), &text) && read_value(ref->type, text, ret);
	}
}

static bool no_events(const struct catalogue *c, struct str name, struct bitset *ret_codes)
{
	return false;
}

const struct catalogue *alert_fields(void)
{
	static struct catalogue catalogue = {
		.bind = bind_field,
		.extract = extract,
		.events_named = no_events,
	};
	const struct catalogue *rules = fields_catalogue();

	if (defs)
		return &catalogue;
	size_t n = rules->nfields + ARRAY_SIZE(own);
	defs = calloc(n, sizeof(*defs));
	if (!defs)
		return NULL;
	memcpy(defs, own, sizeof(own));
	for (size_t i = 0; i < rules->nfields; i++) {
		struct field_def *d = &defs[ARRAY_SIZE(own) + i];

		*d = rules->fields[i];
		d->id = A_OUTPUT_FIELD;
		/* What decides event sets, or is printed only, is a text like any other here. */
		d->flags = 0;
	}
	qsort(defs, n, sizeof(*defs), by_name);
	catalogue.fields = defs;
	catalogue.nfields = n;
	return &catalogue;
}
