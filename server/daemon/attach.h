/* SPDX-License-Identifier: Apache-2.0 */
/* What the probe has to deliver: what the rules ask for, what state needs, and what `base_syscalls` says. */
#pragma once

#include "base/bitset.h"
#include "config/config.h"
#include "probe/abi/record.h"
#include "rule/ruleset.h"

struct attach {
	struct bitset events;	  /* codes */
	struct bitset syscalls;	  /* numbers in syscall_infos() */
	uint8_t extras[EV_CODES]; /* enum probe_extra by code */
};

/*
 * Calls that rules ask for and that are left out as they read or write data (base_syscalls.all brings them)
 * are logged once for each set of rules. -EINVAL with *diag for a setting that names no syscall.
 */
int attach_choose(const struct config *config, const struct ruleset *rs, struct attach *ret,
		  struct diag *diag);
/* Adds what another set needs. */
void attach_add(struct attach *a, const struct attach *other);
