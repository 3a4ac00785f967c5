/* SPDX-License-Identifier: Apache-2.0 */
/* Building blocks of worlds: records that go through the real decoder into the real state. */
#pragma once

#include "field_world.h"

struct exec {
	const char *exe, *comm, *cwd;
	const char *exepath; /* NULL: exe */
	struct str args, env;
	uint64_t fdlimit, min_faults, exe_ino, exe_ctime, exe_mtime;
	uint32_t vm_size, vm_rss, tty, flags;
	int64_t ptid, vpgid, pgid;
};

void world_die(const char *what);
/* Ends the record in the builder and gives it to the state; it is the current event then. */
void world_feed(struct world *w);
void world_begin(struct world *w, uint16_t type);
void put_none(struct world *w);
void put_fd(struct world *w, struct rec_fd fd);
void put_text(struct world *w, uint16_t tag, const char *text);
/* Whose records follow. */
void world_who(struct world *w, uint32_t pid, uint32_t ppid, uint32_t vpid, const char *comm);
void world_scan(struct world *w, const char *exe, struct str args, const char *cwd, struct str env);
void world_account(struct world *w, uint32_t uid, const char *name);
void world_accounts(struct world *w);
/* The first process, without arguments. */
void world_init(struct world *w);
/* An execve of who is set, not fed yet. */
void world_exec(struct world *w, const struct exec *e);

/* A table of contexts; ends with one without a name. */
struct context {
	const char *name;
	unsigned index;			/* of the event, 0: there is only one */
	void (*build)(struct world *w); /* up to the event, which is not fed yet */
	bool bare;			/* without the process of world_init */
};
extern const struct context event_contexts[], process_contexts[], notice_contexts[];

/* Events of a row: whether there is one, and the record begun. */
bool world_simple(struct world *w, struct str name, unsigned index);
