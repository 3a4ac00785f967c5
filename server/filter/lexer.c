/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lexical productions of conditions. They are matched where the parser asks for them, as prefixes of
 * what is left: there is no stream of tokens, because what a word is depends on where it stands.
 */
#include "filter/lexer.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\b' || c == '\r' || c == '\n';
}

bool lexer_is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_xdigit(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_word(char c)
{
	return is_letter(c) || is_digit(c) || c == '_';
}

bool lexer_is_bare(char c)
{
	return !lexer_is_space(c) && c != '(' && c != ')' && c != '"' && c != '\'' && c != '=' &&
	       c != ',';
}

bool lexer_is_arg(char c)
{
	return !lexer_is_space(c) && c != '[' && c != ']' && c != '"' && c != '\'';
}

struct str lexer_rest(const struct lexer *l)
{
	return str_skip(l->text, l->pos);
}

/* The byte n after the position, or NUL. A NUL in the text belongs to no word, so the two may mix. */
char lexer_peek(const struct lexer *l, size_t n)
{
	return l->pos + n < l->text.len ? l->text.ptr[l->pos + n] : '\0';
}

bool lexer_blanks(struct lexer *l)
{
	size_t from = l->pos;

	while (l->pos < l->text.len && is_blank(l->text.ptr[l->pos]))
		l->pos++;
	return l->pos != from;
}

bool lexer_take(struct lexer *l, const char *word)
{
	if (!str_starts(lexer_rest(l), str_of(word)))
		return false;
	l->pos += strlen(word);
	return true;
}

struct str lexer_take_first(struct lexer *l, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (lexer_take(l, words[i]))
			return str_of(words[i]);
	}
	return (struct str){ 0 };
}

struct str lexer_take_while(struct lexer *l, bool (*belongs)(char c))
{
	size_t from = l->pos;

	while (l->pos < l->text.len && belongs(l->text.ptr[l->pos]))
		l->pos++;
	return (struct str){ l->text.ptr + from, l->pos - from };
}

size_t lexer_word(const struct lexer *l, size_t from)
{
	size_t n = 0;

	if (!is_letter(lexer_peek(l, from)))
		return 0;
	while (is_word(lexer_peek(l, from + n)))
		n++;
	return n;
}

struct str lexer_identifier(struct lexer *l)
{
	struct str word = str_cut(lexer_rest(l), lexer_word(l, 0));

	l->pos += word.len;
	return word;
}

struct str lexer_fieldname(struct lexer *l)
{
	size_t n = lexer_word(l, 0);
	size_t words = n ? 1 : 0;

	while (words && lexer_peek(l, n) == '.') {
		size_t more = lexer_word(l, n + 1);

		if (!more)
			break;
		n += 1 + more;
		words++;
	}
	if (words < 2)
		return (struct str){ 0 };
	struct str name = str_cut(lexer_rest(l), n);

	l->pos += n;
	return name;
}

static struct str take_hexnum(struct lexer *l)
{
	size_t n = 2;

	if (lexer_peek(l, 0) != '0' || (lexer_peek(l, 1) != 'x' && lexer_peek(l, 1) != 'X'))
		return (struct str){ 0 };
	while (is_xdigit(lexer_peek(l, n)))
		n++;
	if (n == 2)
		return (struct str){ 0 };
	struct str text = str_cut(lexer_rest(l), n);

	l->pos += n;
	return text;
}

static struct str take_decimal(struct lexer *l)
{
	size_t n = lexer_peek(l, 0) == '+' || lexer_peek(l, 0) == '-' ? 1 : 0;
	size_t digits = n;

	while (is_digit(lexer_peek(l, n)))
		n++;
	if (n == digits)
		return (struct str){ 0 };
	if (lexer_peek(l, n) == '.') {
		n++;
		while (is_digit(lexer_peek(l, n)))
			n++;
	}
	if ((lexer_peek(l, n) == 'e' || lexer_peek(l, n) == 'E') &&
	    (lexer_peek(l, n + 1) == '+' || lexer_peek(l, n + 1) == '-') &&
	    is_digit(lexer_peek(l, n + 2))) {
		n += 2;
		while (is_digit(lexer_peek(l, n)))
			n++;
	}
	struct str text = str_cut(lexer_rest(l), n);

	l->pos += n;
	return text;
}

struct str lexer_number(struct lexer *l)
{
	struct str text = take_hexnum(l);

	return text.len ? text : take_decimal(l);
}

/* The text from quote to quote, quotes included; a quote behind a backslash does not close. */
struct str lexer_quoted(struct lexer *l)
{
	struct str s = lexer_rest(l);

	if (s.len == 0 || (s.ptr[0] != '"' && s.ptr[0] != '\''))
		return (struct str){ 0 };
	for (size_t i = 1; i < s.len; i++) {
		if (s.ptr[i] == s.ptr[0] && s.ptr[i - 1] != '\\') {
			l->pos += i + 1;
			return str_cut(s, i + 1);
		}
	}
	return (struct str){ 0 };
}
