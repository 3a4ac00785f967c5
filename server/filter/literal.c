/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conversions follow the reference, quirks included: integers are read as scanf(3) reads them and cut to the
 * field's width without a word, ports may be service names, addresses are told apart by a dot.
 */
#include "filter/literal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>

#include "base/limits.h"
#include "filter/catalogue.h"
#include "filter/filter.h"

static int bad(struct diag *diag, struct str text, enum value_type type, const char *wanted)
{
	diag_set(diag, "\"" STR_FMT "\" is no value for a field of type %s: expected %s",
		 STR_ARG(str_cut(text, 80)), value_type_name(type), wanted);
	return FILTER_E_INVALID;
}

/* Decimal behind optional blanks and sign, the magnitude held at the largest 64-bit number. */
static bool read_integer(struct str s, bool *ret_negative, uint64_t *ret_magnitude)
{
	uint64_t n = 0;

	while (s.len && (s.ptr[0] == ' ' || (s.ptr[0] >= '\t' && s.ptr[0] <= '\r')))
		s = str_skip(s, 1);
	*ret_negative = s.len && s.ptr[0] == '-';
	if (s.len && (s.ptr[0] == '-' || s.ptr[0] == '+'))
		s = str_skip(s, 1);
	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(s.ptr[i] - '0'), &n))
			n = UINT64_MAX;
	}
	*ret_magnitude = n;
	return true;
}

static int64_t as_signed(bool negative, uint64_t n)
{
	if (negative)
		return n > INT64_MAX ? INT64_MIN : -(int64_t)n;
	return n > INT64_MAX ? INT64_MAX : (int64_t)n;
}

static uint64_t as_unsigned(bool negative, uint64_t n)
{
	return negative && n != UINT64_MAX ? -n : n;
}

static bool convert_integer(enum value_type type, struct str text, struct value *ret)
{
	bool negative;
	uint64_t n;

	if (!read_integer(text, &negative, &n))
		return false;
	switch (type) {
	case VT_INT8: ret->i = (int8_t)as_signed(negative, n); break;
	case VT_INT16: ret->i = (int16_t)as_signed(negative, n); break;
	case VT_INT32: ret->i = (int32_t)as_signed(negative, n); break;
	case VT_INT64: ret->i = as_signed(negative, n); break;
	case VT_UINT8: ret->u = (uint8_t)as_unsigned(negative, n); break;
	case VT_UINT16: ret->u = (uint16_t)as_unsigned(negative, n); break;
	case VT_UINT32: ret->u = (uint32_t)as_unsigned(negative, n); break;
	case VT_DOUBLE: ret->d = negative ? -(double)n : (double)n; break;
	default: ret->u = as_unsigned(negative, n); break;
	}
	return true;
}

static bool convert_bool(struct str text, struct value *ret)
{
	ret->b = str_eqz(text, "true");
	return ret->b || str_eqz(text, "false");
}

static bool all_digits(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
	}
	return true;
}

static bool convert_service(struct str text, struct value *ret)
{
	char name[64], memory[2048];
	struct servent entry, *found = NULL;

	if (text.len >= sizeof(name) || memchr(text.ptr, '\0', text.len))
		return false;
	memcpy(name, text.ptr, text.len);
	name[text.len] = '\0';
	if (getservbyname_r(name, NULL, &entry, memory, sizeof(memory), &found) != 0 || !found)
		return false;
	ret->u = ntohs((uint16_t)found->s_port);
	return true;
}

static bool convert_port(struct str text, struct value *ret)
{
	uint64_t n = 0;

	if (!all_digits(text))
		return convert_service(text, ret);
	if (text.len && str_to_u64(text, &n) < 0)
		return false;
	ret->u = (uint16_t)n;
	return true;
}

static bool convert_ip(struct str text, struct ip_addr *ret)
{
	char z[INET6_ADDRSTRLEN + 1];

	if (text.len >= sizeof(z) || text.len == 0 || memchr(text.ptr, '\0', text.len))
		return false;
	memcpy(z, text.ptr, text.len);
	z[text.len] = '\0';
	*ret = (struct ip_addr){ .family = strchr(z, '.') ? 4 : 6 };
	return inet_pton(ret->family == 4 ? AF_INET : AF_INET6, z, ret->bytes) == 1;
}

