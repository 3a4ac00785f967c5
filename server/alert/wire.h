/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing protobuf messages, as far as alerts need it: an alert is packed once, straight into the block,
 * without an object tree in between (protobuf encoding, "Message structure"). Fields with the default value
 * are left out, as proto3 does.
 */
#pragma once

#include "base/strbuf.h"

void wire_uint(struct strbuf *out, unsigned field, uint64_t v);
void wire_text(struct strbuf *out, unsigned field, struct str s);
/* As wire_text, empty texts too: elements of repeated fields. */
void wire_element(struct strbuf *out, unsigned field, struct str s);
/* One entry of map<string, string>. */
void wire_pair(struct strbuf *out, unsigned field, struct str key, struct str value);
/* google.protobuf.Timestamp. */
void wire_time(struct strbuf *out, unsigned field, uint64_t ns);
