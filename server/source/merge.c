/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The oldest head is found by looking at every ring: with some tens of CPUs that costs less than
 * keeping a heap, as most rings are empty and a look is one load.
 */
#include "source/merge.h"

size_t merge_run(struct merge *m, uint64_t now_ns, size_t budget, record_fn fn, void *ctx)
{
	uint64_t settled = now_ns > MERGE_SLACK_NS ? now_ns - MERGE_SLACK_NS : 0;
	size_t done = 0;

	while (done < budget) {
		struct merge_input *oldest = NULL;
		const struct rec_hdr *head = NULL;
		bool all = true;

		for (size_t i = 0; i < m->n; i++) {
			const struct rec_hdr *h = m->inputs[i].peek(m->inputs[i].in);

			if (!h) {
				all = false;
			} else if (!head || h->ts_ns < head->ts_ns) {
				head = h;
				oldest = &m->inputs[i];
			}
		}
		if (!head || (!all && head->ts_ns > settled))
			break;
		if (head->ts_ns < m->last_ns)
			m->late++;
		else
			m->last_ns = head->ts_ns;
		fn(head, ctx);
		oldest->next(oldest->in);
		atomic_store_explicit(&oldest->taken,
				      atomic_load_explicit(&oldest->taken, memory_order_relaxed) +
					      1,
				      memory_order_relaxed);
		m->events++;
		done++;
	}
	return done;
}
