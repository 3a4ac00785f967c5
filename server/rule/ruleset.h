/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled rules: immutable after ruleset_finish, counted. Loading is rule/load.h; this is what the
 * engine and the alert builder see.
 */
#pragma once

#include <stdatomic.h>

#include "filter/filter.h"
#include "filter/format.h"

enum priority {
	PRIORITY_EMERGENCY,
	PRIORITY_ALERT,
	PRIORITY_CRITICAL,
	PRIORITY_ERROR,
	PRIORITY_WARNING,
	PRIORITY_NOTICE,
	PRIORITY_INFORMATIONAL,
	PRIORITY_DEBUG,
};

/* "Emergency" ... "Informational", "Debug". */
const char *priority_name(enum priority p);
/* Any case; info and informational. -EINVAL. */
int priority_parse(struct str s, enum priority *ret);

struct extra_field {
	struct str key;
	struct format *format; /* NULL: raw typed value of slot */
	uint32_t slot;
};

struct rule {
	struct str name, desc, source, condition, output; /* as loaded; ruleset arena */
	struct str condition_compiled;
	enum priority priority;
	const struct str *tags; /* sorted */
	size_t ntags;
	struct cond *cond;
	struct format *format;
	const struct extra_field *extras; /* append_output's extra_fields */
	size_t nextras;
	struct bitset events; /* codes it can match */
	struct bitset
		syscalls; /* the same as numbers in syscall_infos(): exact where codes are shared */
	bool enabled;
	bool repeats;		 /* an earlier enabled rule has the same condition */
	const struct rule *same; /* the next enabled rule with the same condition; NULL: none */
	uint32_t index;
	_Atomic uint64_t *matches; /* counter, relaxed */
	_Atomic uint64_t *nanos;   /* likewise: time spent in its condition, estimated */
};

/* Sets marks[slot] for the slots that condition and output of the rule read; program_slots entries. */
void rule_mark_slots(const struct rule *rule, bool *marks);

struct ruleset;

struct ruleset *ruleset_ref(struct ruleset *rs);
struct ruleset *ruleset_unref(struct ruleset *rs); /* any thread; returns NULL */
const struct program *ruleset_program(const struct ruleset *rs);
/* All rules, in order of definition, enabled or not. */
const struct rule *const *ruleset_rules(const struct ruleset *rs, size_t *ret_n);
/*
 * Enabled rules that can match events of this code, in order. Of those with the same condition only the first:
 * when it matches, so do the others, by rule->same.
 */
const struct rule *const *ruleset_candidates(const struct ruleset *rs, unsigned code,
					     size_t *ret_n);
/*
 * Those of them that the event in eval may satisfy, with the names as given or, if both_names, the resolved ones: a few
 * of many, in order, in the event arena. Leaves eval at the names as given.
 */
const struct rule *const *ruleset_select(const struct ruleset *rs, unsigned code, struct eval *eval,
					 bool both_names, struct arena *arena, size_t *ret_n);
/* Union of the enabled rules' events: what has to be attached. */
const struct bitset *ruleset_events(const struct ruleset *rs);
/* Names that conditions compare addresses of sockets with (fd.sip.name), each once. */
const struct str *ruleset_host_names(const struct ruleset *rs, size_t *ret_n);
/* Union of the enabled rules' syscalls, as numbers in syscall_infos() (rule/syscalls.h). */
struct bitset ruleset_syscalls(const struct ruleset *rs);
