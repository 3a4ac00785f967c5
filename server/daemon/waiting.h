/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events that wait until it is known what their container is. An event is kept as a copy of its record and
 * the values its rules can read; the ruleset that saw it is kept with it. Events of other containers, and
 * events that no rule on such metadata can match, go past. One thread, no clock: time is that of records.
 */
#pragma once

#include "fields/catalogue.h"
#include "rule/ruleset.h"
#include "state/state.h"

/* A ruleset in use with its evaluator; counted, because events may outlive a reload. */
struct ruleset_use {
	unsigned refs;
	struct ruleset *rules;
	struct eval *eval;
};

struct ruleset_use *ruleset_use_new(struct ruleset *rs);
struct ruleset_use *ruleset_use_unref(struct ruleset_use *u);

struct waiting_event {
	struct waiting_event *next;
	struct ruleset_use *use;
	struct arena arena; /* of everything below */
	struct rec_hdr *rec;
	struct frozen *frozen;
	const struct rule **rules; /* those that could match, in order */
	size_t nrules;
	struct str container;
	uint64_t deadline_ns, since_ns, num, wall_ns, first_ns, prev_ns;
	bool both_names;
};

struct waiting_counters {
	uint64_t waited;   /* events that had to wait */
	uint64_t answered; /* of those, with an answer at the end */
	uint64_t partly;   /* of those, with a part of one */
	uint64_t without;  /* of those, with nothing */
	uint64_t refused;  /* events that should have waited, but too many did */
	uint64_t total_ns, longest_ns;
};

/* Zeroed is empty and valid. */
struct waiting {
	struct waiting_event *first, **last;
	size_t count, bytes;
	struct waiting_counters n;
};

/* Whether condition, output or extra fields read what may come late. True also when memory is out. */
bool waiting_reads_late(const struct ruleset_use *use, const struct rule *rule, struct arena *a);
/*
 * Takes the event in, with the evaluator of use still at it. rules are copied. -EAGAIN: too many wait (counted);
 * -ENOMEM.
 */
int waiting_add(struct waiting *w, struct ruleset_use *use, const struct fields_event *fe,
		struct container *c, const struct rule *const *rules, size_t nrules,
		uint64_t wait_ns);
/* The first that need not wait any longer at that time, because its container is not asked for any more or it has
 * waited enough; taken out, and the caller's to free. NULL: none. */
struct waiting_event *waiting_take(struct waiting *w, const struct state *s, uint64_t now_ns);
void waiting_event_free(struct waiting_event *e);
void waiting_done(struct waiting *w);
