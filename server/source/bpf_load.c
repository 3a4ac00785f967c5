/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading in the order of what may fail: settings into the skeleton, only the wanted programs, the tables
 * of calls, and at last the hooks, so that nothing runs before all is in place.
 */
#include "source/bpf_load.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/bitset.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/log.h"
#include "event/event.h"
#include "probe.skel.h"
#include "source/bpf_flags.h"
#include "source/bpf_progs.h"

int bpf_explain(int r, const char *doing, struct diag *d)
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

static bool wanted(const struct bpf_options *o, uint16_t event)
{
	return !o->events || bitset_has(o->events, event);
}

static bool call_wanted(const struct bpf_options *o, const struct bpf_number *n)
{
	size_t count;

	if (!n->event || !bpf_call_find(n->event) || !wanted(o, n->event))
		return false;
	if (!o->syscalls)
		return true;
	return n->info && bitset_has(o->syscalls, (size_t)(n->info - syscall_infos(&count)));
}

/* Either name: the tracepoint decides which it is. */
static bool exec_wanted(const struct bpf_options *o)
{
	return wanted(o, EV_SYSCALL_EXECVE_19_X) || wanted(o, EV_SYSCALL_EXECVEAT_X);
}

static bool any_call_wanted(const struct bpf_load *l, const struct bpf_options *o)
{
	for (size_t i = 0; i < PROBE_SYSCALLS; i++) {
		if (call_wanted(o, &l->numbers.calls[i]))
			return true;
	}
	return false;
}

static bool hook_wanted(const struct bpf_load *l, const struct bpf_hook *h,
			const struct bpf_options *o)
{
	switch (h->when) {
	case HOOK_IF_EVENT: return wanted(o, h->event);
	case HOOK_IF_EXEC: return exec_wanted(o);
	case HOOK_IF_SYSCALLS: return o->selftest || any_call_wanted(l, o);
	case HOOK_IF_PID_SCOPE: return o->scope == SCOPE_PID;
	case HOOK_IF_EVENT_OR_SCOPE: return o->scope == SCOPE_PID || wanted(o, h->event);
	}
	return false;
}

/* Of any layer; NULL: not loaded. */
static struct bpf_program *loaded(const struct bpf_load *l, const char *name)
{
	for (size_t i = 0; i < l->nlayers; i++) {
		struct bpf_program *p = bpf_object__find_program_by_name(l->layers[i]->obj, name);

		if (p && bpf_program__fd(p) >= 0)
			return p;
	}
	return NULL;
}

static bool program_wanted(const struct bpf_load *l, const struct bpf_options *o, const char *name)
{
	if (strcmp(name, "selftest") == 0)
		return o->selftest;
	for (size_t i = 0; i < bpf_nhooks; i++) {
		if (strcmp(bpf_hooks[i].program, name) == 0)
			return hook_wanted(l, &bpf_hooks[i], o);
	}
	for (size_t i = 0; i < PROBE_SYSCALLS; i++) {
		const struct bpf_number *n = &l->numbers.calls[i];

		if (call_wanted(o, n) &&
		    strcmp(bpf_call_program(bpf_call_find(n->event)), name) == 0)
			return true;
	}
	return false;
}

static bool is_refused(const struct bpf_load *l, const char *name)
{
	for (size_t i = 0; i < l->nrefused; i++) {
		if (strcmp(l->refused[i], name) == 0)
			return true;
	}
	return false;
}

/* It is not tried again: every later widening would fail by it. */
static void refuse(struct bpf_load *l, const char *name)
{
	if (l->nrefused < BPF_REFUSED && strlen(name) < BPF_NAME)
		memcpy(l->refused[l->nrefused++], name, strlen(name) + 1);
}

/* How many programs this copy of the object is to load. */
static size_t choose(const struct bpf_load *l, const struct bpf_options *o, struct probe *p)
{
	struct bpf_program *prog;
	size_t n = 0;

	bpf_object__for_each_program(prog, p->obj)
	{
		const char *name = bpf_program__name(prog);
		bool load = !loaded(l, name) && !is_refused(l, name) && program_wanted(l, o, name);

		bpf_program__set_autoload(prog, load);
		n += load;
	}
	return n;
}

static void set_conf(const struct bpf_load *l, const struct bpf_options *o, struct probe_conf *c)
{
	c->scope = (uint32_t)o->scope;
	c->scope_id = o->scope_id;
	c->self = (uint32_t)o->self;
	if (getrandom(c->secrets, sizeof(c->secrets), 0) != sizeof(c->secrets))
		c->secrets[0] = c->secrets[1] = clock_boot_ns();
	if (o->selftest && getrandom(&c->selftest, sizeof(c->selftest), 0) < 0)
		c->selftest = clock_boot_ns();
	c->snap = o->snap ? (uint32_t)o->snap : PROBE_SNAP;
	if (c->snap > PROBE_SNAP_MAX)
		c->snap = PROBE_SNAP_MAX;
	memcpy(c->compat, l->numbers.compat, sizeof(c->compat));
	memcpy(c->x32, l->numbers.x32, sizeof(c->x32));
}

