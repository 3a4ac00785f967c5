/* SPDX-License-Identifier: Apache-2.0 */
/* The counted message itself; see entry.h. */
#include "journal/entry.h"

#include <stdlib.h>
#include <string.h>

struct entry *entry_new(uint64_t seq, uint64_t time_ns, struct str message)
{
	struct entry *e = malloc(sizeof(*e) + message.len);

	if (!e)
		return NULL;
	*e = (struct entry){
		.refs = 1, .len = (uint32_t)message.len, .seq = seq, .time_ns = time_ns
	};
	if (message.len)
		memcpy(e->message, message.ptr, message.len);
	return e;
}

struct entry *entry_ref(struct entry *e)
{
	atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
	return e;
}

struct entry *entry_unref(struct entry *e)
{
	if (e && atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) == 1)
		free(e);
	return NULL;
}
