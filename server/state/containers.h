/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers by their short id, with what runtimes said of them. What they said comes as CONTAINER_INFO
 * records; nothing is asked here. One thread.
 */
#pragma once

#include "base/hash.h"
#include "event/event.h"
#include "runtime/info.h"
#include "state/container.h"

enum container_status {
	CONTAINER_ASKED,   /* an answer will come */
	CONTAINER_UNKNOWN, /* nobody knows it (yet), or not all of it */
	CONTAINER_KNOWN,
};

struct container {
	struct str id;
	struct str full_id; /* of the cgroup, or of the runtime */
	struct str space;   /* of the cgroup: containerd's namespace, or empty */
	const char *guess;  /* type, before a runtime told one; static */
	uint32_t owner;	    /* as of the cgroup's path, container.h */
	enum container_status status;
	struct info info;
	bool has_info;	       /* some, if only what an event of the runtime's told */
	bool met;	       /* a process of it was seen */
	unsigned asked_again;  /* how often; the pipeline's, as are the next two */
	unsigned looks;	       /* at its events, whether one would have to wait */
	uint64_t ask_again_ns; /* not before */
	bool accounts_wanted;  /* its passwd file was asked for */
	bool accounts_pending; /* and has not been read yet */
	unsigned waiting;      /* events that wait for what it is; the pipeline's */
	uint64_t ended_ns;     /* its first process has exited; 0: not seen */
	struct arena arena;    /* of info */
	struct container *older, *newer;
	size_t used;
	char bytes[384]; /* id, full_id, space */
};

/* What is to come may still give LATE fields a value. */
static inline bool container_pending(const struct container *c)
{
	return c->status == CONTAINER_ASKED || c->accounts_pending;
}

/* Zeroed is empty and valid. */
struct containers {
	struct strmap map;
	struct container *oldest, *newest;
	uint64_t refused, evicted;
	uint64_t imageless; /* answers that told no image */
};

void containers_done(struct containers *c);
/* NULL: never heard of. */
struct container *containers_find(const struct containers *c, struct str id);
/* A new one. NULL when memory is out or the id is too long (counted). */
struct container *containers_add(struct containers *c, const struct container_ident *ident,
				 uint64_t now_ns);
/* A process of it is met: what its path tells is kept where no runtime told it. */
void containers_meet(struct container *k, const struct container_ident *ident);
/* A CONTAINER_INFO record; one without a text says that the passwd file has been read. 0 or -ENOMEM (counted). */
int containers_take(struct containers *c, const struct event *e);
/* All that are known as records; the first negative outcome of emit ends it. */
int containers_snapshot(const struct containers *c, uint64_t now_ns, struct record_builder *b,
			int (*emit)(const struct rec_hdr *rec, void *ctx), void *ctx);
