/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process is one allocation of fixed size; its texts are counted blocks that a fork shares, so forking
 * costs no copies. Children hang on their parent in a list: on exit all of them move to the reaper at once,
 * as in the kernel, hence no process has an exited one among its ancestors for longer than it takes
 * its next record to say otherwise.
 *
 * The number of threads is bounded. When the bound is reached the process without children that was
 * silent for longest goes; a later record of it creates it anew.
 */
#include "state/procs.h"

#include <errno.h>
#include <stdlib.h>

#include "base/limits.h"

enum {
	TICK_NS =
		10000000, /* of /proc/PID/stat: USER_HZ is 100 on all architectures we build for */
	SLACK_NS = 2 * TICK_NS,
	TEXT_MAX = 8192,     /* all texts of a process together still fit into one record */
	EVICT_STEPS = 128,   /* processes looked at for one eviction */
	CIRCLE_STEPS = 4096, /* steps towards the root before a new parent is refused */
};

_Static_assert(sizeof(struct node) <= 1024, "the budget of a process");

struct text {
	size_t refs, len;
	char bytes[];
};

static struct text *text_unref(struct text *t)
{
	if (t && --t->refs == 0)
		free(t);
	return NULL;
}

static struct str *slot_str(struct node *n, enum text_slot slot)
{
	switch (slot) {
	case T_EXE: return &n->p.exe;
	case T_ARGS: return &n->p.args;
	case T_ENV: return &n->p.env;
	case T_EXEPATH: return &n->p.exepath;
	case T_CWD: return &n->p.cwd;
	case T_CGROUPS: return &n->p.cgroups;
	case T_CONTAINER: return &n->p.container_id;
	default: return &n->p.stdio[slot - T_STDIO];
	}
}

static void put_text(struct node *n, enum text_slot slot, struct text *t)
{
	text_unref(n->texts[slot]);
	n->texts[slot] = t;
	*slot_str(n, slot) = t ? (struct str){ t->bytes, t->len } : (struct str){ 0 };
}

int node_set_text(struct node *n, enum text_slot slot, struct str s)
{
	struct text *t = NULL;

	s = str_cut(s, TEXT_MAX);
	if (str_eq(*slot_str(n, slot), s))
		return 0;
	if (s.len) {
		t = malloc(sizeof(*t) + s.len);
		if (!t)
			return -ENOMEM;
		t->refs = 1;
		t->len = s.len;
		memcpy(t->bytes, s.ptr, s.len);
	}
	put_text(n, slot, t);
	return 0;
}

void node_share_text(struct node *n, const struct node *from, enum text_slot slot)
{
	struct text *t = from->texts[slot];

	if (t)
		t->refs++;
	put_text(n, slot, t);
}

static struct str put_comm(char *to, const char *comm, size_t len)
{
	if (len > sizeof(((struct node *)0)->comm))
		len = sizeof(((struct node *)0)->comm);
	len = strnlen(comm, len);
	memmove(to, comm, len);
	return (struct str){ to, len };
}

void node_set_comm(struct node *n, const char *comm, size_t len)
{
	n->p.comm = put_comm(n->comm, comm, len);
}

void node_set_exe_comm(struct node *n, const char *comm, size_t len)
{
	n->p.exe_comm = put_comm(n->exe_comm, comm, len);
}

/* Order of age. */

static void unlink_age(struct procs *t, struct node *n)
{
	*(n->older ? &n->older->newer : &t->oldest) = n->newer;
	*(n->newer ? &n->newer->older : &t->newest) = n->older;
	n->older = n->newer = NULL;
}

static void link_age(struct procs *t, struct node *n)
{
	n->older = t->newest;
	n->newer = NULL;
	*(t->newest ? &t->newest->newer : &t->oldest) = n;
	t->newest = n;
}

void procs_touch(struct procs *t, struct node *n)
{
	if (n == t->newest || n->p.exited)
		return;
	unlink_age(t, n);
	link_age(t, n);
}

/* Finding. */

static bool coarse(uint64_t start_ns)
{
	return start_ns % TICK_NS == 0;
}

static bool same_start(uint64_t a, uint64_t b)
{
	if (a == b)
		return true;
	if (coarse(a) == coarse(b))
		return false;
	return (a > b ? a - b : b - a) < SLACK_NS;
}

struct node *procs_find(struct procs *t, uint32_t pid, uint64_t start_ns)
{
	size_t at = SIZE_MAX;
	struct node *n;

	while ((n = idmap_find(&t->pids, pid, &at))) {
		if (!same_start(n->p.id.start_ns, start_ns))
			continue;
		if (coarse(n->p.id.start_ns))
			n->p.id.start_ns = n->p.clone_ns = start_ns;
		n->epoch = t->epoch;
		return n;
	}
	return NULL;
}

