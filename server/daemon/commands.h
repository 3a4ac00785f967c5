/* SPDX-License-Identifier: Apache-2.0 */
/* Subcommands: one row each. */
#pragma once

#include "daemon/args.h"

/* Runs the subcommand; the process's exit status. */
int command_run(const struct args *args);
