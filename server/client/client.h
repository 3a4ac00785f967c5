/* SPDX-License-Identifier: Apache-2.0 */
/* Subcommands that are clients of a running server. They have options of their own (options.h). */
#pragma once

#include "client/options.h"

typedef int client_fn(const struct client_options *o);

client_fn tail_run, status_run;

/* Their names, NULL at the end. */
extern const char *const client_commands[];
/* NULL: no such command. */
client_fn *client_find(const char *command);
/* argv[0] is the command; its exit status. */
int client_main(client_fn *fn, int argc, char **argv);
