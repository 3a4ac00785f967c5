/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of state/ share. */
#pragma once

#include "state/accounts.h"
#include "state/containers.h"
#include "state/hosts.h"
#include "state/procs.h"

struct state {
	struct procs procs;
	struct accounts accounts;
	struct containers containers;
	struct hosts hosts;
	uint32_t host_pid_ns, host_mnt_ns; /* the latter 0: not known */
};
