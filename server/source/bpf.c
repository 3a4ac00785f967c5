/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rings and what reads them; the programs are in bpf_load.c.
 */
#include "source/bpf.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/bitset.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/log.h"
#include "probe.skel.h"
#include "source/bpf_load.h"
#include "source/bpf_ring.h"
#include "source/merge.h"

enum { RING_BYTES = 8 << 20, RING_MIN = 64 << 10 };
#define RING_MAX ((size_t)1 << 30)

struct bpf_source {
	struct bpf_load load;
	struct bpf_ring *rings;
	struct merge_input *inputs;
	size_t nrings;
	struct merge merge;
	int epoll;
	struct bpf_options options; /* as opened; its sets are not ours */
};

static struct probe *maps_of(const struct bpf_source *s)
{
	return s->load.layers[0];
}

/* libbpf's own lines go to our log, where only a debugging person sees them. */
static int print_libbpf(enum libbpf_print_level level, const char *fmt, va_list args)
{
	char line[1024];

	if (level == LIBBPF_DEBUG)
		return 0;
	int n = vsnprintf(line, sizeof(line), fmt, args);

	if (n > 0 && (size_t)n < sizeof(line) && line[n - 1] == '\n')
		line[n - 1] = '\0';
	log_debug("libbpf: %s", line);
	return n;
}

static size_t ring_size(size_t asked)
{
	size_t size = RING_MIN;

	if (!asked)
		asked = RING_BYTES;
	while (size < asked && size < RING_MAX)
		size *= 2;
	return size;
}

static const struct rec_hdr *peek_ring(void *ring)
{
	return bpf_ring_peek(ring);
}

static void next_ring(void *ring)
{
	bpf_ring_next(ring);
}

static int make_ring(struct bpf_source *s, uint32_t cpu, size_t size)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "tiercel_ring", 0, 0, (uint32_t)size, NULL);

	if (fd < 0)
		return -errno;
	int r = bpf_ring_init(&s->rings[cpu], fd, size);

	s->nrings = cpu + 1;
	if (r < 0)
		return r;
	if (bpf_map_update_elem(bpf_map__fd(maps_of(s)->maps.rings), &cpu, &fd, BPF_ANY) < 0)
		return -errno;
	struct epoll_event ev = { .events = EPOLLIN };

	if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev) < 0)
		return -errno;
	s->inputs[cpu] = (struct merge_input){ peek_ring, next_ring, &s->rings[cpu] };
	return 0;
}

static int make_rings(struct bpf_source *s, const struct bpf_options *o, size_t ncpu)
{
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll < 0)
		return -errno;
	s->rings = calloc(ncpu, sizeof(*s->rings));
	s->inputs = calloc(ncpu, sizeof(*s->inputs));
	if (!s->rings || !s->inputs)
		return -ENOMEM;
	for (uint32_t cpu = 0; cpu < ncpu; cpu++) {
		int r = make_ring(s, cpu, ring_size(o->ring_bytes));

		if (r < 0)
			return r;
	}
	s->merge.inputs = s->inputs;
	s->merge.n = s->nrings;
	return 0;
}

static int fill_scope(struct bpf_source *s, const struct bpf_options *o)
{
	uint32_t tgid = (uint32_t)o->scope_id;
	uint64_t start = 0; /* no leader's: the root stays */

	if (o->scope != SCOPE_PID)
		return 0;
	if (bpf_map_update_elem(bpf_map__fd(maps_of(s)->maps.scope_pids), &tgid, &start, BPF_ANY) <
	    0)
		return -errno;
	return 0;
}

static int open_all(struct bpf_source *s, const struct bpf_options *o, struct diag *d)
{
	int ncpu = libbpf_num_possible_cpus();

	if (ncpu <= 0)
		return bpf_explain(ncpu ? ncpu : -EINVAL, "counting CPUs", d);
	if (ncpu > PROBE_CPUS)
		ncpu = PROBE_CPUS;
	libbpf_set_print(print_libbpf);
	int r = bpf_load_open(&s->load, o, (size_t)ncpu, d);

	if (r < 0)
		return r;
	r = make_rings(s, o, (size_t)ncpu);
	if (r < 0)
		return bpf_explain(r, "making the rings", d);
	r = fill_scope(s, o);
	if (r < 0)
		return bpf_explain(r, "setting the scope", d);
	return bpf_load_enable(&s->load, o, d);
}

