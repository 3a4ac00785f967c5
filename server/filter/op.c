/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of operators and what each does (rules-language.md 3.5, 3.7). A new operator is a row, a
 * function, its word in the grammar (parser.c) and rows of test data.
 */
#include "filter/op.h"

#include "base/cleanup.h"
#include "base/json.h"

enum {
	T_BOOL = 1 << VT_BOOL,
	T_SIGNED = 1 << VT_INT8 | 1 << VT_INT16 | 1 << VT_INT32 | 1 << VT_INT64,
	T_UNSIGNED = 1 << VT_UINT8 | 1 << VT_UINT16 | 1 << VT_UINT32 | 1 << VT_UINT64,
	T_NUMBER = T_SIGNED | T_UNSIGNED | 1 << VT_DOUBLE | 1 << VT_RELTIME | 1 << VT_ABSTIME |
		   1 << VT_PORT,
	T_STRING = 1 << VT_STRING,
	T_BYTES = 1 << VT_BYTES,
	T_IP = 1 << VT_IPADDR | 1 << VT_IPNET,
	T_ANY = T_BOOL | T_NUMBER | T_STRING | T_BYTES | T_IP,
	T_ORDERED = T_NUMBER | T_STRING,
};

static size_t ip_size(const struct ip_addr *ip)
{
	return ip->family == 6 ? 16 : 4;
}

static bool ip_equal(const struct ip_addr *a, const struct ip_addr *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, ip_size(a)) == 0;
}

static bool ip_within(const struct ip_addr *ip, const struct ip_addr *net, unsigned bits)
{
	if (ip->family != net->family)
		return false;
	if (memcmp(ip->bytes, net->bytes, bits / 8) != 0)
		return false;
	return bits % 8 == 0 ||
	       ((ip->bytes[bits / 8] ^ net->bytes[bits / 8]) >> (8 - bits % 8)) == 0;
}

/* <0, 0, >0 for types with an order. */
static int compare(enum value_type type, const struct value *a, const struct value *b)
{
	switch (type) {
	case VT_INT8:
	case VT_INT16:
	case VT_INT32:
	case VT_INT64: return (a->i > b->i) - (a->i < b->i);
	case VT_DOUBLE: return (a->d > b->d) - (a->d < b->d);
	case VT_STRING: return str_cmp(a->s, b->s);
	default: return (a->u > b->u) - (a->u < b->u);
	}
}

static bool eval_equal(enum value_type type, const struct value *v, const struct operand *r,
		       struct arena *scratch)
{
	switch (type) {
	case VT_BOOL: return v->b == r->value.b;
	case VT_STRING:
	case VT_BYTES: return str_eq(v->s, r->value.s);
	case VT_IPADDR: return ip_equal(&v->ip, &r->value.ip);
	case VT_IPNET: return ip_within(&v->ip, &r->value.ip, r->bits);
	case VT_DOUBLE: return !(v->d < r->value.d) && !(v->d > r->value.d);
	default: return compare(type, v, &r->value) == 0;
	}
}

static bool eval_differ(enum value_type type, const struct value *v, const struct operand *r,
			struct arena *scratch)
{
	return !eval_equal(type, v, r, scratch);
}

static bool eval_less(enum value_type type, const struct value *v, const struct operand *r,
		      struct arena *scratch)
{
	return compare(type, v, &r->value) < 0;
}

static bool eval_less_equal(enum value_type type, const struct value *v, const struct operand *r,
			    struct arena *scratch)
{
	return compare(type, v, &r->value) <= 0;
}

static bool eval_greater(enum value_type type, const struct value *v, const struct operand *r,
			 struct arena *scratch)
{
	return compare(type, v, &r->value) > 0;
}

static bool eval_greater_equal(enum value_type type, const struct value *v, const struct operand *r,
			       struct arena *scratch)
{
	return compare(type, v, &r->value) >= 0;
}

static bool eval_contains(enum value_type type, const struct value *v, const struct operand *r,
			  struct arena *scratch)
{
	return str_contains(v->s, r->value.s);
}

static bool eval_icontains(enum value_type type, const struct value *v, const struct operand *r,
			   struct arena *scratch)
{
	return str_icontains(v->s, r->value.s);
}

static bool eval_startswith(enum value_type type, const struct value *v, const struct operand *r,
			    struct arena *scratch)
{
	return str_starts(v->s, r->value.s);
}

static bool eval_endswith(enum value_type type, const struct value *v, const struct operand *r,
			  struct arena *scratch)
{
	return str_ends(v->s, r->value.s);
}

