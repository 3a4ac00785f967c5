/* SPDX-License-Identifier: Apache-2.0 */
/* Process trees told by synthetic records, compared with a plain model where there is chance in them. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/vec.h"
#include "feed.h"
#include "state/container.h"
#include "state/state.h"

static struct record_builder builder;
static uint64_t now_ns;

enum { MS = 1000000 };

/* pid P starts at P * 1.000001 ms unless told otherwise. */
static uint64_t start_of(uint32_t pid)
{
	return (uint64_t)pid * MS + pid;
}

static struct rec_ident ident(uint32_t pid, uint32_t ppid)
{
	return (struct rec_ident){ .start_ns = start_of(pid),
				   .parent_start_ns = ppid ? start_of(ppid) : 0,
				   .pid = pid,
				   .tid = pid,
				   .ppid = ppid,
				   .vpid = pid,
				   .vtid = pid,
				   .loginuid = UINT32_MAX,
				   .mnt_ns = 1,
				   .pid_ns = 2,
				   .comm = "comm" };
}

static void begin(uint16_t type, struct rec_ident who)
{
	record_begin(&builder, type, ++now_ns, &who);
}

static const struct proc *feed(struct state *s)
{
	return feed_built(s, &builder);
}

static void feed_fork(struct state *s, struct rec_ident who, uint32_t tid, uint32_t pid,
		      uint64_t start_ns, uint32_t ppid, uint64_t pstart_ns)
{
	begin(EV_TASK_FORK, who);
	record_i64(&builder, tid);
	record_i64(&builder, pid);
	record_u64(&builder, start_ns);
	record_i64(&builder, tid);
	record_i64(&builder, pid);
	record_i64(&builder, ppid);
	record_u64(&builder, pstart_ns);
	record_u64(&builder, 0);
	feed(s);
}

static void forks(struct state *s, struct rec_ident who, uint32_t pid)
{
	feed_fork(s, who, pid, pid, start_of(pid), who.pid, who.start_ns);
}

static void spawns_thread(struct state *s, struct rec_ident who, uint32_t tid)
{
	feed_fork(s, who, tid, who.pid, who.start_ns, who.ppid, who.parent_start_ns);
}

static const struct proc *execs(struct state *s, struct rec_ident who, const char *exe)
{
	static const char args[] = "-c\0ls";

	begin(EV_SYSCALL_EXECVE_19_X, who);
	record_i64(&builder, 0);
	record_str(&builder, str_of(exe));
	record_param(&builder, args, sizeof(args));
	record_i64(&builder, who.tid);
	record_i64(&builder, who.pid);
	record_i64(&builder, who.ppid);
	record_str(&builder, STR("/srv/"));
	record_u64(&builder, 1024);
	record_u64(&builder, 1);
	record_u64(&builder, 2);
	record_u32(&builder, 3);
	record_u32(&builder, 4);
	record_u32(&builder, 5);
	record_str(&builder, STR("newcomm"));
	record_str(&builder,
		   STR("cpu=/docker/"
		       "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"));
	record_str(&builder, STR("A=b"));
	record_u32(&builder, 34816);
	record_i64(&builder, 7);
	record_u32(&builder, 1000);
	record_u32(&builder, 4);
	record_u64(&builder, 0x10);
	record_u64(&builder, 0x20);
	record_u64(&builder, 0x30);
	record_u64(&builder, 99);
	record_u64(&builder, 100);
	record_u64(&builder, 101);
	record_u32(&builder, 0);
	record_str(&builder, STR("/usr/bin/tool"));
	record_i64(&builder, 8);
	record_u32(&builder, 0);
	return feed(s);
}

static void exits(struct state *s, struct rec_ident who, int64_t reaper)
{
	begin(EV_PROCEXIT_1_E, who);
	record_i64(&builder, 0);
	record_i64(&builder, 0);
	record_param(&builder, "\0", 1);
	record_param(&builder, "\0", 1);
	record_i64(&builder, reaper);
	feed(s);
}

static const struct proc *acts(struct state *s, struct rec_ident who)
{
	begin(EV_SYSCALL_CLOSE_X, who);
	return feed(s);
}

