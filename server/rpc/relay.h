/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Methods that the sensor answers (rpc_method.ask). A request goes to it as it is, its answer to the client as
 * it comes: what is in them is no business of the process that faces the network. Loop thread.
 */
#pragma once

#include <stdint.h>

#include "base/strbuf.h"

struct control_answer;
struct relay;
struct rpc_shared;

struct relay *relay_free(struct relay *r);
/* The sensor's answer to one of our questions; one that nobody waits for any more is dropped. */
void relays_answer(struct rpc_shared *shared, const struct control_answer *a);
/* Ends what has waited for too long. */
void relays_tick(struct rpc_shared *shared);
