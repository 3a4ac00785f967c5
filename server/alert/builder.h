/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of an alert builder: text buffers that are as large as the largest alert so far, and per rule
 * what is the same in all its alerts.
 */
#pragma once

#include "alert/alert.h"
#include "alert/value_json.h"
#include "base/arena.h"

/* One entry of output_fields, in the order of keys. */
struct plan_field {
	struct str key;
	struct str json_key;	     /* with quotes and colon */
	const struct field_ref *ref; /* NULL: a format, or the event's time */
	uint32_t slot;
	const struct format *format; /* NULL: see ref */
	bool prefix;		     /* the time of the line's prefix: JSON only */
	bool time;		     /* shown by JSON as nanoseconds, however it prints */
};

struct plan { /* of one rule; plan lifetime */
	struct plan_field *fields;
	size_t nfields;
	struct str head, tail; /* members of the JSON object before and after those that change */
};

struct alert_builder {
	struct alert_settings settings;
	struct arena arena; /* plans; rewound when the rules change */
	const struct program *program;
	struct plan **plans; /* by rule index; NULL: not needed so far */
	size_t nplans;
	size_t longest; /* values are cut to so many bytes */
	struct strbuf message, prefixed, line, proto, typed;
	struct strbuf scratch, clean;
};

/* program: what the rule is compiled into. NULL when memory is out. */
const struct plan *plan_of(struct alert_builder *b, const struct rule *rule,
			   const struct program *program);

/* What an alert consists of besides its fields; texts may be invalid UTF-8. */
struct alert_head {
	uint64_t wall_ns;
	enum priority priority;
	struct str rule, source;
	const struct str *tags;
	size_t ntags;
};

/* proto.c: everything of a falco.outputs.response but the fields; the line is the finished one. */
void proto_head(struct alert_builder *b, const struct alert_head *h);
void proto_field(struct alert_builder *b, struct str key, struct str value);
/* What clients of Falco do not know comes last, where it can be cut off: b->typed and the message. */
void proto_tail(struct alert_builder *b, struct str message);
/* s, or its copy with bad UTF-8 replaced; valid until the next call. */
struct str builder_clean(struct alert_builder *b, struct str s);

/* The block from b->line and b->proto. NULL when they failed, are too long, or memory is out. */
struct alert *builder_finish(struct alert_builder *b, const struct alert_head *h, uint64_t boot_ns);
/* True when only the length is at fault. */
bool builder_too_long(const struct alert_builder *b);
void builder_begin(struct alert_builder *b);
