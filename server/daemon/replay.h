/* SPDX-License-Identifier: Apache-2.0 */
/* A capture file through the same pipeline as live events, alerts to the configured local channels. */
#pragma once

#include "config/config.h"
#include "daemon/args.h"

/* The exit status, with *diag set if there is something to say. */
int replay_run(const struct config *config, const struct args *args, const char *path,
	       struct diag *diag);
