/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells that the files of the configuration or of the rules have changed and are whole again. Directories are watched,
 * not files: editors replace files by renaming, and Kubernetes swaps a ConfigMap by renaming a symbolic link beside
 * them. Whatever happened, a fingerprint of the files decides whether anything changed. Where no watch can be had (the
 * inotify limits), the fingerprint is looked at every second. Control thread only.
 */
#pragma once

#include <uv.h>

#include "config/config.h"
#include "daemon/args.h"

struct filewatch;

/* changed is not called before filewatch_set. -ENOMEM. */
int filewatch_start(uv_loop_t *loop, void (*changed)(void *ctx), void *ctx, struct filewatch **ret);
/* From now on the files these name, as they are now; the configuration must outlive the next call. */
void filewatch_set(struct filewatch *w, const struct config *config, const struct args *args);
/* The files as they are now are known: only what changes from here on counts. */
void filewatch_seen(struct filewatch *w);
struct filewatch *filewatch_stop(struct filewatch *w); /* NULL */
