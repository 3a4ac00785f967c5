// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/*
 * The program of all calls that need no code of their own: it follows the description of the call
 * (abi/call.h). Also that of calls without an event of their own, whose record only says which it was.
 */
#include "lib/convert.h"
#include "lib/data.h"
#include "lib/process.h"

enum { POLLFDS = 128 };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PROBE_SYSCALLS);
	__type(key, u32);
	__type(value, struct call);
} calls __weak SEC(".maps");

INLINE u64 argument(struct slot *s, u64 i)
{
	return s->args[BOUND(i, 7)];
}

INLINE bool is_narrow(struct slot *s)
{
	return HDR(s)->flags & REC_F_32BIT;
}

/* Calls of i386 that take users and groups of 16 bits; their successors have higher numbers. */
INLINE bool has_short_ids(struct slot *s)
{
	return is_narrow(s) && s->args[CALL_NUMBER_OF_CALL] < I386_FIRST_LONG_ID;
}

union param_bits {
	u64 bits;
	struct call_param param;
};

/*
 * The number in the low bytes of v. Descriptions go to shared functions as numbers, as pointers into maps
 * may not.
 */
SHARED u64 cut(struct slot *s, u64 bits, u64 v)
{
	union param_bits u = { .bits = bits };
	struct call_param p = u.param;

	if (!s)
		return 0;
	switch (p.cut) {
	case CALL_U16: return (u16)v;
	case CALL_S16: return (u64)(s64)(__s16)v;
	case CALL_U32: return (u32)v;
	case CALL_S32: return (u64)(s64)(s32)v;
	case CALL_LONG: return is_narrow(s) ? (u32)v : v;
	case CALL_LIMIT:
		if (!is_narrow(s))
			return v;
		return (u32)v == 0xffffffff ? ~0ull : (u32)v;
	case CALL_ID:
		if (!has_short_ids(s))
			return (u32)v;
		return (u16)v == 0xffff ? 0xffffffff : (u16)v;
	case CALL_PAIR: return is_narrow(s) ? (u32)v | argument(s, p.from + 1u) << 32 : v;
	case CALL_PAIR_BIG: return v << 32 | (u32)argument(s, p.from + 1u);
	default: return v;
	}
}

SHARED int p_number(struct slot *s, u64 bits, u64 v)
{
	union param_bits u = { .bits = bits };
	struct call_param p = u.param;

	if (!s)
		return 0;
	if (p.when & CALL_NOT_BELOW_0 && (s64)v < 0)
		v = 0;
	if (p.when & CALL_IF_ARG2 && (u32)s->args[2] != p.with)
		v = 0;
	if (p.conversion)
		v = converted(p.conversion, v);
	if (p.width == 1)
		p_u8(s, v);
	else if (p.width == 2)
		p_u16(s, v);
	else if (p.width == 4)
		p_u32(s, v);
	else
		p_u64(s, v);
	return 0;
}

INLINE u32 size_in_memory(struct slot *s, u32 how)
{
	switch (how) {
	case CALL_U16:
	case CALL_S16: return 2;
	case CALL_U32:
	case CALL_S32: return 4;
	case CALL_LONG:
	case CALL_LIMIT: return is_narrow(s) ? 4 : 8;
	case CALL_OFFSET:
		return is_narrow(s) && s->args[CALL_NUMBER_OF_CALL] == I386_SENDFILE ? 4 : 8;
	case CALL_ID: return has_short_ids(s) ? 2 : 4;
	default: return 8;
	}
}

SHARED int p_memory(struct slot *s, u64 bits)
{
	union param_bits u = { .bits = bits };
	struct call_param p = u.param;

	if (!s)
		return 0;
	u64 at = argument(s, p.from), v = 0, with = p.with, none = 0;
	u32 size = size_in_memory(s, p.cut);

	if (p.cut == CALL_LONG || p.cut == CALL_LIMIT)
		with *= size;
	if (p.when & CALL_ELSE_MINUS)
		none = ~0ull;
	if (!at || (p.when & CALL_IF_DONE && s->ret < 0) ||
	    (p.when & CALL_IF_SECOND && (u32)s->args[2] < 2))
		p_number(s, bits, none);
	else if (bpf_probe_read_user(&v, (u32)BOUND(size, 0xf), (void *)(at + with)) < 0)
		p_missing(s);
	else
		p_number(s, bits, cut(s, bits, v));
	return 0;
}

