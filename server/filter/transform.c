/* SPDX-License-Identifier: Apache-2.0 */
/* Transformers: each is a row with what it accepts, what it gives, and its function. */
#include "filter/transform.h"

#include "base/cleanup.h"

/* ---- one text to one text, element by element over lists ---- */

typedef bool (*text_fn)(struct str s, struct arena *a, struct str *ret);

static bool map_texts(const struct vtype *type, const struct value *v, text_fn fn, struct arena *a,
		      struct value *ret)
{
	if (!type->list)
		return fn(v->s, a, &ret->s);
	struct value *items = arena_array(a, v->list.n + 1, sizeof(struct value));

	if (!items)
		return false;
	for (uint32_t i = 0; i < v->list.n; i++) {
		if (!fn(v->list.items[i].s, a, &items[i].s))
			return false;
	}
	ret->list.items = items;
	ret->list.n = v->list.n;
	return true;
}

static bool accepts_text(const struct vtype *args, size_t n, bool option, struct vtype *ret)
{
	if (n != 1 || option || args[0].type != VT_STRING)
		return false;
	*ret = args[0];
	return true;
}

static bool map_case(struct str s, char first, char last, struct arena *a, struct str *ret)
{
	char *out = arena_alloc(a, s.len + 1);

	if (!out)
		return false;
	for (size_t i = 0; i < s.len; i++)
		out[i] = s.ptr[i] >= first && s.ptr[i] <= last ? (char)(s.ptr[i] ^ 0x20) : s.ptr[i];
	*ret = (struct str){ out, s.len };
	return true;
}

static bool text_upper(struct str s, struct arena *a, struct str *ret)
{
	return map_case(s, 'a', 'z', a, ret);
}

static bool text_lower(struct str s, struct arena *a, struct str *ret)
{
	return map_case(s, 'A', 'Z', a, ret);
}

static bool text_basename(struct str s, struct arena *a, struct str *ret)
{
	size_t slash = str_rchr(s, '/');

	*ret = slash < s.len ? (struct str){ s.ptr + slash + 1, s.len - slash - 1 } : s;
	return true;
}

static int b64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Padding may be left out. */
static bool text_b64(struct str s, struct arena *a, struct str *ret)
{
	for (int pad = 0; pad < 2 && s.len % 4 != 1 && s.len && s.ptr[s.len - 1] == '='; pad++)
		s.len--;
	char *out = arena_alloc(a, s.len / 4 * 3 + 3);
	size_t n = 0;
	uint32_t bits = 0;
	unsigned have = 0;

	if (!out || s.len % 4 == 1)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		int digit = b64_digit(s.ptr[i]);

		if (digit < 0)
			return false;
		bits = bits << 6 | (uint32_t)digit;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = (char)(bits >> have & 0xff);
		}
	}
	*ret = (struct str){ out, n };
	return true;
}

#define TEXT_EVAL(fn)                                                                              \
	static bool eval_##fn(const struct vtype *types, const struct value *args, size_t n,       \
			      char option, struct arena *a, struct value *ret)                     \
	{                                                                                          \
		return map_texts(&types[0], &args[0], text_##fn, a, ret);                          \
	}

TEXT_EVAL(upper)
TEXT_EVAL(lower)
TEXT_EVAL(basename)
TEXT_EVAL(b64)

static bool accepts_b64(const struct vtype *args, size_t n, bool option, struct vtype *ret)
{
	if (n != 1 || option || (args[0].type != VT_STRING && args[0].type != VT_BYTES))
		return false;
	*ret = args[0];
	return true;
}

/* ---- len ---- */

static bool accepts_len(const struct vtype *args, size_t n, bool option, struct vtype *ret)
{
	if (n != 1 || option)
		return false;
	if (!args[0].list && args[0].type != VT_STRING && args[0].type != VT_BYTES)
		return false;
	*ret = (struct vtype){ .type = VT_UINT64 };
	return true;
}

static bool eval_len(const struct vtype *types, const struct value *args, size_t n, char option,
		     struct arena *a, struct value *ret)
{
	ret->u = types[0].list ? args[0].list.n : args[0].s.len;
	return true;
}

/* ---- join and concat ---- */

static bool accepts_join(const struct vtype *args, size_t n, bool option, struct vtype *ret)
{
	if (n != 2 || option || args[0].list || args[0].type != VT_STRING || !args[1].list)
		return false;
	if (args[1].type != VT_STRING && args[1].type != VT_INT64 && args[1].type != VT_UINT64)
		return false;
	*ret = (struct vtype){ .type = VT_STRING };
	return true;
}

struct str transform_text(enum value_type type, const struct value *v, struct arena *a)
{
	if (type == VT_INT64)
		return arena_printf(a, "%lld", (long long)v->i);
	if (type == VT_UINT64)
		return arena_printf(a, "%llu", (unsigned long long)v->u);
	return v->s;
}

static bool glue(struct str sep, const struct str *parts, size_t n, struct arena *a,
		 struct str *ret)
{
	size_t len = 0, at = 0;

	for (size_t i = 0; i < n; i++) {
		if (__builtin_add_overflow(len, parts[i].len + (i ? sep.len : 0), &len))
			return false;
	}
	char *out = arena_alloc(a, len + 1);

	if (!out)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (i && sep.len)
			memcpy(out + at, sep.ptr, sep.len);
		at += i ? sep.len : 0;
		if (parts[i].len)
			memcpy(out + at, parts[i].ptr, parts[i].len);
		at += parts[i].len;
	}
	*ret = (struct str){ out, len };
	return true;
}

static bool eval_join(const struct vtype *types, const struct value *args, size_t n, char option,
		      struct arena *a, struct value *ret)
{
	uint32_t count = args[1].list.n;
	struct str *parts = arena_array(a, count + 1, sizeof(struct str));

