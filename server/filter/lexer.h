/* SPDX-License-Identifier: Apache-2.0 */
/* A place in a condition text, and what of the grammar (rules-language.md 3.1) can stand there. */
#pragma once

#include "base/str.h"

struct lexer {
	struct str text;
	size_t pos; /* bytes from the start */
};

bool lexer_is_space(char c); /* what ends a bare word and stands after `not` */
bool lexer_is_bare(char c);  /* bare values */
bool lexer_is_arg(char c);   /* unquoted arguments of fields */

struct str lexer_rest(const struct lexer *l);
/* The byte n after the position, or NUL behind the end; a NUL in the text belongs to no production. */
char lexer_peek(const struct lexer *l, size_t n);
/* Length of the identifier that begins `from` bytes after the position. */
size_t lexer_word(const struct lexer *l, size_t from);

/* Whether there were any. */
bool lexer_blanks(struct lexer *l);
/* Moves behind the word, or the first of the words, if it stands here. */
bool lexer_take(struct lexer *l, const char *word);
struct str lexer_take_first(struct lexer *l, const char *const *words, size_t n);
struct str lexer_take_while(struct lexer *l, bool (*belongs)(char c));

/* Empty when absent, the position then unmoved. Quoted texts come with their quotes. */
struct str lexer_identifier(struct lexer *l);
struct str lexer_fieldname(struct lexer *l);
struct str lexer_number(struct lexer *l);
struct str lexer_quoted(struct lexer *l);
