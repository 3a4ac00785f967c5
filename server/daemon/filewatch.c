/* SPDX-License-Identifier: Apache-2.0 */
/* See filewatch.h. */
#include "daemon/filewatch.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/log.h"
#include "daemon/rules.h"

enum {
	SETTLE_MS = 100, /* a save is often several changes: unchanged for so long, it is over */
	POLL_MS = 1000,
};

struct watched {
	LIST_ENTRY(watched) link;
	uv_fs_event_t handle;
	char *path;
};

struct filewatch {
	uv_loop_t *loop;
	void (*changed)(void *ctx);
	void *ctx;
	const struct config *config;
	const struct args *args;
	uv_timer_t timer;
	LIST_HEAD(, watched) watched;
	uint64_t fingerprint; /* as they were last known */
	uint64_t seen;	      /* when last looked at */
	bool polling;
};

static uint64_t fingerprint(const struct filewatch *w)
{
	return files_fingerprint(w->config, w->args);
}

static void look(uv_timer_t *t)
{
	struct filewatch *w = t->data;
	uint64_t now = fingerprint(w);
	bool settled = now == w->seen;

	w->seen = now;
	if (now == w->fingerprint)
		return;
	if (settled)
		w->changed(w->ctx);
	else if (!w->polling)
		uv_timer_start(&w->timer, look, SETTLE_MS, 0);
}

static void on_change(uv_fs_event_t *h, const char *name, int events, int status)
{
	struct filewatch *w = h->loop->data;

	/* Not put off by further changes: something else may be busy in the directory. */
	if (!uv_is_active((uv_handle_t *)&w->timer))
		uv_timer_start(&w->timer, look, SETTLE_MS, 0);
}

static void free_watched(uv_handle_t *h)
{
	struct watched *d = h->data;

	free(d->path);
	free(d);
}

static int watch_directory(struct filewatch *w, const char *path)
{
	struct watched *d;

	LIST_FOREACH(d, &w->watched, link)
	{
		if (strcmp(d->path, path) == 0)
			return 0;
	}
	d = calloc(1, sizeof(*d));
	char *copy = d ? strdup(path) : NULL;
	if (!copy) {
		free(d);
		return -ENOMEM;
	}
	d->path = copy;
	d->handle.data = d;
	uv_fs_event_init(w->loop, &d->handle);
	int rc = uv_fs_event_start(&d->handle, on_change, path, 0);
	if (rc < 0) {
		uv_close((uv_handle_t *)&d->handle, free_watched);
		return rc;
	}
	LIST_INSERT_HEAD(&w->watched, d, link);
	return 0;
}

static int watch_parent(struct filewatch *w, const char *path)
{
	char copy[PATH_MAX];

	if ((size_t)snprintf(copy, sizeof(copy), "%s", path) >= sizeof(copy))
		return -ENAMETOOLONG;
	return watch_directory(w, dirname(copy));
}

/* Where its name is, where it really is, and, of a directory, what is in it. */
static int watch_path(const char *path, bool directory, void *ctx)
{
	struct filewatch *w = ctx;
	char real[PATH_MAX];
	int rc = watch_parent(w, path);

	if (rc == 0 && realpath(path, real))
		rc = watch_parent(w, real);
	if (rc == 0 && directory)
		rc = watch_directory(w, path);
	return rc == -ENOENT ? 0 : rc;
}

static void drop_watched(struct filewatch *w)
{
	struct watched *d;

	while ((d = LIST_FIRST(&w->watched))) {
		LIST_REMOVE(d, link);
		uv_close((uv_handle_t *)&d->handle, free_watched);
	}
}

int filewatch_start(uv_loop_t *loop, void (*changed)(void *ctx), void *ctx, struct filewatch **ret)
{
	struct filewatch *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->loop = loop;
	w->changed = changed;
	w->ctx = ctx;
	loop->data = w;
	uv_timer_init(loop, &w->timer);
	w->timer.data = w;
	*ret = w;
	return 0;
}

void filewatch_seen(struct filewatch *w)
{
	w->fingerprint = w->seen = fingerprint(w);
}

void filewatch_set(struct filewatch *w, const struct config *config, const struct args *args)
{
	w->config = config;
	w->args = args;
	drop_watched(w);
	uv_timer_stop(&w->timer);
	w->polling = false;
	if (!config->watch_config_files)
		return;
	int rc = files_paths(config, args, watch_path, w);

	if (rc == 0)
		return;
	log_warning("configuration and rules cannot be watched (%s): looking at them every second",
		    uv_strerror(rc));
	w->polling = true;
	uv_timer_start(&w->timer, look, POLL_MS, POLL_MS);
}

static void on_closed(uv_handle_t *h)
{
	free(h->data);
}

struct filewatch *filewatch_stop(struct filewatch *w)
{
	if (!w)
		return NULL;
	drop_watched(w);
	uv_close((uv_handle_t *)&w->timer, on_closed);
	return NULL;
}
