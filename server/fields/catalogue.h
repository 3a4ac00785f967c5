/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields of a live host for the language of filter/: the catalogue's `event` is a struct
 * fields_event. Static and immutable; any thread.
 */
#pragma once

#include "event/event.h"
#include "filter/catalogue.h"
#include "state/state.h"

struct fields_event {
	const struct event *ev;
	const struct state *state;
	const char *hostname;
	uint64_t
		first_ns; /* hdr->ts_ns of the first event of the run, for evt.reltime; 0: unknown */
	struct str container; /* short id when `waited`, as the process may be gone */
	bool waited;
	uint64_t prev_ns; /* of the event before this one, for evt.deltatime; 0: unknown */
};

const struct catalogue *fields_catalogue(void);

struct static_field {
	struct str name, value;
};

/*
 * Makes static.NAME fields, with copies of the texts. Before the first rules are compiled, on one thread;
 * the first call that brings any counts. 0 or -ENOMEM.
 */
int fields_declare_static(const struct static_field *fields, size_t n);
/* What a field wants the kernel to tell with an event, beside what always comes: enum probe_extra. */
uint8_t fields_extras(const struct field_ref *ref);
/*
 * True when evaluating with resolved names can differ from the names as given: some name of this event has
 * a resolved form that is different (ARCHITECTURE.md, decision 6).
 */
bool fields_names_differ(const struct event *ev);
