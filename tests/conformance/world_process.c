/* SPDX-License-Identifier: Apache-2.0 */
/* Recorded cases about processes: trees, execs, threads. */
#include "base/cleanup.h"
#include "world_build.h"

static void ctx_execve(struct world *w)
{
	world_who(w, 1, 0, 1, "myexe");
	world_exec(w, &(struct exec){ .exe = "/usr/bin/myexe", .comm = "myexe", .cwd = "" });
}

static void ctx_spawn(struct world *w)
{
	static const struct exec e = {
		.exe = "/bin/test-exe",
		.comm = "test-exe",
		.cwd = "/root/",
		.args = { "-c\0'echo aGVsbG8K | base64 -d'", 31 },
		.env = { "SHELL=/bin/bash\0SHELL_NEW=/bin/sh\0PWD=/home/user\0HOME=/home/user",
			 65 },
		.fdlimit = 1024,
		.min_faults = 1,
		.exe_ino = 242048,
		.exe_ctime = UINT64_C(1676262698000004588),
		.exe_mtime = UINT64_C(1676262698000004577),
		.vm_size = 29612,
		.vm_rss = 4,
		.tty = 34818,
		.flags = 1,
		.ptid = 1,
		.vpgid = 1,
		.pgid = 1,
	};

	world_who(w, 1, 0, 1, "init");
	world_scan(w, "/sbin/init", STR("context\0ls\0--format\0{{json .}}\0"), "/root",
		   STR("TEST_ENV_PARENT_LINEAGE=secret\0HOME=/home/user/parent\0"));
	world_who(w, 20, 1, 20, "test-exe");
	w->who.uid = 2000;
	w->who.loginuid = UINT32_MAX - 1;
	world_exec(w, &e);
}

static void ctx_tree(struct world *w)
{
	static const uint32_t pids[] = { 25, 72, 76, 82, 87 };

	world_who(w, 1, 0, 1, "init");
	world_scan(w, "/sbin/init", STR("context\0ls\0--format\0{{json .}}\0"), "/", STR(""));
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		world_who(w, pids[i], i ? pids[i - 1] : 1, pids[i] == 87 ? 17 : pids[i], "bash");
		world_scan(w, "/bin/bash", STR(""), "/root", STR(""));
	}
	world_begin(w, EV_SYSCALL_INOTIFY_INIT1_X);
	record_i64(&w->rec, 12);
	record_param(&w->rec, &(uint16_t){ 32 }, 2);
}

/* init with arguments, bash, and a child when the event is its. */
static void clone_tree(struct world *w, bool child)
{
	world_who(w, 1, 0, 1, "init");
	world_scan(w, "/sbin/init", STR("context\0ls\0--format\0{{json .}}\0"), "/", STR(""));
	world_who(w, 2, 1, 2, "bash");
	world_scan(w, "bash", STR(""), "/", STR(""));
	if (child) {
		world_who(w, 3, 2, 3, "child");
		world_scan(w, "child", STR(""), "/", STR(""));
	}
	world_begin(w, EV_SYSCALL_INOTIFY_INIT1_X);
	record_i64(&w->rec, 12);
	record_param(&w->rec, &(uint16_t){ 32 }, 2);
}

static void ctx_clone_tree_2(struct world *w)
{
	clone_tree(w, false);
}

static void ctx_clone_tree_3(struct world *w)
{
	clone_tree(w, true);
}

/* ---- a tree with threads ---- */

/* A child, or another thread when tid differs from pid; it is a copy of its maker. */
static void fork_task(struct world *w, uint32_t maker, uint32_t tid, uint32_t pid, const char *comm)
{
	world_who(w, maker, maker == 1 ? 0 : 1, maker, comm);
	world_begin(w, EV_TASK_FORK);
	record_i64(&w->rec, tid);
	record_i64(&w->rec, pid);
	record_u64(&w->rec, pid);
	record_i64(&w->rec, tid);
	record_i64(&w->rec, pid);
	record_i64(&w->rec, maker);
	record_u64(&w->rec, maker);
	record_u64(&w->rec, 0);
	world_feed(w);
}

enum { P1 = 2, P1_T2 = 6, P2 = 25, P2_T2 = 23, P2_T3 = 24, P3 = 72, P4 = 76, P5 = 82, P6 = 87 };

static void tree_with_threads(struct world *w)
{
	static const uint32_t chain[] = { 1, P2, P3, P4, P5, P6 };

	world_init(w);
	fork_task(w, 1, P1, P1, "init");
	for (size_t i = 1; i < ARRAY_SIZE(chain); i++)
		fork_task(w, chain[i - 1], chain[i], chain[i], "init");
	fork_task(w, P2, P2_T2, P2, "init");
	fork_task(w, P2, P2_T3, P2, "init");
}

static uint32_t parent_in_tree(uint32_t pid)
{
	switch (pid) {
	case P3: return P2;
	case P4: return P3;
	case P5: return P4;
	case P6: return P5;
	default: return pid == 1 ? 0 : 1;
	}
}

