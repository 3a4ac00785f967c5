/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network process as the sensor sees it: started by executing this program anew with the ring, the
 * eventfd and one end of the control channel, and started again when it dies. The ring belongs to the
 * sensor, so nothing in it is lost by that. Control thread only.
 */
#pragma once

#include <uv.h>

#include "base/diag.h"
#include "config/config.h"
#include "link/link.h"

struct netproc;

/*
 * Starts it and waits until it listens. A broken certificate, a taken port or socket is found here: -EINVAL
 * with *diag. The configuration must outlive it.
 */
int netproc_start(const struct config *config, uv_loop_t *loop, struct link_writer *link,
		  struct netproc **ret, struct diag *diag);
/* Asks it to end, waits a little, and frees. Returns NULL. */
struct netproc *netproc_stop(struct netproc *n);
