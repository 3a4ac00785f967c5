/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is being found out about containers. A lookup asks every runtime that may know the container; the first
 * that does ends it. Within the time that events wait an answer is given in any case, if only that nobody knows;
 * asking goes on, ever more seldom, and a later answer replaces it. One thread.
 */
#pragma once

#include "base/hash.h"
#include "event/event.h"
#include "runtime/outbox.h"
#include "runtime/peers.h"

struct lookups {
	struct peers *peers;
	struct http *http;
	struct outbox *out;
	struct record_builder *builder;
	size_t label_max_len;
	uint64_t wait_ns;
	struct strmap map;
	_Atomic uint64_t found, unknown; /* any thread */
};

struct question {
	char id[128], full_id[128];
	unsigned kinds; /* of runtimes that may know it: bits by enum runtime_kind */
	uid_t owner;
};

void lookups_done(struct lookups *ls);
void lookups_ask(struct lookups *ls, const struct question *q);
/* A runtime told of it by itself. */
void lookups_heard(struct lookups *ls, struct peer *p, struct str full_id,
		   const struct info *partial);
/* A runtime appeared that may know what nobody did. */
void lookups_again(struct lookups *ls);
/* Asks what is due; returns when something will be again. */
uint64_t lookups_run(struct lookups *ls, uint64_t now_ns);
