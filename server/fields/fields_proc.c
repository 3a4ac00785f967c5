/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields of processes: the one that did it, its parent, its ancestors, its leaders. The thread's own name
 * and ids come with every record and are right even when the process is unknown; all else is state.
 */
#include <inttypes.h>

#include "fields/extract.h"

struct str proc_name(const struct fx *x, const struct proc *p)
{
	const char *own = x->ev->hdr->who.comm;

	if (p == x->proc && own[0])
		return (struct str){ own, strnlen(own, sizeof(x->ev->hdr->who.comm)) };
	return p ? p->comm : (struct str){ 0 };
}

uint64_t fx_wall(const struct fx *x, uint64_t boot_ns)
{
	return boot_ns + (x->ev->wall_ns - x->ev->hdr->ts_ns);
}

/* Texts that each end in NUL, behind `front` and a blank; the blank stays without texts if asked. */
static bool join_texts(const struct fx *x, struct str front, bool lead, bool keep_blank,
		       struct str texts, struct value *ret)
{
	if (texts.len && texts.ptr[texts.len - 1] == '\0')
		texts.len--;
	struct strbuf b = fx_buf(x, front.len + texts.len + 1);

	strbuf_add(&b, front);
	if (lead && (texts.len || keep_blank))
		strbuf_addc(&b, ' ');
	size_t start = b.len;

	strbuf_add(&b, texts);
	for (size_t i = start; i < b.len; i++)
		if (b.ptr[i] == '\0')
			b.ptr[i] = ' ';
	return fx_take(&b, ret);
}

/* p NULL: the unknown process that did it, of which only the name is known. */
static bool proc_text(const struct fx *x, const struct proc *p, unsigned text, struct value *ret)
{
	struct str s = { 0 };

	switch (text) {
	case TEXT_NAME: s = proc_name(x, p); break;
	case TEXT_CMDLINE:
		s = proc_name(x, p);
		return s.len && join_texts(x, s, true, false, p ? p->args : (struct str){ 0 }, ret);
	case TEXT_EXE: s = p ? p->exe : s; break;
	case TEXT_EXEPATH:
		/* Of an image whose path could not be read: a text, so that != holds. */
		s = p && p->complete && !p->exepath.len ? FIELD_NO_TEXT : p ? p->exepath : s;
		break;
	case TEXT_ARGS: return p && join_texts(x, s, false, false, p->args, ret);
	case TEXT_EXELINE: return p && join_texts(x, p->exe, true, true, p->args, ret);
	case TEXT_ENV: return p && join_texts(x, s, false, false, p->env, ret);
	default: return false;
	}
	if (!s.len && (!p || !p->complete))
		return false;
	return fx_text(s, ret);
}

bool x_proc_self(const struct fx *x, struct value *ret)
{
	return proc_text(x, x->proc, x->which, ret);
}

bool x_proc_parent(const struct fx *x, struct value *ret)
{
	return x->proc && x->proc->parent && proc_text(x, x->proc->parent, x->which, ret);
}

/* Ancestor n, 0 is the process itself; NULL beyond the root. */
static const struct proc *ancestor(const struct fx *x, int64_t n)
{
	const struct proc *p = x->proc;

	if (n > LIMIT_ANCESTORS)
		return NULL;
	while (p && n-- > 0)
		p = p->parent;
	return p;
}

static uint32_t count_ancestors(const struct fx *x)
{
	uint32_t n = 0;

	for (const struct proc *p = x->proc ? x->proc->parent : NULL; p && n < LIMIT_ANCESTORS;
	     p = p->parent)
		n++;
	return n;
}

/* One value per ancestor, the parent first. */
static bool ancestors_list(const struct fx *x,
			   bool (*get)(const struct fx *x, const struct proc *p, struct value *ret),
			   struct value *ret)
{
	uint32_t room = count_ancestors(x), n = 0;
	struct value *items = room ? arena_array(x->arena, room, sizeof(*items)) : NULL;

	if (!items)
		return false;
	const struct proc *p = x->proc->parent;

	for (uint32_t i = 0; i < room; i++, p = p->parent)
		if (get(x, p, &items[n]))
			n++;
	ret->list.items = items;
	ret->list.n = n;
	return n > 0;
}

static bool get_text(const struct fx *x, const struct proc *p, struct value *ret)
{
	return proc_text(x, p, x->which, ret);
}

