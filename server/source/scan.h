/* SPDX-License-Identifier: Apache-2.0 */
/* The processes that are older than the sensor, from /proc. Does I/O: not on the engine thread. */
#pragma once

#include "source/source.h"

/*
 * Emits TASK_SCAN for every process, parents before their children, TASK_FORK for each of its further
 * threads, and SCAN_END. Start times have the resolution of /proc (10 ms). What vanishes meanwhile or may
 * not be read is left out. proc_root: "/proc". Negative errno when it cannot be listed at all; -ENOMEM.
 */
int scan_proc(const char *proc_root, record_fn fn, void *ctx);
