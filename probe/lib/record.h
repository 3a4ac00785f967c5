/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * Making a record: rec_begin, the parameters in their order, the extras, rec_end. The number of extra
 * headers is fixed when the record is begun (their bytes lie before the parameters); those that turn
 * out to have nothing to say keep tag 0, which readers skip.
 */
#ifndef TIERCEL_PROBE_RECORD_H
#define TIERCEL_PROBE_RECORD_H

#include "lib/kernel.h"
#include "abi/call.h"
#include "abi/record.h"
#include "lib/maps.h"
#include "lib/read.h"

enum {
	PATH_STEPS = 96,
	PATH_STEPS_LOOP = 2048,
	CGROUP_STEPS = 24,
	ARGS_MAX = 4096,
	HEADER_WORDS =
		10, /* eighteen extra headers (an exec and all that rules want) and the padding */
	I386_SOCKETCALL = 102,
	I386_OLD_MMAP = 90,
	I386_OLD_SELECT = 82,
	I386_SENDFILE = 187,
	I386_FIRST_LONG_ID = 198,
};

#define AT(s, off)   ((s)->data + BOUND(off, 0x7fff))
#define HDR(s)	     ((struct rec_hdr *)(s)->data)
#define LEN_AT(s, i) ((u16 *)((s)->data + sizeof(struct rec_hdr) + BOUND((u64)(i)*2, 0x7f)))

/* Moves the end of the data; a record that would be too long is marked by stopping at the limit. */
INLINE void rec_advance(struct slot *s, u64 n)
{
	u64 off = s->off + ((n + 7) & ~7ull);

	s->off = off > SLOT_DATA - 8 ? SLOT_DATA - 8 : (u32)off;
}

INLINE void p_len(struct slot *s, u64 len)
{
	*LEN_AT(s, s->np) = (u16)len;
	s->np++;
}

INLINE void p_missing(struct slot *s)
{
	p_len(s, REC_MISSING);
}

INLINE void p_num(struct slot *s, u64 v, u32 width)
{
	*(u64 *)AT(s,
		   s->off) = v; /* the rest of the eight bytes must be 0: callers give unsigned */
	rec_advance(s, 8);
	p_len(s, width);
}

#define p_s64(s, v) p_num(s, (u64)(s64)(v), 8)
#define p_u64(s, v) p_num(s, (u64)(v), 8)
#define p_u32(s, v) p_num(s, (u32)(v), 4)
#define p_u16(s, v) p_num(s, (u16)(v), 2)
#define p_u8(s, v)  p_num(s, (u8)(v), 1)

/* Ends n bytes already written at the end of the data. */
INLINE void p_done(struct slot *s, u64 n)
{
	n = BOUND(n, 0x1fff);
	*(u64 *)AT(s, s->off + n) = 0;
	rec_advance(s, n);
	p_len(s, n);
}

INLINE void x_done(struct slot *s, u32 tag, u64 n)
{
	struct rec_ext *x = (struct rec_ext *)AT(s, s->xoff);

	n = BOUND(n, 0x1fff);
	x->tag = (u16)tag;
	x->len = (u16)n;
	s->xoff += sizeof(*x);
	*(u64 *)AT(s, s->off + n) = 0;
	rec_advance(s, n);
}

INLINE void x_u32(struct slot *s, u32 tag, u32 v)
{
	*(u64 *)AT(s, s->off) = v;
	x_done(s, tag, 4);
}

/* A text of the caller's memory. Returns its first byte, 0 for an empty, -1 for an unreadable one. */
SHARED int p_user_text(struct slot *s, u64 addr, u32 max)
{
	long n;

	if (!s)
		return -1;
	u8 *at = AT(s, s->off);

	max = (u32)BOUND(max, 0x1fff);
	if (max > 4096)
		max = 4096;
	n = addr ? bpf_probe_read_user_str(at, max, (void *)addr) : -1;
	if (n <= 0) {
		p_missing(s);
		return -1;
	}
	int first = at[0];

	if (n == max)
		HDR(s)->flags |= REC_F_TRUNCATED;
	p_done(s, (u64)n - 1);
	return first;
}

