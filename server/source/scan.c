/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two passes: the first reads pid, parent and start of everything, so that the second can go in an order
 * with parents first. The files of a process are opened below a descriptor of its directory, which stays
 * with that process even if the number is given to another one.
 */
#include "source/scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/limits.h"
#include "base/vec.h"
#include "event/event.h"
#include "source/proc_stat.h"

enum {
	MAX_FILE = 1 << 20, /* status of a process with many groups; anything larger is refused */
	EXE_WRITABLE = 1,   /* execve_flags of flags.def */
	EXE_FROM_MEMFD = 4,
};

struct entry {
	uint32_t pid, ppid;
	uint64_t start_ns;
	bool done;
};

struct scan {
	int root;
	uint64_t tick_ns;
	VEC(struct entry) entries; /* sorted by pid */
	struct record_builder *b;
	struct strbuf text, status, exe, cwd, rootdir, cmdline, env, cgroups;
	record_fn fn;
	void *ctx;
};

static int read_at(int dir, const char *name, size_t max, struct strbuf *out)
{
	_cleanup_(closep) int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

	strbuf_clear(out);
	return fd < 0 ? -errno : io_read_fd(fd, max, out);
}

/* The target of a link; empty when it may not be read. */
static void read_link(int dir, const char *name, struct strbuf *out)
{
	strbuf_clear(out);
	char *room = strbuf_room(out, LIMIT_PATH);
	ssize_t n = room ? readlinkat(dir, name, room, LIMIT_PATH) : -1;

	if (n > 0)
		out->len = (size_t)n;
}

static uint64_t number(struct str s)
{
	uint64_t v = 0;

	return str_to_u64(str_trim(s), &v) == 0 ? v : 0;
}

