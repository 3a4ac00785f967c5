/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each event does to the state. Three sources agree here: the identity that every record carries (who
 * did it, whose child it is), the fork tracepoint, and scans of /proc. Identities win over memory: a record
 * of a process never seen creates it, and a parent that differs from ours is the kernel's truth.
 */
#include "state/state.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/limits.h"
#include "probe/abi/probe.h"
#include "state/accounts.h"
#include "state/container.h"
#include "state/internal.h"

/* Parameters of execve and execveat exits; fork and clone exits have the same up to CGROUPS. */
enum exec_param {
	X_RES,
	X_EXE,
	X_ARGS,
	X_TID,
	X_PID,
	X_PTID,
	X_CWD,
	X_FDLIMIT,
	X_MAJFLT,
	X_MINFLT,
	X_VM_SIZE,
	X_VM_RSS,
	X_VM_SWAP,
	X_COMM,
	X_CGROUPS,
	X_ENV,
	X_TTY,
	X_VPGID,
	X_LOGINUID,
	X_FLAGS,
	X_CAP_INHERITABLE,
	X_CAP_PERMITTED,
	X_CAP_EFFECTIVE,
	X_EXE_INO,
	X_EXE_CTIME,
	X_EXE_MTIME,
	X_UID,
	X_EXEPATH,
	X_PGID,
};

/* Number of the initial pid namespace, the same on every kernel (linux/proc_ns.h). */
#define PID_NS_INIT UINT32_C(0xEFFFFFFC)

enum fork_param { F_TID, F_PID, F_START, F_VTID, F_VPID, F_PPID, F_PSTART };

enum scan_param {
	S_EXE,
	S_ARGS,
	S_ENV,
	S_CWD,
	S_EXEPATH,
	S_CGROUPS,
	S_TTY,
	S_SID,
	S_PGID,
	S_VPGID,
	S_CAP_INHERITABLE,
	S_CAP_PERMITTED,
	S_CAP_EFFECTIVE,
	S_EXE_INO,
	S_EXE_CTIME,
	S_EXE_MTIME,
	S_FLAGS,
	S_FDLIMIT,
	S_VM_SIZE,
	S_VM_RSS,
	S_VM_SWAP,
};

struct state *state_new(size_t max_threads)
{
	struct state *s = calloc(1, sizeof(*s));

	if (s)
		s->procs.max_threads = max_threads ? max_threads : 1;
	if (s)
		s->host_pid_ns = PID_NS_INIT;
	return s;
}

struct state *state_free(struct state *s)
{
	if (!s)
		return NULL;
	procs_done(&s->procs);
	accounts_done(&s->accounts);
	hosts_done(&s->hosts);
	containers_done(&s->containers);
	free(s);
	return NULL;
}

static uint32_t param_u32(const struct event *e, unsigned i, uint32_t old)
{
	return (uint32_t)event_u64(e, i, old);
}

/* A text that the event has replaces the old one. */
static int take_text(struct node *n, enum text_slot slot, struct str s)
{
	return s.ptr ? node_set_text(n, slot, s) : 0;
}

static int take_cwd(struct node *n, struct str cwd)
{
	while (cwd.len > 1 && cwd.ptr[cwd.len - 1] == '/')
		cwd.len--;
	return take_text(n, T_CWD, cwd);
}

/* Whether the mounts are those of the host; also where the host's are not known. */
static bool host_mounts(const struct state *s, const struct rec_ident *who)
{
	return s->host_mnt_ns && who->mnt_ns == s->host_mnt_ns;
}

/*
 * Namespaces bear witness where a path alone could be any unit's. Both: mounts of their own have many services.
 */
static bool foreign(const struct state *s, const struct rec_ident *who)
{
	return who->pid_ns && who->pid_ns != s->host_pid_ns && !host_mounts(s, who);
}