bool x_proc_ancestor(const struct fx *x, struct value *ret)
{
	if (!x->ref->has_arg)
		return ancestors_list(x, get_text, ret);
	const struct proc *p = ancestor(x, x->ref->index);

	if (!p && x->ref->index > 0)
		return false;
	return proc_text(x, p, x->which, ret);
}

static bool get_pid(const struct fx *x, const struct proc *p, struct value *ret)
{
	ret->i = p->id.pid;
	return true;
}

bool x_proc_apid(const struct fx *x, struct value *ret)
{
	if (!x->ref->has_arg)
		return ancestors_list(x, get_pid, ret);
	const struct proc *p = ancestor(x, x->ref->index);

	return p && get_pid(x, p, ret);
}

bool x_proc_args(const struct fx *x, struct value *ret)
{
	if (!x->ref->has_arg)
		return proc_text(x, x->proc, TEXT_ARGS, ret);
	if (!x->proc)
		return false;
	struct str rest = x->proc->args, part = { 0 };

	for (int64_t i = 0; i <= x->ref->index; i++)
		if (!rest.len || !str_split(&rest, '\0', &part))
			return fx_text(STR(""), ret);
	return fx_text(part, ret);
}

bool x_proc_aargs(const struct fx *x, struct value *ret)
{
	if (x->ref->has_arg) {
		const struct proc *p = ancestor(x, x->ref->index);

		return p && proc_text(x, p, TEXT_ARGS, ret);
	}
	uint32_t n = count_ancestors(x);
	size_t room = n;

	if (!n)
		return false;
	const struct proc *p = x->proc->parent;

	for (uint32_t i = 0; i < n; i++, p = p->parent)
		room += p->args.len;
	struct strbuf b = fx_buf(x, room);

	p = x->proc->parent;
	for (uint32_t i = 0; i < n; i++, p = p->parent) {
		struct value one;

		if (!p->args.len || !proc_text(x, p, TEXT_ARGS, &one))
			continue;
		if (b.len)
			strbuf_addc(&b, ' ');
		strbuf_add(&b, one.s);
	}
	return fx_take(&b, ret);
}

bool x_proc_nargs(const struct fx *x, struct value *ret)
{
	if (!x->proc)
		return false;
	struct str rest = x->proc->args, part;
	uint64_t n = 0, bytes = 0;

	while (rest.len && str_split(&rest, '\0', &part)) {
		n++;
		bytes += part.len;
	}
	ret->u = x->which ? bytes : n;
	return true;
}

/* The value of one variable of an environment; ptr NULL: not set. */
static struct str env_value(struct str env, struct str name)
{
	struct str part;

	while (env.len && str_split(&env, '\0', &part))
		if (part.len > name.len && part.ptr[name.len] == '=' && str_starts(part, name))
			return str_trim(
				(struct str){ part.ptr + name.len + 1, part.len - name.len - 1 });
	return (struct str){ 0 };
}

bool x_proc_env(const struct fx *x, struct value *ret)
{
	if (!x->ref->has_arg)
		return proc_text(x, x->proc, TEXT_ENV, ret);
	if (!x->proc)
		return false;
	struct str s = env_value(x->proc->env, x->ref->arg);

	return fx_text(s.ptr ? s : STR(""), ret);
}

enum { ENV_LEVELS = 20 };

static bool get_env(const struct fx *x, const struct proc *p, struct value *ret)
{
	return proc_text(x, p, TEXT_ENV, ret);
}

bool x_proc_aenv(const struct fx *x, struct value *ret)
{
	if (!x->ref->has_arg)
		return ancestors_list(x, get_env, ret);
	if (x->ref->index >= 0) {
		const struct proc *p = ancestor(x, x->ref->index);

		return p && proc_text(x, p, TEXT_ENV, ret);
	}
	if (!x->proc)
		return false;
	const struct proc *p = x->proc->parent;

	for (unsigned i = 0; p && i < ENV_LEVELS; i++, p = p->parent) {
		struct str s = env_value(p->env, x->ref->arg);

		if (s.ptr)
			return fx_text(s, ret);
	}
	return fx_text(STR(""), ret);
}

bool x_proc_cwd(const struct fx *x, struct value *ret)
{
	struct str cwd = x->ev->cwd.len || !x->proc ? x->ev->cwd : x->proc->cwd;

	if (!cwd.len)
		return false;
	if (cwd.ptr[cwd.len - 1] == '/')
		return fx_text(cwd, ret);
	struct strbuf b = fx_buf(x, cwd.len + 1);

	strbuf_add(&b, cwd);
	strbuf_addc(&b, '/');
	return fx_take(&b, ret);
}

