/* SPDX-License-Identifier: Apache-2.0 */
/* How flags and enumerations of the kernel become those of events (server/event/flags.def). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "probe/abi/call.h"

/* Number of the conversion to flags of that table, from 1; 0: they are passed on as they are. */
uint8_t bpf_conversion_of(const char *flags);
/* Conversion number i; NULL: there are not so many. */
const struct call_conversion *bpf_conversion_get(unsigned i);