static bool convert_net(struct str text, struct operand *ret)
{
	size_t slash = str_chr(text, '/');
	struct str length = str_skip(text, slash + 1);
	uint64_t bits;

	if (slash >= text.len || !convert_ip(str_cut(text, slash), &ret->value.ip))
		return false;
	if (!all_digits(length) || str_to_u64(length, &bits) < 0)
		return false;
	if (ret->value.ip.family == 4 ? bits > 32 : bits < 1 || bits > 128)
		return false;
	ret->bits = (uint8_t)bits;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return -1;
}

static int convert_hex(struct str text, struct arena *a, struct str *ret, struct diag *diag)
{
	char *out = arena_alloc(a, text.len / 2 + 1);

	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < text.len; i += 2) {
		int high = hex_digit(text.ptr[i]);
		int low = i + 1 < text.len ? hex_digit(text.ptr[i + 1]) : -1;

		if (high < 0 || low < 0)
			return bad(diag, text, VT_BYTES, "an even number of hexadecimal digits");
		out[i / 2] = (char)(high << 4 | low);
	}
	*ret = (struct str){ out, text.len / 2 };
	return 0;
}

static int check_length(enum value_type type, struct str text, struct diag *diag)
{
	if (text.len > LIMIT_STRING_LITERAL) {
		diag_set(diag, "a value of %zu bytes is longer than the limit of %d", text.len,
			 LIMIT_STRING_LITERAL);
		return FILTER_E_INVALID;
	}
	if (type == VT_STRING && text.len && memchr(text.ptr, '\0', text.len)) {
		diag_set(diag, "a value for a string field cannot hold a NUL byte");
		return FILTER_E_INVALID;
	}
	return 0;
}

static int convert_text(enum value_type type, const struct op *op, struct str text, struct arena *a,
			struct operand *ret, struct diag *diag)
{
	int r = check_length(type, text, diag);

	if (r != 0)
		return r;
	if (op->literal == LITERAL_HEX)
		return convert_hex(text, a, &ret->value.s, diag);
	ret->value.s = arena_dup(a, text);
	if (text.len && !ret->value.s.ptr)
		return -ENOMEM;
	if (op->literal == LITERAL_GLOB) {
		ret->glob = glob_new(text, op->name[0] == 'i', a);
		if (!ret->glob)
			return -ENOMEM;
	} else if (op->literal == LITERAL_REGEX) {
		char why[256];

		r = regex_new(text.len ? text.ptr : "", text.len, &ret->regex, why, sizeof(why));
		if (r == -EINVAL) {
			diag_set(diag, "the regular expression is wrong: %s", why);
			return FILTER_E_INVALID;
		}
	}
	return r;
}

int literal_convert(enum value_type type, const struct op *op, struct str text, struct arena *a,
		    struct operand *ret, struct diag *diag)
{
	*ret = (struct operand){ 0 };
	switch (type) {
	case VT_STRING:
	case VT_BYTES: return convert_text(type, op, text, a, ret, diag);
	case VT_BOOL:
		return convert_bool(text, &ret->value) ? 0 : bad(diag, text, type, "true or false");
	case VT_PORT:
		return convert_port(text, &ret->value)
			       ? 0
			       : bad(diag, text, type, "a number or the name of a service");
	case VT_IPADDR:
		return convert_ip(text, &ret->value.ip)
			       ? 0
			       : bad(diag, text, type, "an IPv4 or IPv6 address");
	case VT_IPNET:
		return convert_net(text, ret)
			       ? 0
			       : bad(diag, text, type, "a block such as 10.0.0.0/8 or fd00::/8");
	default:
		return convert_integer(type, text, &ret->value)
			       ? 0
			       : bad(diag, text, type, "a decimal integer");
	}
}
