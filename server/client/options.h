/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of the subcommands that talk to a running server: `tail` and `status`. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/str.h"

enum { CLIENT_LIST = 64 }; /* of each repeatable option */

struct client_list {
	const char *items[CLIENT_LIST];
	size_t n;
};

enum client_color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

struct client_options {
	const char *command; /* "tail" or "status" */
	bool help, json, follow;
	enum client_color color;
	/* Where the server is; without unix_path and address the configuration tells. */
	const char *config;
	struct client_list overrides;
	const char *unix_path, *address, *ca, *cert, *key, *server_name;
	/* What is wanted of it. */
	uint64_t since_ns, until_ns; /* since 1970; 0: not given */
	bool has_last;
	uint64_t last, count; /* count 0: no end */
	int priority;	      /* -1: any */
	struct client_list rules, sources, tags, hostnames, fields, not_rules, not_tags, show;
	const char *condition;
};

/* argv[0] is the command. 0; -EINVAL with *diag. argv must outlive the result. */
int client_options_parse(int argc, char **argv, struct client_options *ret, struct diag *diag);
/* What --help prints. */
void client_options_help(const char *command, struct strbuf *out);
