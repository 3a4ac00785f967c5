/* SPDX-License-Identifier: Apache-2.0 */
/* The line of /proc/PID/stat. Pure; any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct proc_stat {
	uint32_t ppid, pgid, sid, tty;
	uint64_t start_ticks; /* since boot, USER_HZ */
	char state;
};

/* False: not such a line. */
bool proc_stat_parse(struct str line, struct proc_stat *ret);
