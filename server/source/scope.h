/* SPDX-License-Identifier: Apache-2.0 */
/* A scope of one process holds what descends from it, also what did before the probe. */
#pragma once

#include <stdint.h>

/*
 * Adds the living descendants of thread group `root` to the map of the scope. The probe must follow forks already:
 * then whoever is born meanwhile is added by one of the two. 0 or negative errno.
 */
int scope_add_descendants(int map, uint32_t root);
