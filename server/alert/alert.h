/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One alert: an immutable counted block, put together once on the engine thread and then shared. The bytes
 * behind the header are self-contained (offsets, no pointers), so that a block travels over the link as it is.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"
#include "base/strbuf.h"
#include "event/event.h"
#include "rule/ruleset.h"

struct alert_wire {	    /* fixed layout: crosses from process to process */
	uint32_t len;	    /* of the whole, this header included; multiple of 8 */
	uint32_t line_len;  /* the text or JSON line, without the newline */
	uint32_t proto_len; /* a falco.outputs.response message */
	uint32_t priority;
	uint64_t seq;		/* given at publication, contiguous */
	uint64_t time_ns;	/* wall clock of the event */
	uint64_t event_boot_ns; /* of the event, since boot: for latency figures */
				/* line bytes, then proto bytes, then padding */
};

struct alert {
	_Atomic uint32_t refs;
	struct alert_wire wire;
};

struct alert *alert_ref(struct alert *a);
struct alert *alert_unref(struct alert *a); /* any thread; returns NULL */
/* A counted block with a copy of what came over the link; w was checked. NULL when memory is out. */
struct alert *alert_dup(const struct alert_wire *w);
struct str alert_line(const struct alert_wire *w);
struct str alert_proto(const struct alert_wire *w);

struct alert_settings {
	bool json_output;
	bool json_include_output_property;
	bool json_include_message_property;
	bool json_include_output_fields_property;
	bool json_include_tags_property;
	bool time_format_iso_8601;
	char hostname[256];
};

/* Scratch that is reused from alert to alert; one per thread. */
struct alert_builder;
struct alert_builder *alert_builder_new(const struct alert_settings *settings);
struct alert_builder *alert_builder_free(struct alert_builder *b);
/*
 * Other rules from now on: forgets what is the same in all alerts of a rule, and makes room for nrules. Wanted
 * whenever the ruleset is exchanged, before the old one is freed. (alert_build notices another program by
 * itself, but a later program could get the address of an earlier one.) 0 or -ENOMEM, which is harmless.
 */
int alert_builder_rules(struct alert_builder *b, const struct program *p, size_t nrules);
/* The text of the last alert that was built, without time and priority; until the next. */
struct str alert_builder_message(const struct alert_builder *b);
/* How alerts look from now on. */
void alert_builder_settings(struct alert_builder *b, const struct alert_settings *settings);
/*
 * The evaluator shows names as given. An alert that would be over LIMIT_ALERT_BYTES has its message and
 * values cut short, so that an attacker's long texts cannot suppress it. NULL when memory is out or it is
 * too long even so (counted by the caller). seq is 0.
 */
struct alert *alert_build(struct alert_builder *b, const struct rule *rule, struct eval *e,
			  const struct event *ev);
/* An internal alert (falco-compat.md 3.6). Values are texts; numeric tells how JSON shows them. */
struct alert_pair {
	const char *key;
	struct str value;
	bool numeric;
};
struct alert *alert_build_internal(struct alert_builder *b, const char *rule,
				   enum priority priority, struct str message,
				   const struct alert_pair *pairs, size_t npairs, uint64_t wall_ns);