static int take_cgroups(struct state *s, struct node *n, struct str cgroups)
{
	bool same = str_eq(cgroups, n->p.cgroups);

	if (!cgroups.ptr || (same && !n->doubtful))
		return 0;
	struct container_ident ident = container_identify(cgroups);
	int r = same ? 0 : node_set_text(n, T_CGROUPS, cgroups);

	n->doubtful = ident.doubtful && !foreign(s, &n->p.id);
	if (n->doubtful && !containers_find(&s->containers, ident.id))
		ident.id = (struct str){ 0 };
	return r < 0 ? r : node_set_text(n, T_CONTAINER, ident.id);
}

/* The process of an identity, made if it was never heard of; NULL: none (pid 0) or no memory. */
static struct node *node_for(struct state *s, uint32_t pid, uint64_t start_ns)
{
	if (pid == 0)
		return NULL;
	struct node *n = start_ns ? procs_find(&s->procs, pid, start_ns)
				  : procs_living(&s->procs, pid);

	if (n)
		return n;
	n = procs_add(&s->procs, pid, start_ns);
	if (n)
		s->procs.created_late++;
	return n;
}

static void take_parent(struct state *s, struct node *n, uint32_t ppid, uint64_t start_ns)
{
	const struct proc *now = n->p.parent;

	if (ppid == 0) {
		procs_adopt(&s->procs, n, NULL);
		return;
	}
	if (now && now->id.pid == ppid && now->id.start_ns == start_ns)
		return;
	struct node *parent = node_for(s, ppid, start_ns);

	/* An exited one: the record is older than what we know of the exit. */
	if (parent && !parent->p.exited)
		procs_adopt(&s->procs, n, parent);
}

static void take_identity(struct node *n, const struct rec_ident *who)
{
	bool main_thread = who->tid == who->pid;
	struct rec_ident old = n->p.id;

	n->p.id = *who;
	n->p.id.tid = who->pid;
	if (!who->start_ns)
		n->p.id.start_ns = old.start_ns;
	if (main_thread || n->p.comm.len == 0)
		node_set_comm(n, who->comm, sizeof(who->comm));
	else
		memcpy(n->p.id.comm, old.comm, sizeof(old.comm));
	if (!main_thread)
		n->p.id.vtid = who->vpid;
}

/* Who did it, with everything the header tells. */
static struct node *take_who(struct state *s, const struct event *e)
{
	const struct rec_ident *who = &e->hdr->who;
	bool exiting = e->info->code == EV_PROCEXIT_1_E;
	struct node *n = node_for(s, who->pid, who->start_ns);

	if (!n)
		return NULL;
	if (n->p.exited && !exiting && e->hdr->ts_ns > n->exit_ns)
		procs_revive(&s->procs, n);
	if (n->p.exited)
		return n;
	n->own = true;
	take_identity(n, who);
	if (!exiting)
		procs_add_thread(&s->procs, n, who->tid);
	take_parent(s, n, who->ppid, who->parent_start_ns);
	if (e->hdr->ts_ns > n->heard_ns + NS_PER_SEC) {
		n->heard_ns = e->hdr->ts_ns;
		procs_touch(&s->procs, n);
	}
	return n;
}

/* A descriptor below 3 as one block: what the kernel tells of it, and its path. */
static int take_stdio(struct node *n, unsigned num, const struct rec_fd *fd, struct str path)
{
	char block[sizeof(*fd) + LIMIT_PATH];
	size_t len = path.len < LIMIT_PATH ? path.len : LIMIT_PATH;
	struct rec_fd copy = *fd;

	copy.num = num;
	memcpy(block, &copy, sizeof(copy));
	if (len)
		memcpy(block + sizeof(copy), path.ptr, len);
	return node_set_text(n, T_STDIO + num, (struct str){ block, sizeof(copy) + len });
}

static int take_all_stdio(struct node *n, const struct event *e)
{
	int r = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(e->stdio); i++) {
		const struct event_stdio *io = &e->stdio[i];
		int one = io->fd ? take_stdio(n, i, io->fd, io->path)
				 : node_set_text(n, T_STDIO + i, (struct str){ 0 });

		r = r < 0 ? r : one;
	}
	return r;
}

