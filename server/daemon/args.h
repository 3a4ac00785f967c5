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

enum args_action {
	ACT_RUN,
	ACT_HELP,
	ACT_VERSION,
	ACT_PAGE_SIZE,
	ACT_CONFIG_SCHEMA,
	ACT_CHECK,
	ACT_DESCRIBE,
	ACT_LIST_FIELDS,
	ACT_LIST_EVENTS,
	ACT_DRY_RUN,
};

struct args {
	const char *command; /* subcommand, "run" without one */
	enum args_action action;
	const char *config;	    /* -c; NULL: the default place */
	struct args_list rules;	    /* -r */
	struct args_list overrides; /* -o, and what old options translate to */
	struct args_list check;	    /* -V */
	struct args_list rest;	    /* operands of a subcommand */
	const char *describe;	    /* -l; NULL: all */
	const char *pidfile;	    /* -P */
	const char *print;	    /* -p text that is appended to outputs */
	const char *list_source;
	uint64_t seconds; /* -M; 0: no end */
	bool names_only, markdown, verbose, json, syntax_only, output_format;
	struct args_list warnings;
	struct args_list owned; /* texts of warnings and translations, on the heap */
};

/* 0; -EINVAL with *diag. argv must outlive the result. */
int args_parse(int argc, char **argv, struct args *ret, struct diag *diag);
void args_done(struct args *a);
/* What --help prints. */
void args_help(struct strbuf *out);