/* As above, from kernel memory; inline, as typed pointers may not go to a shared function. */
INLINE void p_kernel_text(struct slot *s, const void *text)
{
	long n = bpf_probe_read_kernel_str(AT(s, s->off), 4096, text);

	if (n <= 0)
		p_missing(s);
	else
		p_done(s, (u64)n - 1);
}

/* Bytes of the caller's memory, at most 4096. */
SHARED int p_user_bytes(struct slot *s, u64 addr, u64 len)
{
	if (!s)
		return -1;
	if (len > ARGS_MAX) {
		len = ARGS_MAX;
		HDR(s)->flags |= REC_F_TRUNCATED;
	}
	len = BOUND(len, 0x1fff);
	if (len == 0) {
		p_len(s, 0);
		return 0;
	}
	if (bpf_probe_read_user(AT(s, s->off), (u32)len, (void *)addr) < 0) {
		p_missing(s);
		return -1;
	}
	p_done(s, len);
	return 0;
}

struct walk {
	struct slot *s;
	u64 dentry;
	u64 mount;
	u64 mnt_root;
	u64 hash; /* of the names so far, as in lib/key.h */
	u64 end;  /* enum walk_end */
};

enum walk_end { WALK_TOO_DEEP, WALK_ROOT, WALK_DETACHED };

/* One step towards the root; 1 ends the walk. */
static long walk_step(u32 i, struct walk *w)
{
	struct slot *s = w->s;
	u64 dentry = w->dentry, parent, name, pos, hash_len;
	u32 len;

	if (dentry == w->mnt_root) {
		parent = (u64)CORE(mount, w->mount, mnt_parent);
		if (parent == w->mount || parent == 0) {
			w->end = WALK_ROOT;
			return 1;
		}
		w->dentry = (u64)CORE(mount, w->mount, mnt_mountpoint);
		w->mount = parent;
		w->mnt_root = (u64)CORE(mount, parent, mnt.mnt_root);
		return 0;
	}
	parent = (u64)CORE(dentry, dentry, d_parent);
	if (parent == dentry) {
		w->end = WALK_DETACHED;
		return 1;
	}
	hash_len = name_hash(dentry);
	len = (u32)BOUND(hash_len >> 32, 0xff);
	w->hash = key_mix(w->hash, hash_len);
	name = (u64)CORE(dentry, dentry, d_name.name);
	pos = s->pos;
	if (pos <= len + 1)
		return 1;
	pos -= len + 1;
	s->pos = (u32)pos;
	s->tmp[BOUND(pos, SLOT_TMP - 1)] = '/';
	bpf_probe_read_kernel(s->tmp + BOUND(pos, SLOT_TMP - 1) + 1, len, (void *)name);
	w->dentry = parent;
	return 0;
}

/*
 * Writes the path of a dentry in a mount at the end of the data, without ending it there, and returns
 * its length. It is the path in the mount namespace, also for a task in a chroot: what a rule
 * wants to know is which file it is. A dentry without parents (memfd, anonymous inode, lazily
 * unmounted) has its bare name. bpf_loop (5.17) is not faster, but the verifier walks the step
 * once instead of a hundred times, in every program: 18 ms each.
 */
