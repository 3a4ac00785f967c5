// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/*
 * The open family. The name is what the caller gave; what was opened is read from the file behind the
 * new descriptor, which the caller cannot exchange.
 */
#include "lib/flags.h"
#include "lib/key.h"
#include "lib/record.h"

struct opened {
	u64 file;
	u64 ino;
	u32 dev;
	u32 flags; /* FILE_F_* */
};

INLINE struct opened opened(struct slot *s)
{
	struct opened o = { 0 };
	u64 inode;

	if (s->ret < 0)
		return o;
	o.file = file_of(s->ret);
	if (!o.file)
		return o;
	inode = (u64)CORE(file, o.file, f_inode);
	o.ino = CORE(inode, inode, i_ino);
	o.dev = dev_encode(CORE(inode, inode, i_sb, s_dev));
	if (CORE(file, o.file, f_mode) & FMODE_CREATED)
		o.flags |= FILE_F_CREATED;
	enum layer layer = inode_layer(inode);

	if (layer == LAYER_UPPER)
		o.flags |= FILE_F_UPPER;
	if (layer == LAYER_LOWER)
		o.flags |= FILE_F_LOWER;
	return o;
}

/* The mode argument means something only when a file may be made. */
INLINE u32 open_mode(u64 flags, u64 mode)
{
	return flags & (0100 | 020000000) ? mode & 07777 : 0;
}

#define OPEN_EXTRAS 4

struct named {
	u32 at, len; /* of the name, in the record */
	int first;
};

INLINE struct named p_name(struct slot *s, u64 addr)
{
	struct named n = { .at = s->off };
	u32 param = s->np;

	n.first = p_user_text(s, addr, 4096);
	n.len = *LEN_AT(s, param);
	return n;
}

INLINE int open_end(struct slot *s, struct opened *o, s64 dirfd, int first)
{
	x_base(s, REC_X_BASE, dirfd, first);
	x_fd(s, s->ret, o->file, 0);
	return rec_end(s);
}

/* The record has the key only if everything in it is still what the key was made of. */
INLINE int open_end_keyed(struct slot *s, struct opened *o, s64 dirfd, const struct named *n,
			  const struct probe_keys *keys)
{
	const struct probe_key *k = &keys->file;
	bool same;

	s->hash = 0;
	x_base(s, REC_X_BASE, dirfd, n->first);
	same = s->hash == k->base;
	s->hash = 0;
	x_fd(s, s->ret, o->file, 0);
	if (k->generation && same && s->hash == k->path && key_named(s, k, n->at, n->len)) {
		bpf_probe_read_kernel(AT(s, s->off), sizeof(*keys), keys);
		x_done(s, REC_X_KEY, sizeof(*keys));
	}
	return rec_end(s);
}

#define REGS(ctx) ((struct pt_regs *)(ctx)[0])

INLINE int open_exit(u64 *ctx)
{
	struct probe_keys k = { 0 };

	if (key_open(ctx, &k, AT_FDCWD, REGS(ctx)->di, REGS(ctx)->si,
		     open_mode(REGS(ctx)->si, REGS(ctx)->dx)))
		return 0;
	struct slot *s = exit_begin(ctx, 2, EV_SYSCALL_OPEN_X, 6, OPEN_EXTRAS);

	if (!s)
		return 0;
	struct opened o = opened(s);

	p_s64(s, s->ret);
	struct named name = p_name(s, s->args[0]);
	p_u32(s, file_flags(s->args[1]) | o.flags);
	p_u32(s, open_mode(s->args[1], s->args[2]));
	p_u32(s, o.dev);
	p_u64(s, o.ino);
	return open_end_keyed(s, &o, AT_FDCWD, &name, &k);
}

