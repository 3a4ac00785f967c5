/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the passwd and group files of containers, on a thread of its own: whoever made the container chose the
 * file system under them, and it may never answer. A reader that hangs is left behind and replaced, a bounded
 * number of times.
 */
#pragma once

#include "runtime/outbox.h"

#include "base/str.h"

struct passwd;

struct passwd_job {
	char id[128];	 /* of the container */
	uint32_t pid;	 /* of a process inside */
	uint32_t mnt_ns; /* what it had for a mount namespace: its id may be another's by now */
};

/* host_root: copied. Negative errno. */
int passwd_start(const char *host_root, void (*wake)(void *ctx), void *wake_ctx,
		 struct passwd **ret);
/* No wake comes any more. Taking and asking go on being harmless. */
void passwd_stop(struct passwd *p);
struct passwd *passwd_free(struct passwd *p); /* after passwd_stop; returns NULL */
/* Engine thread; never waits. False: no answer will come. */
bool passwd_ask(struct passwd *p, const struct passwd_job *job);
/* Engine thread: USER_ENTRY and GROUP_ENTRY records, then a CONTAINER_INFO record without a text. */
struct rec_hdr *passwd_take(struct passwd *p);
/* The thread that started it, now and then: replaces a reader that hangs. */
void passwd_watch(struct passwd *p, uint64_t now_ns);
