/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing JSON: commas and nesting are kept by the writer. Text that is not valid UTF-8 is written
 * with U+FFFD in place of each bad sequence, so a line is always well formed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/strbuf.h"

struct json {
	struct strbuf *out;
	bool comma; /* an element came before on this level */
};

static inline struct json json_to(struct strbuf *out)
{
	return (struct json){ .out = out };
}

void json_open(struct json *j, char bracket);  /* '{' or '[' as an element */
void json_close(struct json *j, char bracket); /* '}' or ']' */
void json_key(struct json *j, struct str key); /* inside an object, before its value */
void json_text(struct json *j, struct str s);
void json_i64(struct json *j, int64_t v);
void json_u64(struct json *j, uint64_t v);
void json_double(struct json *j, double v); /* null when not finite */
void json_bool(struct json *j, bool v);
void json_null(struct json *j);
/* Ready-made JSON as an element. */
void json_raw(struct json *j, struct str text);

#define json_key_text(j, k, s)                                                                     \
	do {                                                                                       \
		json_key(j, STR(k));                                                               \
		json_text(j, s);                                                                   \
	} while (0)

/* The inside of a JSON string, without the quotes around it. */
void json_escape(struct strbuf *out, struct str s);
/* s with each bad UTF-8 sequence replaced by U+FFFD. */
void utf8_clean(struct strbuf *out, struct str s);
/* Bytes of the valid sequence at the start of s (1..4), 0 when there is none. */
unsigned utf8_sequence(struct str s);
