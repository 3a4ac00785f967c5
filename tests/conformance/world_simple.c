/* SPDX-License-Identifier: Apache-2.0 */
/* Events of recorded cases of which only the result, a descriptor or a name matter: one row each. */
#include <errno.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "world_build.h"

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
	{ "open_by_handle_at", 2, EV_SYSCALL_OPEN_BY_HANDLE_AT_X, 'f', 4 },
	{ "charbuf_NULL_param", 1, EV_SYSCALL_CHDIR_X },
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
	{ "EVT_FILTER_rawarg_madness", 2, EV_SYSCALL_SIGNALFD4_X, 's', -1, 9, .number = 512 },
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
	world_begin(w, s->code);
	for (unsigned i = 0; i < info->nparams; i++)
		simple_param(w, s, i, info->params[i].type);
	if (s->name && s->kind)
		put_text(w, REC_X_PATH, s->name);
	if (s->cwd)
		put_text(w, REC_X_CWD, s->cwd);
	if (s->kind)
		put_fd(w, (struct rec_fd){ .num = s->fd ? s->fd : s->res,
					   .kind = (uint8_t)s->kind,
					   .flags = layer });
}

bool world_simple(struct world *w, struct str name, unsigned index)
{
	for (size_t i = 0; i < ARRAY_SIZE(simples); i++) {
		if (!str_eqz(name, simples[i].context) || simples[i].index != index)
			continue;
		world_init(w);
		simple_event(w, &simples[i]);
		return true;
	}
	return false;
}