static int reuse_maps(struct probe *from, struct probe *to)
{
	struct bpf_map *m;

	bpf_object__for_each_map(m, to->obj)
	{
		struct bpf_map *first = bpf_object__find_map_by_name(from->obj, bpf_map__name(m));
		int r = first ? bpf_map__reuse_fd(m, bpf_map__fd(first)) : -ENOENT;

		if (r < 0)
			return r;
	}
	return 0;
}

/* A copy of the object with these programs, as a layer; `only`: just that one. */
static int add_layer(struct bpf_load *l, const struct bpf_options *o, size_t ncpu, const char *only)
{
	struct bpf_program *prog;
	int r = 0;

	if (l->nlayers == BPF_LAYERS)
		return -ENOSPC;
	struct probe *p = probe__open();

	if (!p)
		return -errno;
	size_t n = choose(l, o, p);

	bpf_object__for_each_program(prog, p->obj)
	{
		if (only && strcmp(only, bpf_program__name(prog)) != 0)
			bpf_program__set_autoload(prog, false);
	}
	if (l->nlayers) {
		if (!n)
			goto out;
		r = reuse_maps(l->layers[0], p);
	} else {
		set_conf(l, o, (struct probe_conf *)&p->rodata->conf);
		bpf_map__set_max_entries(p->maps.rings, (uint32_t)ncpu);
		bpf_map__set_max_entries(p->maps.slots, (uint32_t)ncpu * PROBE_SLOTS);
	}
	if (r == 0)
		r = probe__load(p);
	if (r == 0)
		l->layers[l->nlayers++] = TAKE(p);
out:
	probe__destroy(p);
	return r;
}

/* What does not come without it. */
static const char *told_by(const char *program)
{
	for (size_t i = 0; i < bpf_nhooks; i++) {
		if (strcmp(bpf_hooks[i].program, program) == 0 && bpf_hooks[i].event)
			return event_info(bpf_hooks[i].event)->name;
	}
	return "its syscalls";
}

/* One program after the other, so that one the kernel refuses costs only itself. */
static int add_singly(struct bpf_load *l, const struct bpf_options *o, size_t ncpu)
{
	struct probe *all = probe__open();
	struct bpf_program *prog;
	size_t done = 0;
	int first = 0;

	if (!all)
		return -errno;
	bpf_object__for_each_program(prog, all->obj)
	{
		const char *name = bpf_program__name(prog);

		if (loaded(l, name) || is_refused(l, name) || !program_wanted(l, o, name))
			continue;
		int r = add_layer(l, o, ncpu, name);

		if (r < 0)
			log_error(
				"this kernel refuses the program \"%s\" of the probe (%s): events "
				"of %s do not come",
				name, strerror(-r), told_by(name));
		if (r < 0)
			refuse(l, name);
		if (r < 0 && !first)
			first = r;
		done += r == 0;
	}
	probe__destroy(all);
	return done || l->nlayers ? 0 : first;
}

static int add(struct bpf_load *l, const struct bpf_options *o, size_t ncpu, struct diag *d)
{
	int r = add_layer(l, o, ncpu, NULL);

	if (r < 0 && r != -EPERM && r != -ENOSPC)
		r = add_singly(l, o, ncpu);
	if (r < 0)
		return bpf_explain(r, "loading the probe", d);
	l->programs = l->left_out = 0;
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, l->layers[0]->obj)
	{
		if (loaded(l, bpf_program__name(prog)))
			l->programs++;
		else
			l->left_out++;
	}
	return 0;
}

/* A row that names a program that is not there would be found only when its event is wanted. */
static int check_rows(struct diag *d)
{
	struct probe *p = probe__open();
	const char *missing = NULL;

	if (!p)
		return bpf_explain(-errno, "opening the probe", d);
	for (size_t i = 0; i < bpf_ncalls + bpf_nhooks && !missing; i++) {
		const char *name = i < bpf_ncalls ? bpf_call_program(&bpf_calls[i])
						  : bpf_hooks[i - bpf_ncalls].program;

		if (!bpf_object__find_program_by_name(p->obj, name))
			missing = name;
	}
	if (missing)
		diag_set(d, "the probe has no program \"%s\"", missing);
	probe__destroy(p);
	return missing ? -ENOENT : 0;
}

int bpf_load_open(struct bpf_load *l, const struct bpf_options *o, size_t ncpu, struct diag *d)
{
	int r = check_rows(d);

	if (r < 0)
		return r;
	bpf_numbers_get(&l->numbers);
	r = add(l, o, ncpu, d);
	if (r < 0)
		return r;
	int map = bpf_map__fd(l->layers[0]->maps.conversions);

	for (uint32_t i = 1; bpf_conversion_get(i); i++) {
		if (bpf_map_update_elem(map, &i, bpf_conversion_get(i), BPF_ANY) < 0)
			return bpf_explain(-errno, "filling the table of flags", d);
	}
	return 0;
}

