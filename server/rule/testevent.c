/* SPDX-License-Identifier: Apache-2.0 */
/* A missing or null key is a field without a value; anything else must fit the field's type. */
#include "rule/testevent.h"

#include <arpa/inet.h>
#include <errno.h>

#include "filter/filter.h"
#include "filter/parser.h"

static bool to_i64(struct str s, int64_t *ret)
{
	uint32_t small;
	struct ynode n = { .kind = YN_SCALAR, .text = s };

	if (str_to_i64(s, ret) == 0)
		return true;
	if (ynode_u32(&n, &small) < 0) /* hexadecimal and octal */
		return false;
	*ret = small;
	return true;
}

static bool to_u64(struct str s, uint64_t *ret)
{
	int64_t i;

	if (str_to_u64(s, ret) == 0)
		return true;
	if (!to_i64(s, &i))
		return false;
	*ret = (uint64_t)i;
	return true;
}

static bool to_address(struct str s, struct ip_addr *ret)
{
	char text[64];
	struct ip_addr ip = { 0 };

	if (s.len >= sizeof(text))
		return false;
	memcpy(text, s.ptr, s.len);
	text[s.len] = 0;
	if (inet_pton(AF_INET, text, ip.bytes) == 1)
		ip.family = 4;
	else if (inet_pton(AF_INET6, text, ip.bytes) == 1)
		ip.family = 6;
	else
		return false;
	*ret = ip;
	return true;
}

static bool to_value(const struct ynode *n, enum value_type type, struct value *ret)
{
	if (!ynode_is(n, YN_SCALAR))
		return false;
	switch (type) {
	case VT_BOOL: return ynode_bool(n, &ret->b) == 0;
	case VT_INT8:
	case VT_INT16:
	case VT_INT32:
	case VT_INT64: return to_i64(n->text, &ret->i);
	case VT_UINT8:
	case VT_UINT16:
	case VT_UINT32:
	case VT_UINT64:
	case VT_RELTIME:
	case VT_ABSTIME:
	case VT_PORT: return to_u64(n->text, &ret->u);
	case VT_DOUBLE: return str_to_double(n->text, &ret->d) == 0;
	case VT_IPADDR:
	case VT_IPNET: return to_address(n->text, &ret->ip);
	default: ret->s = n->text; return true;
	}
}

static bool as_list(const struct field_ref *ref)
{
	return ref->list || ref->match != MATCH_ONE;
}

static bool convert(const struct ynode *n, const struct field_ref *ref, struct arena *a,
		    struct value *ret)
{
	bool many = n->kind == YN_SEQ;
	uint32_t count = many ? n->nkids : 1;

	if (!as_list(ref))
		return to_value(n, ref->type, ret);
	struct value *items = arena_array(a, count + 1, sizeof(*items));

	if (!items)
		return false;
	for (uint32_t i = 0; i < count; i++)
		if (!to_value(many ? n->kids[i] : n, ref->type, &items[i]))
			return false;
	ret->list.items = items;
	ret->list.n = count;
	return true;
}

static bool key_is(struct str key, struct str name, const char *before, struct str arg,
		   const char *behind)
{
	struct str b = str_of(before), e = str_of(behind);

	return key.len == name.len + b.len + arg.len + e.len && str_starts(key, name) &&
	       str_starts(str_skip(key, name.len), b) &&
	       str_starts(str_skip(key, name.len + b.len), arg) && str_ends(key, e);
}

static const struct ynode *find(const struct ynode *event, const struct field_ref *ref)
{
	struct str name = str_of(ref->def->name), arg = ref->arg;

	for (uint32_t i = 0; ynode_is(event, YN_MAP) && i + 1 < event->nkids; i += 2) {
		struct str key = event->kids[i]->text;

		if (event->kids[i]->kind != YN_SCALAR)
			continue;
		if (!ref->has_arg ? str_eq(key, name)
				  : key_is(key, name, "[", arg, "]") ||
					    key_is(key, name, "['", arg, "']") ||
					    key_is(key, name, "[\"", arg, "\"]") ||
					    key_is(key, name, ".", arg, ""))
			return event->kids[i + 1];
	}
	return NULL;
}

static bool extract(const struct catalogue *c, void *event, const struct field_ref *ref,
		    bool resolved, struct arena *a, struct value *ret)
{
	const struct ynode *n = find(event, ref);

	return n && n->kind != YN_NULL && convert(n, ref, a, ret);
}

static const struct catalogue *base_of(const struct catalogue *c)
{
	return ((const struct test_catalogue *)c)->base;
}

static int bind_base(const struct catalogue *c, struct field_ref *ref, struct arena *a,
		     struct str *ret_why)
{
	return base_of(c)->bind(base_of(c), ref, a, ret_why);
}

static bool events_named(const struct catalogue *c, struct str name, struct bitset *ret_codes)
{
	return base_of(c)->events_named(base_of(c), name, ret_codes);
}

void test_catalogue_init(struct test_catalogue *t, const struct catalogue *base)
{
	t->c = *base;
	t->base = base;
	t->c.bind = bind_base;
	t->c.extract = extract;
	t->c.events_named = events_named;
}

static int check_key(const struct test_catalogue *t, const struct ynode *key,
		     const struct ynode *value, struct arena *a, struct diag *diag)
{
	struct field_ref ref;
	struct value v;
	struct expr *e = NULL;
	int rc;

	if (key->kind != YN_SCALAR || parse_output_expr(key->text, a, &e) != key->text.len || !e ||
	    e->kind != EXPR_FIELD) {
		diag_set(diag, "`%.*s` is no field", STR_ARG(key->text));
		return -EINVAL;
	}
	rc = catalogue_bind(&t->c, e->text, e->has_arg, e->arg, a, &ref, diag);
	if (rc != 0)
		return rc < 0 ? rc : -EINVAL;
	if (value->kind == YN_NULL || convert(value, &ref, a, &v))
		return 0;
	diag_set(diag, "the value of %.*s must be a %s", STR_ARG(key->text),
		 value_type_name(ref.type));
	return -EINVAL;
}

int test_event_check(const struct test_catalogue *t, const struct ynode *event, struct arena *a,
		     struct diag *diag)
{
	if (!event || event->kind == YN_NULL)
		return 0;
	if (event->kind != YN_MAP) {
		diag_set(diag, "`event` must be a map of fields and values");
		return -EINVAL;
	}
	for (uint32_t i = 0; i + 1 < event->nkids; i += 2) {
		int rc = check_key(t, event->kids[i], event->kids[i + 1], a, diag);

		if (rc < 0)
			return rc;
	}
	return 0;
}