/* dup and its kin onto one of the three. */
static int take_dup(struct node *n, const struct event *e)
{
	int64_t num = event_i64(e, 0, -1);

	if (num < 0 || num >= (int64_t)ARRAY_SIZE(n->p.stdio) || !e->fd || !e->fd->kind)
		return 0;
	return take_stdio(n, (unsigned)num, e->fd, e->path);
}

/* What execve and clone exits have in common. */
static int take_image(struct state *s, struct node *n, const struct event *e)
{
	int r = take_text(n, T_EXE, e->params[X_EXE]);

	r = r < 0 ? r : take_text(n, T_ARGS, e->params[X_ARGS]);
	r = r < 0 ? r : take_cwd(n, e->params[X_CWD]);
	r = r < 0 ? r : take_cgroups(s, n, e->params[X_CGROUPS]);
	n->p.fdlimit = event_u64(e, X_FDLIMIT, n->p.fdlimit);
	n->p.vm_size = param_u32(e, X_VM_SIZE, n->p.vm_size);
	n->p.vm_rss = param_u32(e, X_VM_RSS, n->p.vm_rss);
	n->p.vm_swap = param_u32(e, X_VM_SWAP, n->p.vm_swap);
	return r;
}

static int take_exec(struct state *s, struct node *n, const struct event *e)
{
	static const enum text_slot image[] = { T_EXE, T_ARGS, T_ENV, T_EXEPATH };

	if (event_i64(e, X_RES, -1) != 0)
		return 0;
	/* Nothing of the old image stays, also where the record could not tell the new. */
	for (size_t i = 0; i < sizeof(image) / sizeof(image[0]); i++)
		node_set_text(n, image[i], (struct str){ 0 });
	int r = take_image(s, n, e);

	r = r < 0 ? r : take_text(n, T_ENV, e->params[X_ENV]);
	r = r < 0 ? r : take_text(n, T_EXEPATH, e->params[X_EXEPATH]);
	r = r < 0 ? r : take_all_stdio(n, e);
	if (e->params[X_COMM].len)
		node_set_comm(n, e->params[X_COMM].ptr, e->params[X_COMM].len);
	node_set_exe_comm(n, n->comm, sizeof(n->comm));
	n->p.tty = param_u32(e, X_TTY, n->p.tty);
	n->p.vpgid = param_u32(e, X_VPGID, n->p.vpgid);
	n->p.pgid = param_u32(e, X_PGID, n->p.pgid);
	n->p.id.loginuid = param_u32(e, X_LOGINUID, n->p.id.loginuid);
	n->p.exe_flags = param_u32(e, X_FLAGS, 0);
	n->p.cap_inheritable = event_u64(e, X_CAP_INHERITABLE, n->p.cap_inheritable);
	n->p.cap_permitted = event_u64(e, X_CAP_PERMITTED, n->p.cap_permitted);
	n->p.cap_effective = event_u64(e, X_CAP_EFFECTIVE, n->p.cap_effective);
	n->p.exe_ino = event_u64(e, X_EXE_INO, 0);
	n->p.exe_ino_ctime = event_u64(e, X_EXE_CTIME, 0);
	n->p.exe_ino_mtime = event_u64(e, X_EXE_MTIME, 0);
	n->p.exec_ns = e->hdr->ts_ns;
	n->p.complete = true;
	procs_lone_thread(&s->procs, n);
	return r;
}

