/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that change accounts write a new file and rename it over the old one, so the directory is watched,
 * not the file. A moment after a change both files are read and compared with what was read before.
 */
#include "daemon/accounts_watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/engine.h"
#include "source/accounts.h"

enum { SETTLE_MS = 50, HANDLES = 2 };

struct accounts_watch {
	struct engine *engine;
	const char *root; /* of settings_host_root: lives as long as the program */
	struct account_list known;
	uv_fs_event_t directory;
	uv_timer_t timer;
	unsigned open;
};

static void tell(const struct rec_hdr *rec, void *ctx)
{
	struct accounts_watch *w = ctx;
	int r = engine_record(w->engine, rec);

	if (r < 0)
		log_warning("a change of accounts is lost: %s", strerror(-r));
}

static void look(uv_timer_t *t)
{
	struct accounts_watch *w = t->data;
	struct account_list now;

	/* Not there for a moment: another change follows. */
	if (account_list_read(w->root, &now) < 0)
		return;
	account_list_diff(&w->known, &now, tell, w);
	account_list_done(&w->known);
	w->known = now;
}

static void changed(uv_fs_event_t *h, const char *name, int events, int status)
{
	struct accounts_watch *w = h->data;

	if (name && strcmp(name, "passwd") != 0 && strcmp(name, "group") != 0)
		return;
	if (!uv_is_active((uv_handle_t *)&w->timer))
		uv_timer_start(&w->timer, look, SETTLE_MS, 0);
}

static void closed(uv_handle_t *h)
{
	struct accounts_watch *w = h->data;

	if (--w->open)
		return;
	account_list_done(&w->known);
	free(w);
}

struct accounts_watch *accounts_watch_stop(struct accounts_watch *w)
{
	if (!w)
		return NULL;
	uv_close((uv_handle_t *)&w->directory, closed);
	uv_close((uv_handle_t *)&w->timer, closed);
	return NULL;
}

int accounts_watch_start(uv_loop_t *loop, struct engine *engine, const char *host_root,
			 struct accounts_watch **ret)
{
	struct accounts_watch *w = calloc(1, sizeof(*w));
	char path[4096];

	if (!w)
		return -ENOMEM;
	*w = (struct accounts_watch){ .engine = engine, .root = host_root, .open = HANDLES };
	w->directory.data = w->timer.data = w;
	snprintf(path, sizeof(path), "%s/etc", host_root);
	uv_timer_init(loop, &w->timer);
	uv_fs_event_init(loop, &w->directory);
	/* Watched before the files are read: what changes in between is told twice, not never. */
	int r = uv_fs_event_start(&w->directory, changed, path, 0);

	if (r == 0)
		r = account_list_read(host_root, &w->known);
	if (r < 0) {
		accounts_watch_stop(w);
		return r;
	}
	*ret = w;
	return 0;
}
