/* SPDX-License-Identifier: Apache-2.0 */
/* Which container a process is in, told from the paths of its control groups. Pure; any thread. */
#pragma once

#include <stdint.h>

#include "base/str.h"

struct container_ident {
	struct str
		id; /* short (12 digits, or the name where the runtime has names); empty: the host */
	struct str full_id; /* borrowed from the text, as are id and space */
	struct str space; /* what stands before the id where that is all: containerd's namespace */
	const char *type; /* whose form of path it is: a guess until a runtime answers */
	uint32_t owner;	  /* the user in whose slice it is; 0: the system's */
	bool doubtful; /* any unit may have such a path: a foreign namespace has to bear witness */
};

/* cgroups: "subsystem=path" texts each ended by NUL. falco-compat.md 6.1. */
struct container_ident container_identify(struct str cgroups);
