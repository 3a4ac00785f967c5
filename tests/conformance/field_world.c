/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of recorded cases, rebuilt as records: by hand where the contents matter, by a row where only
 * the result, a descriptor or a name does.
 */
#include "field_world.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/cleanup.h"

static void die(const char *what)
{
	fprintf(stderr, "run_fields: %s\n", what);
	exit(1);
}

/* Ends the record in the builder and gives it to the state; it is the current event then. */
static void feed(struct world *w)
{
	const struct rec_hdr *hdr = record_end(&w->rec);

	if (!hdr || event_decode(hdr, hdr->len, &w->ev) < 0)
		die("a record is wrong");
	w->ev.num = w->num;
	w->ev.wall_ns = hdr->ts_ns + w->wall_offset;
	state_before(w->state, &w->ev);
}

static void begin(struct world *w, uint16_t type)
{
	record_begin(&w->rec, type, w->ts, &w->who);
	w->rec.hdr.cpu = 1;
}

static void p_none(struct world *w)
{
	record_param(&w->rec, NULL, 0);
}

static void add_fd(struct world *w, struct rec_fd fd)
{
	record_extra(&w->rec, REC_X_FD, &fd, sizeof(fd));
}

static void add_text(struct world *w, uint16_t tag, const char *text)
{
	record_extra(&w->rec, tag, text, strlen(text));
}

static void who_is(struct world *w, uint32_t pid, uint32_t ppid, uint32_t vpid, const char *comm)
{
	w->who = (struct rec_ident){
		.start_ns = pid,
		.parent_start_ns = ppid,
		.pid = pid,
		.tid = pid,
		.ppid = ppid,
		.vpid = vpid,
		.vtid = vpid,
	};
	snprintf(w->who.comm, sizeof(w->who.comm), "%s", comm);
}

static void scan(struct world *w, const char *exe, struct str args, const char *cwd, struct str env)
{
	begin(w, EV_TASK_SCAN);
	record_str(&w->rec, str_of(exe));
	record_param(&w->rec, args.ptr, args.len);
	record_param(&w->rec, env.ptr, env.len);
	record_str(&w->rec, str_of(cwd));
	record_str(&w->rec, str_of(exe));
	record_param(&w->rec, "", 0);
	record_u32(&w->rec, 0);
	record_i64(&w->rec, 0);
	record_i64(&w->rec, 0);
	record_i64(&w->rec, w->who.vpid);
	for (unsigned i = 0; i < 6; i++)
		record_u64(&w->rec, 0);
	record_u32(&w->rec, 0);
	record_u64(&w->rec, 1024);
	for (unsigned i = 0; i < 3; i++)
		record_u32(&w->rec, 0);
	p_none(w);
	feed(w);
}

static void account(struct world *w, uint32_t uid, const char *name)
{
	begin(w, EV_USER_ENTRY);
	record_param(&w->rec, "", 0);
	record_u32(&w->rec, uid);
	record_u32(&w->rec, uid);
	record_str(&w->rec, str_of(name));
	record_param(&w->rec, "/", 1);
	record_param(&w->rec, "/bin/sh", 7);
	feed(w);
}

static void accounts(struct world *w)
{
	account(w, 0, "root");
	account(w, 5, "games");
	begin(w, EV_GROUP_ENTRY);
	record_param(&w->rec, "", 0);
	record_u32(&w->rec, 0);
	record_str(&w->rec, STR("root"));
	feed(w);
}

static void base_process(struct world *w)
{
	who_is(w, 1, 0, 1, "init");
	scan(w, "/sbin/init", STR(""), "/root", STR(""));
}

struct exec {
	const char *exe, *comm, *cwd;
	struct str args, env;
	uint64_t fdlimit, min_faults, exe_ino, exe_ctime, exe_mtime;
	uint32_t vm_size, vm_rss, tty, flags;
	int64_t ptid, vpgid, pgid;
};

