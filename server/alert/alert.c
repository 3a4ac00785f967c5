/* SPDX-License-Identifier: Apache-2.0 */
/* The counted block itself; see alert.h. */
#include "alert/alert.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

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

struct alert *alert_dup(const struct alert_wire *w)
{
	struct alert *a = malloc(offsetof(struct alert, wire) + w->len);

	if (!a)
		return NULL;
	atomic_init(&a->refs, 1);
	memcpy(&a->wire, w, w->len);
	return a;
}

struct str alert_line(const struct alert_wire *w)
{
	return (struct str){ (const char *)(w + 1), w->line_len };
}

struct str alert_proto(const struct alert_wire *w)
{
	return (struct str){ (const char *)(w + 1) + w->line_len, w->proto_len };
}