static int open_process(const struct scan *s, uint32_t pid)
{
	char name[16];

	snprintf(name, sizeof(name), "%u", pid);
	int fd = openat(s->root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int list_process(struct scan *s, uint32_t pid)
{
	_cleanup_(closep) int dir = open_process(s, pid);
	struct proc_stat line;

	if (dir < 0 || read_at(dir, "stat", MAX_FILE, &s->text) < 0 ||
	    !proc_stat_parse(strbuf_str(&s->text), &line))
		return 0;
	return vec_push(&s->entries, ((struct entry){ .pid = pid,
						      .ppid = line.ppid,
						      .start_ns = line.start_ticks * s->tick_ns }));
}

/* Calls each with every name in the directory that is a number. fd is taken over. */
static int each_number(int fd, int (*each)(struct scan *s, uint32_t n), struct scan *s)
{
	_cleanup_(closedirp) DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int r = 0;

	if (!d) {
		r = -errno;
		if (fd >= 0)
			close(fd);
		return r;
	}
	while (r >= 0 && (entry = readdir(d))) {
		uint64_t n;

		if (str_to_u64(str_of(entry->d_name), &n) == 0 && n > 0 && n < UINT32_MAX)
			r = each(s, (uint32_t)n);
	}
	return r;
}

static int by_pid(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

static struct entry *find_entry(struct scan *s, uint32_t pid)
{
	struct entry key = { .pid = pid };

	return s->entries.n ? bsearch(&key, s->entries.items, s->entries.n, sizeof(key), by_pid)
			    : NULL;
}

/* The rest of the line of /proc/PID/status that starts with `key`; empty when there is none. */
static struct str status_line(const struct scan *s, struct str key)
{
	struct str rest = strbuf_str(&s->status), line;

	while (str_split(&rest, '\n', &line))
		if (str_starts(line, key))
			return str_trim(str_skip(line, key.len));
	return (struct str){ 0 };
}

/* Field n of a line, from 0; the last one for SIZE_MAX. */
static uint64_t status_number(const struct scan *s, struct str key, size_t n)
{
	struct str rest = status_line(s, key), part, last = { 0 };

	for (size_t i = 0; i <= n && str_split(&rest, '\t', &part); i++)
		last = part;
	return number(str_cut(last, str_chr(last, ' ')));
}

static uint64_t status_hex(const struct scan *s, struct str key)
{
	struct str text = status_line(s, key);
	uint64_t v = 0;

	for (size_t i = 0; i < text.len && i < 16; i++) {
		char c = text.ptr[i];

		v = v << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return v;
}

/* "mnt:[4026531841]" */
static uint32_t namespace(struct scan *s, int dir, const char *name)
{
	read_link(dir, name, &s->text);
	struct str text = strbuf_str(&s->text);

	text = str_skip(text, str_chr(text, '[') + 1);
	return (uint32_t)number(str_cut(text, str_chr(text, ']')));
}

static uint32_t read_loginuid(struct scan *s, int dir)
{
	if (read_at(dir, "loginuid", MAX_FILE, &s->text) < 0)
		return UINT32_MAX;
	return (uint32_t)number(strbuf_str(&s->text));
}

static uint64_t read_fdlimit(struct scan *s, int dir)
{
	struct str rest, line;

	if (read_at(dir, "limits", MAX_FILE, &s->text) < 0)
		return 0;
	rest = strbuf_str(&s->text);
	while (str_split(&rest, '\n', &line)) {
		if (!str_starts(line, STR("Max open files")))
			continue;
		line = str_trim(str_skip(line, strlen("Max open files")));
		return number(str_cut(line, str_chr(line, ' ')));
	}
	return 0;
}

/* "4:cpu,cpuacct:/a" becomes "cpu=/a" and "cpuacct=/a"; "0::/a" becomes "=/a", as the probe tells it. */
static void read_cgroups(struct scan *s, int dir)
{
	struct str rest, line, name;

	strbuf_clear(&s->cgroups);
	if (read_at(dir, "cgroup", MAX_FILE, &s->text) < 0)
		return;
	rest = strbuf_str(&s->text);
	while (str_split(&rest, '\n', &line)) {
		struct str names = str_skip(line, str_chr(line, ':') + 1);
		size_t colon = str_chr(names, ':');
		struct str path = str_skip(names, colon + 1);

		if (!path.len)
			continue;
		names = str_cut(names, colon);
		if (str_starts(names, STR("name=")))
			names = str_skip(names, strlen("name="));
		do {
			if (!str_split(&names, ',', &name))
				name = (struct str){ 0 };
			strbuf_add(&s->cgroups, name);
			strbuf_addc(&s->cgroups, '=');
			strbuf_add(&s->cgroups, path);
			strbuf_addc(&s->cgroups, '\0');
		} while (names.len);
	}
}

static void read_ident(struct scan *s, int dir, const struct entry *e, struct rec_ident *ret)
{
	const struct entry *parent = find_entry(s, e->ppid);
	struct rec_ident who = {
		.pid = e->pid,
		.tid = e->pid,
		.start_ns = e->start_ns,
		.ppid = parent ? e->ppid : 0,
		.parent_start_ns = parent ? parent->start_ns : 0,
		.uid = (uint32_t)status_number(s, STR("Uid:"), 1),
		.gid = (uint32_t)status_number(s, STR("Gid:"), 1),
		.vpid = (uint32_t)status_number(s, STR("NSpid:"), SIZE_MAX),
		.loginuid = read_loginuid(s, dir),
		.mnt_ns = namespace(s, dir, "ns/mnt"),
		.pid_ns = namespace(s, dir, "ns/pid"),
	};

	if (!who.vpid)
		who.vpid = e->pid;
	who.vtid = who.vpid;
	if (read_at(dir, "comm", MAX_FILE, &s->text) == 0) {
		struct str comm = strbuf_str(&s->text);

		if (comm.len && comm.ptr[comm.len - 1] == '\n')
			comm.len--;
		comm = str_cut(comm, sizeof(who.comm) - 1);
		memcpy(who.comm, comm.ptr, comm.len);
	}
	*ret = who;
}

static bool may_write(const struct stat *st, const struct rec_ident *who, uint64_t cap_effective)
{
	enum { CAP_DAC_OVERRIDE = 1 };

	if (cap_effective >> CAP_DAC_OVERRIDE & 1)
		return true;
	if (who->uid == st->st_uid)
		return st->st_mode & 0200;
	return st->st_mode & (who->gid == st->st_gid ? 0020 : 0002);
}

static uint64_t stamp(struct timespec t)
{
	return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

/* The executable's inode and flags, in the order of TASK_SCAN's parameters but one. */
static uint32_t put_exe(struct scan *s, int dir, const struct rec_ident *who, uint64_t caps)
{
	bool memfd = str_starts(strbuf_str(&s->exe), STR("/memfd:"));
	struct stat st;

	if (!s->exe.len || fstatat(dir, "exe", &st, 0) < 0) {
		for (int i = 0; i < 3; i++)
			record_u64(s->b, 0);
		return 0;
	}
	record_u64(s->b, st.st_ino);
	record_u64(s->b, stamp(st.st_ctim));
	record_u64(s->b, stamp(st.st_mtim));
	return (may_write(&st, who, caps) ? EXE_WRITABLE : 0U) | (memfd ? EXE_FROM_MEMFD : 0U);
}

static void read_texts(struct scan *s, int dir)
{
	/* More than we keep is refused by the reader, and the beginning kept all the same. */
	read_at(dir, "cmdline", LIMIT_ARGS, &s->cmdline);
	read_at(dir, "environ", LIMIT_ARGS, &s->env);
	read_link(dir, "exe", &s->exe);
	read_link(dir, "cwd", &s->cwd);
	read_link(dir, "root", &s->rootdir);
	read_cgroups(s, dir);
}

static void put_texts(struct scan *s)
{
	static const struct str deleted = STR(" (deleted)");
	struct str all = str_cut(strbuf_str(&s->cmdline), LIMIT_ARGS);
	struct str exepath = strbuf_str(&s->exe), exe = str_cut(all, str_chr(all, '\0'));

	if (str_ends(exepath, deleted))
		exepath.len -= deleted.len;
	/* As the kernel side says it, which sees no root above such a file. */
	if (str_starts(exepath, STR("/memfd:")))
		exepath = str_skip(exepath, 1);
	struct str args = str_skip(all, exe.len + 1);

	record_str(s->b, exe);
	record_param(s->b, args.ptr ? args.ptr : "", args.len);
	record_str(s->b, str_cut(strbuf_str(&s->env), LIMIT_ARGS));
	record_str(s->b, strbuf_str(&s->cwd));
	record_str(s->b, exepath);
	record_str(s->b, str_cut(strbuf_str(&s->cgroups), 2 * LIMIT_PATH));
}

static void emit(struct scan *s)
{
	const struct rec_hdr *rec = record_end(s->b);

	if (rec)
		s->fn(rec, s->ctx);
}

static int emit_thread(struct scan *s, uint32_t tid)
{
	struct rec_ident who = s->b->hdr.who;

	if (tid == who.pid)
		return 0;
	record_begin(s->b, EV_TASK_FORK, clock_boot_ns(), &who);
	record_i64(s->b, tid);
	record_i64(s->b, who.pid);
	record_u64(s->b, who.start_ns);
	emit(s);
	return 0;
}

static void emit_process(struct scan *s, const struct entry *e)
{
	_cleanup_(closep) int dir = open_process(s, e->pid);
	struct proc_stat line;
	struct rec_ident who;

	if (dir < 0 || read_at(dir, "status", MAX_FILE, &s->status) < 0 ||
	    read_at(dir, "stat", MAX_FILE, &s->text) < 0 ||
	    !proc_stat_parse(strbuf_str(&s->text), &line) ||
	    line.start_ticks * s->tick_ns != e->start_ns)
		return;
	/* A zombie has had its exit event; only a main thread may be one and have others living on. */
	if (line.state == 'Z' && status_number(s, STR("Threads:"), 0) <= 1)
		return;
	uint64_t caps = status_hex(s, STR("CapEff:"));
	/* 0 for a group that began outside of the namespace; the line came with 4.1. */
	uint64_t vpgid = status_line(s, STR("NSpgid:")).len
				 ? status_number(s, STR("NSpgid:"), SIZE_MAX)
				 : line.pgid;

	read_ident(s, dir, e, &who);
	read_texts(s, dir);
	record_begin(s->b, EV_TASK_SCAN, clock_boot_ns(), &who);
	put_texts(s);
	record_u32(s->b, line.tty);
	record_i64(s->b, line.sid);
	record_i64(s->b, line.pgid);
	record_i64(s->b, (int64_t)vpgid);
	record_u64(s->b, status_hex(s, STR("CapInh:")));
	record_u64(s->b, status_hex(s, STR("CapPrm:")));
	record_u64(s->b, caps);
	record_u32(s->b, put_exe(s, dir, &who, caps));
	record_u64(s->b, read_fdlimit(s, dir));
	record_u32(s->b, (uint32_t)status_number(s, STR("VmSize:"), 0));
	record_u32(s->b, (uint32_t)status_number(s, STR("VmRSS:"), 0));
	record_u32(s->b, (uint32_t)status_number(s, STR("VmSwap:"), 0));
	record_str(s->b, strbuf_str(&s->rootdir));
	emit(s);
	if (status_number(s, STR("Threads:"), 0) > 1)
		each_number(openat(dir, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC), emit_thread,
			    s);
}

/* Climbs from each process to the highest ancestor not yet done, and comes back down. */
static int emit_all(struct scan *s)
{
	VEC(struct entry *) chain = { 0 };
	int r = 0;

	vec_foreach (e, &s->entries) {
		for (struct entry *up = e; up && !up->done && r == 0;
		     up = find_entry(s, up->ppid)) {
			up->done = true;
			r = vec_push(&chain, up);
		}
		while (chain.n)
			emit_process(s, chain.items[--chain.n]);
		if (r < 0)
			break;
	}
	vec_done(&chain);
	return r;
}

static int scan_all(struct scan *s)
{
	int r = each_number(dup(s->root), list_process, s);

	if (r < 0)
		return r;
	if (s->entries.n)
		qsort(s->entries.items, s->entries.n, sizeof(s->entries.items[0]), by_pid);
	r = emit_all(s);
	if (r < 0)
		return r;
	record_begin(s->b, EV_SCAN_END, clock_boot_ns(), NULL);
	emit(s);
	return 0;
}

int scan_proc(const char *proc_root, record_fn fn, void *ctx)
{
	_cleanup_(closep) int root = open(proc_root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(freep) struct record_builder *b = malloc(sizeof(*b));
	long hz = sysconf(_SC_CLK_TCK);
	struct scan s = { .root = root, .b = b, .fn = fn, .ctx = ctx };

	if (root < 0)
		return -errno;
	if (!b)
		return -ENOMEM;
	s.tick_ns = NS_PER_SEC / (hz > 0 ? (uint64_t)hz : 100);
	int r = scan_all(&s);
	struct strbuf *bufs[] = { &s.text,    &s.status,  &s.exe, &s.cwd,
				  &s.rootdir, &s.cmdline, &s.env, &s.cgroups };

	for (size_t i = 0; i < ARRAY_SIZE(bufs); i++)
		strbuf_done(bufs[i]);
	vec_done(&s.entries);
	return r;
}