static const struct proc *parent_of(struct state *s, uint32_t pid)
{
	const struct proc *p = state_proc(s, pid);

	assert_non_null(p);
	return p->parent;
}

static void wanted_parent(struct state *s, uint32_t pid, uint32_t parent)
{
	const struct proc *p = parent_of(s, pid);

	assert_int_equal(p ? p->id.pid : 0, parent);
}

static void identity_is_enough(void **state)
{
	struct state *s = state_new(LIMIT_THREADS);
	struct state_counters c;
	const struct proc *p = acts(s, ident(50, 40));

	assert_non_null(p);
	assert_false(p->complete);
	assert_true(str_eqz(p->comm, "comm"));
	assert_int_equal(p->parent->id.pid, 40);
	assert_null(p->parent->parent);
	assert_ptr_equal(state_proc(s, 50), p);
	assert_ptr_equal(state_thread(s, 50), p);
	state_counters(s, &c);
	assert_int_equal(c.created_late, 2);
	assert_int_equal(c.processes, 2);
	/* Nothing happened in a process: pid 0. */
	assert_null(acts(s, (struct rec_ident){ 0 }));
	assert_null(state_free(s));
}

static void exec_replaces_the_image(void **state)
{
	struct state *s = state_new(LIMIT_THREADS);

	forks(s, ident(1, 0), 10);
	assert_int_equal(state_proc(s, 10)->exec_ns, start_of(10));
	const struct proc *p = execs(s, ident(10, 1), "tool");

	assert_true(p->complete);
	assert_true(str_eqz(p->exe, "tool"));
	assert_true(str_eq(p->args, STR("-c\0ls\0")));
	assert_true(str_eqz(p->env, "A=b"));
	assert_true(str_eqz(p->cwd, "/srv"));
	assert_true(str_eqz(p->exepath, "/usr/bin/tool"));
	assert_true(str_eqz(p->comm, "newcomm"));
	assert_true(str_eqz(p->exe_comm, "newcomm"));
	assert_true(str_eqz(p->container_id, "0123456789ab"));
	assert_int_equal(p->tty, 34816);
	assert_int_equal(p->id.loginuid, 1000);
	assert_int_equal(p->cap_effective, 0x30);
	assert_int_equal(p->exec_ns, now_ns);
	assert_int_equal(p->pgid, 8);
	/* A child has all of it; a failed exec changes nothing. */
	forks(s, ident(10, 1), 11);
	const struct proc *child = state_proc(s, 11);

	assert_true(str_eqz(child->exepath, "/usr/bin/tool"));
	assert_true(str_eqz(child->container_id, "0123456789ab"));
	assert_int_equal(child->exec_ns, start_of(11));
	assert_ptr_equal(child->parent, p);
	begin(EV_SYSCALL_EXECVE_19_X, ident(11, 10));
	record_i64(&builder, -2);
	record_str(&builder, STR("nothing"));
	feed(s);
	assert_true(str_eqz(child->exe, "tool"));
	begin(EV_TASK_RENAME, ident(11, 10));
	record_str(&builder, STR("renamed"));
	feed(s);
	assert_true(str_eqz(child->comm, "renamed"));
	assert_true(str_eqz(child->exe_comm, "newcomm"));
	begin(EV_SYSCALL_CHDIR_X, ident(11, 10));
	record_i64(&builder, 0);
	record_extra(&builder, REC_X_CWD, "/", 1);
	feed(s);
	assert_true(str_eqz(child->cwd, "/"));
	assert_true(str_eqz(p->cwd, "/srv"));
	begin(EV_SYSCALL_SETSID_X, ident(11, 10));
	record_i64(&builder, 11);
	feed(s);
	assert_int_equal(child->sid, 11);
	assert_int_equal(child->pgid, 11);
	state_free(s);
}