struct node *procs_living(const struct procs *t, uint32_t pid)
{
	size_t at = SIZE_MAX;
	struct node *n;

	while ((n = idmap_find(&t->pids, pid, &at)) && n->p.exited)
		;
	return n;
}

struct node *procs_of_thread(const struct procs *t, uint32_t tid)
{
	const struct task *task = idmap_find(&t->tids, tid, &(size_t){ SIZE_MAX });

	return task ? task->proc : NULL;
}

/* The tree. */

static void leave_parent(struct node *n)
{
	struct node *parent = node_of(n->p.parent);

	if (!parent)
		return;
	*(n->prev ? &n->prev->next : &parent->children) = n->next;
	if (n->next)
		n->next->prev = n->prev;
	n->next = n->prev = NULL;
	n->p.parent = NULL;
}

static bool closes_circle(const struct node *n, const struct node *parent)
{
	if (n == parent)
		return true;
	if (!n->children)
		return false;
	unsigned steps = 0;

	for (const struct proc *p = &parent->p; p; p = p->parent)
		if (p == &n->p || ++steps > CIRCLE_STEPS)
			return true;
	return false;
}

static void destroy(struct procs *t, struct node *n);

/* A process that was only ever mentioned as a parent has no use, and no exit event, without children. */
static void drop_if_mention(struct procs *t, struct node *n)
{
	if (n && !n->own && !n->children && !n->p.exited) {
		t->removed++;
		destroy(t, n);
	}
}

void procs_adopt(struct procs *t, struct node *n, struct node *parent)
{
	struct node *before = node_of(n->p.parent);

	if (before == parent || (parent && closes_circle(n, parent)))
		return;
	leave_parent(n);
	if (parent) {
		n->p.parent = &parent->p;
		n->next = parent->children;
		if (n->next)
			n->next->prev = n;
		parent->children = n;
	}
	drop_if_mention(t, before);
}

struct node *procs_reaper(const struct procs *t, const struct node *n)
{
	const struct proc *p = n->p.parent;

	for (unsigned i = 0; p && i < LIMIT_ANCESTORS; i++, p = p->parent)
		if (!p->exited && p->id.vpid == 1 && p->id.pid_ns == n->p.id.pid_ns)
			return node_of(p);
	return procs_living(t, 1);
}

static void hand_over_children(struct procs *t, struct node *n, struct node *reaper)
{
	n->own = true; /* the caller disposes of it, not the loss of its children */
	while (n->children) {
		struct node *child = n->children;

		procs_adopt(t, child, reaper);
		if (child->p.parent == &n->p)
			procs_adopt(t, child, NULL);
	}
}

/* Threads. */

static void forget_main(struct procs *t, struct node *n)
{
	if (!n->main.known)
		return;
	idmap_remove(&t->tids, n->main.tid, &n->main);
	n->main.known = false;
	n->p.leader_gone = true;
	n->p.nthreads--;
}

static void forget_task(struct procs *t, struct node *n, uint32_t tid)
{
	if (tid == n->main.tid) {
		forget_main(t, n);
		return;
	}
	for (struct task **at = &n->tasks; *at; at = &(*at)->next) {
		struct task *task = *at;

		if (task->tid != tid)
			continue;
		idmap_remove(&t->tids, tid, task);
		n->p.nthreads--;
		*at = task->next;
		free(task);
		return;
	}
}

static bool evict(struct procs *t)
{
	for (unsigned i = 0; i < EVICT_STEPS && t->oldest; i++) {
		struct node *n = t->oldest;

		if (n->children || n->epoch == t->epoch) {
			procs_touch(t, n);
			continue;
		}
		t->evicted++;
		t->removed++;
		destroy(t, n);
		return true;
	}
	return false;
}

static int track_task(struct procs *t, struct task *task)
{
	while (t->tids.count >= t->max_threads)
		if (!evict(t))
			return -ENOMEM;
	if (idmap_add(&t->tids, task->tid, task) < 0)
		return -ENOMEM;
	task->proc->p.nthreads++;
	return 0;
}

/* The kernel gave the number to someone else, so an exit was missed. */
static void lose_task(struct procs *t, struct node *loser, uint32_t tid)
{
	forget_task(t, loser, tid);
	if (!loser->p.nthreads)
		procs_bury(t, loser, NULL, loser->heard_ns);
}

int procs_add_thread(struct procs *t, struct node *n, uint32_t tid)
{
	if (tid == n->main.tid && n->main.known)
		return 0;
	struct task *task = idmap_find(&t->tids, tid, &(size_t){ SIZE_MAX });

	if (task && task->proc == n)
		return 0;
	if (task)
		lose_task(t, task->proc, tid);
	if (tid == n->main.tid) {
		int r = track_task(t, &n->main);

		n->main.known = r == 0;
		n->p.leader_gone = r != 0;
		return r;
	}
	task = malloc(sizeof(*task));
	if (!task)
		return -ENOMEM;
	*task = (struct task){ .proc = n, .tid = tid };
	if (track_task(t, task) < 0) {
		free(task);
		return -ENOMEM;
	}
	task->next = n->tasks;
	n->tasks = task;
	return 0;
}

