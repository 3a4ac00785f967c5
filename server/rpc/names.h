/* SPDX-License-Identifier: Apache-2.0 */
/* What names of hosts stand for: asked of the resolver by this process for the sensor. Loop thread. */
#pragma once

#include <uv.h>

#include "base/str.h"

/* text: a line for each name that has addresses, NAME ADDRESS ...; valid during the call. */
typedef void (*names_fn)(struct str text, void *ctx);

/*
 * Looks up the names, one a line, at most LIMIT_HOST_NAMES, and calls fn once, at once or later. -ENOMEM: it is not
 * called.
 */
int names_look_up(uv_loop_t *loop, struct str names, names_fn fn, void *ctx);
