/* SPDX-License-Identifier: Apache-2.0 */
/* Positions only grow; the difference of the two is what lies in the ring. */
#include "source/bpf_ring.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SAMPLE_HEADER = BPF_RINGBUF_HDR_SZ };

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

int bpf_ring_init(struct bpf_ring *r, int fd, size_t size)
{
	size_t page = page_size();

	*r = (struct bpf_ring){ .fd = fd, .size = size };
	void *m = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (m == MAP_FAILED)
		return -errno;
	r->consumer = m;
	m = mmap(NULL, page + 2 * size, PROT_READ, MAP_SHARED, fd, (off_t)page);
	if (m == MAP_FAILED)
		return -errno;
	r->producer = m;
	r->data = (const unsigned char *)m + page;
	return 0;
}

void bpf_ring_done(struct bpf_ring *r)
{
	if (r->consumer)
		munmap(r->consumer, page_size());
	if (r->producer)
		munmap((void *)(uintptr_t)r->producer, page_size() + 2 * r->size);
	if (r->fd >= 0)
		close(r->fd);
	*r = (struct bpf_ring){ .fd = -1 };
}

bool bpf_ring_waiting(const struct bpf_ring *r)
{
	return *r->consumer != __atomic_load_n(r->producer, __ATOMIC_ACQUIRE);
}

unsigned long bpf_ring_used(const struct bpf_ring *r)
{
	unsigned long taken = __atomic_load_n(r->consumer, __ATOMIC_ACQUIRE);

	return __atomic_load_n(r->producer, __ATOMIC_ACQUIRE) - taken;
}

static const uint32_t *sample(const struct bpf_ring *r)
{
	return (const uint32_t *)(const void *)(r->data + (*r->consumer & (r->size - 1)));
}

static unsigned long sample_size(uint32_t head)
{
	unsigned long len = head & ~(uint32_t)(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

	return (len + SAMPLE_HEADER + 7) & ~7ul;
}

void bpf_ring_next(struct bpf_ring *r)
{
	unsigned long at = *r->consumer + sample_size(*sample(r));

	__atomic_store_n(r->consumer, at, __ATOMIC_RELEASE);
}

const struct rec_hdr *bpf_ring_peek(struct bpf_ring *r)
{
	while (bpf_ring_waiting(r)) {
		const uint32_t *head = sample(r);
		uint32_t len = __atomic_load_n(head, __ATOMIC_ACQUIRE);

		if (len & (uint32_t)BPF_RINGBUF_BUSY_BIT)
			return NULL;
		/* Discarded, or the empty record that came with a wake-up. */
		if ((len & (uint32_t)BPF_RINGBUF_DISCARD_BIT) || len < sizeof(struct rec_hdr)) {
			bpf_ring_next(r);
			continue;
		}
		return (const struct rec_hdr *)(const void *)((const unsigned char *)head +
							      SAMPLE_HEADER);
	}
	return NULL;
}
