/* SPDX-License-Identifier: Apache-2.0 */
/* A sorted array; see gaps.h. */
#include "journal/gaps.h"

#include <string.h>

static void take_out(struct gaps *g, size_t at, size_t n)
{
	memmove(&g->items[at], &g->items[at + n], (g->n - at - n) * sizeof(g->items[0]));
	g->n -= n;
}

void gaps_add(struct gaps *g, struct gap gap)
{
	size_t at = g->n;

	if (gap.first > gap.last)
		return;
	while (at && g->items[at - 1].first > gap.first)
		at--;
	if (at && g->items[at - 1].reason == gap.reason && g->items[at - 1].last + 1 >= gap.first) {
		if (g->items[at - 1].last < gap.last)
			g->items[at - 1].last = gap.last;
		return;
	}
	if (g->n == GAPS_MAX) {
		g->items[0].last = g->items[1].last;
		take_out(g, 1, 1);
		at = at > 1 ? at - 1 : 1;
	}
	memmove(&g->items[at + 1], &g->items[at], (g->n - at) * sizeof(g->items[0]));
	g->items[at] = gap;
	g->n++;
}

void gaps_trim(struct gaps *g, uint64_t seq)
{
	size_t n = 0;

	while (n < g->n && g->items[n].last < seq)
		n++;
	take_out(g, 0, n);
}

const struct gap *gaps_find(const struct gaps *g, uint64_t first, uint64_t last)
{
	for (size_t i = 0; i < g->n && g->items[i].first <= last; i++)
		if (g->items[i].last >= first)
			return &g->items[i];
	return NULL;
}