bool x_proc_loginshell(const struct fx *x, struct value *ret)
{
	unsigned n = 0;
	bool found = false;

	for (const struct proc *p = x->proc; p && n <= LIMIT_ANCESTORS; p = p->parent, n++) {
		if (!str_ends(p->comm,
			      STR("sh"))) /* of the first thread, whichever the event is of */
			continue;
		ret->i = p->id.pid;
		found = true;
	}
	return found;
}

/* Numbers that every record tells. */
static bool ident_number(const struct fx *x, struct value *ret)
{
	const struct rec_ident *who = &x->ev->hdr->who;

	switch (x->which) {
	case NUM_PID: ret->i = who->pid; return true;
	case NUM_PPID: ret->i = who->ppid; return true;
	case NUM_TID: ret->i = who->tid; return true;
	case NUM_VPID: ret->i = (int32_t)who->vpid; return who->vpid && ret->i != -1;
	case NUM_VTID: ret->i = (int32_t)who->vtid; return who->vtid && ret->i != -1;
	default: return false;
	}
}

/* The end of a thread: it no longer counts. */
static uint32_t ending(const struct fx *x)
{
	return x->ev->info->code == EV_PROCEXIT_1_E && x->proc->nthreads;
}

static uint32_t besides_first(const struct fx *x)
{
	const struct proc *p = x->proc;
	bool first_ends = ending(x) && x->ev->hdr->who.tid == p->id.pid;
	uint32_t others = p->nthreads - (p->nthreads && !p->leader_gone);

	return others - (others && ending(x) && !first_ends);
}

static bool open_descriptors(const struct fx *x, struct value *ret)
{
	const struct rec_task *t = x->ev->task;

	ret->u = t ? t->nfds : 0;
	return t && t->told & PROBE_EXTRA_LIMITS && t->nfds != UINT32_MAX;
}

bool x_proc_fdusage(const struct fx *x, struct value *ret)
{
	struct value open;

	if (!open_descriptors(x, &open) || !x->ev->task->fdlimit)
		return false;
	ret->d = 100.0 * (double)open.u / (double)x->ev->task->fdlimit;
	return true;
}

bool x_proc_num(const struct fx *x, struct value *ret)
{
	const struct proc *p = x->proc;

	switch (x->which) {
	case NUM_PID:
	case NUM_PPID:
	case NUM_TID:
	case NUM_VPID:
	case NUM_VTID: return ident_number(x, ret);
	default: break;
	}
	if (!p)
		return false;
	switch (x->which) {
	case NUM_TTY: ret->u = p->tty; break;
	case NUM_PVPID:
		if (!p->parent || !p->parent->id.vpid)
			return false;
		ret->i = p->parent->id.vpid;
		break;
	case NUM_SID: ret->i = p->sid; break;
	case NUM_VPGID: ret->i = p->vpgid; break;
	case NUM_PGID: ret->i = p->pgid; break;
	case NUM_EXE_INO: ret->u = p->exe_ino; break;
	case NUM_FDLIMIT: ret->u = p->fdlimit; break;
	case NUM_FDS: return open_descriptors(x, ret);
	case NUM_VMSIZE: ret->u = p->vm_size; break;
	case NUM_VMRSS: ret->u = p->vm_rss; break;
	case NUM_VMSWAP: ret->u = p->vm_swap; break;
	case NUM_NTHREADS: ret->u = p->nthreads - ending(x); break;
	case NUM_NCHILDS: ret->u = besides_first(x); break;
	default: return false;
	}
	return true;
}

/* The leader, or the oldest known process of the same group; NULL: unknown. */
static const struct proc *leader(const struct fx *x, unsigned kind)
{
	const struct proc *p = x->proc, *lead = p;

	if (!p)
		return NULL;
	/* Ids are the host's; the group has one leader, however it is numbered inside. */
	uint32_t pid = kind == LEAD_SID ? p->sid : p->pgid;
	const struct proc *known = pid ? state_proc(x->fe->state, pid) : NULL;

	if (known)
		return known;
	for (unsigned n = 0; n < LIMIT_ANCESTORS && lead->parent; n++) {
		const struct proc *up = lead->parent;

		if (kind == LEAD_SID	 ? up->sid != p->sid
		    : kind == LEAD_VPGID ? up->vpgid != p->vpgid
					 : up->pgid != p->pgid)
			break;
		lead = up;
	}
	return lead;
}