static bool match_glob(const struct value *v, const struct operand *r, bool fold,
		       struct arena *scratch)
{
	const struct glob *g = r->glob ? r->glob : glob_new(r->value.s, fold, scratch);

	return g && glob_match(g, v->s);
}

static bool eval_glob(enum value_type type, const struct value *v, const struct operand *r,
		      struct arena *scratch)
{
	return match_glob(v, r, false, scratch);
}

static bool eval_iglob(enum value_type type, const struct value *v, const struct operand *r,
		       struct arena *scratch)
{
	return match_glob(v, r, true, scratch);
}

/* Valid UTF-8: s itself, or a copy with every bad byte replaced by U+FFFD. */
static struct str make_utf8(struct str s, struct arena *scratch)
{
	size_t ok = 0;

	while (ok < s.len && utf8_sequence(str_skip(s, ok)))
		ok += utf8_sequence(str_skip(s, ok));
	if (ok == s.len)
		return s;
	char *out = arena_alloc(scratch, 3 * s.len);
	size_t n = 0;

	if (!out)
		return (struct str){ 0 };
	while (s.len) {
		unsigned len = utf8_sequence(s);

		memcpy(out + n, len ? s.ptr : "\xef\xbf\xbd", len ? len : 3);
		n += len ? len : 3;
		s = str_skip(s, len ? len : 1);
	}
	return (struct str){ out, n };
}

static bool eval_regex(enum value_type type, const struct value *v, const struct operand *r,
		       struct arena *scratch)
{
	struct str text = make_utf8(v->s, scratch);

	if (v->s.len && !text.len)
		return false;
	return r->regex && regex_match(r->regex, text.ptr ? text.ptr : "", text.len);
}

static const struct op ops[] = {
	{ "=", OP_SCALAR, T_ANY, false, true, false, LITERAL_PLAIN, eval_equal },
	{ "==", OP_SCALAR, T_ANY, false, true, false, LITERAL_PLAIN, eval_equal },
	{ "!=", OP_SCALAR, T_ANY, false, true, true, LITERAL_PLAIN, eval_differ },
	{ "<", OP_SCALAR, T_ORDERED, false, true, false, LITERAL_PLAIN, eval_less },
	{ "<=", OP_SCALAR, T_ORDERED, false, true, false, LITERAL_PLAIN, eval_less_equal },
	{ ">", OP_SCALAR, T_ORDERED, false, true, false, LITERAL_PLAIN, eval_greater },
	{ ">=", OP_SCALAR, T_ORDERED, false, true, false, LITERAL_PLAIN, eval_greater_equal },
	{ "exists", OP_EXISTS, T_ANY, true, false, false, LITERAL_PLAIN, NULL },
	{ "in", OP_IN, T_ANY, true, true, false, LITERAL_PLAIN, eval_equal },
	{ "intersects", OP_INTERSECTS, T_ANY, true, true, false, LITERAL_PLAIN, eval_equal },
	{ "pmatch", OP_PMATCH, T_STRING, false, false, false, LITERAL_PLAIN, NULL },
	{ "contains", OP_SCALAR, T_STRING | T_BYTES, false, true, false, LITERAL_PLAIN,
	  eval_contains },
	{ "icontains", OP_SCALAR, T_STRING, false, true, false, LITERAL_PLAIN, eval_icontains },
	{ "startswith", OP_SCALAR, T_STRING | T_BYTES, false, true, false, LITERAL_PLAIN,
	  eval_startswith },
	{ "endswith", OP_SCALAR, T_STRING | T_BYTES, false, true, false, LITERAL_PLAIN,
	  eval_endswith },
	{ "glob", OP_SCALAR, T_STRING, false, true, false, LITERAL_GLOB, eval_glob },
	{ "iglob", OP_SCALAR, T_STRING, false, true, false, LITERAL_GLOB, eval_iglob },
	{ "regex", OP_SCALAR, T_STRING, false, false, false, LITERAL_REGEX, eval_regex },
	{ "bcontains", OP_SCALAR, T_BYTES, false, true, false, LITERAL_HEX, eval_contains },
	{ "bstartswith", OP_SCALAR, T_BYTES, false, true, false, LITERAL_HEX, eval_startswith },
};

const struct op *op_at(size_t i)
{
	return i < ARRAY_SIZE(ops) ? &ops[i] : NULL;
}

const struct op *op_find(struct str name)
{
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		if (str_eqz(name, ops[i].name))
			return &ops[i];
	}
	return NULL;
}
