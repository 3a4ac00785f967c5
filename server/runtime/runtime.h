/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks container runtimes what a container is. All asking is done by one thread; what it learns comes back as
 * CONTAINER_INFO records, which the engine feeds through the pipeline like any other (ARCHITECTURE.md,
 * decision 3). An answer comes for every question, in the time that events wait: where nobody knows, the
 * record says so, and a second one follows if somebody does later. Another thread reads the passwd and group
 * files of containers.
 */
#pragma once

#include "base/str.h"
#include "probe/abi/record.h"

struct runtime;

enum runtime_kind { RUNTIME_DOCKER, RUNTIME_PODMAN, RUNTIME_CRI, RUNTIME_KINDS };

struct runtime_socket {
	enum runtime_kind kind;
	const char *path; /* without host_root; `*` stands for any directory name */
};

struct runtime_options {
	const struct runtime_socket *sockets;
	size_t nsockets;
	const char *host_root; /* "" for none */
	size_t label_max_len;  /* 0: no limit */
	uint64_t wait_ns;      /* a question is answered, if only by "unknown", within this time */
	void (*wake)(void *ctx); /* a record is there; called on either thread */
	void *wake_ctx;
};

struct runtime_counters { /* snapshot; any thread */
	uint64_t asked, found, unknown, refused;
	uint64_t requests[RUNTIME_KINDS], failures[RUNTIME_KINDS];
};

/* The sockets all distributions have. */
extern const struct runtime_socket runtime_default_sockets[];
extern const size_t runtime_default_nsockets;

/* Texts and sockets are copied. Negative errno. */
int runtime_start(const struct runtime_options *o, struct runtime **ret);
/* Ends the threads: no wake comes any more, no answer either. Asking goes on being harmless. */
void runtime_stop(struct runtime *r);
struct runtime *runtime_free(struct runtime *r); /* after runtime_stop; returns NULL */
struct runtime_question {
	struct str id, full_id;
	struct str space; /* containerd's namespace, if the path tells one */
	const char *type; /* as its cgroup's path suggests it */
	uint32_t owner;	  /* the user whose own runtime may have made it; 0: the system's */
};
/* Engine thread; never waits. False: too many questions, or nobody to ask; no answer will come. */
bool runtime_ask(struct runtime *r, const struct runtime_question *q);
/*
 * Likewise: the passwd and group files that the process sees are read, and come as USER_ENTRY and GROUP_ENTRY
 * records; a CONTAINER_INFO record without a text follows them. mnt_ns: the process's mount namespace.
 */
bool runtime_ask_accounts(struct runtime *r, struct str id, uint32_t pid, uint32_t mnt_ns);
/* Engine thread. The next record, heap memory of the caller's; NULL: none. Its time stamp is not set. */
struct rec_hdr *runtime_take(struct runtime *r);
void runtime_counters(const struct runtime *r, struct runtime_counters *ret);