/* A new process is its maker's copy. */
static void copy_process(struct node *n, const struct node *from)
{
	for (unsigned i = 0; i < T_SLOTS; i++)
		node_share_text(n, from, i);
	if (n->p.comm.len == 0)
		node_set_comm(n, from->comm, sizeof(from->comm));
	node_set_exe_comm(n, from->exe_comm, sizeof(from->exe_comm));
	n->p.tty = from->p.tty;
	n->p.sid = from->p.sid;
	n->p.pgid = from->p.pgid;
	n->p.vpgid = from->p.vpgid;
	n->p.exe_flags = from->p.exe_flags;
	n->p.cap_inheritable = from->p.cap_inheritable;
	n->p.cap_permitted = from->p.cap_permitted;
	n->p.cap_effective = from->p.cap_effective;
	n->p.exe_ino = from->p.exe_ino;
	n->p.exe_ino_ctime = from->p.exe_ino_ctime;
	n->p.exe_ino_mtime = from->p.exe_ino_mtime;
	n->p.fdlimit = from->p.fdlimit;
	n->p.vm_size = from->p.vm_size;
	n->p.vm_rss = from->p.vm_rss;
	n->p.vm_swap = from->p.vm_swap;
	n->p.complete = from->p.complete;
	n->doubtful = from->doubtful;
}

static void fork_identity(struct node *n, const struct node *from, const struct event *e)
{
	uint64_t start_ns = n->p.id.start_ns;
	uint32_t pid = n->p.id.pid;

	n->p.id = from->p.id;
	n->p.id.pid = n->p.id.tid = pid;
	n->p.id.start_ns = start_ns;
	n->p.id.vtid = param_u32(e, F_VTID, pid);
	n->p.id.vpid = param_u32(e, F_VPID, pid);
	n->p.id.ppid = param_u32(e, F_PPID, from->p.id.pid);
	n->p.id.parent_start_ns = event_u64(e, F_PSTART, from->p.id.start_ns);
	/* The init of a new pid namespace, whose number comes with its own records. */
	if (n->p.id.vpid == 1 && pid != 1)
		n->p.id.pid_ns = 0;
}

static int take_fork(struct state *s, struct node *maker, const struct event *e)
{
	uint32_t tid = param_u32(e, F_TID, 0), pid = param_u32(e, F_PID, 0);

	if (tid == 0 || pid == 0)
		return 0;
	if (tid != pid)
		return pid == maker->p.id.pid && !maker->p.exited
			       ? procs_add_thread(&s->procs, maker, tid)
			       : 0;
	uint64_t start_ns = event_u64(e, F_START, 0);
	struct node *n = procs_find(&s->procs, pid, start_ns);

	if (!n)
		n = procs_add(&s->procs, pid, start_ns);
	if (!n)
		return -ENOMEM;
	if (!n->own) {
		n->own = true;
		n->heard_ns = e->hdr->ts_ns;
		fork_identity(n, maker, e);
		/* It is called as the thread that made it, which need not be the first. */
		node_set_comm(n, e->hdr->who.comm, sizeof(e->hdr->who.comm));
	}
	/* Its own records may have overtaken this one, and an exec among them. */
	if (!n->p.complete)
		copy_process(n, maker);
	if (n->p.exited)
		return 0;
	take_parent(s, n, n->p.id.ppid, n->p.id.parent_start_ns);
	if (!n->p.parent && maker->p.exited)
		procs_adopt(&s->procs, n, procs_reaper(&s->procs, maker));
	return 0;
}

static int scan_texts(struct state *s, struct node *n, const struct event *e)
{
	int r = take_text(n, T_EXE, e->params[S_EXE]);

	r = r < 0 ? r : take_text(n, T_ARGS, e->params[S_ARGS]);
	r = r < 0 ? r : take_text(n, T_ENV, e->params[S_ENV]);
	r = r < 0 ? r : take_cwd(n, e->params[S_CWD]);
	r = r < 0 ? r : take_text(n, T_EXEPATH, e->params[S_EXEPATH]);
	r = r < 0 ? r : take_cgroups(s, n, e->params[S_CGROUPS]);
	return r < 0 ? r : take_all_stdio(n, e);
}

