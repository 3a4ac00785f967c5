/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of state/ share. */
#pragma once

#include "state/accounts.h"
#include "state/procs.h"

struct state {
	struct procs procs;
	struct accounts accounts;
};
