/* SPDX-License-Identifier: Apache-2.0 */
/* Times as messages have them. */
#pragma once

#include <stdint.h>

#include "base/clock.h"
#include "google/protobuf/timestamp.pb-c.h"

/* ns: since 1970. */
static inline Google__Protobuf__Timestamp timestamp_of(uint64_t ns)
{
	Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;

	time.seconds = (int64_t)(ns / NS_PER_SEC);
	time.nanos = (int32_t)(ns % NS_PER_SEC);
	return time;
}