	if (!parts)
		return false;
	for (uint32_t i = 0; i < count; i++)
		parts[i] = transform_text(types[1].type, &args[1].list.items[i], a);
	return glue(args[0].s, parts, count, a, &ret->s);
}

static bool accepts_concat(const struct vtype *args, size_t n, bool option, struct vtype *ret)
{
	if (n < 2 || option)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (args[i].list || args[i].type != VT_STRING)
			return false;
	}
	*ret = (struct vtype){ .type = VT_STRING };
	return true;
}

static bool eval_concat(const struct vtype *types, const struct value *args, size_t n, char option,
			struct arena *a, struct value *ret)
{
	struct str *parts = arena_array(a, n, sizeof(struct str));

	if (!parts)
		return false;
	for (size_t i = 0; i < n; i++)
		parts[i] = args[i].s;
	return glue((struct str){ 0 }, parts, n, a, &ret->s);
}

/* ---- getopt ---- */

/*
 * Reads arguments the way a POSIX getopt(3) does (it stops at the first that is no option), with long
 * options skipped. What an option gives: its value, "" when the value is not there, its own letter when it
 * takes none; an option the specification does not know gives "?".
 */
struct getopt {
	struct str spec;
	const struct value *args;
	uint32_t n, i;
	struct str left; /* letters of the current argument still to be read */
};

enum { OPTION_UNKNOWN = -1, OPTION_FLAG, OPTION_VALUE, OPTION_MAY };

static int option_kind(struct str spec, char letter)
{
	if (letter == ':' || letter == ';')
		return OPTION_UNKNOWN;
	size_t at = str_chr(spec, letter);

	if (at == spec.len)
		return OPTION_UNKNOWN;
	if (at + 1 >= spec.len || spec.ptr[at + 1] != ':')
		return OPTION_FLAG;
	return at + 2 < spec.len && spec.ptr[at + 2] == ':' ? OPTION_MAY : OPTION_VALUE;
}

/* Moves to the next argument with letters in it; false: no more options. */
static bool getopt_advance(struct getopt *g)
{
	while (g->left.len == 0) {
		if (g->i == g->n)
			return false;
		struct str arg = g->args[g->i].s;

		if (arg.len < 2 || arg.ptr[0] != '-' || str_eqz(arg, "--"))
			return false;
		g->i++;
		if (arg.ptr[1] != '-')
			g->left = str_skip(arg, 1);
	}
	return true;
}

static bool getopt_next(struct getopt *g, char *ret_letter, struct str *ret_value)
{
	if (!getopt_advance(g))
		return false;
	struct str letter = str_cut(g->left, 1);
	int kind = option_kind(g->spec, letter.ptr[0]);

	g->left = str_skip(g->left, 1);
	*ret_letter = kind == OPTION_UNKNOWN ? '?' : letter.ptr[0];
	if (kind == OPTION_UNKNOWN) {
		*ret_value = STR("?");
		return true;
	}
	if (kind == OPTION_FLAG) {
		*ret_value = letter;
		return true;
	}
	*ret_value = g->left;
	if (g->left.len == 0 && kind == OPTION_VALUE && g->i < g->n)
		*ret_value = g->args[g->i++].s;
	g->left = (struct str){ 0 };
	return true;
}

static bool accepts_getopt(const struct vtype *args, size_t n, bool option, struct vtype *ret)
{
	if (n != 2 || !args[0].list || args[0].type != VT_STRING || args[1].list ||
	    args[1].type != VT_STRING)
		return false;
	*ret = (struct vtype){ .type = VT_STRING, .list = !option };
	return true;
}

static size_t count_letters(const struct value *args)
{
	size_t n = 0;

	for (uint32_t i = 0; i < args->list.n; i++)
		n += args->list.items[i].s.len;
	return n;
}

static bool eval_getopt(const struct vtype *types, const struct value *args, size_t n, char option,
			struct arena *a, struct value *ret)
{
	struct getopt g = { .spec = args[1].s, .args = args[0].list.items, .n = args[0].list.n };
	struct value *items = NULL;
	uint32_t count = 0;
	bool found = false;
	char letter;
	struct str value;

	if (!option) {
		items = arena_array(a, count_letters(&args[0]) + 1, sizeof(struct value));
		if (!items)
			return false;
	}
	while (getopt_next(&g, &letter, &value)) {
		if (items)
			items[count++].s = value;
		else if (letter == option) {
			ret->s = value;
			found = true;
		}
	}
	if (!items)
		return found;
	ret->list.items = items;
	ret->list.n = count;
	return true;
}

static const struct transformer transformers[] = {
	{ "toupper", accepts_text, "one string", eval_upper },
	{ "tolower", accepts_text, "one string", eval_lower },
	{ "basename", accepts_text, "one string", eval_basename },
	{ "b64", accepts_b64, "one string or byte buffer", eval_b64 },
	{ "len", accepts_len, "one string, byte buffer or list", eval_len },
	{ "join", accepts_join, "a separator and a list of strings or 64-bit integers", eval_join },
	{ "concat", accepts_concat, "at least two strings", eval_concat },
	{ "getopt", accepts_getopt, "a list of strings and a specification of options",
	  eval_getopt },
};

const struct transformer *transformer_find(struct str name)
{
	for (size_t i = 0; i < ARRAY_SIZE(transformers); i++) {
		if (str_eqz(name, transformers[i].name))
			return &transformers[i];
	}
	return NULL;
}

const struct transformer *transformer_at(size_t i)
{
	return i < ARRAY_SIZE(transformers) ? &transformers[i] : NULL;
}
