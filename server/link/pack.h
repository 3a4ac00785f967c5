/* SPDX-License-Identifier: Apache-2.0 */
/* Protobuf messages as texts. */
#pragma once

#include <errno.h>
#include <protobuf-c/protobuf-c.h>

#include "base/strbuf.h"

/* Behind what out has already. 0; -ENOMEM: memory is out, or it would be longer than out's limit. */
static inline int pack_message(const ProtobufCMessage *m, struct strbuf *out)
{
	/* One more, so that a message of no bytes has a place as well. */
	char *room = strbuf_room(out, protobuf_c_message_get_packed_size(m) + 1);

	if (!room)
		return -ENOMEM;
	out->len += protobuf_c_message_pack(m, (uint8_t *)room);
	return 0;
}
