/* SPDX-License-Identifier: Apache-2.0 */
/* One alert as the network process keeps it: an immutable counted message with its number. Any thread. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "base/str.h"

struct entry {
	_Atomic uint32_t refs;
	uint32_t len;
	uint64_t seq;
	uint64_t time_ns; /* wall clock of the event */
	char message[];	  /* a falco.outputs.response without position */
};

/* Copies the message. NULL when memory is out. */
struct entry *entry_new(uint64_t seq, uint64_t time_ns, struct str message);
struct entry *entry_ref(struct entry *e);
struct entry *entry_unref(struct entry *e); /* NULL is fine; returns NULL */

static inline struct str entry_message(const struct entry *e)
{
	return (struct str){ e->message, e->len };
}