SHARED int path_write(struct slot *s, u64 dentry, u64 vfsmount)
{
	u64 name, pos, n;
	u32 len;

	if (!s)
		return 0;
	struct walk w = {
		.s = s,
		.dentry = dentry,
		.mount = vfsmount - bpf_core_field_offset(struct mount, mnt),
		.mnt_root = (u64)CORE(vfsmount, vfsmount, mnt_root),
		.hash = conf.secrets[0],
		.end = WALK_TOO_DEEP,
	};

	s->pos = SLOT_TMP;
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop)) {
		bpf_loop(PATH_STEPS_LOOP, walk_step, &w, 0);
	} else {
		for (u32 i = 0; i < PATH_STEPS; i++) {
			if (walk_step(i, &w))
				break;
		}
	}
	pos = s->pos;
	s->hash = w.end == WALK_ROOT ? w.hash | 1 : 0;
	if (w.end == WALK_DETACHED && pos == SLOT_TMP) {
		dentry = w.dentry;
		len = (u32)BOUND(CORE(dentry, dentry, d_name.len), 0xff);
		name = (u64)CORE(dentry, dentry, d_name.name);
		bpf_probe_read_kernel(AT(s, s->off), len, (void *)name);
		return (int)len;
	}
	if (w.end != WALK_ROOT)
		HDR(s)->flags |= REC_F_UNRESOLVED;
	n = BOUND(SLOT_TMP - pos, 0x1fff);
	if (n == 0) {
		*AT(s, s->off) = '/';
		return 1;
	}
	if (n > SLOT_TMP)
		return 0;
	bpf_probe_read_kernel(AT(s, s->off), (u32)n, s->tmp + BOUND(pos, SLOT_TMP - 1));
	return (int)n;
}

/*
 * Where the task is. Copied by a probe read, as a shared function takes numbers, not typed pointers;
 * struct path has had these two fields in this order for ever.
 */
INLINE int cwd_path(struct slot *s)
{
	u64 path[2] = { 0 }, fs = (u64)TASK(task_now(), fs);

	if (!fs)
		return 0;
	bpf_probe_read_kernel(path, sizeof(path),
			      (void *)(fs + bpf_core_field_offset(struct fs_struct, pwd)));
	return path_write(s, path[1], path[0]);
}

INLINE int file_path(struct slot *s, u64 file)
{
	return path_write(s, (u64)CORE(file, file, f_path.dentry),
			  (u64)CORE(file, file, f_path.mnt));
}

/* The directory a relative name starts from; `first` is the first byte of the name. */
SHARED int x_base(struct slot *s, u32 tag, s64 dirfd, int first)
{
	if (!s || first == '/' || first < 0)
		return 0;
	if ((s32)dirfd == AT_FDCWD) {
		x_done(s, tag, (u64)cwd_path(s));
		return 0;
	}
	u64 file = file_of((s32)dirfd);

	if (file)
		x_done(s, tag, (u64)file_path(s, file));
	return 0;
}

INLINE void x_cwd(struct slot *s)
{
	x_done(s, REC_X_CWD, (u64)cwd_path(s));
}

INLINE u8 anon_kind(u64 dentry)
{
	u64 name = (u64)CORE(dentry, dentry, d_name.name);
	u8 t[16] = { 0 };

	bpf_probe_read_kernel_str(t, sizeof(t), (void *)name);
	u32 skip = t[0] == '[';
	u8 a = skip ? t[1] : t[0], b = skip ? t[2] : t[1], f = skip ? t[6] : t[5];

	if (a == 'e' && b == 'v')
		return f == 'p' ? 'l' : f == 'f' ? 'e' : 'o'; /* eventpoll, eventfd */
	if (a == 's' && b == 'i')
		return 's'; /* signalfd */
	if (a == 't' && b == 'i')
		return 't'; /* timerfd */
	if (a == 'i' && b == 'n')
		return 'i'; /* inotify */
	if (a == 'i' && b == 'o')
		return 'r'; /* io_uring */
	if (a == 'b' && b == 'p')
		return 'b'; /* bpf-map, bpf-prog, bpf_link */
	if (a == 'u' && b == 's')
		return 'u'; /* userfaultfd */
	if (a == 'p' && b == 'i')
		return 'P'; /* pidfd */
	return 'o';
}

