/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New settings and rules while events flow: read and built beside the old ones by a worker, then swapped in between two
 * events. Asked for by SIGHUP or by a change of the files, which are watched if watch_config_files says so. A bad file
 * changes nothing: it is reported in full and raises an internal alert. Control thread only.
 */
#pragma once

#include <uv.h>

#include "config/config.h"
#include "daemon/args.h"
#include "daemon/attach.h"
#include "daemon/engine.h"

struct reload;

struct reload_options {
	uv_loop_t *loop;
	struct config *config; /* as at the start; a reference is taken */
	const struct args *args;
	struct engine *engine;
	struct bpf_source
		*source;      /* gets what new rules ask for, loses what none asks for any more */
	struct attach attach; /* what it delivers */
	struct stats *stats;
	/*
	 * Puts them in force; references for whoever keeps them. reload_done follows when the old ones are in use no
	 * more. Negative errno with *diag: nothing has changed.
	 */
	int (*apply)(struct config *config, struct ruleset *rs, void *ctx, struct diag *diag);
	void *ctx;
};

/* -ENOMEM. */
int reload_start(const struct reload_options *options, struct reload **ret);
/* Reads everything again; once more afterwards if it is just doing so. */
void reload_ask(struct reload *r);
void reload_done(struct reload *r);
/* How it ended. The texts are valid while fn runs. */
struct reload_outcome {
	bool loaded; /* the new settings and rules are in force */
	struct str
		text; /* what is wrong, for a person; with `loaded` the warnings about the rules */
	struct str json; /* the results as -V prints them; empty when no rules file was read */
	size_t rules;	 /* of the files, when they are good */
};
typedef void reload_told_fn(const struct reload_outcome *outcome, void *ctx);
/* As reload_ask, and fn is told how the first load that begins from now on ended. -ENOMEM: nothing is done. */
int reload_ask_told(struct reload *r, reload_told_fn *fn, void *ctx);
/* In force; borrowed until the next turn of the loop. */
const struct config *reload_config(const struct reload *r);
/* Waits for the worker; the handles are closed when the loop has run once more. Returns NULL. */
struct reload *reload_stop(struct reload *r);