/* What was seen happening is newer than, or equal to, what the scan read. */
static int take_scan(struct state *s, struct event *e)
{
	const struct rec_ident *who = &e->hdr->who;
	struct node *n = procs_find(&s->procs, who->pid, who->start_ns);

	if (who->pid == 0)
		return 0;
	if (!n)
		n = procs_add(&s->procs, who->pid, who->start_ns);
	if (!n)
		return -ENOMEM;
	e->proc = &n->p;
	if (n->p.exited || n->p.complete)
		return 0;
	if (!n->own) {
		uint64_t start_ns = n->p.id.start_ns;

		n->own = true;
		n->heard_ns = e->hdr->ts_ns;
		take_identity(n, who);
		n->p.id.start_ns = start_ns;
		take_parent(s, n, who->ppid, who->parent_start_ns);
	}
	node_set_exe_comm(n, e->exec ? e->exec->comm : who->comm, sizeof(who->comm));
	if (e->exec)
		n->p.exec_ns = e->exec->exec_ns;
	n->p.tty = param_u32(e, S_TTY, 0);
	n->p.sid = param_u32(e, S_SID, 0);
	n->p.pgid = param_u32(e, S_PGID, 0);
	n->p.vpgid = param_u32(e, S_VPGID, 0);
	n->p.cap_inheritable = event_u64(e, S_CAP_INHERITABLE, 0);
	n->p.cap_permitted = event_u64(e, S_CAP_PERMITTED, 0);
	n->p.cap_effective = event_u64(e, S_CAP_EFFECTIVE, 0);
	n->p.exe_ino = event_u64(e, S_EXE_INO, 0);
	n->p.exe_ino_ctime = event_u64(e, S_EXE_CTIME, 0);
	n->p.exe_ino_mtime = event_u64(e, S_EXE_MTIME, 0);
	n->p.exe_flags = param_u32(e, S_FLAGS, 0);
	n->p.fdlimit = event_u64(e, S_FDLIMIT, 0);
	n->p.vm_size = param_u32(e, S_VM_SIZE, 0);
	n->p.vm_rss = param_u32(e, S_VM_RSS, 0);
	n->p.vm_swap = param_u32(e, S_VM_SWAP, 0);
	n->p.complete = e->params[S_EXE].ptr;
	return scan_texts(s, n, e);
}

static void take_setsid(struct node *n, const struct event *e)
{
	if (event_i64(e, 0, -1) < 0)
		return;
	n->p.sid = n->p.pgid = n->p.id.pid;
	n->p.vpgid = n->p.id.vpid;
	n->p.tty = 0;
}

/* Numbers are those of the caller's pid namespace. */
static void take_setpgid(struct state *s, struct node *n, const struct event *e)
{
	enum { RES, PID, PGID };
	int64_t pid = event_i64(e, PID, 0), pgid = event_i64(e, PGID, 0);
	bool host_pids = n->p.id.vpid == n->p.id.pid;

	if (event_i64(e, RES, -1) != 0)
		return;
	if (pid != 0 && pid != n->p.id.vpid) {
		n = host_pids && pid > 0 ? procs_living(&s->procs, (uint32_t)pid) : NULL;
		if (!n)
			return;
	}
	n->p.vpgid = pgid > 0 ? (uint32_t)pgid : n->p.id.vpid;
	if (pgid == 0 || pgid == n->p.id.vpid)
		n->p.pgid = n->p.id.pid;
	else if (host_pids)
		n->p.pgid = (uint32_t)pgid;
}

static void take_capset(struct node *n, const struct event *e)
{
	enum { RES, INHERITABLE, PERMITTED, EFFECTIVE };

	if (event_i64(e, RES, -1) != 0)
		return;
	n->p.cap_inheritable = event_u64(e, INHERITABLE, n->p.cap_inheritable);
	n->p.cap_permitted = event_u64(e, PERMITTED, n->p.cap_permitted);
	n->p.cap_effective = event_u64(e, EFFECTIVE, n->p.cap_effective);
}

/* Of the first thread, by whichever. */
static void take_rename(struct node *n, const struct event *e)
{
	enum { COMM, TID };

	if (event_i64(e, TID, e->hdr->who.tid) == e->hdr->who.pid && e->params[COMM].ptr)
		node_set_comm(n, e->params[COMM].ptr, e->params[COMM].len);
}

