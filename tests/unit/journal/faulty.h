/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that fails on demand: a layer below SQLite which becomes its default. It remembers what was written
 * since the last sync of each file, so that a power cut can take it away again. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum faulty_mode {
	FAULTY_FINE,
	FAULTY_FULL, /* writes: the disk is full */
	FAULTY_IO,   /* writes and syncs: input/output error */
	FAULTY_HANG, /* writes and syncs wait until the mode changes */
	FAULTY_DEAD, /* nothing changes any more, as after kill -9 or without power */
};

void faulty_install(void);
void faulty_set(enum faulty_mode mode);
/* Writes and syncs so far. */
uint64_t faulty_writes(void);
uint64_t faulty_syncs(void);
/*
 * Undoes writes that were not synced, newest first, and forgets them; when no file is open. percent of them stay
 * (which ones is seed's to say), as a disk may have written some and in any order.
 */
void faulty_cut_power(unsigned percent, unsigned seed);
/* Forgets them without undoing: the kernel lived on. */
void faulty_keep_all(void);
