/* SPDX-License-Identifier: Apache-2.0 */
/* Finds how the event of a recorded case is rebuilt: by hand where the contents matter, else by a row. */
#include "field_world.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "world_build.h"

struct str world_context(const char *name)
{
	struct str s = str_of(name), prefix = STR("sinsp_with_test_input.");

	s = str_starts(s, prefix) ? str_skip(s, prefix.len) : s;
	return str_cut(s, str_chr(s, '@'));
}

static const struct context *find(const struct context *table, struct str name, unsigned index)
{
	for (; table->name; table++)
		if (str_eqz(name, table->name) && (!table->index || table->index == index))
			return table;
	return NULL;
}

static bool build(struct world *w, struct str name, unsigned index)
{
	static const struct context *const tables[] = { event_contexts, process_contexts,
							notice_contexts };

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		const struct context *c = find(tables[i], name, index);

		if (!c)
			continue;
		if (!c->bare)
			world_init(w);
		c->build(w);
		return true;
	}
	return world_simple(w, name, index);
}

bool world_make(struct world *w, const char *context, unsigned index, unsigned step)
{
	*w = (struct world){ .ts = 10000000,
			     .wall_offset = UINT64_C(1566230400000000000),
			     .step = step };
	w->state = state_new(1000);
	if (!w->state)
		world_die("out of memory");
	world_accounts(w);
	w->num = index ? index : 1;
	if (!build(w, world_context(context), index))
		return false;
	world_feed(w);
	return true;
}

struct world *world_free(struct world *w)
{
	if (w)
		state_free(w->state);
	free(w);
	return NULL;
}
