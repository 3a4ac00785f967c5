/* SPDX-License-Identifier: Apache-2.0 */
/* Values as text (rules-language.md 4.1). */
#include "filter/print.h"

#include <arpa/inet.h>

#include "base/limits.h"
#include "filter/format.h"

static void print_unsigned(uint64_t v, enum field_print how, struct strbuf *out)
{
	switch (how) {
	case PRINT_HEX: strbuf_printf(out, "%llX", (unsigned long long)v); break;
	case PRINT_OCT: strbuf_printf(out, "%llo", (unsigned long long)v); break;
	case PRINT_PADDED_DEC: strbuf_printf(out, "%09llu", (unsigned long long)v); break;
	default: strbuf_add_u64(out, v); break;
	}
}

static void print_signed(int64_t v, enum field_print how, struct strbuf *out)
{
	if (how == PRINT_HEX || how == PRINT_OCT)
		print_unsigned((uint64_t)v, how, out);
	else if (how == PRINT_PADDED_DEC)
		strbuf_printf(out, "%09lld", (long long)v);
	else
		strbuf_add_i64(out, v);
}

static void print_bytes(struct str s, struct strbuf *out)
{
	for (size_t i = 0; i < s.len; i++)
		strbuf_addc(out, s.ptr[i] >= 0x20 && s.ptr[i] < 0x7f ? s.ptr[i] : '.');
}

static void print_ip(const struct ip_addr *ip, struct strbuf *out)
{
	char text[INET6_ADDRSTRLEN];

	if (inet_ntop(ip->family == 6 ? AF_INET6 : AF_INET, ip->bytes, text, sizeof(text)))
		strbuf_addz(out, text);
}

static void print_one(enum value_type type, enum field_print how, const struct value *v,
		      struct strbuf *out)
{
	switch (type) {
	case VT_NONE:
	case VT_TYPES: break;
	case VT_BOOL: strbuf_addz(out, v->b ? "true" : "false"); break;
	case VT_INT8:
	case VT_INT16:
	case VT_INT32:
	case VT_INT64: print_signed(v->i, how, out); break;
	case VT_DOUBLE: strbuf_printf(out, "%.1f", v->d); break;
	case VT_IPADDR:
	case VT_IPNET: print_ip(&v->ip, out); break;
	case VT_STRING: strbuf_add(out, v->s); break;
	case VT_BYTES:
		if (how == PRINT_BASE64)
			strbuf_add_base64(out, v->s);
		else
			print_bytes(v->s, out);
		break;
	default: print_unsigned(v->u, how, out); break;
	}
}

void print_value(enum value_type type, bool list, bool ancestors, enum field_print how,
		 const struct value *v, struct strbuf *out)
{
	if (!list && !ancestors) {
		print_one(type, how, v, out);
		return;
	}
	size_t start = out->len;

	if (list)
		strbuf_addc(out, '(');
	for (uint32_t i = 0; i < v->list.n; i++) {
		if (i)
			strbuf_addc(out, list ? ',' : ' ');
		print_one(type, how, &v->list.items[i], out);
	}
	if (list)
		strbuf_addc(out, ')');
	if (list && out->len - start > LIMIT_LIST_TEXT)
		out->len = start + LIMIT_LIST_TEXT;
}

void value_print(const struct field_ref *ref, const struct value *v, struct strbuf *out)
{
	if (!v || (ref->def->flags & FIELD_FILTER_ONLY))
		strbuf_addz(out, "<NA>");
	else
		print_value(ref->type, ref->list, ref->match != MATCH_ONE,
			    ref->base64 ? PRINT_BASE64 : ref->def->print, v, out);
}