static void exec_event(struct world *w, const struct exec *e)
{
	struct record_builder *r = &w->rec;

	begin(w, EV_SYSCALL_EXECVE_19_X);
	record_i64(r, 0);
	record_str(r, str_of(e->exe));
	record_param(r, e->args.ptr ? e->args.ptr : "", e->args.len);
	record_i64(r, w->who.tid);
	record_i64(r, w->who.pid);
	record_i64(r, e->ptid);
	record_str(r, str_of(e->cwd));
	record_u64(r, e->fdlimit);
	record_u64(r, 0);
	record_u64(r, e->min_faults);
	record_u32(r, e->vm_size);
	record_u32(r, e->vm_rss);
	record_u32(r, 0);
	record_str(r, str_of(e->comm));
	record_param(r, "", 0);
	record_param(r, e->env.ptr ? e->env.ptr : "", e->env.len);
	record_u32(r, e->tty);
	record_i64(r, e->vpgid);
	record_u32(r, w->who.loginuid);
	record_u32(r, e->flags);
	for (unsigned i = 0; i < 3; i++)
		record_u64(r, 0);
	record_u64(r, e->exe_ino);
	record_u64(r, e->exe_ctime);
	record_u64(r, e->exe_mtime);
	record_u32(r, w->who.uid);
	record_str(r, str_of(e->exe));
	record_i64(r, e->pgid);
	record_u32(r, w->who.gid);
	record_str(r, str_of(e->exe));
}

static void ctx_execve(struct world *w)
{
	who_is(w, 1, 0, 1, "myexe");
	exec_event(w, &(struct exec){ .exe = "/usr/bin/myexe", .comm = "myexe", .cwd = "" });
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

	who_is(w, 1, 0, 1, "init");
	scan(w, "/sbin/init", STR("context\0ls\0--format\0{{json .}}\0"), "/root",
	     STR("TEST_ENV_PARENT_LINEAGE=secret\0HOME=/home/user/parent\0"));
	who_is(w, 20, 1, 20, "test-exe");
	w->who.uid = 2000;
	w->who.loginuid = UINT32_MAX - 1;
	exec_event(w, &e);
}

static void ctx_tree(struct world *w)
{
	static const uint32_t pids[] = { 25, 72, 76, 82, 87 };

	who_is(w, 1, 0, 1, "init");
	scan(w, "/sbin/init", STR("context\0ls\0--format\0{{json .}}\0"), "/", STR(""));
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		who_is(w, pids[i], i ? pids[i - 1] : 1, pids[i] == 87 ? 17 : pids[i], "bash");
		scan(w, "/bin/bash", STR(""), "/root", STR(""));
	}
	begin(w, EV_SYSCALL_INOTIFY_INIT1_X);
	record_i64(&w->rec, 12);
	record_param(&w->rec, &(uint16_t){ 32 }, 2);
}

