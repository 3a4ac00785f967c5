/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sensor: rules, probe, engine, channels and the network process put together; the control thread's
 * loop with its signals. Runs on the main thread until a signal, -M, or a fault ends it.
 */
#pragma once

#include "config/config.h"
#include "daemon/args.h"

enum {
	/* Exit status when the kernel does not permit eBPF, so that a script can fall back to a capture. */
	SENSOR_EXIT_NO_EBPF = 77,
};

/* record: capture file to write, or NULL. The exit status, with *diag set if there is something to say. */
int sensor_run(struct config *config, const struct args *args, const char *record,
	       struct diag *diag);
