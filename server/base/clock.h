/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times. Records carry nanoseconds since boot (CLOCK_BOOTTIME); alerts show wall-clock time. The
 * offset between the two is sampled, never asked per event.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/strbuf.h"

#define NS_PER_SEC UINT64_C(1000000000)
#define NS_PER_MS  UINT64_C(1000000)

uint64_t clock_boot_ns(void);
uint64_t clock_wall_ns(void);
/* Wall clock minus boot clock, sampled now. */
uint64_t clock_boot_offset_ns(void);

/* Local HH:MM:SS.nnnnnnnnn (falco-compat.md 3.1). One thread: the zone of a minute is cached. */
void clock_print_local(struct strbuf *out, uint64_t wall_ns);
/* UTC YYYY-MM-DDTHH:MM:SS.nnnnnnnnn, then the zone as given ("Z", "+0000"). */
void clock_print_iso(struct strbuf *out, uint64_t wall_ns, const char *zone);
