/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What loading found: places in rules files, issues with a code, and the results in text and JSON
 * (rules-language.md 2). Everything lives in the loader's arena.
 */
#pragma once

#include "base/arena.h"
#include "base/json.h"
#include "rule/warn.h"

struct source_file {
	struct str name, content;
};

/* Where something is, from outside (the file) to inside. Line, column and offset count from 0. */
struct place {
	const struct place *parent; /* NULL: the file itself */
	const struct source_file *file;
	const char *type; /* item type of the reference */
	struct str name;
	uint32_t line, column, offset;
	struct str text; /* condition expressions: the text, and the byte in it that is meant */
	uint32_t text_at;
	uint32_t exact_line,
		exact_column; /* condition expressions: from 1 in the file; 0: not known */
};

struct issue {
	enum load_code code;
	struct str message;
	const struct place *place;
	struct str deprecated_field;
	struct issue *next;
};

enum schema_state { SCHEMA_NONE, SCHEMA_OK, SCHEMA_FAILED };

struct result {
	const struct source_file *file;
	bool failed;
	enum schema_state schema;
	struct str schema_text;
	struct issue *errors, *warnings;
	struct issue *last_error, *last_warning;
	size_t nerrors, nwarnings;
	struct arena *arena;
	bool nomem;
	struct result *next;
};

/* The file as a place. NULL when memory is out. */
const struct place *place_file(struct arena *a, const struct source_file *f);
/* Out of memory gives the parent: a coarser place is better than none. */
const struct place *place_in(struct arena *a, const struct place *parent, const char *type,
			     struct str name, uint32_t line, uint32_t column, uint32_t offset);
/*
 * "condition expression": byte `at` of text, or the whole of it when `whole`. written: where the file has the
 * text, to find the exact line and column.
 */
const struct place *place_text(struct arena *a, const struct place *parent,
			       const struct place *written, struct str text, size_t at, bool whole);

/* Adds an error or, by the code, a warning. Always returns -EINVAL for an error, 0 for a warning. */
int result_add(struct result *r, enum load_code code, const struct place *place, const char *fmt,
	       ...) __attribute__((format(printf, 4, 5)));
/* Names the deprecated field of the newest warning. */
void result_deprecated(struct result *r, struct str field);

void result_print(const struct result *r, bool verbose, struct strbuf *out);
void result_json(const struct result *r, struct json *j);
/* "file:line:column: text". */
void issue_print(const struct issue *i, struct strbuf *out);