bool x_proc_leader(const struct fx *x, struct value *ret)
{
	const struct proc *p = leader(x, x->which & LEAD_KIND);
	uint32_t text = x->which & ~(uint32_t)LEAD_KIND;

	/* The name is that of its first thread, also where the event is of another. */
	if (p && text == TEXT_NAME)
		ret->s = p->comm;
	else if (!p || !proc_text(x, p, text, ret))
		ret->s = STR("");
	return true;
}

bool x_proc_leads(const struct fx *x, struct value *ret)
{
	const struct rec_ident *who = &x->ev->hdr->who;

	if (!x->proc)
		return false;
	ret->b = x->which == LEAD_SID	  ? x->proc->sid == who->pid
		 : x->which == LEAD_VPGID ? x->proc->vpgid == who->vpid
					  : x->proc->pgid == who->pid;
	return true;
}

bool x_proc_time(const struct fx *x, struct value *ret)
{
	const struct rec_ident *who = &x->ev->hdr->who;
	bool parent = x->which == SPAN_PARENT || x->which == START_PARENT;
	const struct proc *p = !x->proc ? NULL : parent ? x->proc->parent : x->proc;
	uint64_t start = p && p->clone_ns ? p->clone_ns
			 : parent	  ? who->parent_start_ns
					  : who->start_ns;

	if (!start)
		return false;
	if (x->which == SPAN_SELF || x->which == SPAN_PARENT)
		ret->u = x->ev->hdr->ts_ns > start ? x->ev->hdr->ts_ns - start : 0;
	else
		ret->u = fx_wall(x, start);
	return true;
}

bool x_proc_exe_flag(const struct fx *x, struct value *ret)
{
	ret->b = x->proc && x->proc->exe_flags & x->which;
	return x->proc;
}

uint64_t proc_pidns_start(const struct fx *x)
{
	const struct proc *p = x->proc;
	uint32_t ns = x->ev->hdr->who.pid_ns;

	for (unsigned n = 0; p && n <= LIMIT_ANCESTORS; p = p->parent, n++)
		if (p->id.vpid == 1 && p->id.pid_ns == ns)
			return p->clone_ns;
	return 0;
}

bool x_proc_exe_time(const struct fx *x, struct value *ret)
{
	uint64_t pidns = proc_pidns_start(x);

	if (x->which == PIDNS_START) {
		ret->u = fx_wall(x, pidns);
		return pidns;
	}
	if (!x->proc)
		return false;
	uint64_t ctime_ns = x->proc->exe_ino_ctime;

	switch (x->which) {
	case EXE_CTIME: ret->u = ctime_ns; return true;
	case EXE_MTIME: ret->u = x->proc->exe_ino_mtime; return true;
	case EXE_CTIME_TO_START:
		ret->u = fx_wall(x, x->proc->clone_ns) - ctime_ns;
		return ctime_ns && x->proc->clone_ns && fx_wall(x, x->proc->clone_ns) >= ctime_ns;
	case EXE_PIDNS_TO_CTIME:
		ret->u = ctime_ns - fx_wall(x, pidns);
		return pidns && ctime_ns >= fx_wall(x, pidns);
	default: return false;
	}
}

/* Kind or name of the descriptor that the event is about. */
static bool stdio_text(const struct fx *x, struct value *ret)
{
	if (!fd_kind(x->ev))
		return false;
	ret->s = x->which & 4 ? fd_name(x) : fd_kind_word(x->ev, fd_kind(x->ev));
	return true;
}

/* The event knows its own descriptor; the others are read as if they had just been made by a dup. */
bool x_proc_stdio(const struct fx *x, struct value *ret)
{
	unsigned num = x->which & 3;

	if (fd_available(x->ev) && fd_number(x->ev) == num && fd_kind(x->ev))
		return stdio_text(x, ret);
	struct str block = x->proc ? x->proc->stdio[num] : (struct str){ 0 };

	if (block.len < sizeof(struct rec_fd))
		return false;
	struct event as_dup = {
		.hdr = x->ev->hdr,
		.info = event_info(EV_SYSCALL_DUP_1_X),
		.fd = (const struct rec_fd *)(const void *)block.ptr,
		.path = str_skip(block, sizeof(struct rec_fd)),
		.proc = x->ev->proc,
	};
	struct fx y = *x;

	y.ev = &as_dup;
	return stdio_text(&y, ret);
}