static void fork_parents_are_exact(void **state)
{
	struct state *s = state_new(LIMIT_THREADS);

	forks(s, ident(1, 0), 10);
	forks(s, ident(10, 1), 20);
	/* CLONE_PARENT: the maker's sibling. */
	feed_fork(s, ident(20, 10), 21, 21, start_of(21), 10, start_of(10));
	wanted_parent(s, 20, 10);
	wanted_parent(s, 21, 10);
	/* Made by a thread that is not the main one. */
	spawns_thread(s, ident(20, 10), 22);
	struct rec_ident thread = ident(20, 10);

	thread.tid = 22;
	forks(s, thread, 30);
	wanted_parent(s, 30, 20);
	assert_int_equal(state_thread(s, 22)->id.pid, 20);
	assert_null(state_proc(s, 22));
	/* A record of the child that overtook the fork. */
	acts(s, ident(31, 20));
	assert_int_equal(execs(s, ident(20, 10), "x")->nthreads, 1);
	assert_null(state_thread(s, 22));
	forks(s, ident(20, 10), 31);
	assert_true(state_proc(s, 31)->complete);
	wanted_parent(s, 31, 20);
	state_free(s);
}

static void children_go_to_the_reaper(void **state)
{
	struct state *s = state_new(LIMIT_THREADS);

	forks(s, ident(1, 0), 10);
	forks(s, ident(10, 1), 20);
	forks(s, ident(20, 10), 30);
	forks(s, ident(20, 10), 31);
	/* A subreaper, then, without a word, init; then the child's own record tells otherwise. */
	exits(s, ident(20, 10), 10);
	wanted_parent(s, 30, 10);
	wanted_parent(s, 31, 10);
	assert_null(state_proc(s, 20));
	exits(s, ident(10, 1), 0);
	wanted_parent(s, 30, 1);
	acts(s, ident(30, 31));
	wanted_parent(s, 30, 31);
	/* A straggler of the dead one: seen as exited, does not come back to life. */
	begin(EV_SYSCALL_CLOSE_X, ident(20, 10));
	builder.hdr.ts_ns = 1;
	const struct proc *late = feed(s);

	assert_int_equal(late->id.pid, 20);
	assert_true(late->exited);
	assert_null(state_proc(s, 20));
	/* Its forks are adopted at once. */
	begin(EV_TASK_FORK, ident(20, 10));
	builder.hdr.ts_ns = 1;
	record_i64(&builder, 33);
	record_i64(&builder, 33);
	record_u64(&builder, start_of(33));
	feed(s);
	wanted_parent(s, 33, 1);
	state_free(s);
}

static void groups_end_with_their_last_thread(void **state)
{
	struct state *s = state_new(LIMIT_THREADS);
	struct rec_ident second = ident(10, 1);

	second.tid = 11;
	forks(s, ident(1, 0), 10);
	spawns_thread(s, ident(10, 1), 11);
	assert_int_equal(state_proc(s, 10)->nthreads, 2);
	exits(s, ident(10, 1), 11);
	assert_non_null(state_proc(s, 10));
	assert_null(state_thread(s, 99));
	exits(s, second, 1);
	assert_null(state_proc(s, 10));
	assert_null(state_thread(s, 11));
	/* The second thread executes: the first exits, and the second lives on with its number. */
	forks(s, ident(1, 0), 20);
	spawns_thread(s, ident(20, 1), 21);
	exits(s, ident(20, 1), 21);
	const struct proc *p = execs(s, ident(20, 1), "new");

	assert_ptr_equal(state_proc(s, 20), p);
	assert_ptr_equal(state_thread(s, 20), p);
	assert_null(state_thread(s, 21));
	assert_int_equal(p->nthreads, 1);
	/* The same with a second thread we had never heard of. */
	forks(s, ident(1, 0), 30);
	exits(s, ident(30, 1), 0);
	assert_null(state_proc(s, 30));
	p = execs(s, ident(30, 1), "new");
	assert_ptr_equal(state_proc(s, 30), p);
	assert_false(p->exited);
	wanted_parent(s, 30, 1);
	exits(s, ident(30, 1), 0);
	assert_null(state_proc(s, 30));
	state_free(s);
}

