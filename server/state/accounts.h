/* SPDX-License-Identifier: Apache-2.0 */
/* Users and groups by (container, id). They come as records; nothing is read here. One thread. */
#pragma once

#include "base/hash.h"
#include "event/event.h"
#include "state/state.h"

/* Zeroed is empty and valid. */
struct accounts {
	struct strmap users, groups;
	uint64_t refused; /* beyond the limit or memory */
};

void accounts_done(struct accounts *a);
/* An entry of a file, or a notice that one was added; 0 or -ENOMEM (counted). */
int accounts_take(struct accounts *a, const struct event *e);
/* A notice that one is gone. */
void accounts_lose(struct accounts *a, const struct event *e);
const struct user *accounts_user(const struct accounts *a, struct str container, uint32_t uid);
const struct group *accounts_group(const struct accounts *a, struct str container, uint32_t gid);

typedef int (*accounts_emit_fn)(const struct rec_hdr *rec, void *ctx);
/* All of them as records; the first negative outcome of emit ends it and is returned. */
int accounts_snapshot(const struct accounts *a, uint64_t now_ns, struct record_builder *b,
		      accounts_emit_fn emit, void *ctx);
