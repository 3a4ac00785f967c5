/* SPDX-License-Identifier: Apache-2.0 */
/* The event that a recorded case is about, and the state behind it. */
#pragma once

#include "event/event.h"
#include "state/state.h"

struct world {
	struct state *state;
	struct record_builder rec;
	struct event ev; /* the last one fed */
	struct rec_ident who;
	uint64_t num, ts, wall_offset;
	unsigned step;
};

/*
 * Rebuilds event `index` of a context (0 for contexts of one event). Some cases change the state and ask
 * again: step tells how often the same was asked before. False: it is not rebuilt here. Exits when memory
 * is out. world_free in either case.
 */
bool world_make(struct world *w, const char *context, unsigned index, unsigned step);
/* Of a world on the heap; returns NULL. */
struct world *world_free(struct world *w);
/* The short name of a context. */
struct str world_context(const char *name);
