/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live events: loads the probe, attaches what the wanted events need, and hands over the records of
 * all CPUs in one order. One thread; nothing here waits. How a reader lives with it:
 *
 *	drain until it returns 0; then bpf_source_sleep: 1 means records lie there (or are younger than
 *	the slack of the merge), so come back within a millisecond; 0 means that the descriptor becomes
 *	readable with the next record.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "probe/abi/key.h"
#include "probe/abi/probe.h"
#include "source/source.h"

struct bitset;
struct diag;
struct bpf_source;

struct bpf_options {
	size_t ring_bytes; /* of each CPU; rounded up to a power of two; 0: 8 MiB */
	enum { SCOPE_ALL, SCOPE_CGROUP, SCOPE_PID } scope;
	uint64_t scope_id;	     /* a cgroup's id (its inode), or a thread group */
	const struct bitset *events; /* codes to record; NULL: all that have a program */
	const struct bitset
		*syscalls;     /* of their syscalls those, as in syscall_infos(); NULL: all */
	const uint8_t *extras; /* enum probe_extra by code; NULL: none */
	size_t snap;	       /* bytes of data kept; 0: PROBE_SNAP */
	pid_t self;	       /* thread group that is never recorded; 0: none */
	bool selftest;	       /* bpf_source_selftest is wanted */
};

/* Families of events, as Falco counts what finds no room (falco-compat.md 3.6). */
#define BPF_FAMILIES(X)                                                                            \
	X(CLONE_FORK, clone_fork)                                                                  \
	X(EXECVE, execve)                                                                          \
	X(CONNECT, connect)                                                                        \
	X(OPEN, open)                                                                              \
	X(DIR_FILE, dir_file)                                                                      \
	X(OTHER_INTEREST, other_interest)                                                          \
	X(CLOSE, close)                                                                            \
	X(PROC, proc)

enum bpf_family {
#define X(id, name) BPF_##id,
	BPF_FAMILIES(X)
#undef X
		BPF_NFAMILIES,
};

struct bpf_stats {
	uint64_t events;	      /* handed over */
	uint64_t late;		      /* of them: older than one handed over before */
	uint64_t drops[PROBE_DROPS];  /* by enum probe_drop */
	uint64_t lost[BPF_NFAMILIES]; /* those of full rings, by family */
	uint64_t discarded;	      /* ended in the kernel: no rule can match them */
	uint32_t programs;	      /* loaded */
	uint32_t programs_left_out;   /* not needed for the wanted events */
};

/*
 * 0, or a negative errno with a text that says what is missing (-EPERM: the capabilities, -ENOENT: a
 * kernel feature, -EINVAL: an option).
 */
int bpf_source_open(const struct bpf_options *options, struct bpf_source **ret, struct diag *d);
struct bpf_source *bpf_source_close(struct bpf_source *s); /* NULL */

/*
 * For other rules while events flow: widen loads and attaches what the new options ask for beyond the old
 * ones, narrow stops what they do not ask for. Only events, syscalls and extras are looked at. Not on the thread of
 * the rings, and one at a time.
 */
int bpf_source_widen(struct bpf_source *s, const struct bpf_options *options, struct diag *d);
void bpf_source_narrow(struct bpf_source *s, const struct bpf_options *options);

/* At most `budget` records; returns how many. */
size_t bpf_source_drain(struct bpf_source *s, size_t budget, record_fn fn, void *ctx);
int bpf_source_fd(struct bpf_source *s); /* borrowed; for poll */
int bpf_source_sleep(struct bpf_source *s);
/*
 * Opens with this key end in the kernel from now on, until it is forgotten for others or the generation changes.
 * -EINVAL and the like: the kernel does not take it.
 */
int bpf_source_discard(struct bpf_source *s, const struct probe_key *key);
/*
 * The generation of keys from now on (probe/abi/key.h), one more than the last, and the endings its rules ask for,
 * PROBE_ENDINGS bits; or 0 and NULL: there are none and nothing is discarded.
 */
void bpf_source_generation(struct bpf_source *s, uint32_t generation, const uint64_t *endings);
void bpf_source_stats(struct bpf_source *s, struct bpf_stats *ret);
const char *bpf_family_name(enum bpf_family f);

struct bpf_cpu_stats {
	uint64_t events; /* handed over from its ring */
	uint64_t drops;	 /* for any reason */
	uint64_t used;	 /* bytes that lie in its ring */
};

size_t bpf_source_cpus(const struct bpf_source *s);
size_t bpf_source_ring_bytes(const struct bpf_source *s); /* of one ring */
/* Any thread. ret: one for each CPU. */
void bpf_source_cpu_stats(struct bpf_source *s, struct bpf_cpu_stats *ret);
/* Any thread. ret: those of full rings, by family. */
void bpf_source_lost(const struct bpf_source *s, uint64_t ret[BPF_NFAMILIES]);
/* Any thread: makes a call that no rule sees and that comes back as a record of EV_SELFTEST. */
void bpf_source_selftest(const struct bpf_source *s);

static inline uint64_t bpf_stats_drops(const struct bpf_stats *s)
{
	uint64_t n = 0;

	for (int i = 0; i < PROBE_DROPS; i++)
		n += s->drops[i];
	return n;
}