int bpf_source_open(const struct bpf_options *options, struct bpf_source **ret, struct diag *d)
{
	struct bpf_source *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->epoll = -1;
	s->options = *options;
	int r = open_all(s, options, d);

	if (r < 0) {
		bpf_source_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

struct bpf_source *bpf_source_close(struct bpf_source *s)
{
	if (!s)
		return NULL;
	for (size_t i = 0; i < s->nrings; i++)
		bpf_ring_done(&s->rings[i]);
	bpf_load_done(&s->load);
	closep(&s->epoll);
	free(s->rings);
	free(s->inputs);
	free(s);
	return NULL;
}

static struct bpf_options with_sets(const struct bpf_source *s, const struct bpf_options *sets)
{
	struct bpf_options o = s->options;

	o.events = sets->events;
	o.syscalls = sets->syscalls;
	return o;
}

int bpf_source_widen(struct bpf_source *s, const struct bpf_options *options, struct diag *d)
{
	struct bpf_options o = with_sets(s, options);

	return bpf_load_enable(&s->load, &o, d);
}

void bpf_source_narrow(struct bpf_source *s, const struct bpf_options *options)
{
	struct bpf_options o = with_sets(s, options);

	bpf_load_disable(&s->load, &o);
}

size_t bpf_source_drain(struct bpf_source *s, size_t budget, record_fn fn, void *ctx)
{
	return merge_run(&s->merge, clock_boot_ns(), budget, fn, ctx);
}

int bpf_source_fd(struct bpf_source *s)
{
	return s->epoll;
}

/*
 * The flag is set before the rings are looked at, and the producer looks at the flag after its record
 * is visible: one of the two sees the other.
 */
int bpf_source_sleep(struct bpf_source *s)
{
	uint32_t *sleeping = &maps_of(s)->bss->state.sleeping;

	__atomic_store_n(sleeping, 1, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (size_t i = 0; i < s->nrings; i++) {
		if (bpf_ring_waiting(&s->rings[i])) {
			__atomic_store_n(sleeping, 0, __ATOMIC_SEQ_CST);
			return 1;
		}
	}
	return 0;
}

static uint64_t sum_of_cpus(struct bpf_source *s, uint32_t reason)
{
	int ncpu = libbpf_num_possible_cpus();
	uint64_t sum = 0;

	if (ncpu <= 0)
		return 0;
	_cleanup_(freep) uint64_t *of = calloc((size_t)ncpu, sizeof(*of));

	if (!of || bpf_map_lookup_elem(bpf_map__fd(maps_of(s)->maps.drops), &reason, of) < 0)
		return 0;
	for (int i = 0; i < ncpu; i++)
		sum += of[i];
	return sum;
}

int bpf_source_discard(struct bpf_source *s, const struct probe_key *key)
{
	uint32_t value = 1;
	int fd = bpf_map__fd(maps_of(s)->maps.discards);

	return bpf_map_update_elem(fd, key, &value, BPF_ANY) < 0 ? -errno : 0;
}

void bpf_source_generation(struct bpf_source *s, uint32_t generation)
{
	__atomic_store_n(&maps_of(s)->bss->state.generation, generation, __ATOMIC_SEQ_CST);
}

void bpf_source_stats(struct bpf_source *s, struct bpf_stats *ret)
{
	*ret = (struct bpf_stats){
		.events = s->merge.events,
		.late = s->merge.late,
		.programs = s->load.programs,
		.programs_left_out = s->load.left_out,
	};
	for (uint32_t i = 0; i < PROBE_DROPS; i++)
		ret->drops[i] = sum_of_cpus(s, i);
	ret->discarded = sum_of_cpus(s, PROBE_DISCARDED);
}
