/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state as the records that make it again, at the head of every capture. Trees are walked along the
 * links between parents, children and siblings, so depth costs nothing.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "state/internal.h"

struct writer {
	struct record_builder *b;
	uint64_t now_ns;
	int (*emit)(const struct rec_hdr *rec, void *ctx);
	void *ctx;
};

static int write_end(struct writer *w)
{
	const struct rec_hdr *rec = record_end(w->b);

	return rec ? w->emit(rec, w->ctx) : -EMSGSIZE;
}

/* A text of a process that only identities tell is not empty but unknown. */
static void put_text(struct writer *w, const struct proc *p, struct str s)
{
	if (!p->complete && !s.len)
		record_param(w->b, NULL, 0);
	else
		record_param(w->b, s.ptr ? s.ptr : "", s.len);
}

static void put_stdio(struct writer *w, struct str block)
{
	struct str path = str_skip(block, sizeof(struct rec_fd));

	if (!block.len)
		return;
	record_extra(w->b, REC_X_STDIO, block.ptr, sizeof(struct rec_fd));
	if (path.len)
		record_extra(w->b, REC_X_STDIO_PATH, path.ptr, path.len);
}

static int write_process(struct writer *w, const struct proc *p)
{
	struct rec_exec exec = { .exec_ns = p->exec_ns };
	struct rec_ident who = p->id;

	memset(who.comm, 0, sizeof(who.comm));
	memcpy(who.comm, p->comm.ptr, p->comm.len);
	memcpy(exec.comm, p->exe_comm.ptr, p->exe_comm.len);
	who.ppid = p->parent ? p->parent->id.pid : 0;
	who.parent_start_ns = p->parent ? p->parent->id.start_ns : 0;
	record_begin(w->b, EV_TASK_SCAN, w->now_ns, &who);
	put_text(w, p, p->exe);
	put_text(w, p, p->args);
	put_text(w, p, p->env);
	put_text(w, p, p->cwd);
	put_text(w, p, p->exepath);
	put_text(w, p, p->cgroups);
	record_u32(w->b, p->tty);
	record_i64(w->b, p->sid);
	record_i64(w->b, p->pgid);
	record_i64(w->b, p->vpgid);
	record_u64(w->b, p->cap_inheritable);
	record_u64(w->b, p->cap_permitted);
	record_u64(w->b, p->cap_effective);
	record_u64(w->b, p->exe_ino);
	record_u64(w->b, p->exe_ino_ctime);
	record_u64(w->b, p->exe_ino_mtime);
	record_u32(w->b, p->exe_flags);
	record_u64(w->b, p->fdlimit);
	record_u32(w->b, p->vm_size);
	record_u32(w->b, p->vm_rss);
	record_u32(w->b, p->vm_swap);
	record_extra(w->b, REC_X_EXEC, &exec, sizeof(exec));
	for (size_t i = 0; i < ARRAY_SIZE(p->stdio); i++)
		put_stdio(w, p->stdio[i]);
	return write_end(w);
}

static int write_thread(struct writer *w, const struct proc *p, uint32_t tid)
{
	record_begin(w->b, EV_TASK_FORK, w->now_ns, &p->id);
	memset(w->b->hdr.who.comm, 0, sizeof(w->b->hdr.who.comm));
	memcpy(w->b->hdr.who.comm, p->comm.ptr, p->comm.len);
	record_i64(w->b, tid);
	record_i64(w->b, p->id.pid);
	record_u64(w->b, p->id.start_ns);
	return write_end(w);
}

static int write_node(struct writer *w, const struct node *n)
{
	int r = write_process(w, &n->p);

	for (const struct task *t = n->tasks; t && r >= 0; t = t->next)
		r = write_thread(w, &n->p, t->tid);
	return r;
}

/* The one after n in the walk over the tree of root; NULL at its end. */
static const struct node *step(const struct node *root, const struct node *n)
{
	if (n->children)
		return n->children;
	while (n != root && !n->next)
		n = node_of(n->p.parent);
	return n == root ? NULL : n->next;
}

static int write_processes(struct writer *w, const struct procs *t)
{
	const struct node *root;
	int r = 0;

	for (size_t at = 0; r >= 0 && (root = idmap_next(&t->pids, &at));) {
		if (root->p.parent)
			continue;
		for (const struct node *n = root; n && r >= 0; n = step(root, n))
			if (!n->p.exited)
				r = write_node(w, n);
	}
	return r;
}

int state_snapshot(const struct state *s, uint64_t now_ns,
		   int (*emit)(const struct rec_hdr *rec, void *ctx), void *ctx)
{
	_cleanup_(freep) struct record_builder *b = malloc(sizeof(*b));
	struct writer w = { .b = b, .now_ns = now_ns, .emit = emit, .ctx = ctx };

	if (!b)
		return -ENOMEM;
	int r = write_processes(&w, &s->procs);

	r = r < 0 ? r : accounts_snapshot(&s->accounts, now_ns, b, emit, ctx);
	r = r < 0 ? r : hosts_snapshot(&s->hosts, now_ns, b, emit, ctx);
	r = r < 0 ? r : containers_snapshot(&s->containers, now_ns, b, emit, ctx);
	if (r < 0)
		return r;
	record_begin(b, EV_SCAN_END, now_ns, NULL);
	r = write_end(&w);
	return r < 0 ? r : 0;
}
