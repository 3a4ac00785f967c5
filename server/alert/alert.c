/* SPDX-License-Identifier: Apache-2.0 */
/* The counted block itself; see alert.h. */
#include "alert/alert.h"

#include <stdatomic.h>
#include <stdlib.h>

struct alert *alert_ref(struct alert *a)
{
	atomic_fetch_add_explicit(&a->refs, 1, memory_order_relaxed);
	return a;
}

struct alert *alert_unref(struct alert *a)
{
	if (a && atomic_fetch_sub_explicit(&a->refs, 1, memory_order_acq_rel) == 1)
		free(a);
	return NULL;
}

struct str alert_line(const struct alert_wire *w)
{
	return (struct str){ (const char *)(w + 1), w->line_len };
}

struct str alert_proto(const struct alert_wire *w)
{
	return (struct str){ (const char *)(w + 1) + w->line_len, w->proto_len };
}
