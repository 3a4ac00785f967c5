/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What joins the sensor and the network process (ARCHITECTURE.md, decision 1).
 *
 * The ring is a memfd with alert blocks, written by the engine thread and read by the network process's
 * loop. Blocks stay in it until the writer needs the room, so a restarted reader finds the history again; a
 * reader that is too slow finds that its position was overrun and is told how many blocks it missed
 * (sequence numbers are contiguous). A descriptor wakes the reader; the writer makes a system call only when
 * the reader sleeps. The writer never trusts what the reader could have written and never waits.
 *
 * The control channel is a SOCK_SEQPACKET pair with typed messages (control.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct link_writer;
struct link_reader;

/* Creates the memfd and the wake-up descriptor (both close-on-exec: the spawner passes them on).
 * bytes: power of two. Negative errno. */
int link_writer_new(size_t bytes, struct link_writer **ret);
struct link_writer *link_writer_free(struct link_writer *w);
int link_writer_ring_fd(const struct link_writer *w);
int link_writer_event_fd(const struct link_writer *w);
/* One block with its sequence number; engine thread only; overwrites the oldest blocks. -EMSGSIZE for a
 * block larger than a quarter of the ring. */
int link_write(struct link_writer *w, uint64_t seq, struct str block);
/* Blocks overwritten before the reader said it had them. */
uint64_t link_overruns(const struct link_writer *w);

/* Maps the ring (descriptors stay the caller's). Starts at the oldest block that is still there. */
int link_reader_new(int ring_fd, int event_fd, struct link_reader **ret);
struct link_reader *link_reader_free(struct link_reader *r);
/* Copies the next block into out (8-byte aligned, room bytes). 1: a block, *ret_seq, *ret_len and how many
 * were missed before it; 0: empty, and the reader is now marked asleep: poll the wake-up descriptor; -EBADMSG: the
 * ring is damaged: what was in it is skipped, reading goes on with what comes; -EMSGSIZE: the block does not fit, it is skipped. */
int link_read(struct link_reader *r, void *out, size_t room, uint64_t *ret_seq, size_t *ret_len,
	      uint64_t *ret_missed);
