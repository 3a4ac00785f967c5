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
#include <unistd.h>

#include "base/bitset.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/log.h"
#include "event/event.h"
#include "probe.skel.h"
#include "source/bpf_load.h"
#include "source/bpf_ring.h"
#include "source/merge.h"
#include "source/scope.h"

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
	r = bpf_load_enable(&s->load, o, d);
	if (r < 0 || o->scope != SCOPE_PID)
		return r;
	r = scope_add_descendants(bpf_map__fd(maps_of(s)->maps.scope_pids), (uint32_t)o->scope_id);
	return r < 0 ? bpf_explain(r, "finding the processes of the scope", d) : 0;
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
	o.extras = sets->extras;
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

/* What each CPU counted for a reason, the caller's to free. NULL: it cannot be read. */
static uint64_t *counts_of(struct bpf_source *s, uint32_t reason, size_t *ret_n)
{
	int ncpu = libbpf_num_possible_cpus();
	uint64_t *of = ncpu > 0 ? calloc((size_t)ncpu, sizeof(*of)) : NULL;

	if (of && bpf_map_lookup_elem(bpf_map__fd(maps_of(s)->maps.drops), &reason, of) == 0) {
		*ret_n = (size_t)ncpu;
		return of;
	}
	free(of);
	return NULL;
}

static uint64_t sum_of_cpus(struct bpf_source *s, uint32_t reason)
{
	uint64_t sum = 0;
	size_t n = 0;
	_cleanup_(freep) uint64_t *of = counts_of(s, reason, &n);

	for (size_t i = 0; i < n; i++)
		sum += of[i];
	return sum;
}

/* What is neither of the first ones nor about files and directories is of other interest. */
static enum bpf_family family_of(const struct event_info *info)
{
	static const struct {
		const char *names;
		enum bpf_family family;
	} rows[] = {
		{ " clone clone3 fork vfork ", BPF_CLONE_FORK },
		{ " execve execveat ", BPF_EXECVE },
		{ " connect ", BPF_CONNECT },
		{ " open openat openat2 creat open_by_handle_at ", BPF_OPEN },
		{ " close close_range ", BPF_CLOSE },
		{ " procexit ", BPF_PROC },
	};
	char name[64];

	snprintf(name, sizeof(name), " %s ", info->name);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strstr(rows[i].names, name))
			return rows[i].family;
	}
	return info->category == EVC_FILE ? BPF_DIR_FILE : BPF_OTHER_INTEREST;
}

const char *bpf_family_name(enum bpf_family f)
{
	static const char *const names[] = {
#define X(id, name) [BPF_##id] = #name,
		BPF_FAMILIES(X)
#undef X
	};

	return names[f];
}

void bpf_source_lost(const struct bpf_source *s, uint64_t ret[BPF_NFAMILIES])
{
	const __u64 *of = maps_of(s)->bss->state.lost;

	memset(ret, 0, BPF_NFAMILIES * sizeof(*ret));
	for (unsigned code = 0; code < PROBE_CODES; code++) {
		uint64_t n = __atomic_load_n(&of[code], __ATOMIC_RELAXED);
		const struct event_info *info = n ? event_info(code) : NULL;

		if (info)
			ret[family_of(info)] += n;
	}
}

int bpf_source_discard(struct bpf_source *s, const struct probe_key *key)
{
	uint32_t value = 1;
	int fd = bpf_map__fd(maps_of(s)->maps.discards);

	return bpf_map_update_elem(fd, key, &value, BPF_ANY) < 0 ? -errno : 0;
}

void bpf_source_generation(struct bpf_source *s, uint32_t generation, const uint64_t *endings)
{
	struct probe_state *state = &maps_of(s)->bss->state;

	if (endings)
		memcpy(state->endings[generation & 1], endings, sizeof(state->endings[0]));
	__atomic_store_n(&state->generation, generation, __ATOMIC_SEQ_CST);
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
	bpf_source_lost(s, ret->lost);
}

size_t bpf_source_cpus(const struct bpf_source *s)
{
	return s->nrings;
}

size_t bpf_source_ring_bytes(const struct bpf_source *s)
{
	return s->rings[0].size;
}

void bpf_source_cpu_stats(struct bpf_source *s, struct bpf_cpu_stats *ret)
{
	for (size_t cpu = 0; cpu < s->nrings; cpu++)
		ret[cpu] = (struct bpf_cpu_stats){
			.events = atomic_load_explicit(&s->inputs[cpu].taken, memory_order_relaxed),
			.used = bpf_ring_used(&s->rings[cpu]),
		};
	for (uint32_t reason = 0; reason < PROBE_DROPS; reason++) {
		size_t n = 0;
		_cleanup_(freep) uint64_t *of = counts_of(s, reason, &n);

		for (size_t cpu = 0; cpu < n && cpu < s->nrings; cpu++)
			ret[cpu].drops += of[cpu];
	}
}

void bpf_source_selftest(const struct bpf_source *s)
{
	/* No such call: the answer is known, and only that it was made matters. */
	(void)syscall(PROBE_SELFTEST, maps_of(s)->rodata->conf.selftest);
}
