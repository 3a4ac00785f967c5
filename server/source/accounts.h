/* SPDX-License-Identifier: Apache-2.0 */
/* The accounts of a host as its files list them, and what has changed since. Does I/O: not on the engine thread. */
#pragma once

#include "base/arena.h"
#include "base/vec.h"
#include "source/source.h"

struct account {
	bool group;
	uint32_t id, gid;
	struct str name, home, shell; /* of the list's arena */
};

/* Zeroed is empty and valid. */
struct account_list {
	struct arena arena;
	VEC(struct account) items; /* users and then groups, by id */
};

void account_list_done(struct account_list *l);
/* passwd and group below root. Negative errno, *ret untouched: one of them cannot be read just now, or no memory. */
int account_list_read(const char *root, struct account_list *ret);
/* USER_ADDED, USER_DELETED, GROUP_ADDED and GROUP_DELETED records; a changed entry is added again. 0 or -ENOMEM. */
int account_list_diff(const struct account_list *before, const struct account_list *after,
		      record_fn fn, void *ctx);