INLINE u8 socket_kind(u64 sock)
{
	u64 sk = sock ? (u64)CORE(socket, sock, sk) : 0;

	switch (sk ? CORE(sock, sk, __sk_common.skc_family) : 0) {
	case LINUX_AF_UNIX: return 'u';
	case LINUX_AF_NETLINK: return 'n';
	case LINUX_AF_INET: return '4';
	case LINUX_AF_INET6: return '6';
	default: return 'o';
	}
}

/* The letter of fd.typechar. */
SHARED int file_kind(u64 file)
{
	u64 inode = (u64)CORE(file, file, f_inode);
	u64 dentry = (u64)CORE(file, file, f_path.dentry);
	u64 magic = CORE(inode, inode, i_sb, s_magic);

	if (magic == MAGIC_ANON_INODE)
		return anon_kind(dentry);
	if (magic == MAGIC_PIDFS)
		return 'P';
	switch (CORE(inode, inode, i_mode) & 0170000) {
	case 0140000: return socket_kind((u64)CORE(file, file, private_data));
	case 0040000: return 'd';
	case 0010000: return 'p';
	case 0100000: break;
	default: return 'f';
	}
	u8 t[8] = { 0 };

	if ((u64)CORE(dentry, dentry, d_parent) == dentry)
		bpf_probe_read_kernel(t, 6, (void *)CORE(dentry, dentry, d_name.name));
	return t[0] == 'm' && t[1] == 'e' && t[2] == 'm' && t[3] == 'f' && t[5] == ':' ? 'm' : 'f';
}

/*
 * Who came to whom. A port that connect chose is marked for that use alone; that of a socket that accept made was
 * bound, but not by itself.
 */
INLINE u8 tcp_role(u64 sk)
{
	u64 bound = (u64)CORE(inet_connection_sock, sk, icsk_bind_hash);

	if (!bound)
		return 0;
	if (CORE(inet_bind_bucket, bound, fastreuse) < 0 ||
	    BPF_CORE_READ_BITFIELD_PROBED((struct sock *)sk, sk_userlocks) & BINDPORT_LOCK)
		return REC_FD_CLIENT;
	return REC_FD_SERVER;
}

INLINE void fd_socket(struct rec_fd *f, u64 sk)
{
	u16 family = CORE(sock, sk, __sk_common.skc_family);
	u8 st = CORE(sock, sk, __sk_common.skc_state);
	u16 port;

	f->family = (u8)family;
	if (st == STATE_LISTEN)
		f->flags |= REC_FD_LISTENING;
	if (st == STATE_ESTABLISHED)
		f->flags |= REC_FD_CONNECTED;
	if (family == LINUX_AF_UNIX) {
		f->unix_self = sk;
		f->unix_peer = (u64)CORE(unix_sock, sk, peer);
	} else if (family == LINUX_AF_INET || family == LINUX_AF_INET6) {
		f->l4 = (u8)CORE(sock, sk, sk_protocol);
		f->local_port = CORE(sock, sk, __sk_common.skc_num);
		port = CORE(sock, sk, __sk_common.skc_dport);
		f->remote_port = (u16)(port >> 8 | port << 8);
		if (f->l4 == LINUX_IPPROTO_TCP && port &&
		    !(f->flags & (REC_FD_CLIENT | REC_FD_SERVER)))
			f->flags |= tcp_role(sk);
		if (family == LINUX_AF_INET) {
			*(u32 *)f->local_addr = CORE(sock, sk, __sk_common.skc_rcv_saddr);
			*(u32 *)f->remote_addr = CORE(sock, sk, __sk_common.skc_daddr);
		} else {
			struct sock *k = (struct sock *)sk;

			bpf_probe_read_kernel(f->local_addr, 16,
					      (void *)&k->__sk_common.skc_v6_rcv_saddr);
			bpf_probe_read_kernel(f->remote_addr, 16,
					      (void *)&k->__sk_common.skc_v6_daddr);
		}
	}
}

