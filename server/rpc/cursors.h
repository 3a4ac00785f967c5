/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where legacy clients left off (ARCHITECTURE.md, decision 15). A stream that ends gives its position back under
 * its identity; the next stream of that identity takes the least one given back. So a client that comes
 * again misses nothing, and several streams of one identity each get everything. Over a restart of the server
 * the least position of an identity, released or live, is kept; all its streams go on from there.
 *
 * Bounded: identities that have not been seen for longest are forgotten and start anew; of too many positions
 * the least are kept. Loop thread only.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { CURSORS_IDENTITIES = 1024, CURSORS_EACH = 64 };

struct cursors;

struct cursors *cursors_new(void);
struct cursors *cursors_free(struct cursors *c);
/* Of an earlier run. -ENOMEM. */
int cursors_load(struct cursors *c, const char *identity, uint64_t next);
/* The next number wanted; 0: none was given back, begin at the start. */
uint64_t cursors_take(struct cursors *c, const char *identity);
/* next: the first number not delivered. -ENOMEM: forgotten, the identity will begin at the start. */
int cursors_release(struct cursors *c, const char *identity, uint64_t next);

/* Saving: begin, then the position of every live stream, then fn for each identity whose least position is
 * not what was saved last. */
void cursors_save_begin(struct cursors *c);
void cursors_save_live(struct cursors *c, const char *identity, uint64_t next);
void cursors_save_end(struct cursors *c, void (*fn)(const char *identity, uint64_t next, void *ctx),
		      void *ctx);
