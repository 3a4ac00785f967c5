/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is being found out about containers. A lookup asks every runtime that may know the container; the first
 * that does ends it. Within the time that events wait an answer is given in any case, if only that nobody knows;
 * asking goes on, ever more seldom, and a later answer replaces it. What is known stays noted for as long as there
 * is room, so that a container that its runtime announces and the engine asks for is asked about once. One thread.
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
	char space[128]; /* containerd's namespace, if the cgroup tells one */
	unsigned kinds;	 /* of runtimes that may know it: bits by enum runtime_kind */
	uid_t owner;
};

/* One container. Of steps.c and lookups.c only. */
struct lookup {
	struct lookups *all;
	char id[128], full_id[128], space[128];
	unsigned kinds;
	uid_t owner;
	bool asked;	  /* by the engine, which waits for an answer; else a runtime told of it */
	bool answered;	  /* the engine has got one */
	bool has_partial; /* has been told what there is until the whole is known */
	bool done;	  /* the whole has been told */
	bool started;	  /* a runtime said so */
	bool heard;	  /* a runtime told of it: it is that one's */
	unsigned running; /* steps */
	unsigned tries;
	uint64_t deadline_ns, next_ns, told_ns;
};

void lookups_done(struct lookups *ls);
void lookups_ask(struct lookups *ls, const struct question *q);
/* A runtime told of it by itself. */
void lookups_heard(struct lookups *ls, struct peer *p, const struct peer_news *news);
/* A runtime appeared that may know what nobody did. */
void lookups_again(struct lookups *ls);
/* Asks what is due; returns when something will be again. */
uint64_t lookups_run(struct lookups *ls, uint64_t now_ns);

/* steps.c: asks one runtime; in the end, unless all is stopped, lookup_step_over follows. -ENOMEM. */
int step_start(struct lookup *l, struct peer *p, bool news);
/* lookups.c: what a step has found, which may be of part only; and its end, after which the lookup may be gone. */
void lookup_found(struct lookup *l, const struct info *in, const char *type);
void lookup_step_over(struct lookup *l);