INLINE int openat_exit(u64 *ctx)
{
	struct probe_keys k = { 0 };

	if (key_open(ctx, &k, (s32)REGS(ctx)->di, REGS(ctx)->si, REGS(ctx)->dx,
		     open_mode(REGS(ctx)->dx, REGS(ctx)->r10)))
		return 0;
	struct slot *s = exit_begin(ctx, 257, EV_SYSCALL_OPENAT_2_X, 7, OPEN_EXTRAS);

	if (!s)
		return 0;
	struct opened o = opened(s);

	p_s64(s, s->ret);
	p_s64(s, (s32)s->args[0]);
	struct named name = p_name(s, s->args[1]);
	p_u32(s, file_flags(s->args[2]) | o.flags);
	p_u32(s, open_mode(s->args[2], s->args[3]));
	p_u32(s, o.dev);
	p_u64(s, o.ino);
	return open_end_keyed(s, &o, (s32)s->args[0], &name, &k);
}

INLINE int openat2_exit(u64 *ctx)
{
	struct slot *s = exit_begin(ctx, 437, EV_SYSCALL_OPENAT2_X, 8, OPEN_EXTRAS);
	u64 how[3] = { 0 }; /* flags, mode, resolve */
	int first;

	if (!s)
		return 0;
	struct opened o = opened(s);

	bpf_probe_read_user(how, sizeof(how), (void *)s->args[2]);
	p_s64(s, s->ret);
	p_s64(s, (s32)s->args[0]);
	first = p_user_text(s, s->args[1], 4096);
	p_u32(s, file_flags(how[0]) | o.flags);
	p_u32(s, open_mode(how[0], how[1]));
	/* The kernel's bits: NO_XDEV 1, NO_MAGICLINKS 2, NO_SYMLINKS 4, BENEATH 8, IN_ROOT 16, CACHED 32 */
	p_u32(s, BIT_TO(how[2], 8, 1) | BIT_TO(how[2], 16, 2) | BIT_TO(how[2], 2, 4) |
			 BIT_TO(how[2], 4, 8) | BIT_TO(how[2], 1, 16) | (how[2] & 32));
	p_u32(s, o.dev);
	p_u64(s, o.ino);
	return open_end(s, &o, (s32)s->args[0], first);
}

INLINE int creat_exit(u64 *ctx)
{
	struct slot *s = exit_begin(ctx, 85, EV_SYSCALL_CREAT_X, 6, OPEN_EXTRAS);
	int first;

	if (!s)
		return 0;
	struct opened o = opened(s);

	p_s64(s, s->ret);
	first = p_user_text(s, s->args[0], 4096);
	p_u32(s, s->args[1] & 07777);
	p_u32(s, o.dev);
	p_u64(s, o.ino);
	p_u16(s, BIT_TO(o.flags, FILE_F_UPPER, 1) | BIT_TO(o.flags, FILE_F_LOWER, 2));
	return open_end(s, &o, AT_FDCWD, first);
}

/* Its "path" is what the handle led to. */
INLINE int open_handle_exit(u64 *ctx)
{
	struct slot *s = exit_begin(ctx, 304, EV_SYSCALL_OPEN_BY_HANDLE_AT_X, 6, OPEN_EXTRAS);

	if (!s)
		return 0;
	struct opened o = opened(s);

	p_s64(s, s->ret);
	p_s64(s, (s32)s->args[0]);
	p_u32(s, file_flags(s->args[2]) | o.flags);
	if (o.file)
		p_done(s, (u64)file_path(s, o.file));
	else
		p_missing(s);
	p_u32(s, o.dev);
	p_u64(s, o.ino);
	return open_end(s, &o, AT_FDCWD, '/');
}

/* One program for the family: what all share (lib/record.h) is verified once for each program. */
SEC("tp_btf/sys_exit")
int open_calls(u64 *ctx)
{
	switch (EXIT_NR(ctx)) {
	case 257: return openat_exit(ctx);
	case 2: return open_exit(ctx);
	case 437: return openat2_exit(ctx);
	case 85: return creat_exit(ctx);
	case 304: return open_handle_exit(ctx);
	}
	return 0;
}
