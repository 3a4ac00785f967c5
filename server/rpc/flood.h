/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections that open calls faster than anybody needs to. A call that is reset at once no longer counts as
 * open, so no limit on open calls holds who does that without end (CVE-2023-44487); each costs us some
 * kilobytes and a tenth of a millisecond. gRPC's C core of this version has no bound of its own. Loop thread only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { FLOOD_CALLS = 500 }; /* of one connection in a second */

struct flood;

/* NULL when memory is out. */
struct flood *flood_new(void);
struct flood *flood_free(struct flood *f);
/*
 * A call has come: peer as gRPC names its connection. True: its connection has gone too far and was shut down, which ends
 * all its calls; this one need not be looked at.
 */
bool flood_call(struct flood *f, const char *peer);
