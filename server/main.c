/* SPDX-License-Identifier: Apache-2.0 */
/* Start of the program; daemon/ has everything behind it. */
#include <stdio.h>

#include "client/client.h"
#include "daemon/args.h"
#include "daemon/commands.h"

int main(int argc, char **argv)
{
	struct args args;
	struct diag diag = { 0 };

	client_fn *client = argc > 1 ? client_find(argv[1]) : NULL;
	if (client)
		return client_main(client, argc - 1, argv + 1);
	if (args_parse(argc, argv, &args, &diag) < 0) {
		fprintf(stderr, "Error: %s\n", diag.text);
		return 1;
	}
	int status = command_run(&args);
	args_done(&args);
	return status;
}
