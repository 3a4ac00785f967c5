/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which syscalls to trace: those of the rules, those that keep the state right, and what `base_syscalls` of
 * the configuration says (rules-language.md 5.3). Sets are of numbers in syscall_infos().
 */
#pragma once

#include "base/bitset.h"
#include "base/diag.h"

struct base_syscalls {
	const struct str *custom; /* names; a leading `!` takes away */
	size_t ncustom;
	bool repair, all;
};

/*
 * rules: what the enabled rules ask for (ruleset_syscalls). lost: syscalls of rules that are left out because
 * they are for reading and writing data. -EINVAL with *diag for a name that is not known.
 */
int syscalls_select(const struct base_syscalls *config, const struct bitset *rules,
		    struct bitset *ret_selected, struct bitset *ret_lost, struct diag *diag);
/* All syscalls an event or syscall name stands for; false: unknown. */
bool syscalls_named(struct str name, struct bitset *ret);
/* What has to be traced beside these so that what they tell is right; includes them. */
struct bitset syscalls_repair(const struct bitset *set);
