/* SPDX-License-Identifier: Apache-2.0 */
/* Optimal string alignment distance over three rows; see suggest.h. */
#include "base/suggest.h"

enum { MAX_LEN = 63 };

static unsigned min(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned suggest_distance(struct str a, struct str b)
{
	unsigned rows[3][MAX_LEN + 1];

	if (a.len > MAX_LEN || b.len > MAX_LEN)
		return MAX_LEN + 1;
	for (unsigned j = 0; j <= b.len; j++)
		rows[0][j] = j;
	for (unsigned i = 1; i <= a.len; i++) {
		unsigned *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];

		now[0] = i;
		for (unsigned j = 1; j <= b.len; j++) {
			unsigned differs = a.ptr[i - 1] != b.ptr[j - 1];

			now[j] = min(min(last[j] + 1, now[j - 1] + 1), last[j - 1] + differs);
			if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] &&
			    a.ptr[i - 2] == b.ptr[j - 1])
				now[j] = min(now[j], before[j - 2] + 1);
		}
	}
	return rows[a.len % 3][b.len];
}

void suggest_offer(struct suggest *s, struct str known)
{
	unsigned d = suggest_distance(s->wanted, known);

	if (d < s->distance) {
		s->distance = d;
		s->best = known;
	}
}
