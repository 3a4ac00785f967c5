/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line: subcommands of ours, and every option of Falco 0.43.1, older ones translated to their
 * modern form or answered with a warning (falco-compat.md 2).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

enum { ARGS_MAX = 128 }; /* of each repeatable option */

struct args_list {
	const char *items[ARGS_MAX];
	size_t n;
};

/* Of several, the one that Falco looks at first is done (falco-compat.md 2.1): the order is that. */
enum args_action {
	ACT_HELP,
	ACT_CONFIG_SCHEMA,
	ACT_RULE_SCHEMA,
	ACT_GVISOR,
	ACT_LIST_IGNORED,
	ACT_LIST_EVENTS,
	ACT_VERSION,
	ACT_PAGE_SIZE,
	ACT_PLUGIN_INFO,
	ACT_LIST_PLUGINS,
	ACT_LIST_FIELDS,
	ACT_CHECK,
	ACT_DESCRIBE,
	ACT_SUPPORT,
	ACT_DRY_RUN,
	ACT_RUN,
};

struct args {
	const char *command; /* subcommand, "run" without one */
	enum args_action action;
	const char *config;	    /* -c; NULL: the default place */
	struct args_list rules;	    /* -r */
	struct args_list overrides; /* -o, and what old options translate to */
	struct args_list check;	    /* -V */
	struct args_list rest;	    /* operands of a subcommand */
	bool describing;	    /* -L or -l, perhaps with -V */
	const char *describe;	    /* -l; NULL: all */
	const char *pidfile;	    /* -P */
	const char *print;	    /* -p text that is appended to outputs */
	const char *list_source;
	const char *plugin; /* --plugin-info */
	struct args_list enabled_sources, disabled_sources;
	bool only_tags;	       /* -t was given */
	bool as_falco;	       /* called by that name */
	bool container_output; /* -pc, -pk and the like: container and pod in every output */
	uint64_t seconds;      /* -M; 0: no end */
	bool names_only, markdown, verbose, json, syntax_only, output_format, kernel, unbuffered;
	struct args_list warnings;
	struct args_list owned; /* texts of warnings and translations, on the heap */
};

/* 0; -EINVAL with *diag. argv must outlive the result. */
int args_parse(int argc, char **argv, struct args *ret, struct diag *diag);
void args_done(struct args *a);
/* What --help prints. */
void args_help(const struct args *args, struct strbuf *out);
