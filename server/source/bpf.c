/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading in the order of what may fail: settings into the skeleton, only the wanted programs, the
 * rings, the table of programs, and at last the hooks, so that nothing runs before all is in place.
 */
#include "source/bpf.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>

#include "base/bitset.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/log.h"
#include "probe.skel.h"
#include "source/bpf_progs.h"
#include "source/bpf_ring.h"
#include "source/merge.h"

enum { RING_BYTES = 8 << 20, RING_MIN = 64 << 10, HOOKS_MAX = 16 };
#define RING_MAX ((size_t)1 << 30)

struct bpf_source {
	struct probe *skel;
	struct bpf_ring *rings;
	struct merge_input *inputs;
	size_t nrings;
	struct merge merge;
	struct bpf_link *links[HOOKS_MAX];
	size_t nlinks;
	int epoll;
	uint32_t programs, left_out;
};

static bool wanted(const struct bpf_options *o, uint16_t event)
{
	return !o->events || bitset_has(o->events, event);
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

/* Either name: the tracepoint decides which it is. */
static bool exec_wanted(const struct bpf_options *o)
{
	return wanted(o, EV_SYSCALL_EXECVE_19_X) || wanted(o, EV_SYSCALL_EXECVEAT_X);
}

static bool hook_wanted(const struct bpf_hook *h, const struct bpf_options *o, bool syscalls)
{
	switch (h->when) {
	case HOOK_IF_EVENT: return wanted(o, h->event);
	case HOOK_IF_EXEC: return exec_wanted(o);
	case HOOK_IF_SYSCALLS: return syscalls;
	case HOOK_IF_PID_SCOPE: return o->scope == SCOPE_PID;
	case HOOK_IF_EVENT_OR_SCOPE: return o->scope == SCOPE_PID || wanted(o, h->event);
	}
	return false;
}

static bool any_syscall(const struct bpf_options *o)
{
	for (size_t i = 0; i < bpf_nsyscalls; i++) {
		if (wanted(o, bpf_syscalls[i].event))
			return true;
	}
	return false;
}

static int missing_program(const char *name, struct diag *d)
{
	diag_set(d, "the probe has no program \"%s\"", name);
	return -ENOENT;
}

/* Everything is left out first; then the rows bring back what the events need. */
static int choose_programs(struct bpf_source *s, const struct bpf_options *o, struct diag *d)
{
	struct bpf_program *p;
	bool syscalls = any_syscall(o);

	bpf_object__for_each_program(p, s->skel->obj)
	{
		bpf_program__set_autoload(p, false);
		s->left_out++;
	}
	for (size_t i = 0; i < bpf_nsyscalls; i++) {
		p = bpf_object__find_program_by_name(s->skel->obj, bpf_syscalls[i].program);
		if (!p)
			return missing_program(bpf_syscalls[i].program, d);
		if (wanted(o, bpf_syscalls[i].event))
			bpf_program__set_autoload(p, true);
	}
	for (size_t i = 0; i < bpf_nhooks; i++) {
		p = bpf_object__find_program_by_name(s->skel->obj, bpf_hooks[i].program);
		if (!p)
			return missing_program(bpf_hooks[i].program, d);
		if (hook_wanted(&bpf_hooks[i], o, syscalls))
			bpf_program__set_autoload(p, true);
	}
	bpf_object__for_each_program(p, s->skel->obj)
	{
		if (bpf_program__autoload(p)) {
			s->programs++;
			s->left_out--;
		}
	}
	return 0;
}

static void set_conf(struct bpf_source *s, const struct bpf_options *o)
{
	struct probe_conf *c = &s->skel->rodata->conf;
	struct probe_state *st = &s->skel->bss->state;

	c->scope = (uint32_t)o->scope;
	c->scope_id = o->scope_id;
	c->self = (uint32_t)o->self;
	if (getrandom(c->secrets, sizeof(c->secrets), 0) != sizeof(c->secrets))
		c->secrets[0] = c->secrets[1] = clock_boot_ns();
	for (size_t i = 0; i < PROBE_SYSCALLS; i++)
		c->compat[i] = 0xffff;
	for (size_t i = 0; i < bpf_nsyscalls; i++) {
		if (bpf_syscalls[i].nr32)
			c->compat[bpf_syscalls[i].nr32] = bpf_syscalls[i].nr;
	}
	st->wants_fork = wanted(o, EV_TASK_FORK);
	st->wants_exec = exec_wanted(o);
	st->wants_exit = wanted(o, EV_PROCEXIT_1_E);
	st->wants_rename = wanted(o, EV_TASK_RENAME);
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
	if (bpf_map_update_elem(bpf_map__fd(s->skel->maps.rings), &cpu, &fd, BPF_ANY) < 0)
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

static int fill_table(struct bpf_source *s, const struct bpf_options *o)
{
	for (size_t i = 0; i < bpf_nsyscalls; i++) {
		const struct bpf_syscall *c = &bpf_syscalls[i];
		uint32_t nr = c->nr;

		if (!wanted(o, c->event))
			continue;
		struct bpf_program *p = bpf_object__find_program_by_name(s->skel->obj, c->program);
		int fd = bpf_program__fd(p);

		if (bpf_map_update_elem(bpf_map__fd(s->skel->maps.by_syscall), &nr, &fd, BPF_ANY) <
		    0)
			return -errno;
		s->skel->bss->state.wanted[nr / 64] |= UINT64_C(1) << (nr % 64);
	}
	return 0;
}

static int fill_scope(struct bpf_source *s, const struct bpf_options *o)
{
	uint32_t tgid = (uint32_t)o->scope_id;
	uint64_t start = 0; /* no leader's: the root stays */

	if (o->scope != SCOPE_PID)
		return 0;
	if (bpf_map_update_elem(bpf_map__fd(s->skel->maps.scope_pids), &tgid, &start, BPF_ANY) < 0)
		return -errno;
	return 0;
}

static int attach_hooks(struct bpf_source *s, struct diag *d)
{
	for (size_t i = 0; i < bpf_nhooks; i++) {
		struct bpf_program *p = bpf_object__find_program_by_name(s->skel->obj,
									 bpf_hooks[i].program);

		if (!bpf_program__autoload(p))
			continue;
		struct bpf_link *l = bpf_program__attach_trace(p);

		if (!l) {
			int r = -errno;

			diag_set(d, "cannot attach %s: %s; it needs %s", bpf_hooks[i].program,
				 strerror(-r), bpf_hooks[i].needs);
			return r;
		}
		s->links[s->nlinks++] = l;
	}
	return 0;
}

static int explain(int r, const char *doing, struct diag *d)
{
	if (r == -EPERM || r == -EACCES)
		diag_set(d,
			 "no permission for eBPF (%s): run as root, or with the capabilities "
			 "CAP_BPF and CAP_PERFMON (CAP_SYS_ADMIN before Linux 5.8)",
			 doing);
	else if (r == -ESRCH || r == -ENOENT || r == -ENOTSUP)
		diag_set(
			d,
			"this kernel lacks what the probe needs (%s): BTF in /sys/kernel/btf/vmlinux "
			"and ring buffers, Linux 5.8 or newer",
			doing);
	else
		diag_set(d, "%s: %s", doing, strerror(-r));
	return r;
}

static int open_all(struct bpf_source *s, const struct bpf_options *o, struct diag *d)
{
	int ncpu = libbpf_num_possible_cpus();

	if (ncpu <= 0)
		return explain(ncpu ? ncpu : -EINVAL, "counting CPUs", d);
	if (ncpu > PROBE_CPUS)
		ncpu = PROBE_CPUS;
	libbpf_set_print(print_libbpf);
	s->skel = probe__open();
	if (!s->skel)
		return explain(-errno, "opening the probe", d);
	int r = choose_programs(s, o, d);

	if (r < 0)
		return r;
	set_conf(s, o);
	bpf_map__set_max_entries(s->skel->maps.rings, (uint32_t)ncpu);
	bpf_map__set_max_entries(s->skel->maps.slots, (uint32_t)ncpu * PROBE_SLOTS);
	r = probe__load(s->skel);
	if (r < 0)
		return explain(r, "loading the probe", d);
	r = make_rings(s, o, (size_t)ncpu);
	if (r < 0)
		return explain(r, "making the rings", d);
	r = fill_table(s, o);
	if (r < 0)
		return explain(r, "filling the table of programs", d);
	r = fill_scope(s, o);
	if (r < 0)
		return explain(r, "setting the scope", d);
	return attach_hooks(s, d);
}

int bpf_source_open(const struct bpf_options *options, struct bpf_source **ret, struct diag *d)
{
	struct bpf_source *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->epoll = -1;
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
	for (size_t i = 0; i < s->nlinks; i++)
		bpf_link__destroy(s->links[i]);
	for (size_t i = 0; i < s->nrings; i++)
		bpf_ring_done(&s->rings[i]);
	probe__destroy(s->skel);
	closep(&s->epoll);
	free(s->rings);
	free(s->inputs);
	free(s);
	return NULL;
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
	uint32_t *sleeping = &s->skel->bss->state.sleeping;

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

	if (!of || bpf_map_lookup_elem(bpf_map__fd(s->skel->maps.drops), &reason, of) < 0)
		return 0;
	for (int i = 0; i < ncpu; i++)
		sum += of[i];
	return sum;
}

int bpf_source_discard(struct bpf_source *s, const struct probe_key *key)
{
	uint32_t value = 1;
	int fd = bpf_map__fd(s->skel->maps.discards);

	return bpf_map_update_elem(fd, key, &value, BPF_ANY) < 0 ? -errno : 0;
}

void bpf_source_generation(struct bpf_source *s, uint32_t generation)
{
	__atomic_store_n(&s->skel->bss->state.generation, generation, __ATOMIC_SEQ_CST);
}

void bpf_source_stats(struct bpf_source *s, struct bpf_stats *ret)
{
	*ret = (struct bpf_stats){
		.events = s->merge.events,
		.late = s->merge.late,
		.programs = s->programs,
		.programs_left_out = s->left_out,
	};
	for (uint32_t i = 0; i < PROBE_DROPS; i++)
		ret->drops[i] = sum_of_cpus(s, i);
	ret->discarded = sum_of_cpus(s, PROBE_DISCARDED);
}
