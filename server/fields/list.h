/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What --list, --list-events and `tiercel list` print: the catalogue and the table of events for people
 * (text, Markdown) and programs (JSON). docs/fields.md is the Markdown form.
 */
#pragma once

#include <stdbool.h>

#include "base/strbuf.h"
#include "filter/catalogue.h"

enum list_format { LIST_TEXT, LIST_MARKDOWN, LIST_JSON };

struct list_options {
	enum list_format format;
	bool names; /* -N: text with nothing but names, one a line, deprecated ones left out */
	bool types; /* -v: text with types */
	/* Only classes of fields for this event source ("syscall"); ptr NULL: all. */
	struct str source;
};

/* Appends to out; internal fields are left out. Check out afterwards. */
void list_fields(const struct catalogue *c, const struct list_options *o, struct strbuf *out);
/* Events that rules can see; names and types are ignored. */
void list_events(const struct list_options *o, struct strbuf *out);
/* The type of a field as listings say it: "CHARBUF", "UINT64". */
const char *list_type_name(enum value_type t);
