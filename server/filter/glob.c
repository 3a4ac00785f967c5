/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Not fnmatch itself, because it tries every split between several stars: subjects come from the outside, and
 * a few thousand equal letters against *a*a*a*b would hold the engine for minutes. Going back to the last
 * star alone is enough when a star matches everything. What a bracket expression means is still asked of
 * fnmatch, once per byte value when the pattern is compiled.
 */
#include "filter/glob.h"

#include <fnmatch.h>

enum token_kind { TOKEN_BYTE, TOKEN_ANY, TOKEN_STAR, TOKEN_SET, TOKEN_NEVER };

struct token {
	uint8_t kind;
	uint8_t byte;
	const uint64_t *set; /* TOKEN_SET: a bit per byte value */
};

struct glob {
	bool fold;
	size_t n;
	struct token tokens[];
};

static uint8_t fold_byte(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

/* Length of [:name:], [=x=] or [.x.] at the start of s; 0 when it is none. */
static size_t inner_len(struct str s)
{
	if (s.len < 2 || s.ptr[0] != '[' || !strchr(":=.", s.ptr[1]) || !s.ptr[1])
		return 0;
	for (size_t i = 2; i + 1 < s.len; i++) {
		if (s.ptr[i] == s.ptr[1] && s.ptr[i + 1] == ']')
			return i + 2;
	}
	return 0;
}

/* Length of the bracket expression at the start of s, or 0 when it is not closed. */
static size_t bracket_len(struct str s)
{
	size_t i = 1;

	if (i < s.len && (s.ptr[i] == '!' || s.ptr[i] == '^'))
		i++;
	for (size_t first = i; i < s.len; i++) {
		if (s.ptr[i] == ']' && i > first)
			return i + 1;
		size_t inner = inner_len(str_skip(s, i));

		if (inner)
			i += inner - 1;
		else if (s.ptr[i] == '\\')
			i++;
	}
	return 0;
}

static const uint64_t *bracket_set(struct str bracket, bool fold, struct arena *a)
{
	uint64_t *set = arena_array(a, 4, sizeof(uint64_t));
	const char *pattern = arena_dup(a, bracket).ptr;

	if (!set || !pattern)
		return NULL;
	for (unsigned c = 1; c < 256; c++) {
		char subject[2] = { (char)c, '\0' };

		if (fnmatch(pattern, subject, fold ? FNM_CASEFOLD : 0) == 0)
			set[c / 64] |= UINT64_C(1) << (c % 64);
	}
	return set;
}

/* Reads one token; the bytes of the pattern it took, or 0 when memory is out. */
static size_t read_token(struct str s, bool fold, struct arena *a, struct token *ret)
{
	size_t len = s.ptr[0] == '[' ? bracket_len(s) : 0;

	*ret = (struct token){ .kind = TOKEN_BYTE, .byte = (uint8_t)s.ptr[0] };
	if (len) {
		ret->kind = TOKEN_SET;
		ret->set = bracket_set(str_cut(s, len), fold, a);
		return ret->set ? len : 0;
	}
	if (s.ptr[0] == '*') {
		ret->kind = TOKEN_STAR;
	} else if (s.ptr[0] == '?') {
		ret->kind = TOKEN_ANY;
	} else if (s.ptr[0] == '\\') {
		ret->kind = s.len > 1 ? TOKEN_BYTE : TOKEN_NEVER;
		ret->byte = s.len > 1 ? (uint8_t)s.ptr[1] : 0;
	}
	if (fold)
		ret->byte = fold_byte(ret->byte);
	return s.ptr[0] == '\\' && s.len > 1 ? 2 : 1;
}

const struct glob *glob_new(struct str pattern, bool fold_case, struct arena *a)
{
	pattern = str_cut(pattern, str_chr(pattern, '\0'));
	struct glob *g = arena_alloc(a, sizeof(*g) + pattern.len * sizeof(struct token));

	if (!g)
		return NULL;
	g->fold = fold_case;
	while (pattern.len) {
		size_t taken = read_token(pattern, fold_case, a, &g->tokens[g->n++]);

		if (!taken)
			return NULL;
		pattern = str_skip(pattern, taken);
	}
	return g;
}

static bool token_match(const struct glob *g, const struct token *t, uint8_t c)
{
	switch (t->kind) {
	case TOKEN_BYTE: return (g->fold ? fold_byte(c) : c) == t->byte;
	case TOKEN_ANY: return true;
	case TOKEN_SET: return t->set[c / 64] >> (c % 64) & 1;
	default: return false;
	}
}

bool glob_match(const struct glob *g, struct str subject)
{
	size_t len = str_chr(subject, '\0');
	size_t at = 0, token = 0;
	size_t star = g->n, star_at = 0; /* behind the last star, and where it ends for now */

	while (at < len) {
		if (token < g->n && g->tokens[token].kind == TOKEN_STAR) {
			star = ++token;
			star_at = at;
			if (star == g->n)
				return true;
		} else if (token < g->n &&
			   token_match(g, &g->tokens[token], (uint8_t)subject.ptr[at])) {
			token++;
			at++;
		} else if (star < g->n) {
			token = star;
			at = ++star_at;
		} else {
			return false;
		}
	}
	while (token < g->n && g->tokens[token].kind == TOKEN_STAR)
		token++;
	return token == g->n;
}

bool glob_is_pattern(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '?' || text.ptr[i] == '*' || text.ptr[i] == '[')
			return true;
	}
	return false;
}