INLINE void p_time(struct slot *s, u64 at)
{
	s64 v[2] = { 0 };
	s32 narrow[2] = { 0 };
	long r;

	if (!at) {
		p_u64(s, ~0ull);
		return;
	}
	if (is_narrow(s)) {
		r = bpf_probe_read_user(narrow, sizeof(narrow), (void *)at);
		v[0] = narrow[0];
		v[1] = narrow[1];
	} else {
		r = bpf_probe_read_user(v, sizeof(v), (void *)at);
	}
	if (r < 0)
		p_missing(s);
	else
		p_u64(s, (u64)v[0] * 1000000000ull + (u64)v[1]);
}

INLINE void p_data(struct slot *s, struct call_param p)
{
	u64 n = p.op == CALL_SENT ? sent_bytes(s, argument(s, p.with))
		: s->ret > 0	  ? (u64)s->ret
				  : 0;

	p_user_bytes(s, argument(s, p.from), snapped(n));
}

INLINE void p_iov(struct slot *s, struct call_param p)
{
	u64 iov = argument(s, p.from), n = argument(s, p.with);

	if (p.op == CALL_IOV_SIZE) {
		p_pieces(s, iov, n, 0, 0);
		p_u32(s, s->size);
	} else {
		p_pieces(s, iov, n,
			 p.op == CALL_IOV_SENT ? sent_bytes(s, ~0ull)
			 : s->ret > 0	       ? (u64)s->ret
					       : 0,
			 1);
	}
}

struct polled {
	s32 fd;
	u16 events;
	u16 returned;
};

INLINE u16 poll_events(u16 v)
{
	return (u16)((v & 7) | (v & 0x2000 ? 8 : 0) | (v & 0x3f8) << 1);
}

struct poll_walk {
	struct slot *s;
	u64 at;
	u64 count;
	u64 found;
};

static long poll_step(u32 i, struct poll_walk *w)
{
	struct polled f = { 0 };
	u64 fd;

	if (i >= w->count || bpf_probe_read_user(&f, sizeof(f), (void *)(w->at + i * 8)) < 0)
		return 1;
	u8 *o = AT(w->s, w->s->off + 2 + (u64)i * 10);

	fd = (u64)(s64)f.fd;
	__builtin_memcpy(o, &fd, 8);
	f.events = poll_events(f.returned);
	__builtin_memcpy(o + 8, &f.events, 2);
	w->found = i + 1; /* not counted up: the verifier would count along */
	return 0;
}

/* What was found, of each descriptor; of a call that failed only the descriptors. */
SHARED int p_pollfds(struct slot *s, u64 at, u64 count)
{
	if (!s)
		return 0;
	struct poll_walk w = { .s = s, .at = at, .count = (u32)count };

	if (w.count > POLLFDS) {
		w.count = POLLFDS;
		HDR(s)->flags |= REC_F_TRUNCATED;
	}
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop)) {
		bpf_loop(POLLFDS, poll_step, &w, 0);
	} else {
		for (u32 i = 0; i < 16; i++) {
			if (poll_step(i, &w))
				break;
		}
	}
	*(u16 *)AT(s, s->off) = (u16)w.found;
	p_done(s, 2 + w.found * 10);
	return 0;
}

INLINE void p_vm(struct slot *s, u32 which)
{
	u64 mm = (u64)TASK(task_now(), mm);

	if (!mm)
		p_u32(s, 0);
	else if (which == 0)
		p_u32(s, CORE(mm_struct, mm, total_vm) << 2);
	else if (which == 1)
		p_u32(s, mm_pages(mm, 0) + mm_pages(mm, 1) + mm_pages(mm, 3));
	else
		p_u32(s, mm_pages(mm, 2));
}

INLINE void p_inode(struct slot *s, u64 at)
{
	u64 file = 0;
	s32 fd = -1;

	if (s->ret >= 0 && bpf_probe_read_user(&fd, sizeof(fd), (void *)at) == 0)
		file = file_of(fd);
	p_u64(s, file ? CORE(file, file, f_inode, i_ino) : 0);
}

INLINE void p_caps(struct slot *s, u32 which)
{
	u64 t = task_now();

	if (which == 0)
		p_u64(s, TASK_CAPS(t, cap_inheritable));
	else if (which == 1)
		p_u64(s, TASK_CAPS(t, cap_permitted));
	else
		p_u64(s, TASK_CAPS(t, cap_effective));
}