static void numbers_are_used_again(void **state)
{
	struct state *s = state_new(LIMIT_THREADS);
	struct rec_ident again = ident(20, 10);

	forks(s, ident(1, 0), 10);
	forks(s, ident(10, 1), 20);
	forks(s, ident(20, 10), 30);
	/* 20 exits unseen; another 20 is born. */
	again.start_ns += 500 * MS;
	feed_fork(s, ident(10, 1), 20, 20, again.start_ns, 10, start_of(10));
	assert_int_equal(state_proc(s, 20)->id.start_ns, again.start_ns);
	wanted_parent(s, 30, 1);
	/* The child's record still names the old 20, which exited. */
	acts(s, ident(30, 20));
	wanted_parent(s, 30, 1);
	/* A /proc scan has ticks of 10 ms. */
	struct rec_ident coarse = ident(40, 1);

	coarse.start_ns = 40 * MS;
	acts(s, coarse);
	const struct proc *p = state_proc(s, 40);

	acts(s, ident(40, 1));
	assert_ptr_equal(state_proc(s, 40), p);
	assert_int_equal(p->id.start_ns, start_of(40));
	acts(s, coarse);
	assert_ptr_equal(state_proc(s, 40), p);
	/* A thread number taken over by another process: the old owner had ended. */
	spawns_thread(s, ident(30, 1), 50);
	spawns_thread(s, ident(40, 1), 50);
	assert_int_equal(state_thread(s, 50)->id.pid, 40);
	state_free(s);
}

static void circles_are_refused(void **state)
{
	struct state *s = state_new(LIMIT_THREADS);

	acts(s, ident(10, 20));
	acts(s, ident(20, 30));
	acts(s, ident(30, 10));
	acts(s, ident(40, 40));
	unsigned steps = 0;

	for (const struct proc *p = state_proc(s, 30); p; p = p->parent)
		assert_true(++steps < 5);
	wanted_parent(s, 40, 0);
	state_free(s);
}

static void the_quota_holds(void **state)
{
	struct state *s = state_new(8);
	struct state_counters c;

	forks(s, ident(1, 0), 2);
	for (uint32_t pid = 10; pid < 60; pid++)
		forks(s, ident(2, 1), pid);
	state_counters(s, &c);
	assert_true(c.threads <= 8 && c.processes <= 8);
	assert_true(c.evicted >= 40);
	assert_non_null(state_proc(s, 59));
	assert_non_null(state_proc(s, 2));
	assert_null(state_proc(s, 10));
	for (uint32_t tid = 100; tid < 120; tid++) {
		begin(EV_TASK_FORK, ident(2, 1));
		record_i64(&builder, tid);
		record_i64(&builder, 2);
		const struct rec_hdr *rec = record_end(&builder);
		struct event e;

		assert_int_equal(event_decode(rec, rec->len, &e), 0);
		int r = state_before(s, &e);

		assert_true(r == 0 || r == -ENOMEM);
	}
	state_counters(s, &c);
	assert_true(c.threads <= 8);
	state_free(s);
	s = state_new(1);
	acts(s, ident(10, 20));
	state_free(s);
}

static void feed_user(struct state *s, const char *container, uint32_t uid, const char *name)
{
	begin(EV_USER_ENTRY, (struct rec_ident){ 0 });
	record_str(&builder, str_of(container));
	record_u32(&builder, uid);
	record_u32(&builder, 100);
	record_str(&builder, str_of(name));
	record_str(&builder, STR("/home/x"));
	record_str(&builder, STR("/bin/sh"));
	feed(s);
}

static void accounts_are_per_container(void **state)
{
	struct state *s = state_new(LIMIT_THREADS);

	feed_user(s, "", 5, "games");
	feed_user(s, "c1", 5, "other");
	feed_user(s, "", 5, "renamed");
	begin(EV_GROUP_ENTRY, (struct rec_ident){ 0 });
	record_str(&builder, STR(""));
	record_u32(&builder, 7);
	record_str(&builder, STR("lp"));
	feed(s);
	assert_true(str_eqz(state_user(s, STR(""), 5)->name, "renamed"));
	assert_true(str_eqz(state_user(s, (struct str){ 0 }, 5)->home, "/home/x"));
	assert_true(str_eqz(state_user(s, STR("c1"), 5)->name, "other"));
	assert_null(state_user(s, STR("c2"), 5));
	assert_null(state_user(s, STR(""), 6));
	assert_true(str_eqz(state_group(s, STR(""), 7)->name, "lp"));
	state_free(s);
}

static void notice(struct state *s, uint16_t type, uint32_t uid, const char *name)
{
	begin(type, (struct rec_ident){ 0 });
	record_u32(&builder, uid);
	record_u32(&builder, uid);
	record_str(&builder, str_of(name));
	record_str(&builder, STR(""));
	record_str(&builder, (struct str){ 0 });
	record_str(&builder, STR(""));
	feed(s);
}

