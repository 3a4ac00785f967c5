/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which events the probe has to deliver. Paths, sockets and identities come with each record, so state
 * needs only the life of processes and what changes the fields that are read from it.
 */
#include "daemon/attach.h"

#include "base/cleanup.h"
#include "event/event.h"

static const char *const state_events[] = {
	"clone",     "clone3",	    "fork",	"vfork",     "execve",	"execveat", "procexit",
	"task_fork", "task_rename", "chdir",	"fchdir",    "chroot",	"setsid",   "setpgid",
	"capset",    "setuid",	    "setreuid", "setresuid", "unshare", "setns",
};

void attach_events(const struct ruleset *rs, struct bitset *ret_codes)
{
	*ret_codes = *ruleset_events(rs);
	for (size_t i = 0; i < ARRAY_SIZE(state_events); i++) {
		struct bitset codes = { 0 };

		if (event_codes_named(str_of(state_events[i]), &codes))
			bitset_or(ret_codes, &codes);
	}
	bitset_add(ret_codes, EV_TASK_FORK);
	bitset_add(ret_codes, EV_TASK_RENAME);
}
