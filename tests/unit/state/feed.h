/* SPDX-License-Identifier: Apache-2.0 */
/* One record through the state, as the pipeline does it; after cmocka.h. */
#pragma once

#include "state/state.h"

/* The process it was attributed to, already removed if it ended. */
static inline const struct proc *feed_built(struct state *s, struct record_builder *b)
{
	const struct rec_hdr *rec = record_end(b);
	struct event e;

	assert_non_null(rec);
	assert_int_equal(event_decode(rec, rec->len, &e), 0);
	assert_int_equal(state_before(s, &e), 0);
	state_after(s, &e);
	return e.proc;
}
