/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * Reading the kernel's objects: tasks, files, sockets, cgroups. Pointers from BTF-typed sources are
 * followed directly, which is six times cheaper than probe reads; addresses that come as numbers
 * (descriptor tables, shared functions) go through BPF_CORE_READ.
 */
#ifndef TIERCEL_PROBE_READ_H
#define TIERCEL_PROBE_READ_H

#include "lib/kernel.h"

/* Masks v so that clang cannot see it and the verifier can. */
#define BOUND(v, mask)                                                                             \
	({                                                                                         \
		u64 bound_ = (v);                                                                  \
		asm volatile("%0 &= %1" : "+r"(bound_) : "i"(mask));                               \
		bound_;                                                                            \
	})

/* The address is taken out first: a field of a struct of ours inside BPF_CORE_READ is relocated too. */
#define CORE(type, addr, ...)                                                                      \
	({                                                                                         \
		u64 core_ = (u64)(addr);                                                           \
		BPF_CORE_READ((struct type *)core_, __VA_ARGS__);                                  \
	})

/* The kernel's address of descriptor fd of the current task, or 0. */
INLINE u64 file_of(s64 fd)
{
	struct task_struct *t = bpf_get_current_task_btf();
	struct fdtable *fdt = t->files->fdt;
	u64 table, file = 0;

	if (fd < 0 || fd >= (s64)fdt->max_fds)
		return 0;
	table = (u64)fdt->fd;
	if (bpf_probe_read_kernel(&file, sizeof(file), (void *)(table + (u64)fd * 8)) < 0)
		return 0;
	return file;
}

/* Number of a pid in its own namespace; addresses, as struct upid is relocated by size. */
INLINE u32 pid_nr(struct pid *pid)
{
	struct upid up = { 0 };
	u64 at = (u64)&pid->numbers[0];
	u32 level = pid->level;

	bpf_probe_read_kernel(&up.nr, sizeof(up.nr),
			      (void *)(at + level * bpf_core_type_size(struct upid) +
				       bpf_core_field_offset(struct upid, nr)));
	return (u32)up.nr;
}

INLINE u64 pid_ns(struct pid *pid)
{
	u64 ns = 0;
	u64 at = (u64)&pid->numbers[0];
	u32 level = pid->level;

	bpf_probe_read_kernel(&ns, sizeof(ns),
			      (void *)(at + level * bpf_core_type_size(struct upid) +
				       bpf_core_field_offset(struct upid, ns)));
	return ns;
}

INLINE u32 task_vtid(struct task_struct *t)
{
	return pid_nr(t->thread_pid);
}

INLINE u32 task_vid(struct task_struct *t, int type)
{
	return pid_nr(t->signal->pids[type]);
}

/* In the initial namespace. */
INLINE u32 task_id(struct task_struct *t, int type)
{
	return (u32)t->signal->pids[type]->numbers[0].nr;
}

INLINE u32 task_tty(struct task_struct *t)
{
	struct tty_struct *tty = t->signal->tty;
	u32 major, minor;

	if (!tty)
		return 0;
	major = (u32)tty->driver->major;
	minor = (u32)(tty->driver->minor_start + tty->index);
	return (minor & 0xff) | (major << 8) | ((minor & ~0xffu) << 12);
}

INLINE u32 task_loginuid(struct task_struct *t)
{
	if (bpf_core_field_exists(t->loginuid))
		return t->loginuid.val;
	return 0xffffffff;
}

/*
 * Pages of FILE (0), ANON (1), SWAP (2) or SHMEM (3), in KiB. Addressed by hand: an index that is not
 * a constant in the source is not relocated by the size of the element.
 */
INLINE u32 mm_pages(struct mm_struct *mm, u64 kind)
{
	u64 at;
	s64 n = 0;

	if (bpf_core_type_exists(struct mm_rss_stat))
		at = (u64) & ((struct mm_struct___50 *)mm)->rss_stat + kind * 8;
	else
		at = (u64)&mm->rss_stat + kind * bpf_core_type_size(struct percpu_counter) +
		     bpf_core_field_offset(struct percpu_counter, count);
	bpf_probe_read_kernel(&n, sizeof(n), (void *)at);
	return n < 0 ? 0 : (u32)(n << 2);
}

/* Devices as user space writes them (major in bits 8 to 19). */
INLINE u32 dev_encode(u32 dev)
{
	u32 major = dev >> 20, minor = dev & 0xfffff;

	return (minor & 0xff) | (major << 8) | ((minor & ~0xffu) << 12);
}

INLINE u64 inode_ctime(u64 inode)
{
	if (bpf_core_field_exists(struct inode, i_ctime_sec))
		return (u64)CORE(inode, inode, i_ctime_sec) * 1000000000ull +
		       CORE(inode, inode, i_ctime_nsec);
	if (bpf_core_field_exists(struct inode___67, __i_ctime))
		return (u64)CORE(inode___67, inode, __i_ctime.tv_sec) * 1000000000ull +
		       (u64)CORE(inode___67, inode, __i_ctime.tv_nsec);
	return (u64)CORE(inode___50, inode, i_ctime.tv_sec) * 1000000000ull +
	       (u64)CORE(inode___50, inode, i_ctime.tv_nsec);
}

INLINE u64 inode_mtime(u64 inode)
{
	if (bpf_core_field_exists(struct inode, i_mtime_sec))
		return (u64)CORE(inode, inode, i_mtime_sec) * 1000000000ull +
		       CORE(inode, inode, i_mtime_nsec);
	if (bpf_core_field_exists(struct inode___67, __i_mtime))
		return (u64)CORE(inode___67, inode, __i_mtime.tv_sec) * 1000000000ull +
		       (u64)CORE(inode___67, inode, __i_mtime.tv_nsec);
	return (u64)CORE(inode___50, inode, i_mtime.tv_sec) * 1000000000ull +
	       (u64)CORE(inode___50, inode, i_mtime.tv_nsec);
}

enum layer { LAYER_NONE, LAYER_UPPER, LAYER_LOWER };

/*
 * Where overlayfs has the file. Its inode embeds the VFS one, and the dentry of the upper layer
 * follows directly (5.8 to 6.18), which spares us the BTF of a module.
 */
INLINE enum layer inode_layer(u64 inode)
{
	u64 upper = 0;

	if (CORE(inode, inode, i_sb, s_magic) != MAGIC_OVERLAY)
		return LAYER_NONE;
	bpf_probe_read_kernel(&upper, sizeof(upper),
			      (void *)(inode + bpf_core_type_size(struct inode)));
	if (upper && CORE(dentry, upper, d_inode))
		return LAYER_UPPER;
	return LAYER_LOWER;
}

#endif
