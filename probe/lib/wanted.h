/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * What rules want to know beside the parameters of an event (enum probe_extra): read at the moment of the event,
 * and only for events whose rules ask. A part of lib/record.h.
 */
#ifndef TIERCEL_PROBE_WANTED_H
#define TIERCEL_PROBE_WANTED_H

enum {
	WANTED_TASK = PROBE_EXTRA_SESSION | PROBE_EXTRA_CAPS | PROBE_EXTRA_MEMORY |
		      PROBE_EXTRA_LIMITS | PROBE_EXTRA_STDIO,
	FD_WORDS = 1024, /* of 64 descriptors that are counted */
	FD_WORDS_UNROLLED = 16,
	FD_KINDS = 256,
};

/* Extra headers that x_wanted may take. */
INLINE u32 wanted_headers(u32 wanted)
{
	u32 n = 0;

	if (wanted & WANTED_TASK)
		n++;
	if (wanted & PROBE_EXTRA_STDIO)
		n += 6;
	if (wanted & PROBE_EXTRA_CWD)
		n++;
	if (wanted & PROBE_EXTRA_KINDS)
		n++;
	return n;
}

struct fd_walk {
	struct slot *s;
	u64 at; /* of the bits, or of the files */
	u64 count;
	u64 found;
};

static long fd_count_step(u32 i, struct fd_walk *w)
{
	u64 bits = 0;

	if (i >= w->count)
		return 1;
	bpf_probe_read_kernel(&bits, sizeof(bits), (void *)(w->at + (u64)i * 8));
	bits -= bits >> 1 & 0x5555555555555555ull;
	bits = (bits & 0x3333333333333333ull) + (bits >> 2 & 0x3333333333333333ull);
	bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0full;
	w->found += bits * 0x0101010101010101ull >> 56;
	return 0;
}

INLINE u32 fd_count(u64 fdt)
{
	struct fd_walk w = { .at = (u64)CORE(fdtable, fdt, open_fds),
			     .count = CORE(fdtable, fdt, max_fds) / 64 };

	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop)) {
		bpf_loop(FD_WORDS, fd_count_step, &w, 0);
		return w.count > FD_WORDS ? 0xffffffff : (u32)w.found;
	}
	for (u32 i = 0; i < FD_WORDS_UNROLLED; i++)
		fd_count_step(i, &w);
	return w.count > FD_WORDS_UNROLLED ? 0xffffffff : (u32)w.found;
}

/* A userfaultfd has a letter of its own in the list. */
INLINE u8 listed_kind(u64 file)
{
	u8 kind = (u8)file_kind(file);

	return kind == 'u' && CORE(file, file, f_inode, i_sb, s_magic) == MAGIC_ANON_INODE ? 'U'
											   : kind;
}

static long fd_kind_step(u32 i, struct fd_walk *w)
{
	u64 file = 0;

	if (i >= w->count)
		return 1;
	bpf_probe_read_kernel(&file, sizeof(file), (void *)(w->at + (u64)i * 8));
	*AT(w->s, w->s->off + i) = file ? listed_kind(file) : 0;
	w->found = i + 1;
	return 0;
}

INLINE void x_kinds(struct slot *s, u64 fdt)
{
	struct fd_walk w = { .s = s,
			     .at = (u64)CORE(fdtable, fdt, fd),
			     .count = CORE(fdtable, fdt, max_fds) };

	if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop))
		return;
	bpf_loop(FD_KINDS, fd_kind_step, &w, 0);
	x_done(s, REC_X_KINDS, w.found);
}

INLINE void x_task(struct slot *s, u64 t, u64 fdt)
{
	struct rec_task *o = (struct rec_task *)AT(s, s->off);
	u64 mm = (u64)TASK(t, mm);

	for (u32 i = 0; i < sizeof(*o) / 8; i++)
		((u64 *)o)[i] = 0;
	o->told = s->wanted & (PROBE_EXTRA_SESSION | PROBE_EXTRA_CAPS | PROBE_EXTRA_STDIO);
	if (s->wanted & PROBE_EXTRA_SESSION) {
		o->tty = task_tty(t);
		o->sid = task_id(t, ID_SID);
		o->pgid = task_id(t, ID_PGID);
		o->vpgid = task_vid(t, ID_PGID);
	}
	if (s->wanted & PROBE_EXTRA_CAPS) {
		o->caps[0] = TASK_CAPS(t, cap_inheritable);
		o->caps[1] = TASK_CAPS(t, cap_permitted);
		o->caps[2] = TASK_CAPS(t, cap_effective);
	}
	if (s->wanted & PROBE_EXTRA_MEMORY && mm) {
		o->told |= PROBE_EXTRA_MEMORY;
		o->vm_size = CORE(mm_struct, mm, total_vm) << 2;
		o->vm_rss = mm_pages(mm, 0) + mm_pages(mm, 1) + mm_pages(mm, 3);
		o->vm_swap = mm_pages(mm, 2);
		o->major_faults = TASK(t, maj_flt);
		o->minor_faults = TASK(t, min_flt);
	}
	if (s->wanted & PROBE_EXTRA_LIMITS && fdt) {
		o->told |= PROBE_EXTRA_LIMITS;
		o->fdlimit = TASK(t, signal, rlim[7].rlim_cur);
		o->nfds = fd_count(fdt);
	}
	x_done(s, REC_X_TASK, sizeof(*o));
}

SHARED int x_wanted(struct slot *s)
{
	u64 t = task_now(), fdt = 0;

	if (!s)
		return 0;
	if (TASK(t, files))
		fdt = (u64)TASK(t, files, fdt);
	if (s->wanted & WANTED_TASK)
		x_task(s, t, fdt);
	if (s->wanted & PROBE_EXTRA_STDIO && fdt) {
#pragma unroll
		for (s64 num = 0; num < 3; num++) {
			u64 file = file_of(num);

			if (file)
				x_fd(s, num, file, X_FD_STDIO);
		}
	}
	if (s->wanted & PROBE_EXTRA_CWD)
		x_cwd(s);
	if (s->wanted & PROBE_EXTRA_KINDS && fdt)
		x_kinds(s, fdt);
	return 0;
}

#endif
