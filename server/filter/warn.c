/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is valid but hardly meant: right-hand texts that name a field or look like a transformer call, and
 * patterns a simpler operator would do for.
 */
#include "filter/warn.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "filter/parser.h"

static void add(struct filter_warnings *w, const struct expr *value, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void add(struct filter_warnings *w, const struct expr *value, const char *fmt, ...)
{
	struct diag *d = &w->last[w->n % ARRAY_SIZE(w->last)];
	va_list ap;

	*d = (struct diag){ .offset = value->pos };
	va_start(ap, fmt);
	vsnprintf(d->text, sizeof(d->text), fmt, ap);
	va_end(ap);
	w->n++;
}

/* name(...) with the name of a transformer. */
static bool looks_like_call(struct str text)
{
	size_t open = str_chr(text, '(');

	return open < text.len && text.ptr[text.len - 1] == ')' &&
	       (parse_is_transformer(str_cut(text, open)) || str_eqz(str_cut(text, open), "val"));
}

static bool take_front(struct str *s, const char *part)
{
	if (!str_starts(*s, str_of(part)))
		return false;
	*s = str_skip(*s, strlen(part));
	return true;
}

static bool take_back(struct str *s, const char *part)
{
	if (!str_ends(*s, str_of(part)))
		return false;
	s->len -= strlen(part);
	return true;
}

/* Whether nothing but anchors and one wildcard at either end makes it a regular expression. */
static bool is_plain_regex(struct str s)
{
	static const char special[] = "\\.^$*+?()[]{}|";

	take_front(&s, "^");
	take_back(&s, "$");
	if (!take_front(&s, ".*") && !take_front(&s, ".+"))
		take_front(&s, ".?");
	if (!take_back(&s, ".*") && !take_back(&s, ".+"))
		take_back(&s, ".?");
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] && strchr(special, s.ptr[i]))
			return false;
	}
	return true;
}

void warn_literal(const struct catalogue *c, const struct op *op, const struct expr *value,
		  struct filter_warnings *w)
{
	struct str text = str_trim(value->text);

	if (!w)
		return;
	if (catalogue_find(c, text))
		add(w, value,
		    "\"" STR_FMT "\" is compared as text although a field has this name; "
		    "write val(" STR_FMT ") for the field's value",
		    STR_ARG(text), STR_ARG(text));
	else if (value->quoted && looks_like_call(text))
		add(w, value,
		    "\"" STR_FMT "\" is compared as text because of its quotes; "
		    "without them the transformer is used",
		    STR_ARG(str_cut(text, 100)));
	if (op->literal == LITERAL_REGEX && is_plain_regex(text))
		add(w, value,
		    "\"" STR_FMT "\" needs no regular expression; =, contains, startswith or "
		    "endswith do the same faster",
		    STR_ARG(str_cut(text, 100)));
}
