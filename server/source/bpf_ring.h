/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader's end of one BPF ring buffer. libbpf's own reader takes rings one after the other; a
 * merge must look at the oldest record of each without taking it, hence this one. The layout is
 * the kernel's ABI (include/uapi/linux/bpf.h, BPF_RINGBUF_*): a page with the consumer's position, a
 * page with the producer's, the data mapped twice in a row.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "probe/abi/record.h"

struct bpf_ring {
	unsigned long *consumer;
	const unsigned long *producer;
	const unsigned char *data;
	size_t size; /* power of two */
	int fd;	     /* owned */
};

/* Takes fd, also on failure. Negative errno of mmap. */
int bpf_ring_init(struct bpf_ring *r, int fd, size_t size);
void bpf_ring_done(struct bpf_ring *r);
/* The oldest finished record, NULL when there is none. Valid until bpf_ring_next. */
const struct rec_hdr *bpf_ring_peek(struct bpf_ring *r);
void bpf_ring_next(struct bpf_ring *r);
/* Whether anything, even unfinished, lies in the ring. */
bool bpf_ring_waiting(const struct bpf_ring *r);
/* Bytes that lie in the ring; any thread. */
unsigned long bpf_ring_used(const struct bpf_ring *r);