enum {
	X_FD_STDIO = 1 << 8
}; /* besides enum rec_fd_flag: one of the first three, told at an exec */

/* The descriptor and, for what lies in a file system, its path. Takes two extra headers. */
SHARED int x_fd(struct slot *s, s64 num, u64 file, u32 flags)
{
	bool stdio = flags & X_FD_STDIO;

	if (!s)
		return 0;
	struct rec_fd *f = (struct rec_fd *)AT(s, s->off);

	for (u32 i = 0; i < sizeof(*f) / 8; i++)
		((u64 *)f)[i] = 0;
	f->num = num;
	if (!file) {
		x_done(s, REC_X_FD, sizeof(*f));
		return 0;
	}
	u64 inode = (u64)CORE(file, file, f_inode);
	u64 dentry = (u64)CORE(file, file, f_path.dentry);
	u64 magic = CORE(inode, inode, i_sb, s_magic);
	u32 mode = CORE(inode, inode, i_mode);
	u32 type = mode & 0170000;
	bool pathless = false;

	f->mode = mode;
	f->ino = CORE(inode, inode, i_ino);
	f->dev = dev_encode(CORE(inode, inode, i_sb, s_dev));
	f->open_flags = CORE(file, file, f_flags);
	f->flags = (u8)flags;
	f->kind = file_kind(file);
	if (magic == MAGIC_ANON_INODE || magic == MAGIC_PIDFS) {
		pathless = true;
	} else if (type == 0140000) {
		u64 sock = (u64)CORE(file, file, private_data);
		u64 sk = sock ? (u64)CORE(socket, sock, sk) : 0;

		pathless = true;
		if (sk)
			fd_socket(f, sk);
	} else {
		if (CORE(inode, inode, i_nlink) == 0)
			f->flags |= REC_FD_UNLINKED;
		enum layer layer = inode_layer(inode);

		if (layer == LAYER_UPPER)
			f->flags |= REC_FD_UPPER;
		if (layer == LAYER_LOWER)
			f->flags |= REC_FD_LOWER;
		/* A pipe made by pipe() has a dentry without a name; a named one is a file. */
		if (type == 0010000 && CORE(dentry, dentry, d_name.len) == 0)
			pathless = true;
	}
	x_done(s, stdio ? REC_X_STDIO : REC_X_FD, sizeof(*f));
	if (!pathless)
		x_done(s, stdio ? REC_X_STDIO_PATH : REC_X_PATH, (u64)file_path(s, file));
	return 0;
}

/* Who: the identity of a task, read directly. */
SHARED int rec_who(struct slot *s)
{
	struct task_struct *t = bpf_get_current_task_btf();

	if (!s)
		return 0;
	struct rec_ident *w = &HDR(s)->who;
	struct task_struct *parent = t->real_parent;

	w->start_ns = t->group_leader->start_boottime;
	w->parent_start_ns = parent->group_leader->start_boottime;
	w->cgroup_id = t->cgroups->dfl_cgrp->kn->id;
	w->pid = (u32)t->tgid;
	w->tid = (u32)t->pid;
	w->ppid = (u32)parent->tgid;
	w->vpid = pid_nr((u64)t->signal->pids[ID_TGID]);
	w->vtid = pid_nr((u64)t->thread_pid);
	w->uid = t->cred->euid.val;
	w->gid = t->cred->egid.val;
	w->loginuid = task_loginuid((u64)t);
	w->pid_ns = 0;
	w->mnt_ns = 0;
	if (t->nsproxy) { /* given up early in an exit */
		w->mnt_ns = t->nsproxy->mnt_ns->ns.inum;
		w->pid_ns = CORE(pid_namespace, pid_ns((u64)t->thread_pid), ns.inum);
	}
	bpf_get_current_comm(w->comm, sizeof(w->comm));
	return 0;
}