static int take_event(struct state *s, struct node *n, const struct event *e)
{
	switch (e->info->code) {
	case EV_SYSCALL_EXECVE_19_X:
	case EV_SYSCALL_EXECVEAT_X: return take_exec(s, n, e);
	case EV_SYSCALL_CLONE_20_X:
	case EV_SYSCALL_CLONE3_X:
	case EV_SYSCALL_FORK_20_X:
	case EV_SYSCALL_VFORK_20_X:
		return n->p.complete || event_i64(e, X_RES, -1) < 0 ? 0 : take_image(s, n, e);
	case EV_TASK_RENAME: take_rename(n, e); return 0;
	case EV_SYSCALL_DUP_1_X:
	case EV_SYSCALL_DUP2_X:
	case EV_SYSCALL_DUP3_X: return take_dup(n, e);
	case EV_SYSCALL_SETSID_X: take_setsid(n, e); return 0;
	case EV_SYSCALL_SETPGID_X: take_setpgid(s, n, e); return 0;
	case EV_SYSCALL_CAPSET_X: take_capset(n, e); return 0;
	default: return 0;
	}
}

/* Who enters a user namespace has all capabilities there; rules ask what it could do when it asked. */
static bool enters_namespace(const struct event *e)
{
	return e->info->code == EV_SYSCALL_UNSHARE_X || e->info->code == EV_SYSCALL_SETNS_X;
}

static void take_caps(struct node *n, const struct event *e)
{
	if (!e->caps)
		return;
	n->p.cap_inheritable = e->caps[0];
	n->p.cap_permitted = e->caps[1];
	n->p.cap_effective = e->caps[2];
}

/* What rules wanted to know of the thread: of the process only what its threads have in common. */
static int take_task(struct node *n, const struct event *e)
{
	const struct rec_task *t = e->task;

	if (!t)
		return 0;
	if (t->told & PROBE_EXTRA_SESSION) {
		n->p.tty = t->tty;
		n->p.sid = t->sid;
		n->p.pgid = t->pgid;
		n->p.vpgid = t->vpgid;
	}
	if (t->told & PROBE_EXTRA_MEMORY) {
		n->p.vm_size = t->vm_size;
		n->p.vm_rss = t->vm_rss;
		n->p.vm_swap = t->vm_swap;
	}
	if (t->told & PROBE_EXTRA_LIMITS)
		n->p.fdlimit = t->fdlimit;
	return t->told & PROBE_EXTRA_STDIO ? take_all_stdio(n, e) : 0;
}

static int take_process_event(struct state *s, struct event *e)
{
	struct node *n = take_who(s, e);

	if (!n)
		return e->hdr->who.pid ? -ENOMEM : 0;
	e->proc = &n->p;
	if (e->info->code == EV_TASK_FORK)
		return take_fork(s, n, e);
	if (n->p.exited)
		return 0;
	int r = take_event(s, n, e);

	r = r < 0 ? r : take_task(n, e);
	if (e->sid)
		n->p.sid = e->sid;
	if (!enters_namespace(e))
		take_caps(n, e);
	r = r < 0 ? r : take_cgroups(s, n, e->cgroups);
	return r < 0 ? r : take_cwd(n, e->cwd);
}

/* The first process lives among the host's mounts. */
static void take_host(struct state *s, const struct rec_ident *who)
{
	if (who->pid == 1 && who->mnt_ns)
		s->host_mnt_ns = who->mnt_ns;
}

int state_before(struct state *s, struct event *e)
{
	s->procs.epoch++;
	e->proc = NULL;
	take_host(s, &e->hdr->who);
	switch (e->info->code) {
	case EV_USER_ENTRY:
	case EV_GROUP_ENTRY:
	case EV_USER_ADDED_E:
	case EV_GROUP_ADDED_E: return accounts_take(&s->accounts, e);
	case EV_TASK_SCAN: return take_scan(s, e);
	case EV_HOST_NAME: return hosts_take(&s->hosts, e);
	case EV_CONTAINER_INFO: return containers_take(&s->containers, e);
	case EV_SCAN_END:
	case EV_RING_DROPS: return 0;
	default: return take_process_event(s, e);
	}
}

