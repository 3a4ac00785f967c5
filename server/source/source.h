/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where records come from. Every source hands complete records to one function, in order of time, on the
 * thread that drains it; the record is valid during the call only.
 */
#pragma once

#include "probe/abi/record.h"

typedef void (*record_fn)(const struct rec_hdr *rec, void *ctx);