#include "lib/wanted.h"

INLINE struct slot *slot_take(void)
{
	u32 cpu = bpf_get_smp_processor_id();

#pragma unroll
	for (u32 i = 0; i < PROBE_SLOTS; i++) {
		u32 key = cpu * PROBE_SLOTS + i;
		struct slot *s = bpf_map_lookup_elem(&slots, &key);

		if (!s)
			break;
		if (__sync_val_compare_and_swap(&s->busy, 0, 1) == 0)
			return s;
	}
	drop(PROBE_DROP_SLOT);
	return NULL;
}

/* Gives the slot back; the record in it, if any, is not sent. */
INLINE void rec_drop(struct slot *s)
{
	__sync_lock_test_and_set(&s->busy, 0);
}

/* Begins a record; NULL (counted) when it cannot be made. */
INLINE struct slot *rec_begin(u32 type, u32 nparams, u32 nextras, u32 syscall)
{
	struct slot *s = slot_take();

	if (!s)
		return NULL;
	s->wanted = state.extras[BOUND(type, PROBE_CODES - 1)];
	nextras += wanted_headers(s->wanted);
	struct rec_hdr *h = HDR(s);
	u32 lens = sizeof(*h) + nparams * 2;
	u32 start = (lens + nextras * 4 + 7) & ~7u;

	h->type = (u16)type;
	h->nparams = (u8)nparams;
	h->nextras = (u8)nextras;
	h->ts_ns = bpf_ktime_get_boot_ns();
	h->cpu = (u16)bpf_get_smp_processor_id();
	h->flags = 0;
	h->syscall = (u16)syscall;
	h->reserved = 0;
	/* Extra headers and padding; what is too much is written over. */
	for (u32 i = 0; i < HEADER_WORDS; i++)
		*(u64 *)AT(s, lens + i * 8) = 0;
	s->off = start;
	s->np = 0;
	s->xoff = lens;
	s->cwd_len = 0;
	rec_who(s);
	return s;
}

/*
 * Hands the record to the ring of this CPU. No wake-up, except once after the reader has said that it
 * sleeps: then an empty record is sent with one, after the real one is visible, so that
 * either the reader sees the record before it sleeps or we see its flag.
 */
SHARED int rec_send(struct slot *s)
{
	u32 cpu = bpf_get_smp_processor_id(), tick = 0, type;
	void *ring;
	u32 len;

	if (!s)
		return 0;
	len = (u32)BOUND(s->off, 0x7fff);
	if (len >= SLOT_DATA - 8) {
		drop(PROBE_DROP_OVERFLOW);
		goto out;
	}
	HDR(s)->len = len;
	ring = bpf_map_lookup_elem(&rings, &cpu);
	if (!ring || bpf_ringbuf_output(ring, s->data, len, BPF_RB_NO_WAKEUP) < 0) {
		drop(PROBE_DROP_RING);
		type = HDR(s)->type;
		if (type < PROBE_CODES)
			__sync_fetch_and_add(&state.lost[BOUND(type, PROBE_CODES - 1)], 1);
		goto out;
	}
	if (state.sleeping && __sync_val_compare_and_swap(&state.sleeping, 1, 0) == 1)
		bpf_ringbuf_output(ring, &tick, sizeof(tick), BPF_RB_FORCE_WAKEUP);
out:
	rec_drop(s);
	return 0;
}

/* Of an event that rules see: with what they want to know beside it. */
SHARED int rec_end(struct slot *s)
{
	if (!s)
		return 0;
	if (s->wanted)
		x_wanted(s);
	return rec_send(s);
}

/* The result, by hand: clang likes to keep the address of ctx[1], which the verifier refuses. */
INLINE s64 exit_ret(u64 *ctx)
{
	s64 ret;

	asm volatile("%0 = *(u64 *)(%1 + 8)" : "=r"(ret) : "r"(ctx));
	return ret;
}

