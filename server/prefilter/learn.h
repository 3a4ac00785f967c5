/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel may be taught to discard (ARCHITECTURE.md, decision 8). An open of a file carries a key
 * (probe/abi/key.h) from which the values of its name fields, flags and result follow. If every rule is false
 * whatever all other fields may be, for the name as given and the resolved one, every event with that key can
 * end in the kernel. The same is asked of the directory, for all names in it that end like nothing the rules ask for;
 * of the file only when its key comes again. Engine thread only.
 */
#pragma once

#include "event/event.h"
#include "probe/abi/key.h"
#include "probe/abi/probe.h"
#include "rule/ruleset.h"

struct learn;

struct learn_counters {
	uint64_t judged;  /* keys */
	uint64_t taught;  /* of them: given back */
	uint64_t general; /* of these: without names, for a whole kind of calls */
	uint64_t places;  /* of these: for most files of a directory */
};

/* rs must outlive it. generation: that of keys it looks at; not 0. NULL when memory is out. */
struct learn *learn_new(const struct ruleset *rs, uint32_t generation);
struct learn *learn_free(struct learn *l);
/*
 * eval is at the event and at the names as given, and is left there. True: no rule can match any event with
 * *ret_key.
 */
bool learn_event(struct learn *l, struct eval *eval, const struct event *ev, bool names_differ,
		 struct probe_key *ret_key);
/* Which endings of names the rules ask for: PROBE_ENDINGS bits, as in probe_state; while l lives. */
const uint64_t *learn_endings(const struct learn *l);
/* For explaining: what a key knows of the slots (enum slot_known), as many as p has; to be freed. NULL: no memory. */
enum learn_scope { LEARN_FILE, LEARN_PLACE, LEARN_FAILED, LEARN_SCOPES };
uint8_t *learn_known(const struct program *p, enum learn_scope scope);
struct learn_counters learn_counters(const struct learn *l);
