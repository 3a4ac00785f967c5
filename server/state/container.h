/* SPDX-License-Identifier: Apache-2.0 */
/* Which container a process is in, told from the paths of its control groups. Pure; any thread. */
#pragma once

#include "base/str.h"

/*
 * cgroups: "subsystem=path" texts each ended by NUL. The short id (12 digits, or the name where the runtime
 * has names), borrowed from the text; empty: the host. falco-compat.md 6.1.
 */
struct str container_id(struct str cgroups);