static void set_wanted(struct bpf_load *l, uint32_t nr, bool on)
{
	__u64 *word = &l->layers[0]->bss->state.wanted[nr / 64], bit = UINT64_C(1) << (nr % 64);

	if (on)
		__atomic_fetch_or(word, bit, __ATOMIC_RELAXED);
	else
		__atomic_fetch_and(word, ~bit, __ATOMIC_RELAXED);
}

/* The program at the end of this call. */
static int enable_program(struct bpf_load *l, uint32_t nr, struct bpf_program *p)
{
	int fd = bpf_program__fd(p);

	if (bpf_map_update_elem(bpf_map__fd(l->layers[0]->maps.by_syscall), &nr, &fd, BPF_ANY) < 0)
		return -errno;
	set_wanted(l, nr, true);
	return 0;
}

static int enable_selftest(struct bpf_load *l)
{
	struct bpf_program *p = loaded(l, "selftest");

	return p ? enable_program(l, PROBE_SELFTEST, p) : 0;
}

static int enable_call(struct bpf_load *l, uint32_t nr)
{
	const struct bpf_call *c = bpf_call_find(l->numbers.calls[nr].event);
	struct bpf_program *p = loaded(l, bpf_call_program(c));
	struct probe *first = l->layers[0];

	if (!p)
		return 0; /* refused by this kernel */
	if (!c->program) {
		struct call described = bpf_call_describe(c);

		if (bpf_map_update_elem(bpf_map__fd(first->maps.calls), &nr, &described, BPF_ANY) <
		    0)
			return -errno;
	}
	return enable_program(l, nr, p);
}

static void set_hooks(struct bpf_load *l, const struct bpf_options *o)
{
	struct probe_state *st = &l->layers[0]->bss->state;

	st->wants_fork = wanted(o, EV_TASK_FORK);
	st->wants_exec = exec_wanted(o);
	st->wants_exit = wanted(o, EV_PROCEXIT_1_E);
	st->wants_rename = wanted(o, EV_TASK_RENAME);
	for (unsigned code = 0; code < EV_CODES; code++)
		__atomic_store_n(&st->extras[code], o->extras ? o->extras[code] : 0,
				 __ATOMIC_RELAXED);
}

static int attach(struct bpf_load *l, const struct bpf_options *o, struct diag *d)
{
	for (size_t i = 0; i < bpf_nhooks; i++) {
		struct bpf_program *p = loaded(l, bpf_hooks[i].program);

		if (l->links[i] || !p || !hook_wanted(l, &bpf_hooks[i], o))
			continue;
		l->links[i] = bpf_program__attach_trace(p);
		int r = l->links[i] ? 0 : -errno;

		/* Without the one that all calls go through there is nothing to go on with. */
		if (r < 0 && bpf_hooks[i].when == HOOK_IF_SYSCALLS) {
			diag_set(d, "cannot attach %s: %s; it needs %s", bpf_hooks[i].program,
				 strerror(-r), bpf_hooks[i].needs);
			return r;
		}
		if (r < 0)
			log_error("the program \"%s\" of the probe cannot be attached (%s): events "
				  "of %s do not come",
				  bpf_hooks[i].program, strerror(-r),
				  told_by(bpf_hooks[i].program));
	}
	return 0;
}

int bpf_load_enable(struct bpf_load *l, const struct bpf_options *o, struct diag *d)
{
	int r = add(l, o, 0, d);

	if (r == 0 && (r = enable_selftest(l)) < 0)
		bpf_explain(r, "filling the table of programs", d);
	for (uint32_t nr = 0; r == 0 && nr < PROBE_SYSCALLS; nr++) {
		if (!call_wanted(o, &l->numbers.calls[nr]))
			continue;
		r = enable_call(l, nr);
		if (r < 0)
			bpf_explain(r, "filling the table of programs", d);
	}
	if (r < 0)
		return r;
	set_hooks(l, o);
	return attach(l, o, d);
}

void bpf_load_disable(struct bpf_load *l, const struct bpf_options *o)
{
	set_hooks(l, o);
	for (uint32_t nr = 0; nr < PROBE_SYSCALLS; nr++) {
		if (!call_wanted(o, &l->numbers.calls[nr]) && nr != PROBE_SELFTEST)
			set_wanted(l, nr, false);
	}
	for (size_t i = 0; i < bpf_nhooks; i++) {
		if (hook_wanted(l, &bpf_hooks[i], o))
			continue;
		bpf_link__destroy(l->links[i]);
		l->links[i] = NULL;
	}
}

void bpf_load_done(struct bpf_load *l)
{
	for (size_t i = 0; i < bpf_nhooks; i++)
		bpf_link__destroy(l->links[i]);
	while (l->nlayers)
		probe__destroy(l->layers[--l->nlayers]);
	*l = (struct bpf_load){ 0 };
}