static void accounts_come_and_go(void **state)
{
	struct state *s = state_new(LIMIT_THREADS);

	notice(s, EV_USER_ADDED_E, 5, "new");
	assert_true(str_eqz(state_user(s, STR(""), 5)->name, "new"));
	assert_non_null(state_user(s, STR(""), 5)->home.ptr);
	assert_null(state_user(s, STR(""), 5)->shell.ptr);
	notice(s, EV_USER_DELETED_E, 6, "nobody");
	assert_non_null(state_user(s, STR(""), 5));
	notice(s, EV_USER_DELETED_E, 5, "new");
	assert_null(state_user(s, STR(""), 5));
	begin(EV_GROUP_ADDED_E, (struct rec_ident){ 0 });
	record_u32(&builder, 7);
	record_str(&builder, STR("lp"));
	record_str(&builder, STR(""));
	feed(s);
	assert_true(str_eqz(state_group(s, STR(""), 7)->name, "lp"));
	begin(EV_GROUP_DELETED_E, (struct rec_ident){ 0 });
	record_u32(&builder, 7);
	record_str(&builder, STR("lp"));
	record_str(&builder, STR(""));
	feed(s);
	assert_null(state_group(s, STR(""), 7));
	state_free(s);
}

static const struct proc *with_caps(struct state *s, uint16_t type, uint64_t permitted)
{
	const uint64_t caps[] = { 1, permitted, 3 };

	begin(type, ident(9, 1));
	record_i64(&builder, 0);
	record_extra(&builder, REC_X_CAPS, caps, sizeof(caps));
	const struct rec_hdr *rec = record_end(&builder);
	static struct event e;

	assert_int_equal(event_decode(rec, rec->len, &e), 0);
	assert_int_equal(state_before(s, &e), 0);
	return e.proc;
}

static void capabilities_follow_users_and_namespaces(void **state)
{
	struct state *s = state_new(LIMIT_THREADS);
	const struct proc *p = with_caps(s, EV_SYSCALL_SETRESUID_X, 0xf0);

	assert_int_equal(p->cap_permitted, 0xf0);
	assert_int_equal(p->cap_inheritable, 1);
	assert_int_equal(p->cap_effective, 3);
	/* Rules ask what it could do when it asked for the namespace. */
	p = with_caps(s, EV_SYSCALL_UNSHARE_X, 0xff);
	assert_int_equal(p->cap_permitted, 0xf0);
	begin(EV_SYSCALL_UNSHARE_X, ident(9, 1));
	record_i64(&builder, 0);
	record_extra(&builder, REC_X_CAPS, (uint64_t[]){ 1, 0xff, 3 }, 24);
	assert_int_equal(feed(s)->cap_permitted, 0xff);
	state_free(s);
}

/* What an exec tells of descriptors 0 to 2; a child has them too, and a snapshot. */
static void stdio(struct state *s, uint32_t pid, int64_t num, uint8_t kind, const char *path)
{
	const struct rec_fd fd = { .num = num, .kind = kind };

	begin(EV_SYSCALL_DUP2_X, ident(pid, 1));
	record_i64(&builder, num);
	record_i64(&builder, 5);
	record_i64(&builder, num);
	record_extra(&builder, REC_X_FD, &fd, sizeof(fd));
	if (path)
		record_extra(&builder, REC_X_PATH, path, strlen(path));
	feed(s);
}

static int keep_stdio(const struct rec_hdr *rec, void *ctx)
{
	struct event e;

	assert_int_equal(event_decode(rec, rec->len, &e), 0);
	state_before(ctx, &e);
	return 0;
}

static void assert_stdio(const struct state *s, uint32_t pid, unsigned num, char kind,
			 const char *path)
{
	struct str block = state_proc(s, pid)->stdio[num];
	const struct rec_fd *fd = (const struct rec_fd *)(const void *)block.ptr;

	if (!kind) {
		assert_int_equal(block.len, 0);
		return;
	}
	assert_true(block.len >= sizeof(*fd));
	assert_int_equal(fd->num, num);
	assert_int_equal(fd->kind, kind);
	assert_true(str_eqz(str_skip(block, sizeof(*fd)), path));
}