/* One parameter. */
SHARED int p_described(struct slot *s, u64 bits)
{
	union param_bits u = { .bits = bits };
	struct call_param p = u.param;

	if (!s)
		return 0;
	switch (p.op) {
	case CALL_NUMBER: p_number(s, bits, cut(s, bits, argument(s, p.from))); break;
	case CALL_MEMORY: p_memory(s, bits); break;
	case CALL_TEXT:
		if (p.when & CALL_IF_DONE && s->ret < 0)
			p_missing(s);
		else
			p_user_text(s, argument(s, p.from), 4096);
		break;
	case CALL_PATH:
		s->second = p_user_text(s, argument(s, p.from), 4096);
		if (!p.with)
			s->first = s->second;
		break;
	case CALL_TIME: p_time(s, argument(s, p.from)); break;
	case CALL_RECEIVED:
	case CALL_SENT: p_data(s, p); break;
	case CALL_IOV_SIZE:
	case CALL_IOV_RECEIVED:
	case CALL_IOV_SENT: p_iov(s, p); break;
	case CALL_POLLFDS: p_pollfds(s, argument(s, p.from), argument(s, p.with)); break;
	case CALL_VM: p_vm(s, p.from); break;
	case CALL_CAPS: p_caps(s, p.from); break;
	case CALL_ZERO: p_number(s, bits, 0); break;
	case CALL_INODE: p_inode(s, argument(s, p.from)); break;
	default: p_missing(s);
	}
	return 0;
}

INLINE void x_base_of(struct slot *s, u32 tag, u32 source, s32 first)
{
	if (source == CALL_CWD)
		x_base(s, tag, AT_FDCWD, first);
	else if (source != CALL_NOTHING)
		x_base(s, tag, (s32)argument(s, source), first);
}

/* What the task may do afterwards: a change of user or of its namespace takes or gives capabilities. */
INLINE void x_caps(struct slot *s)
{
	u64 t = task_now();
	u64 *o = (u64 *)AT(s, s->off);

	o[0] = TASK_CAPS(t, cap_inheritable);
	o[1] = TASK_CAPS(t, cap_permitted);
	o[2] = TASK_CAPS(t, cap_effective);
	x_done(s, REC_X_CAPS, 24);
}

enum {
	POLLED = 16,
	POLLED_ROOM = 0x5000,		 /* no further one is begun behind this */
	POLLED_HEADERS = SLOT_DATA - 64, /* where those of x_fd go */
};

/* One extra for all: what x_fd puts into the headers of its two goes into the block. */
SHARED int x_polled(struct slot *s, u64 at, u64 count)
{
	if (!s)
		return 0;
	u32 begin = s->off, header = s->xoff;

	for (u32 i = 0; i < POLLED; i++) {
		u32 start = s->off;
		s32 fd = -1;

		if (i >= (u32)count || start > POLLED_ROOM ||
		    bpf_probe_read_user(&fd, sizeof(fd), (void *)(at + i * 8)) < 0)
			break;
		s->xoff = POLLED_HEADERS;
		*(u64 *)AT(s, POLLED_HEADERS) = 0;
		x_fd(s, fd, file_of(fd), 0);
		struct rec_ext *path = (struct rec_ext *)AT(s, POLLED_HEADERS) + 1;
		struct rec_fd *f = (struct rec_fd *)AT(s, start);

		f->reserved = path->tag == REC_X_PATH ? path->len : 0;
	}
	s->xoff = header;
	struct rec_ext *x = (struct rec_ext *)AT(s, header);

	x->tag = REC_X_POLLED;
	x->len = (u16)(s->off - begin);
	s->xoff += sizeof(*x);
	return 0;
}

SEC("tp_btf/sys_exit")
int any_call(u64 *ctx)
{
	u32 nr = EXIT_NR(ctx);
	struct call *c = bpf_map_lookup_elem(&calls, &nr);
	struct slot *s;

	if (!c)
		return 0;
	s = exit_begin(ctx, nr, c->event, (u32)BOUND(c->nparams, 0xf), (u32)BOUND(c->nextras, 7));
	if (!s)
		return 0;
	for (u32 i = 0; i < CALL_PARAMS; i++) {
		if (i >= c->nparams)
			break;
		p_described(s, *(u64 *)&c->params[i]);
	}
	x_base_of(s, REC_X_BASE, c->base[0], s->first);
	x_base_of(s, REC_X_BASE2, c->base[1], s->second);
	if (c->fd != CALL_NOTHING) {
		s64 fd = (s32)argument(s, c->fd);

		if (fd >= 0 || c->fd == CALL_RESULT)
			x_fd(s, fd, file_of(fd), 0);
	}
	if (c->more & CALL_TELLS_CAPS)
		x_caps(s);
	if (c->more & CALL_TELLS_POLLED)
		x_polled(s, argument(s, 0), argument(s, 1));
	return rec_end(s);
}