/* i386 has all socket calls behind one number, with the arguments in memory. */
INLINE u32 socketcall_nr(u32 call)
{
	switch (call) {
	case 1: return 41;
	case 2: return 49;
	case 3: return 42;
	case 4: return 50;
	case 5: return 43;
	case 6: return 51;
	case 7: return 52;
	case 8: return 53;
	case 9: return PROBE_SEND;
	case 10: return PROBE_RECV;
	case 11: return 44;
	case 12: return 45;
	case 13: return 48;
	case 14: return 54;
	case 15: return 55;
	case 16: return 46;
	case 17: return 47;
	case 18: return 288;
	case 19: return 299;
	case 20: return 307;
	default: return PROBE_NATIVE + I386_SOCKETCALL;
	}
}

/* Six are read though the call may have fewer: more lie there, as a rule, and nobody looks at them. */
INLINE void memory_args(struct slot *s, u64 at)
{
	u32 args[6] = { 0 };

	if (bpf_probe_read_user(args, sizeof(args), (void *)at) < 0)
		bpf_probe_read_user(args, 8, (void *)at);
	for (u32 i = 0; i < 6; i++)
		s->args[i] = args[i];
}

/* A call of i386; its numbers and registers are others. */
INLINE bool is_compat(void)
{
	struct task_struct *t = bpf_get_current_task_btf();

	return t->thread_info.status & TS_COMPAT;
}

/* Begins the record of a syscall's exit; arguments and result are then in the slot. */
INLINE struct slot *exit_begin(u64 *ctx, u32 nr, u32 type, u32 nparams, u32 nextras)
{
	struct pt_regs *r = (struct pt_regs *)ctx[0];
	struct slot *s = rec_begin(type, nparams, nextras, nr);

	if (!s)
		return NULL;
	s->ret = exit_ret(ctx);
	s->args[CALL_RESULT] = (u64)s->ret;
	s->args[CALL_NUMBER_OF_CALL] = nr;
	if (is_compat()) {
		u32 own = (u32)r->orig_ax;

		HDR(s)->flags |= REC_F_32BIT;
		HDR(s)->syscall = (u16)own;
		s->args[CALL_NUMBER_OF_CALL] = own;
		if (own == I386_SOCKETCALL) {
			memory_args(s, (u32)r->cx);
			return s;
		}
		if (own == I386_OLD_MMAP || own == I386_OLD_SELECT) {
			memory_args(s, (u32)r->bx);
			return s;
		}
		s->args[0] = (u32)r->bx;
		s->args[1] = (u32)r->cx;
		s->args[2] = (u32)r->dx;
		s->args[3] = (u32)r->si;
		s->args[4] = (u32)r->di;
		s->args[5] = (u32)r->bp;
		return s;
	}
	s->args[0] = r->di;
	s->args[1] = r->si;
	s->args[2] = r->dx;
	s->args[3] = r->r10;
	s->args[4] = r->r8;
	s->args[5] = r->r9;
	return s;
}

/* The number by which we know the current syscall (probe.h), or one out of range. */
INLINE u32 exit_nr(struct pt_regs *r)
{
	u64 nr = r->orig_ax;

	if (is_compat()) {
		if (nr == I386_SOCKETCALL)
			return socketcall_nr((u32)r->bx);
		if (nr >= PROBE_NATIVE)
			return PROBE_SYSCALLS;
		return conf.compat[BOUND(nr, PROBE_NATIVE - 1)];
	}
	nr &= ~0x40000000ull; /* x32 */
	if (nr < PROBE_NATIVE)
		return (u32)nr;
	nr -= PROBE_NATIVE;
	return nr < PROBE_X32 ? conf.x32[BOUND(nr, 63)] : PROBE_SYSCALLS;
}

#define EXIT_NR(ctx) exit_nr((struct pt_regs *)(ctx)[0])

#endif
