/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A packed falco.outputs.response read in place, without an object tree: filters look at a few fields of every
 * alert, and a selection of fields copies the rest as it is. Texts are parts of the message. Damaged
 * messages end where the damage is.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "base/strbuf.h"

struct message {
	struct str bytes;
	struct str rule, output, hostname, source;
	uint64_t priority;
	uint64_t time_ns;
};

void message_read(struct str bytes, struct message *ret);
/* The text of an output field; false: the alert has none of that name. */
bool message_field(const struct message *m, struct str key, struct str *ret_value);
/* Iterates over the tags; *at from 0. */
bool message_tag(const struct message *m, size_t *at, struct str *ret_tag);
/* Its length without fields from 100 on, which are its last. */
size_t message_legacy_len(struct str bytes);
/* The message with only those output fields whose keys are among the sorted ones. */
void message_select(struct str bytes, const struct str *keys, size_t nkeys, struct strbuf *out);