/* Whose records follow: a thread of the tree. */
static void thread_is(struct world *w, uint32_t tid, uint32_t pid, const char *comm)
{
	world_who(w, pid, parent_in_tree(pid), pid, comm);
	w->who.tid = w->who.vtid = tid;
}

static void plain_event(struct world *w, uint32_t tid, uint32_t pid)
{
	thread_is(w, tid, pid, "init");
	world_begin(w, EV_SYSCALL_INOTIFY_INIT1_X);
	record_i64(&w->rec, 12);
	record_param(&w->rec, &(uint16_t){ 32 }, 2);
}

static void exit_event(struct world *w, uint32_t tid, uint32_t pid, uint32_t reaper)
{
	thread_is(w, tid, pid, "init");
	world_begin(w, EV_PROCEXIT_1_E);
	record_i64(&w->rec, 0);
	record_i64(&w->rec, 0);
	record_param(&w->rec, "", 1);
	record_param(&w->rec, "", 1);
	record_i64(&w->rec, reaper);
}

static void ended(struct world *w, uint32_t tid, uint32_t pid, uint32_t reaper)
{
	exit_event(w, tid, pid, reaper);
	world_feed(w);
	state_after(w->state, &w->ev);
}

static void ctx_threads_1(struct world *w)
{
	tree_with_threads(w);
	plain_event(w, P2, P2);
}

static void ctx_threads_2(struct world *w)
{
	tree_with_threads(w);
	exit_event(w, P2, P2, P2_T2);
}

static void ctx_nthreads_3(struct world *w)
{
	tree_with_threads(w);
	ended(w, P2, P2, P2_T2);
	plain_event(w, P2_T2, P2);
}

static void ctx_nchilds_3(struct world *w)
{
	tree_with_threads(w);
	ended(w, P2, P2, P2_T2);
	exit_event(w, P2_T3, P2, P2_T2);
}

static void ctx_nchilds_4(struct world *w)
{
	tree_with_threads(w);
	ended(w, P2, P2, P2_T2);
	ended(w, P2_T3, P2, P2_T2);
	plain_event(w, P2_T2, P2);
}

/* ---- what was executed ---- */

static void tree_exec(struct world *w, uint32_t pid, const char *exe, const char *comm,
		      const char *exepath)
{
	thread_is(w, pid, pid, comm);
	world_exec(w, &(struct exec){ .exe = exe, .comm = comm, .cwd = "/", .exepath = exepath });
}

static void ctx_exepaths(struct world *w)
{
	static const struct {
		uint32_t pid;
		const char *exe, *comm, *exepath;
	} rows[] = {
		{ P3, "/p3_t1_exepath", "p3_t1", "/usr/bin/p3_t1_trusted_exepath" },
		{ P4, "/p4_t1_exepath", "p4_t1", "/usr/bin/p4_t1_trusted_exepath" },
		{ P5, "/p5_t1_exepath", "p5_t1", "/usr/bin/p5_t1_trusted_exepath" },
		{ P6, "/p6_t1_exepath", "p6_t1", "/usr/bin/p6_t1_trusted_exepath" },
	};

	tree_with_threads(w);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (i)
			world_feed(w);
		tree_exec(w, rows[i].pid, rows[i].exe, rows[i].comm, rows[i].exepath);
	}
}

/* Our kernel side gives paths without the words that say that a file is deleted. */
static void ctx_deleted_exe(struct world *w)
{
	tree_with_threads(w);
	tree_exec(w, P6, "/good-exe", "good-exe", "/usr/bin/bad-exe");
}

static void ctx_no_entry_name(struct world *w)
{
	world_who(w, 1, 0, 1, "test-exe");
	world_exec(w, &(struct exec){ .exe = "/bin/test-exe", .comm = "test-exe", .cwd = "" });
}

/* What comes behind the descriptor or path is the kernel's to say. */
static void run_at(struct world *w, const char *exepath)
{
	const struct event_info *info = event_info(EV_SYSCALL_EXECVEAT_X);
	enum { EXEPATH = 27 };

	world_begin(w, EV_SYSCALL_EXECVEAT_X);
	record_i64(&w->rec, 0);
	for (unsigned i = 1; i < info->nparams; i++) {
		if (i == EXEPATH && exepath)
			record_str(&w->rec, str_of(exepath));
		else
			put_none(w);
	}
}

static void ctx_execveat_relative(struct world *w)
{
	run_at(w, "/tmp/dir/file");
}

static void ctx_execveat_s390(struct world *w)
{
	run_at(w, "/tmp/s390x/dir/file");
}

static void ctx_execveat_absolute(struct world *w)
{
	run_at(w, "/tmp/file");
}

static void ctx_execveat_absolute_s390(struct world *w)
{
	run_at(w, "/tmp/s390/file");
}

static void ctx_execveat_invalid(struct world *w)
{
	run_at(w, NULL);
}

