/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/* What was read or written: the beginning of it, also when it is spread over several pieces. */
#ifndef TIERCEL_PROBE_DATA_H
#define TIERCEL_PROBE_DATA_H

#include "lib/record.h"

enum {
	PIECES = 1024, /* the kernel takes no more (UIO_MAXIOV) */
	PIECES_UNROLLED = 16,
};

INLINE u64 snapped(u64 n)
{
	return n < conf.snap ? n : conf.snap;
}

/* How many bytes went through, or, of a call that failed, would have. */
INLINE u64 sent_bytes(struct slot *s, u64 asked)
{
	return s->ret > 0 ? (u64)s->ret : s->ret < 0 ? asked : 0;
}

struct pieces {
	struct slot *s;
	u64 iov;
	u64 count;
	u64 want;
	u64 have;
	u64 size;
	u64 narrow; /* struct compat_iovec */
};

/* One piece; 1 ends the walk. */
static long piece_step(u32 i, struct pieces *p)
{
	struct slot *s = p->s;
	u64 v[2] = { 0 }, n, at;
	u32 v32[2] = { 0 };

	if (i >= p->count)
		return 1;
	if (p->narrow) {
		if (bpf_probe_read_user(v32, sizeof(v32), (void *)(p->iov + i * 8)) < 0)
			return 1;
		v[0] = v32[0];
		v[1] = v32[1];
	} else if (bpf_probe_read_user(v, sizeof(v), (void *)(p->iov + i * 16)) < 0) {
		return 1;
	}
	p->size += v[1];
	at = p->have;
	if (at >= p->want)
		return 0;
	n = p->want - at;
	if (n > v[1])
		n = v[1];
	n = BOUND(n, 0x1fff);
	if (n > PROBE_SNAP_MAX || at > PROBE_SNAP_MAX)
		return 1;
	at = BOUND(s->off + at, 0x7fff);
	if (bpf_probe_read_user(s->data + at, (u32)n, (void *)v[0]) < 0) {
		p->want = 0; /* what follows would be out of place */
		return 0;
	}
	p->have += n;
	return 0;
}

/*
 * Writes at most `want` bytes of the pieces as a parameter and remembers the size of all; without
 * `keep` only the latter.
 */
SHARED int p_pieces(struct slot *s, u64 iov, u64 count, u64 want, u32 keep)
{
	if (!s)
		return 0;
	struct pieces p = {
		.s = s,
		.iov = iov,
		.count = count > PIECES ? PIECES : count,
		.want = snapped(want),
		.narrow = HDR(s)->flags & REC_F_32BIT,
	};

	if (!keep)
		p.want = 0;
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop)) {
		bpf_loop(PIECES, piece_step, &p, 0);
	} else {
		for (u32 i = 0; i < PIECES_UNROLLED; i++) {
			if (piece_step(i, &p))
				break;
		}
		if (p.count > PIECES_UNROLLED)
			HDR(s)->flags |= REC_F_TRUNCATED;
	}
	s->size = p.size;
	if (keep)
		p_done(s, p.have);
	return 0;
}

#endif
