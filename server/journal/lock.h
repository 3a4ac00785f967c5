/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may use a journal's files. Two locks: *serving* says that a server is alive, *files* that it may still
 * write. A server that ends lets go of the first at once and of the second when all it had is on disk. So
 * its successor can tell a server that stays (it does without the journal) from one that is about to be
 * done (it waits). Both end with the process that holds them, and with its descriptor.
 */
#pragma once

#include <stdint.h>

#include "base/diag.h"

struct journal_lock {
	int fd; /* -1: nothing is held */
};

struct journal_lock_wait {
	unsigned serving_ms;	    /* for another server to begin its end */
	unsigned files_ms;	    /* and to come to it */
	void (*waiting)(void *arg); /* about once a second while waiting; may be NULL */
	void *arg;
};

/* dir/lock is made if need be. 0; -EBUSY: another server uses the journal; negative errno; d says why. */
int journal_lock_take(struct journal_lock *l, const char *dir, const struct journal_lock_wait *wait,
		      struct diag *d);
/* We are about to end: a successor may wait for the rest. */
void journal_lock_ending(struct journal_lock *l);
void journal_lock_done(struct journal_lock *l);
