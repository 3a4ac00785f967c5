/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of hosts that rules compare addresses with: the network process looks them up, again and again, and what
 * it finds goes to the engine as records. Control thread only.
 */
#pragma once

#include <uv.h>

#include "rule/ruleset.h"

struct engine;
struct names;
struct netproc;

/* net NULL: names have no addresses, which is logged when rules have some. NULL when memory is out. */
struct names *names_start(uv_loop_t *loop, struct netproc *net, struct engine *engine);
/* The rules in force have changed. n may be NULL. */
void names_rules(struct names *n, const struct ruleset *rs);
/* Before the engine and the process end. Returns NULL. */
struct names *names_stop(struct names *n);