static void ctx_nothing_but_names(struct world *w)
{
	const struct event_info *info = event_info(EV_SYSCALL_EXECVE_19_X);

	world_begin(w, EV_SYSCALL_EXECVE_19_X);
	record_i64(&w->rec, 0);
	record_str(&w->rec, STR("/bin/test-exe"));
	for (unsigned i = 2; i < info->nparams; i++) {
		if (i == 13)
			record_str(&w->rec, STR("test-exe"));
		else
			put_none(w);
	}
}

/* Its numbers do not fit into those of a process; what remains of them is tested. */
static void ctx_long_pids(struct world *w)
{
	uint32_t vpid = w->num == 6 ? 3 : 16;

	world_who(w, 15, 1, vpid, "test-exe");
	world_exec(w, &(struct exec){ .exe = "/bin/test-exe", .comm = "test-exe", .cwd = "" });
}

/* ---- process groups ---- */

static void group_of(struct world *w, uint32_t pid, int64_t pgid)
{
	thread_is(w, pid, pid, "init");
	world_exec(w, &(struct exec){ .exe = "x", .comm = "init", .cwd = "/", .pgid = pgid });
	world_feed(w);
}

static void ctx_groups(struct world *w)
{
	static const int64_t pgids[] = { P1, P3, 100000 };

	tree_with_threads(w);
	if (w->num == 3)
		group_of(w, P2, pgids[w->num - 1]);
	group_of(w, P3, pgids[w->num - 1]);
	plain_event(w, P3, P3);
}

/* Processor time of a process, as old captures tell it. */
static void ctx_procinfo(struct world *w)
{
	tree_with_threads(w);
	thread_is(w, w->num == 4 ? P1_T2 : 1, w->num == 4 ? P1 : 1, "init");
	world_begin(w, EV_PROCINFO_E);
	record_u64(&w->rec, 0);
	record_u64(&w->rec, 0);
}

/* ---- descriptors at an exec ---- */

static void put_stdio(struct world *w, int64_t num)
{
	const struct rec_fd fd = { .num = num, .kind = '4' };

	record_extra(&w->rec, REC_X_STDIO, &fd, sizeof(fd));
}

static void ctx_stdio(struct world *w)
{
	thread_is(w, 1, 1, "init");
	world_exec(w, &(struct exec){ .exe = "/proc_filter_stdin_stdout_stderr",
				      .comm = "proc_filter_std",
				      .cwd = "/" });
	for (int64_t num = 0; num < 3; num++)
		put_stdio(w, num);
}

const struct context process_contexts[] = {
	{ "execve", 0, ctx_execve, true },
	{ "tree", 0, ctx_tree, true },
	{ "clone_tree_2", 0, ctx_clone_tree_2, true },
	{ "clone_tree_3", 0, ctx_clone_tree_3, true },
	{ "spawn_process", 3, ctx_spawn, true },
	{ "execve_invalid_path_entry", 1, ctx_no_entry_name, true },
	{ "execveat_relative_path", 1, ctx_execveat_relative, false },
	{ "execveat_relative_path_s390", 1, ctx_execveat_s390, false },
	{ "execveat_invalid_path", 1, ctx_execveat_invalid, false },
	{ "execveat_invalid_path_s390", 1, ctx_execveat_invalid, false },
	{ "execveat_absolute_path", 0, ctx_execveat_absolute, false },
	{ "execveat_absolute_path_s390", 0, ctx_execveat_absolute_s390, false },
	{ "pid_over_32bit", 0, ctx_long_pids, false },
	{ "EVT_FILTER_thread_proc_info", 3, ctx_procinfo, true },
	{ "EVT_FILTER_thread_proc_info", 4, ctx_procinfo, true },
	{ "EVT_FILTER_arg_empty_params", 1, ctx_nothing_but_names, false },
	{ "EVT_FILTER_rawarg_empty_params", 1, ctx_nothing_but_names, false },
	{ "PROC_FILTER_nthreads", 1, ctx_threads_1, true },
	{ "PROC_FILTER_nthreads", 2, ctx_threads_2, true },
	{ "PROC_FILTER_nthreads", 3, ctx_nthreads_3, true },
	{ "PROC_FILTER_nchilds", 1, ctx_threads_1, true },
	{ "PROC_FILTER_nchilds", 2, ctx_threads_2, true },
	{ "PROC_FILTER_nchilds", 3, ctx_nchilds_3, true },
	{ "PROC_FILTER_nchilds", 4, ctx_nchilds_4, true },
	{ "PROC_FILTER_exepath", 1, ctx_deleted_exe, true },
	{ "PROC_FILTER_pexepath_aexepath", 4, ctx_exepaths, true },
	{ "PROC_FILTER_pgid_family", 0, ctx_groups, true },
	{ "PROC_FILTER_stdin_stdout_stderr", 6, ctx_stdio, false },
	{ "sinsp_libs_metrics_collector_prometheus", 1, ctx_threads_1, true },
	{ "sinsp_libs_metrics_collector_output_rule", 1, ctx_threads_1, true },
	{ 0 },
};