void procs_remove_thread(struct procs *t, struct node *n, uint32_t tid)
{
	struct task *task = idmap_find(&t->tids, tid, &(size_t){ SIZE_MAX });

	if (task && task->proc == n)
		forget_task(t, n, tid);
}

static void forget_other_tasks(struct procs *t, struct node *n)
{
	while (n->tasks) {
		struct task *task = n->tasks;

		n->tasks = task->next;
		idmap_remove(&t->tids, task->tid, task);
		n->p.nthreads--;
		free(task);
	}
}

void procs_lone_thread(struct procs *t, struct node *n)
{
	forget_other_tasks(t, n);
	procs_add_thread(t, n, n->p.id.pid);
}

static void forget_all_tasks(struct procs *t, struct node *n)
{
	forget_other_tasks(t, n);
	forget_main(t, n);
}

/* Life and death. */

static void destroy(struct procs *t, struct node *n)
{
	struct node *parent = node_of(n->p.parent);

	hand_over_children(t, n, procs_reaper(t, n));
	leave_parent(n);
	if (!n->p.exited) {
		forget_all_tasks(t, n);
		unlink_age(t, n);
		t->living--;
	}
	idmap_remove(&t->pids, n->p.id.pid, n);
	for (unsigned i = 0; i < T_SLOTS; i++)
		put_text(n, i, NULL);
	free(n);
	drop_if_mention(t, parent);
}

void procs_bury(struct procs *t, struct node *n, struct node *reaper, uint64_t exit_ns)
{
	if (n->p.exited)
		return;
	hand_over_children(t, n, reaper && reaper != n ? reaper : procs_reaper(t, n));
	forget_all_tasks(t, n);
	unlink_age(t, n);
	t->living--;
	t->removed++;
	n->p.exited = true;
	n->exit_ns = exit_ns;
	n->epoch = t->epoch;
	struct node *last;

	do
		t->next_grave = (t->next_grave + 1) % GRAVES;
	while ((last = t->graves[t->next_grave]) && last->epoch == t->epoch);
	t->graves[t->next_grave] = n;
	if (last)
		destroy(t, last);
}

int procs_revive(struct procs *t, struct node *n)
{
	if (!n->p.exited)
		return 0;
	for (unsigned i = 0; i < GRAVES; i++)
		if (t->graves[i] == n)
			t->graves[i] = NULL;
	struct node *usurper = procs_living(t, n->p.id.pid);

	if (usurper)
		procs_bury(t, usurper, NULL, n->exit_ns);
	n->p.exited = false;
	n->exit_ns = 0;
	link_age(t, n);
	t->living++;
	t->added++;
	return procs_add_thread(t, n, n->p.id.pid);
}

struct node *procs_add(struct procs *t, uint32_t pid, uint64_t start_ns)
{
	struct node *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->epoch = t->epoch;
	n->p.id = (struct rec_ident){ .pid = pid, .tid = pid, .start_ns = start_ns };
	n->p.clone_ns = n->p.exec_ns = start_ns;
	n->main = (struct task){ .proc = n, .tid = pid };
	n->p.comm = (struct str){ n->comm, 0 };
	n->p.exe_comm = (struct str){ n->exe_comm, 0 };
	while (t->tids.count >= t->max_threads)
		if (!evict(t)) {
			free(n);
			return NULL;
		}
	struct node *namesake = procs_living(t, pid);
	if (idmap_add(&t->pids, pid, n) < 0) {
		free(n);
		return NULL;
	}
	link_age(t, n);
	t->living++;
	t->added++;
	if (namesake && namesake->p.id.start_ns > start_ns) {
		procs_bury(t, n, NULL, namesake->p.id.start_ns);
		return n;
	}
	if (namesake)
		procs_bury(t, namesake, NULL, start_ns);
	if (procs_add_thread(t, n, pid) < 0) {
		t->added--;
		destroy(t, n);
		return NULL;
	}
	return n;
}

void procs_done(struct procs *t)
{
	size_t at = 0;
	struct node *n;

	/* Without the upkeep of the tree, which is going as a whole. */
	while ((n = idmap_next(&t->pids, &at))) {
		while (n->tasks) {
			struct task *task = n->tasks;

			n->tasks = task->next;
			free(task);
		}
		for (unsigned i = 0; i < T_SLOTS; i++)
			text_unref(n->texts[i]);
		free(n);
	}
	idmap_done(&t->pids);
	idmap_done(&t->tids);
	*t = (struct procs){ 0 };
}
