/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watches the host's passwd and group files on the control thread, and gives the engine a record for each
 * account that comes, changes or goes.
 */
#pragma once

#include <uv.h>

struct accounts_watch;
struct engine;

/* The engine has read the files already, or will. Negative errno: nothing is watched, names stay as they are. */
int accounts_watch_start(uv_loop_t *loop, struct engine *engine, const char *host_root,
			 struct accounts_watch **ret);
struct accounts_watch *accounts_watch_stop(
	struct accounts_watch *w); /* NULL is fine; returns NULL */
