/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree of processes and their threads: making, finding, moving and removing them. What events mean is
 * told by state.c. One thread.
 */
#pragma once

#include "state/idmap.h"
#include "state/state.h"

/* Texts of a process that its children share until they change: counted. */
enum text_slot {
	T_EXE,
	T_ARGS,
	T_ENV,
	T_EXEPATH,
	T_CWD,
	T_CGROUPS,
	T_CONTAINER,
	T_STDIO, /* and the two behind it */
	T_SLOTS = T_STDIO + 3,
};

struct text;
struct node;

struct task { /* a thread */
	struct node *proc;
	struct task *next; /* of the same process, besides the main thread */
	uint32_t tid;
	bool known; /* for main threads: it is in the table */
};

struct node {
	struct proc p; /* first: what others hold */
	struct text *texts[T_SLOTS];
	struct node *children, *next, *prev; /* first child; siblings */
	struct node *older, *newer; /* all living processes by when they were last heard of */
	struct task main;
	struct task *tasks; /* the other threads */
	uint64_t exit_ns;   /* when the exit was seen */
	uint64_t heard_ns;  /* last event, roughly */
	uint64_t epoch;	    /* of the last event that had to do with it */
	bool doubtful;	    /* whether it is in a container is not certain */
	bool own;	    /* had an event or a scan of its own, not only a mention */
	char comm[sizeof(((struct rec_ident *)0)->comm)];
	char exe_comm[sizeof(((struct rec_ident *)0)->comm)];
};

/*
 * Exited processes stay findable for stragglers (events that overtook each other between processors) until
 * this many others have exited.
 */
enum { GRAVES = 64 };

struct procs {
	struct idmap
		pids; /* to struct node; a pid may be there more than once, only one of them living */
	struct idmap tids; /* to struct task; living ones */
	struct node *oldest, *newest;
	struct node *graves[GRAVES];
	unsigned next_grave;
	size_t max_threads;
	uint64_t epoch; /* counts events; what the present one found or made is not evicted */
	uint64_t living, added, removed, created_late, evicted;
};

static inline struct node *node_of(const struct proc *p)
{
	return (struct node *)(uintptr_t)p;
}

void procs_done(struct procs *t);
/* The process of that identity, living or just exited; NULL when unknown. start_ns may be of a coarser
 * clock (/proc has ticks): the finer one is kept. */
struct node *procs_find(struct procs *t, uint32_t pid, uint64_t start_ns);
/* The living process of that pid. */
struct node *procs_living(const struct procs *t, uint32_t pid);
struct node *procs_of_thread(const struct procs *t, uint32_t tid);
/*
 * A new process without texts. An older one of the same pid has exited unseen and is buried; if there is a
 * younger one, the new process is born exited. NULL when memory is out.
 */
struct node *procs_add(struct procs *t, uint32_t pid, uint64_t start_ns);
/* Who gets n's children when it ends: the init of its pid namespace as far as known, else the host's. */
struct node *procs_reaper(const struct procs *t, const struct node *n);
/* Makes parent (or NULL) the parent of n; refused where it would close a circle. */
void procs_adopt(struct procs *t, struct node *n, struct node *parent);
/* 0 or -ENOMEM. Nothing happens when the thread is known as n's. */
int procs_add_thread(struct procs *t, struct node *n, uint32_t tid);
void procs_remove_thread(struct procs *t, struct node *n, uint32_t tid);
/* Only the main thread is left (exec). */
void procs_lone_thread(struct procs *t, struct node *n);
/* The process has ended: its children go to reaper, or to procs_reaper when that is NULL. */
void procs_bury(struct procs *t, struct node *n, struct node *reaper, uint64_t exit_ns);
/* It had not ended after all. 0 or -ENOMEM. */
int procs_revive(struct procs *t, struct node *n);
/* Moves n to the end of the order in which processes are evicted. */
void procs_touch(struct procs *t, struct node *n);

/* -ENOMEM leaves the text as it is. */
int node_set_text(struct node *n, enum text_slot slot, struct str s);
void node_share_text(struct node *n, const struct node *from, enum text_slot slot);
void node_set_comm(struct node *n, const char *comm, size_t len);
void node_set_exe_comm(struct node *n, const char *comm, size_t len);