/* init with arguments, bash, and a child when the event is its. */
static void clone_tree(struct world *w, bool child)
{
	who_is(w, 1, 0, 1, "init");
	scan(w, "/sbin/init", STR("context\0ls\0--format\0{{json .}}\0"), "/", STR(""));
	who_is(w, 2, 1, 2, "bash");
	scan(w, "bash", STR(""), "/", STR(""));
	if (child) {
		who_is(w, 3, 2, 3, "child");
		scan(w, "child", STR(""), "/", STR(""));
	}
	begin(w, EV_SYSCALL_INOTIFY_INIT1_X);
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

static void open_event(struct world *w, int64_t fd, const char *name, uint32_t flags, uint32_t mode,
		       uint32_t dev, uint64_t ino)
{
	begin(w, EV_SYSCALL_OPEN_X);
	record_i64(&w->rec, fd);
	record_str(&w->rec, str_of(name));
	record_u32(&w->rec, flags);
	record_u32(&w->rec, mode);
	record_u32(&w->rec, dev);
	record_u64(&w->rec, ino);
	add_text(w, REC_X_BASE, "/root");
	if (fd >= 0)
		add_fd(w, (struct rec_fd){ .num = fd, .kind = 'f', .dev = dev, .ino = ino });
}

static void ctx_open_ok(struct world *w)
{
	open_event(w, 3, "/opt/dir/SUBDIR/file.txt", 3 | 4 | 0x4000, 0755, 5, 123);
}

static void ctx_open_enoent(struct world *w)
{
	open_event(w, -ENOENT, "/etc/nosuch", 1, 0, 0, 0);
}

static void ctx_open_eperm(struct world *w)
{
	open_event(w, -EPERM, "/etc/nosuch", 1, 0, 0, 0);
}

static void ctx_openat_rel(struct world *w)
{
	begin(w, EV_SYSCALL_OPENAT_2_X);
	record_i64(&w->rec, 4);
	record_i64(&w->rec, AT_FDCWD);
	record_str(&w->rec, STR("sub/../x.txt"));
	record_u32(&w->rec, 1);
	record_u32(&w->rec, 0);
	record_u32(&w->rec, 0);
	record_u64(&w->rec, 0);
	add_fd(w, (struct rec_fd){ .num = 4, .kind = 'f' });
}

struct end {
	uint8_t v4[4], v6[16];
	uint16_t port;
};

static const struct end client_end = {
	.v4 = { 172, 40, 111, 222 },
	.v6 = { [15] = 1 },
	.port = 54321,
};
static const struct end server_end = {
	.v4 = { 142, 251, 111, 147 },
	.v6 = { 0x20, 0x01, 0x48, 0x60, 0x48, 0x60, [14] = 0x88, [15] = 0x88 },
	.port = 443,
};

static size_t put_end(uint8_t *to, const struct end *e, bool v6)
{
	size_t n = v6 ? 16 : 4;

	memcpy(to, v6 ? e->v6 : e->v4, n);
	memcpy(to + n, &e->port, sizeof(e->port));
	return n + sizeof(e->port);
}

static void p_sock(struct world *w, bool v6, const struct end *from, const struct end *to)
{
	uint8_t text[64] = { v6 ? AF_INET6 : AF_INET };
	size_t n = 1;

	if (from)
		n += put_end(text + n, from, v6);
	n += put_end(text + n, to, v6);
	record_param(&w->rec, text, n);
}

static void add_socket(struct world *w, int64_t num, bool v6, uint8_t flags,
		       const struct end *local, const struct end *remote)
{
	struct rec_fd fd = {
		.num = num,
		.kind = v6 ? '6' : '4',
		.l4 = local ? IPPROTO_TCP : 0,
		.family = v6 ? AF_INET6 : AF_INET,
		.flags = flags,
	};

	if (local) {
		memcpy(fd.local_addr, v6 ? local->v6 : local->v4, v6 ? 16 : 4);
		fd.local_port = local->port;
	}
	if (remote) {
		memcpy(fd.remote_addr, v6 ? remote->v6 : remote->v4, v6 ? 16 : 4);
		fd.remote_port = remote->port;
	}
	add_fd(w, fd);
}

static void connect_event(struct world *w, bool v6, int64_t res)
{
	begin(w, EV_SOCKET_CONNECT_X);
	record_i64(&w->rec, res);
	p_sock(w, v6, &client_end, &server_end);
	record_i64(&w->rec, 4);
	p_sock(w, v6, NULL, &server_end);
	add_socket(w, 4, v6, REC_FD_CLIENT | REC_FD_CONNECTED, &client_end, &server_end);
}

static void ctx_conn(struct world *w)
{
	connect_event(w, false, 0);
}

static void ctx_connect6(struct world *w)
{
	connect_event(w, true, 0);
}

static void ctx_connect_again(struct world *w)
{
	connect_event(w, false, -ENOENT);
}

static void ctx_socket(struct world *w)
{
	begin(w, EV_SOCKET_SOCKET_X);
	record_i64(&w->rec, 4);
	record_u32(&w->rec, AF_INET);
	record_u32(&w->rec, SOCK_STREAM);
	record_u32(&w->rec, 0);
	record_u32(&w->rec, 0);
	add_socket(w, 4, false, 0, NULL, NULL);
}

static void bind_event(struct world *w, bool v6)
{
	begin(w, EV_SOCKET_BIND_X);
	record_i64(&w->rec, 0);
	p_sock(w, v6, NULL, &server_end);
	record_i64(&w->rec, 4);
	add_socket(w, 4, v6, 0, &server_end, NULL);
}

static void ctx_bind4(struct world *w)
{
	bind_event(w, false);
}

static void ctx_bind6(struct world *w)
{
	bind_event(w, true);
}

static void accept_event(struct world *w, bool v6)
{
	begin(w, EV_SOCKET_ACCEPT_5_X);
	record_i64(&w->rec, 6);
	p_sock(w, v6, &client_end, &server_end);
	record_param(&w->rec, &(uint8_t){ 0 }, 1);
	record_u32(&w->rec, 0);
	record_u32(&w->rec, 5);
	add_socket(w, 6, v6, REC_FD_SERVER, &server_end, &client_end);
}

static void ctx_accept4(struct world *w)
{
	accept_event(w, false);
}

static void ctx_accept6(struct world *w)
{
	accept_event(w, true);
}

static void ctx_readev(struct world *w)
{
	begin(w, EV_SYSCALL_READ_X);
	record_i64(&w->rec, 5);
	record_param(&w->rec, "a\0b\xff\n", 5);
	record_i64(&w->rec, 0);
	record_u32(&w->rec, 10);
	add_text(w, REC_X_PATH, "/dev/null");
	add_fd(w, (struct rec_fd){ .kind = 'f' });
}

static void ctx_generic(struct world *w)
{
	const struct syscall_info *call = NULL;
	uint16_t nr = 0;

	while (nr < 1000 &&
	       !((call = syscall_by_number(nr, false)) && str_eqz(STR("sysinfo"), call->name)))
		nr++;
	begin(w, EV_GENERIC_X);
	record_param(&w->rec, &nr, 2);
	record_param(&w->rec, &nr, 2);
	w->rec.hdr.syscall = nr;
}

static void ctx_setuid(struct world *w)
{
	begin(w, EV_SYSCALL_SETUID_X);
	record_i64(&w->rec, 0);
	record_u32(&w->rec, 5);
}

static void ctx_chmod(struct world *w)
{
	begin(w, EV_SYSCALL_CHMOD_X);
	record_i64(&w->rec, 0);
	record_str(&w->rec, STR("/bin/x"));
	record_u32(&w->rec, 0x9ed);
}

static void ctx_link(struct world *w)
{
	begin(w, EV_SYSCALL_LINK_2_X);
	record_i64(&w->rec, 0);
	record_str(&w->rec, STR("/old"));
	record_str(&w->rec, STR("/new"));
}

/* Events that need little: the result, one number for all further numbers, one name for all names. */
struct simple {
	const char *context; /* of the reference, up to the @ */
	unsigned index;
	uint16_t code;
	char kind; /* of the descriptor; 0: there is none */
	int64_t res;
	int64_t fd; /* 0: res */
	const char *name;
	uint32_t number;
	uint32_t uid, gid;
	const char *cwd;
};

static char long_path[1200];

static const struct simple simples[] = {
	{ "event_category", 1, EV_SYSCALL_OPEN_BY_HANDLE_AT_X, 'f', 4, 0, "/tmp/the_file.txt" },
	{ "event_category", 2, EV_PROCEXIT_1_E, 0, 0, 0, NULL },
	{ "event_res", 1, EV_SYSCALL_EPOLL_CREATE_X, 0, -EINVAL, 0, NULL },
	{ "event_res", 2, EV_SYSCALL_EPOLL_CREATE_X, 0, 0, 0, NULL, 100 },
	{ "event_res", 3, EV_SYSCALL_OPEN_X, 'f', 123, 0, "/tmp/the_file.txt" },
	{ "event_res", 4, EV_SYSCALL_OPEN_X, 0, -EACCES, 0, "/tmp/the_file.txt" },
	{ "file_open", 1, EV_SYSCALL_OPEN_X, 'f', 3, 0, "/tmp/the_file", 3 },
	{ "file_open_invalid_utf8", 1, EV_SYSCALL_OPEN_X, 'f', 3, 0, "/tmp/bad\xff", 3 },
	{ "dup_dup2_dup3", 2, EV_SYSCALL_DUP_1_X, 'f', 123, 0, "/tmp/test" },
	{ "dup_dup2_dup3", 3, EV_SYSCALL_DUP2_X, 'f', 123, 0, "/tmp/test" },
	{ "dup_dup2_dup3", 4, EV_SYSCALL_DUP3_X, 'f', 123, 0, "/tmp/test" },
	{ "dup_dup2_dup3", 5, EV_SYSCALL_DUP_1_X, 'f', 1, 0, "/tmp/test" },
	{ "open_by_handle_at", 1, EV_SYSCALL_OPEN_BY_HANDLE_AT_X, 'f', 4, 0, "/tmp/the_file.txt" },
	{ "path_too_long", 1, EV_SYSCALL_OPEN_X, 'f', 3, 0, long_path },
	{ "path_too_long", 2, EV_SYSCALL_OPEN_BY_HANDLE_AT_X, 'f', 3, 0, long_path },
	{ "creates_fd_generic", 1, EV_SYSCALL_SIGNALFD_X, 's', 5 },
	{ "creates_fd_generic", 2, EV_SYSCALL_SIGNALFD4_X, 's', 2 },
	{ "creates_fd_generic", 3, EV_SYSCALL_TIMERFD_CREATE_X, 't', 6 },
	{ "creates_fd_generic", 4, EV_SYSCALL_INOTIFY_INIT_X, 'i', 7 },
	{ "creates_fd_generic", 6, EV_SYSCALL_BPF_2_X, 'b', 8 },
	{ "creates_fd_generic", 7, EV_SYSCALL_USERFAULTFD_X, 'u', 9 },
	{ "creates_fd_generic", 8, EV_SYSCALL_IO_URING_SETUP_X, 'r', 10 },
	{ "creates_fd_generic", 9, EV_SYSCALL_EPOLL_CREATE_X, 'l', 11 },
	{ "creates_fd_generic", 10, EV_SYSCALL_EPOLL_CREATE1_X, 'l', 12 },
	{ "creates_fd_generic", 11, EV_SYSCALL_PIPE_X, 'p', 0, 4 },
	{ "creates_fd_generic", 12, EV_SYSCALL_PIPE2_X, 'p', 0, 7 },
	{ "creates_fd_generic", 13, EV_SYSCALL_INOTIFY_INIT1_X, 'i', 12 },
	{ "creates_fd_generic", 14, EV_SYSCALL_EVENTFD_X, 'e', 34 },
	{ "creates_fd_generic", 15, EV_SYSCALL_EVENTFD2_X, 'e', 31 },
	{ "umount", 1, EV_SYSCALL_UMOUNT_1_X, 0, 0, 0, "/mnt" },
	{ "umount2", 1, EV_SYSCALL_UMOUNT2_X, 0, 0, 0, "/mnt" },
	{ "pipe", 1, EV_SYSCALL_PIPE_X, 'p', 0, 4 },
	{ "pipe2", 1, EV_SYSCALL_PIPE2_X, 'p', 0, 6 },
	{ "inotify_init", 1, EV_SYSCALL_INOTIFY_INIT_X, 'i', 15 },
	{ "inotify_init1", 1, EV_SYSCALL_INOTIFY_INIT1_X, 'i', 14 },
	{ "eventfd", 1, EV_SYSCALL_EVENTFD_X, 'e', 21 },
	{ "eventfd2", 1, EV_SYSCALL_EVENTFD2_X, 'e', 22 },
	{ "signalfd", 1, EV_SYSCALL_SIGNALFD_X, 's', 5 },
	{ "signalfd4", 1, EV_SYSCALL_SIGNALFD4_X, 's', 5 },
	{ "fchmod", 1, EV_SYSCALL_OPEN_X, 'f', 3, 0, "/tmp/test" },
	{ "fchmod", 2, EV_SYSCALL_FCHMOD_X, 'f', 0, 3, "/tmp/test" },
	{ "fchown", 1, EV_SYSCALL_OPEN_X, 'f', 3, 0, "/tmp/test" },
	{ "fchown", 2, EV_SYSCALL_FCHOWN_X, 'f', 0, 3, "/tmp/test" },
	{ "memfd_create", 1, EV_SYSCALL_MEMFD_CREATE_X, 'm', 5, 0, "x" },
	{ "test_fdtypes", 1, EV_SYSCALL_OPEN_X, 'f', 1, 0, "/tmp/the_file" },
	{ "test_fdtypes", 3, EV_SYSCALL_BPF_2_X, 'b', 2 },
	{ "test_fdtypes", 5, EV_SYSCALL_BPF_2_X, 'b', 3 },
	{ "test_pidfd", 2, EV_SYSCALL_PIDFD_OPEN_X, 'P', 4 },
	{ "test_pidfd", 3, EV_SYSCALL_PIDFD_GETFD_X, 'f', 5, 0, "/tmp/the_file" },
	{ "charbuf_empty_param", 1, EV_SYSCALL_CHDIR_X },
	{ "charbuf_empty_param", 2, EV_SYSCALL_CREAT_X },
	{ "charbuf_empty_param", 3, EV_SYSCALL_UNLINKAT_2_X },
	{ "param_charbuf_len_1", 1, EV_SYSCALL_CHDIR_X, 0, 0, 0, "" },
	{ "bytebuf_empty_param", 1, EV_SYSCALL_PWRITE_X },
	{ "chdir_fchdir", 1, EV_SYSCALL_CHDIR_X, .cwd = "/tmp/target-directory" },
	{ "chdir_fchdir", 3, EV_SYSCALL_FCHDIR_X, .cwd = "/tmp/target-directory-fd" },
	{ "setuid_setgid", 1, EV_SYSCALL_SETUID_X, .uid = 500 },
	{ "setuid_setgid", 2, EV_SYSCALL_SETGID_X, .uid = 500, .gid = 600 },
	{ "setuid_setgid", 3, EV_SYSCALL_SETUID_X, .res = -EPERM, .uid = 500, .gid = 600 },
	{ "setuid_setgid", 4, EV_SYSCALL_SETGID_X, .res = -EPERM, .uid = 500, .gid = 600 },
	{ "setresuid_setresgid", 1, EV_SYSCALL_SETRESUID_X, .uid = 600 },
	{ "setresuid_setresgid", 2, EV_SYSCALL_SETRESUID_X, .res = -EPERM, .uid = 600 },
	{ "setresuid_setresgid", 3, EV_SYSCALL_SETRESGID_X, .uid = 600, .gid = 600 },
	{ "signed_int_compare", 1, EV_SYSCALL_EPOLL_CREATE_X, .res = -EINVAL },
	{ "EVT_FILTER_is_open_create", 1, EV_SYSCALL_OPEN_X, 'f', 3, 0, "/tmp/x", 0x4007 },
	{ "EVT_FILTER_is_lower_layer", 1, EV_SYSCALL_OPEN_X, 'f', 3, 0, "/tmp/x", 0x10001 },
	{ "EVT_FILTER_is_upper_layer", 1, EV_SYSCALL_OPEN_X, 'f', 3, 0, "/tmp/x", 0x8001 },
	{ "EVT_FILTER_cmd_str", 1, EV_SYSCALL_BPF_2_X, 'b', 3, .number = 5 },
	{ "EVT_FILTER_thread_proc_info", 1, EV_SYSCALL_INOTIFY_INIT1_X, 'i', 3 },
	{ "EVT_FILTER_thread_proc_info", 2, EV_SYSCALL_INOTIFY_INIT1_X, 'i', 3 },
	{ "EVT_FILTER_rawarg_madness", 3, EV_SYSCALL_TIMERFD_CREATE_X, 't', 3, .number = 255 },
	{ "EVT_FILTER_rawarg_madness", 4, EV_SYSCALL_SPLICE_X, .number = 512 },
	{ "EVT_FILTER_rawarg_int", 1, EV_SYSCALL_SETUID_X, .number = 1000 },
	{ "FD_FILTER_extract_from_null_type_filename", 1, EV_SYSCALL_OPEN_X, 0, -1, 0, "/tmp/x" },
};

static void simple_param(struct world *w, const struct simple *s, unsigned i, uint8_t type)
{
	uint64_t number = i == 0		   ? (uint64_t)s->res
			  : type == PT_FD && s->fd ? (uint64_t)s->fd
						   : s->number;
	unsigned width = param_width(type);

	if (width)
		record_param(&w->rec, &number, width); /* little-endian, like all we test on */
	else if (type == PT_CHARBUF || type == PT_FSPATH || type == PT_FSRELPATH)
		record_str(&w->rec, str_of(s->name));
	else
		record_param(&w->rec, "", 0);
}

static void simple_event(struct world *w, const struct simple *s)
{
	const struct event_info *info = event_info(s->code);
	uint8_t layer = (uint8_t)((s->number & 0x8000 ? REC_FD_UPPER : 0) |
				  (s->number & 0x10000 ? REC_FD_LOWER : 0));

	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[0] = '/';
	w->who.uid = s->uid;
	w->who.gid = s->gid;
	begin(w, s->code);
	for (unsigned i = 0; i < info->nparams; i++)
		simple_param(w, s, i, info->params[i].type);
	if (s->name && s->kind)
		add_text(w, REC_X_PATH, s->name);
	if (s->cwd)
		add_text(w, REC_X_CWD, s->cwd);
	if (s->kind)
		add_fd(w, (struct rec_fd){ .num = s->fd ? s->fd : s->res,
					   .kind = (uint8_t)s->kind,
					   .flags = layer });
}

static const struct context {
	const char *name;
	unsigned index; /* of the event, 0: there is only one */
	void (*build)(struct world *w);
	bool bare; /* without the process of base_process */
} contexts[] = {
	{ "execve", 0, ctx_execve, true },
	{ "tree", 0, ctx_tree, true },
	{ "clone_tree_2", 0, ctx_clone_tree_2, true },
	{ "clone_tree_3", 0, ctx_clone_tree_3, true },
	{ "open_ok", 0, ctx_open_ok, false },
	{ "open_enoent", 0, ctx_open_enoent, false },
	{ "open_eperm", 0, ctx_open_eperm, false },
	{ "openat_rel", 0, ctx_openat_rel, false },
	{ "conn", 0, ctx_conn, false },
	{ "readev", 0, ctx_readev, false },
	{ "generic", 0, ctx_generic, false },
	{ "setuid", 0, ctx_setuid, false },
	{ "chmod", 0, ctx_chmod, false },
	{ "link", 0, ctx_link, false },
	{ "spawn_process", 3, ctx_spawn, true },
	{ "net_socket", 1, ctx_socket, false },
	{ "net_ipv4_connect", 2, ctx_conn, false },
	{ "net_ipv4_connect_with_intermediate_event", 3, ctx_conn, false },
	{ "net_ipv6_multiple_connects", 2, ctx_connect6, false },
	{ "net_ipv6_multiple_connects", 3, ctx_connect6, false },
	{ "net_bind_listen_accept_ipv4", 2, ctx_bind4, false },
	{ "net_bind_listen_accept_ipv4", 4, ctx_accept4, false },
	{ "net_bind_listen_accept_ipv6", 2, ctx_bind6, false },
	{ "net_bind_listen_accept_ipv6", 4, ctx_accept6, false },
	{ "net_connect_exit_event_fails", 3, ctx_connect_again, false },
	{ "net_connect_enter_event_is_empty", 3, ctx_connect_again, false },
};

struct str world_context(const char *name)
{
	struct str s = str_of(name), prefix = STR("sinsp_with_test_input.");

	s = str_starts(s, prefix) ? str_skip(s, prefix.len) : s;
	return str_cut(s, str_chr(s, '@'));
}

static bool build(struct world *w, struct str name, unsigned index)
{
	for (size_t i = 0; i < ARRAY_SIZE(contexts); i++) {
		if (!str_eqz(name, contexts[i].name) ||
		    (contexts[i].index && contexts[i].index != index))
			continue;
		if (!contexts[i].bare)
			base_process(w);
		contexts[i].build(w);
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(simples); i++) {
		if (!str_eqz(name, simples[i].context) || simples[i].index != index)
			continue;
		base_process(w);
		simple_event(w, &simples[i]);
		return true;
	}
	return false;
}

bool world_make(struct world *w, const char *context, unsigned index)
{
	*w = (struct world){ .ts = 10000000, .wall_offset = UINT64_C(1566230400000000000) };
	w->state = state_new(1000);
	if (!w->state)
		die("out of memory");
	accounts(w);
	w->num = index ? index : 1;
	if (!build(w, world_context(context), index))
		return false;
	feed(w);
	return true;
}

struct world *world_free(struct world *w)
{
	if (w)
		state_free(w->state);
	free(w);
	return NULL;
}
