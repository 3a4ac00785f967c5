/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of the host: processes with their parents, users and groups, containers. One writer, the
 * engine thread; no I/O, no clock: everything comes in as records, so a capture replays to the same
 * state (ARCHITECTURE.md, decision 3). Texts are owned by the state and valid until the process is removed,
 * which happens in state_after at the earliest.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "event/event.h"
#include "state/containers.h"

struct state;

/* A process (thread group). */
struct proc {
	struct rec_ident id;	   /* of the last event seen of it; tid is the main thread's here */
	const struct proc *parent; /* NULL: unknown; valid while this process is known */
	struct str exe;		   /* argv[0] */
	struct str args;	   /* argv[1..], each ended by NUL */
	struct str env;		   /* each ended by NUL */
	struct str exepath;	   /* resolved; empty: unknown */
	struct str cwd;		   /* without a slash at the end unless "/"; empty: unknown */
	struct str cgroups;	   /* "subsystem=path", each ended by NUL */
	struct str container_id;   /* 12 digits; empty: host */
	struct str stdio[3]; /* struct rec_fd and path of descriptors 0 to 2; empty: unknown */
	struct str comm;
	struct str exe_comm; /* comm right after the last exec */
	uint32_t tty, sid, pgid, vpgid, nthreads;
	uint32_t exe_flags; /* execve_flags of flags.def */
	uint64_t cap_inheritable, cap_permitted, cap_effective;
	uint64_t exe_ino, exe_ino_ctime, exe_ino_mtime;
	uint64_t clone_ns; /* start, since boot */
	uint64_t exec_ns;  /* of the last exec, or of the start; since boot */
	uint64_t fdlimit;
	uint32_t vm_size, vm_rss, vm_swap; /* KiB */
	bool exited;
	bool leader_gone; /* the first thread has ended, others have not */
	bool complete;	  /* scanned or seen to exec; else only what an event's identity tells */
};

struct user {
	uint32_t uid, gid;
	struct str name, home, shell;
};

struct group {
	uint32_t gid;
	struct str name;
};

/* An address in HOST_NAME records: 4 or 6, then as many bytes as it has, the rest of them 0. */
enum { HOST_ADDRESS = 17 };

struct state_counters {
	uint64_t processes, threads, added, removed, created_late, evicted, users, containers;
	uint64_t imageless; /* answers about containers without an image */
};

/* max_threads: LIMIT_THREADS or configured. NULL when memory is out. */
struct state *state_new(size_t max_threads);
struct state *state_free(struct state *s);

/*
 * Takes in what must be known before rules see the event (exec, fork, identities, scan records) and sets
 * e->proc. -ENOMEM: counted, e->proc may be NULL, go on.
 */
int state_before(struct state *s, struct event *e);
/* Removes what the event ended (exit). */
void state_after(struct state *s, const struct event *e);

/* By thread group id now; NULL when unknown. */
const struct proc *state_proc(const struct state *s, uint32_t pid);
/* Any thread's process. */
const struct proc *state_thread(const struct state *s, uint32_t tid);
/* container: empty for the host. */
const struct user *state_user(const struct state *s, struct str container, uint32_t uid);
const struct group *state_group(const struct state *s, struct str container, uint32_t gid);
/*
 * Names that rules have for an address, from *at on, which begins at 0; ptr NULL: there are no more. Valid until
 * the next event.
 */
struct str state_host_name(const struct state *s, const void *address, size_t *at);
/* By short id; NULL: never heard of. Valid until the next event. */
struct container *state_container(const struct state *s, struct str id);
/*
 * The container that the event's process is in, made when it is new, which *ret_new tells; NULL: the host, or
 * no memory.
 */
struct container *state_event_container(struct state *s, const struct event *e, bool *ret_new);
/* Whether the process has mounts of its own, as far as known. */
bool state_own_mounts(const struct state *s, const struct proc *p);
/* The process of that identity, if it is still known. */
const struct proc *state_same_proc(struct state *s, const struct rec_ident *who);
void state_counters(const struct state *s, struct state_counters *ret);
/* Writes records that rebuild this state (TASK_SCAN, USER_ENTRY, GROUP_ENTRY, SCAN_END): parents first. */
int state_snapshot(const struct state *s, uint64_t now_ns,
		   int (*emit)(const struct rec_hdr *rec, void *ctx), void *ctx);
