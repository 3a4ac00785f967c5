/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the language knows of the world: a catalogue of fields with their types, how to get a field's
 * value out of an opaque event, and which events a name stands for. fields/ provides the real one;
 * tests bring their own.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bitset.h"
#include "base/diag.h"
#include "base/str.h"
#include "filter/value.h"

enum field_flag {
	FIELD_LIST = 1 << 0,	    /* list-valued */
	FIELD_FILTER_ONLY = 1 << 1, /* prints <NA> */
	FIELD_PRINT_ONLY = 1 << 2,
	FIELD_INTERNAL = 1 << 3, /* left out of listings */
	FIELD_DEPRECATED = 1 << 4,
	FIELD_NO_RHS = 1 << 5,	       /* not inside val() */
	FIELD_NO_TRANSFORMER = 1 << 6, /* not inside a transformer */
	FIELD_SUGGESTED = 1 << 7,      /* in suggested output */
	FIELD_NAMES = 1 << 8,	 /* value depends on which names are asked for: given or resolved */
	FIELD_EVT_TYPE = 1 << 9, /* literals are event names and decide the event set (evt.type) */
	FIELD_EVT_DIR = 1 << 10,
	FIELD_EVT_NUM = 1 << 11, /* rules-language.md 5.1 */
	FIELD_LATE = 1 << 12,	 /* may become known only after the event (container metadata) */
	FIELD_SHOWS_BYTES = 1 << 13, /* a text that may hold byte buffers; see field_ref.base64 */
};

enum field_arg {
	ARG_INDEX = 1 << 0,    /* [N] */
	ARG_KEY = 1 << 1,      /* [text] */
	ARG_NAME = 1 << 2,     /* .text behind the field's name */
	ARG_REQUIRED = 1 << 3, /* does not compile without one */
};

/* PRINT_BASE64 is not for definitions: byte buffers of outputs that ask for it. */
enum field_print {
	PRINT_PLAIN,
	PRINT_DEC,
	PRINT_HEX,
	PRINT_OCT,
	PRINT_ID,
	PRINT_PADDED_DEC,
	PRINT_BASE64
};

/* How comparisons treat a field without an index that stands for several values. */
enum field_match {
	MATCH_ONE,	 /* one value */
	MATCH_ANCESTORS, /* true if the comparison, whatever it is, holds for any of the list */
	MATCH_PAIR, /* = and the like if any matches, != only if all differ (fd.ip, fd.port, fd.sip.name) */
};

struct field_def {
	const char *name;
	const char *cls;  /* class for listings: evt, process, fd ... */
	const char *desc; /* our words */
	enum value_type type;
	uint32_t flags; /* enum field_flag */
	uint8_t arg;	/* enum field_arg */
	uint8_t print;	/* enum field_print */
	uint16_t id;	/* the provider's */
};

/* A field with its argument, bound to a catalogue. Equal (def, arg) pairs share a slot of a program. */
struct field_ref {
	const struct field_def *def;
	struct str arg; /* as written, without quotes or brackets; of the arena of the condition */
	bool has_arg;
	bool base64;	      /* byte buffers print in base64: outputs that ask for it */
	bool list;	      /* this use is list-valued (FIELD_LIST, or decided by bind) */
	uint8_t match;	      /* enum field_match */
	enum value_type type; /* def->type, unless bind knows better (evt.rawarg.X) */
	int64_t index;	      /* numeric argument, or -1 */
	uint32_t aux;	      /* the provider's */
};

struct suggest;

struct catalogue {
	const struct field_def *fields; /* sorted by name, byte order */
	size_t nfields;
	/*
	 * Checks the argument and fills the rest of *ref (def, arg and has_arg are set). 0;
	 * -ENOENT: there is no such field; or -EINVAL with a text of what was expected in
	 * *ret_why (static or in the arena).
	 */
	int (*bind)(const struct catalogue *c, struct field_ref *ref, struct arena *a,
		    struct str *ret_why);
	/*
	 * The value for this event; texts and lists may be put into the arena. False: no value.
	 * resolved: names as the kernel resolved them instead of as given (FIELD_NAMES only).
	 * List-valued refs and MATCH_ANCESTORS and MATCH_PAIR ones give value.list.
	 */
	bool (*extract)(const struct catalogue *c, void *event, const struct field_ref *ref,
			bool resolved, struct arena *a, struct value *ret_value);
	/* Event sets: the number of codes, and those a name stands for (false: unknown name). */
	size_t nevents;
	bool (*events_named)(const struct catalogue *c, struct str name, struct bitset *ret_codes);
	/* Offers all names of events for a misspelt one (base/suggest.h); NULL: none. */
	void (*offer_events)(struct suggest *near);
	const void *ctx; /* the provider's */
};

/* By exact name; NULL when unknown. */
const struct field_def *catalogue_find(const struct catalogue *c, struct str name);
/*
 * Fills *ret from the text of a field and its bracketed argument: exact name, else the longest field with
 * ARG_NAME in front of a dot. 0; FILTER_E_UNKNOWN_FIELD or FILTER_E_INVALID (filter.h) with diag->text
 * filled; -ENOMEM. Texts in *ret are copies in the arena.
 */
int catalogue_bind(const struct catalogue *c, struct str name, bool has_arg, struct str arg,
		   struct arena *a, struct field_ref *ret, struct diag *diag);
/* "string", "list of unsigned integers" ...: for messages and listings. */
const char *value_type_name(enum value_type t);
