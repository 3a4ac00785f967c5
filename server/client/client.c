/* SPDX-License-Identifier: Apache-2.0 */
/* The table of them, and what they share: options, help, gRPC. */
#include "client/client.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <grpc/grpc.h>
#include <grpc/support/log.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/strbuf.h"

const char *const client_commands[] = { "tail", "status", NULL };

static client_fn *const fns[] = { tail_run, status_run };

client_fn *client_find(const char *command)
{
	for (size_t i = 0; client_commands[i]; i++)
		if (strcmp(client_commands[i], command) == 0)
			return fns[i];
	return NULL;
}

/* What matters to a person is in the status of the call. */
static void be_silent(gpr_log_func_args *args)
{
}

int client_main(client_fn *fn, int argc, char **argv)
{
	_cleanup_(strbuf_done) struct strbuf help = { 0 };
	struct client_options o;
	struct diag diag = { 0 };

	if (client_options_parse(argc, argv, &o, &diag) < 0) {
		fprintf(stderr, "Error: %s\n", diag.text);
		return 1;
	}
	if (o.help) {
		client_options_help(o.command, &help);
		return io_write_all(STDOUT_FILENO, strbuf_str(&help)) < 0 ? 1 : 0;
	}
	gpr_set_log_function(be_silent);
	grpc_init();
	int status = fn(&o);
	grpc_shutdown_blocking();
	return status;
}