static void standard_descriptors_are_kept(void **state)
{
	struct state *s = state_new(LIMIT_THREADS), *copy = state_new(LIMIT_THREADS);

	stdio(s, 9, 0, '4', NULL);
	stdio(s, 9, 2, 'f', "/dev/null");
	stdio(s, 9, 3, 'f', "/not/kept");
	forks(s, ident(9, 1), 10);
	assert_int_equal(state_snapshot(s, 1, keep_stdio, copy), 0);
	for (uint32_t pid = 9; pid <= 10; pid++) {
		assert_stdio(s, pid, 0, '4', "");
		assert_stdio(s, pid, 1, 0, NULL);
		assert_stdio(s, pid, 2, 'f', "/dev/null");
		assert_stdio(copy, pid, 2, 'f', "/dev/null");
	}
	/* A new image whose record tells nothing has none of the old one's. */
	execs(s, ident(10, 9), "x");
	assert_stdio(s, 10, 0, 0, NULL);
	assert_stdio(s, 9, 0, '4', "");
	state_free(s);
	state_free(copy);
}

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void containers_are_told_from_paths(void **state)
{
	static const struct {
		const char *path, *wanted;
	} rows[] = {
		{ "/docker/" HEX, "0123456789ab" },
		{ "/system.slice/docker-" HEX ".scope", "0123456789ab" },
		{ "/machine.slice/libpod-" HEX ".scope", "0123456789ab" },
		{ "/machine.slice/libpod-" HEX ".scope/container", "0123456789ab" },
		{ "/user.slice/user-1.slice/libpod-payload-" HEX, "0123456789ab" },
		{ "/kubepods/burstable/pod8d/" HEX, "0123456789ab" },
		{ "/kubepods.slice/kubepods-pod1.slice/cri-containerd-" HEX ".scope",
		  "0123456789ab" },
		{ "/kubepods.slice/kubepods-pod1.slice/crio-" HEX ".scope", "0123456789ab" },
		{ "/kubepods/pod1/crio-" HEX, "0123456789ab" },
		{ "/kubepods.slice/x:cri-containerd:" HEX, "0123456789ab" },
		{ "/kubepods.slice/crio-conmon-" HEX ".scope", "" },
		{ "/lxc/web/init", "web" },
		{ "/lxc.payload.web/system.slice", "web" },
		{ "/lxc.payload/web", "web" },
		{ "/lxc.monitor.web", "" },
		{ "/machine.slice/machine-lxc\\x2d42\\x2dweb.scope", "web" },
		{ "/libvirt/lxc/web", "web" },
		{ "/machine/web.libvirt-lxc", "web" },
		{ "/system.slice/bpm-job.scope", "job" },
		{ "/default/mycontainername", "mycontainern" },
		{ "/moby/web", "web" }, /* doubtful, see below */
		{ "/a/b/c", "" },
		{ "/docker/" HEX "/system.slice/cron.service", "0123456789ab" },
		{ "/kubepods/besteffort/pod1/" HEX "/init.scope", "0123456789ab" },
		{ "/libpod_parent/libpod-" HEX, "0123456789ab" },
		{ "/k8s.io/" HEX, "0123456789ab" },
		{ "/machine.slice/machine-debian.scope", "" },
		{ "/machine.slice/systemd-nspawn@debian.service/payload", "" },
		{ "/default/x.service", "" },
		{ "/system.slice/cron.service", "" },
		{ "/user.slice/user-1000.slice/session-1.scope", "" },
		{ "/process_api/09c4bafc777462c6d5e1d660826adf2a", "09c4bafc7774" }, /* doubtful */
		{ "/a/docker/0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
		  "" },
		{ "/docker/1" HEX, "" },
		{ "/", "" },
		{ "", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[512];
		int n = snprintf(text, sizeof(text), "cpu=/%cmemory=%s%c", 0, rows[i].path, 0);

		struct container_ident ident = container_identify((struct str){ text, (size_t)n });

		assert_true(str_eqz(ident.id, rows[i].wanted));
		assert_int_equal(ident.doubtful,
				 ident.id.len && str_eqz(str_of(ident.type), "containerd") &&
					 ident.full_id.len < 64);
	}
}

/* Records of a snapshot, kept. */
static VEC(struct rec_hdr *) kept;

static int keep(const struct rec_hdr *rec, void *ctx)
{
	struct rec_hdr *copy = malloc(rec->len);

	assert_non_null(copy);
	memcpy(copy, rec, rec->len);
	assert_int_equal(vec_push(&kept, copy), 0);
	return 0;
}

static struct state *from_kept(void)
{
	struct state *s = state_new(LIMIT_THREADS);

	vec_foreach (rec, &kept) {
		struct event e;

		assert_int_equal(event_decode(*rec, (*rec)->len, &e), 0);
		assert_int_equal(state_before(s, &e), 0);
		state_after(s, &e);
		free(*rec);
	}
	kept.n = 0;
	return s;
}

static void snapshots_rebuild_the_state(void **state)
{
	struct state *s = state_new(LIMIT_THREADS);

	forks(s, ident(1, 0), 10);
	execs(s, ident(10, 1), "tool");
	spawns_thread(s, ident(10, 1), 12);
	begin(EV_TASK_RENAME, ident(10, 1));
	record_str(&builder, STR("renamed"));
	feed(s);
	forks(s, ident(10, 1), 20);
	forks(s, ident(20, 10), 21);
	acts(s, ident(500, 400));
	forks(s, ident(1, 0), 30);
	exits(s, ident(30, 1), 1);
	feed_user(s, "", 5, "games");
	assert_int_equal(state_snapshot(s, now_ns, keep, NULL), 0);
	assert_int_equal(kept.items[kept.n - 1]->type, EV_SCAN_END);
	struct state *again = from_kept();
	struct state_counters a, b;

	state_counters(s, &a);
	state_counters(again, &b);
	assert_int_equal(a.processes, b.processes);
	assert_int_equal(a.threads, b.threads);
	assert_int_equal(b.created_late, 0);
	const struct proc *p = state_proc(s, 10), *q = state_proc(again, 10);

	assert_memory_equal(&p->id.start_ns, &q->id.start_ns, sizeof(p->id) - sizeof(p->id.comm));
	assert_true(str_eq(q->args, p->args) && str_eq(q->env, p->env));
	assert_true(str_eq(q->exepath, p->exepath) && str_eq(q->cwd, p->cwd));
	assert_true(str_eq(q->container_id, p->container_id));
	assert_true(str_eqz(q->comm, "comm") || str_eqz(q->comm, "renamed"));
	assert_true(str_eq(q->comm, p->comm));
	assert_true(str_eqz(q->exe_comm, "newcomm"));
	assert_int_equal(p->exec_ns, q->exec_ns);
	assert_int_equal(p->exe_ino_mtime, q->exe_ino_mtime);
	assert_int_equal(state_thread(again, 12)->id.pid, 10);
	wanted_parent(again, 21, 20);
	wanted_parent(again, 500, 400);
	assert_false(state_proc(again, 400)->complete);
	assert_true(str_eqz(state_user(again, STR(""), 5)->name, "games"));
	assert_null(state_proc(again, 30));
	state_free(s);
	state_free(again);
	vec_done(&kept);
}

static void scans_do_not_undo_events(void **state)
{
	struct state *s = state_new(LIMIT_THREADS);

	acts(s, ident(5, 1));
	execs(s, ident(10, 1), "tool");
	for (uint32_t pid = 5; pid <= 10; pid += 5) {
		struct rec_ident who = ident(pid, 1);

		who.start_ns = pid * MS / (10 * MS) * (10 * MS);
		begin(EV_TASK_SCAN, who);
		record_str(&builder, STR("scanned"));
		record_str(&builder, STR(""));
		feed(s);
	}
	assert_true(str_eqz(state_proc(s, 5)->exe, "scanned"));
	assert_true(state_proc(s, 5)->complete);
	assert_int_equal(state_proc(s, 5)->id.start_ns, start_of(5));
	assert_true(str_eqz(state_proc(s, 10)->exe, "tool"));
	state_free(s);
}

/* A model of a machine: parent by index, 0 none. */
enum { PIDS = 64, STEPS = 20000 };

struct model {
	bool alive[PIDS];
	uint32_t parent[PIDS];
	uint64_t start[PIDS];
};

static uint32_t rng = 12345;

static uint32_t chance(uint32_t n)
{
	rng = rng * 1664525 + 1013904223;
	return (rng >> 8) % n;
}

static struct rec_ident model_ident(const struct model *m, uint32_t pid)
{
	struct rec_ident who = ident(pid, m->parent[pid]);

	who.start_ns = m->start[pid];
	who.parent_start_ns = m->parent[pid] ? m->start[m->parent[pid]] : 0;
	return who;
}

static void model_fork(struct state *s, struct model *m, uint32_t maker, uint32_t pid)
{
	bool sibling = maker != 1 && chance(8) == 0;
	struct rec_ident who = model_ident(m, maker);

	m->alive[pid] = true;
	m->parent[pid] = sibling ? m->parent[maker] : maker;
	m->start[pid] = now_ns * 1000 + 1;
	if (chance(16)) /* else the fork record was lost */
		feed_fork(s, who, pid, pid, m->start[pid], m->parent[pid],
			  m->start[m->parent[pid]]);
	else
		acts(s, model_ident(m, pid));
}

static void model_exit(struct state *s, struct model *m, uint32_t pid)
{
	struct rec_ident who = model_ident(m, pid);
	uint32_t reaper = chance(2) ? 1 : m->parent[pid];
	bool told = chance(4), lost = chance(16) == 0;

	m->alive[pid] = false;
	if (!lost)
		exits(s, who, told ? reaper : 0);
	for (uint32_t i = 2; i < PIDS; i++) {
		if (!m->alive[i] || m->parent[i] != pid)
			continue;
		m->parent[i] = reaper;
		if (!told || lost)
			acts(s, model_ident(m, i));
	}
}

static void model_compare(struct state *s, const struct model *m)
{
	for (uint32_t pid = 1; pid < PIDS; pid++) {
		const struct proc *p = state_proc(s, pid);

		if (!m->alive[pid])
			continue;
		assert_non_null(p);
		assert_int_equal(p->id.start_ns, m->start[pid]);
		assert_int_equal(p->parent ? p->parent->id.pid : 0, m->parent[pid]);
		assert_true(!p->parent || p->parent->id.start_ns == m->start[m->parent[pid]]);
		assert_true(!p->parent || !p->parent->exited);
	}
}

static void random_trees_agree_with_a_model(void **state)
{
	struct state *s = state_new(LIMIT_THREADS);
	struct model m = { .alive[1] = true, .start[1] = 1 };

	now_ns = 1000;
	acts(s, model_ident(&m, 1));
	for (unsigned i = 0; i < STEPS; i++) {
		uint32_t a = 1 + chance(PIDS - 1), b = 1 + chance(PIDS - 1);

		if (m.alive[a] && !m.alive[b])
			model_fork(s, &m, a, b);
		else if (a != 1 && m.alive[a] && chance(2))
			model_exit(s, &m, a);
		else if (m.alive[a])
			execs(s, model_ident(&m, a), chance(2) ? "one" : "two");
		if (i % 16 == 0)
			model_compare(s, &m);
	}
	struct state_counters c;

	state_counters(s, &c);
	assert_int_equal(c.added - c.removed, c.processes);
	assert_true(c.processes <= PIDS);
	state_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identity_is_enough),
		cmocka_unit_test(exec_replaces_the_image),
		cmocka_unit_test(fork_parents_are_exact),
		cmocka_unit_test(children_go_to_the_reaper),
		cmocka_unit_test(groups_end_with_their_last_thread),
		cmocka_unit_test(numbers_are_used_again),
		cmocka_unit_test(circles_are_refused),
		cmocka_unit_test(the_quota_holds),
		cmocka_unit_test(accounts_are_per_container),
		cmocka_unit_test(accounts_come_and_go),
		cmocka_unit_test(capabilities_follow_users_and_namespaces),
		cmocka_unit_test(standard_descriptors_are_kept),
		cmocka_unit_test(containers_are_told_from_paths),
		cmocka_unit_test(snapshots_rebuild_the_state),
		cmocka_unit_test(scans_do_not_undo_events),
		cmocka_unit_test(random_trees_agree_with_a_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