void state_after(struct state *s, const struct event *e)
{
	enum { REAPER = 4 };
	struct node *n = node_of(e->proc);

	accounts_lose(&s->accounts, e);
	if (n && enters_namespace(e))
		take_caps(n, e);
	if (!n || e->info->code != EV_PROCEXIT_1_E || n->p.exited)
		return;
	procs_remove_thread(&s->procs, n, e->hdr->who.tid);
	int64_t tid = event_i64(e, REAPER, 0);
	struct node *reaper = tid > 0 ? procs_of_thread(&s->procs, (uint32_t)tid) : NULL;

	/* The kernel says that a thread of the group we never heard of lives on. */
	if (reaper == n || n->p.nthreads > 0)
		return;
	if (n->p.container_id.len && n->p.id.vpid == 1) {
		struct container *c = containers_find(&s->containers, n->p.container_id);

		if (c)
			c->ended_ns = e->hdr->ts_ns;
	}
	procs_bury(&s->procs, n, reaper, e->hdr->ts_ns);
}

struct container *state_container(const struct state *s, struct str id)
{
	return containers_find(&s->containers, id);
}

struct container *state_event_container(struct state *s, const struct event *e, bool *ret_new)
{
	const struct proc *p = e->proc;

	*ret_new = false;
	if (!p || !p->container_id.len)
		return NULL;
	struct container *c = containers_find(&s->containers, p->container_id);

	if (c && c->met)
		return c;
	*ret_new = true;
	struct container_ident ident = container_identify(p->cgroups);

	ident.id = p->container_id;
	if (c)
		containers_meet(c, &ident);
	else
		c = containers_add(&s->containers, &ident, e->hdr->ts_ns);
	if (c)
		c->met = true;
	return c;
}

bool state_own_mounts(const struct state *s, const struct proc *p)
{
	const struct proc *outside = p->parent;

	/* A runtime may live in a mount namespace of its own, and enters the container's cgroup first. */
	for (unsigned i = 0; outside && i < LIMIT_ANCESTORS; i++, outside = outside->parent)
		if (!str_eq(outside->container_id, p->container_id))
			break;
	return p->id.mnt_ns && !host_mounts(s, &p->id) &&
	       !(outside && outside->id.mnt_ns == p->id.mnt_ns);
}

const struct proc *state_same_proc(struct state *s, const struct rec_ident *who)
{
	const struct node *n = procs_find(&s->procs, who->pid, who->start_ns);

	return n ? &n->p : NULL;
}

const struct proc *state_proc(const struct state *s, uint32_t pid)
{
	const struct node *n = procs_living(&s->procs, pid);

	return n ? &n->p : NULL;
}

const struct proc *state_thread(const struct state *s, uint32_t tid)
{
	const struct node *n = procs_of_thread(&s->procs, tid);

	return n ? &n->p : NULL;
}

const struct user *state_user(const struct state *s, struct str container, uint32_t uid)
{
	return accounts_user(&s->accounts, container, uid);
}

const struct group *state_group(const struct state *s, struct str container, uint32_t gid)
{
	return accounts_group(&s->accounts, container, gid);
}

struct str state_host_name(const struct state *s, const void *address, size_t *at)
{
	return hosts_next(&s->hosts, address, at);
}

void state_counters(const struct state *s, struct state_counters *ret)
{
	*ret = (struct state_counters){
		.processes = s->procs.living,
		.threads = s->procs.tids.count,
		.added = s->procs.added,
		.removed = s->procs.removed,
		.created_late = s->procs.created_late,
		.evicted = s->procs.evicted + s->accounts.refused,
		.users = s->accounts.users.count,
		.containers = s->containers.map.count,
		.imageless = s->containers.imageless,
	};
}
