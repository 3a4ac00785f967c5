/* SPDX-License-Identifier: Apache-2.0 */
/* Start of the program; daemon/ has everything behind it. */
#include <stdio.h>

#include "daemon/args.h"
#include "daemon/commands.h"

int main(int argc, char **argv)
{
	struct args args;
	struct diag diag = { 0 };

	if (args_parse(argc, argv, &args, &diag) < 0) {
		fprintf(stderr, "Error: %s\n", diag.text);
		return 1;
	}
	int status = command_run(&args);
	args_done(&args);
	return status;
}
