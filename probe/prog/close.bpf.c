// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/*
 * What was closed is gone when the call ends, so it is read where the call begins and kept until then. Only
 * here is the beginning of calls hooked, and only while a rule wants to know of closes.
 */
#include "lib/record.h"

enum { CLOSE_CALL = 3, CLOSING = 1024 };

/* A record without parameters, to the end of the path. */
struct closing {
	struct rec_hdr hdr;
	struct rec_ext x[2];
	struct rec_fd fd;
	u8 path[SLOT_TMP];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CLOSING);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u32);
	__type(value, struct closing);
} closing SEC(".maps");

SEC("tp_btf/sys_enter")
int close_enter(u64 *ctx)
{
	struct pt_regs *r = (struct pt_regs *)ctx[0];
	u32 tid = (u32)bpf_get_current_pid_tgid();
	struct slot *s;
	u64 file;

	if (EXIT_NR(ctx) != CLOSE_CALL || !in_scope())
		return 0;
	file = file_of((s32)(is_compat() ? r->bx : r->di));
	if (!file)
		return 0;
	s = rec_begin(EV_SYSCALL_CLOSE_X, 0, 2, 0xffff);
	if (!s)
		return 0;
	x_fd(s, 0, file, 0);
	bpf_map_update_elem(&closing, &tid, s->data, BPF_ANY);
	rec_drop(s);
	return 0;
}

SEC("tp_btf/sys_exit")
int close_exit(u64 *ctx)
{
	u32 tid = (u32)bpf_get_current_pid_tgid();
	struct slot *s = exit_begin(ctx, CLOSE_CALL, EV_SYSCALL_CLOSE_X, 2, 2);
	struct closing *c;
	s64 fd;
	u64 n;

	if (!s)
		return 0;
	fd = (s32)s->args[0];
	p_s64(s, s->ret);
	p_s64(s, fd);
	c = bpf_map_lookup_elem(&closing, &tid);
	if (!c) {
		x_fd(s, fd, 0, 0);
		return rec_end(s);
	}
	struct rec_fd *f = (struct rec_fd *)AT(s, s->off);

	__builtin_memcpy(f, &c->fd, sizeof(*f));
	f->num = fd;
	x_done(s, REC_X_FD, sizeof(*f));
	n = BOUND(c->x[1].len, 0x1fff);
	if (n > 0 && n <= SLOT_TMP) {
		bpf_probe_read_kernel(AT(s, s->off), (u32)n, c->path);
		x_done(s, REC_X_PATH, n);
	}
	HDR(s)->flags |= c->hdr.flags;
	bpf_map_delete_elem(&closing, &tid);
	return rec_end(s);
}
