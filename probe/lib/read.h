/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * Reading the kernel's objects: tasks, files, sockets, cgroups. Pointers from BTF-typed sources are
 * followed directly, which is six times cheaper than probe reads; so are addresses that come as numbers
 * (descriptor tables, shared functions) where the kernel has a cast for them, else they are probe read.
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

/* 6.2: an address becomes a pointer that may be followed, and reads 0 where there is nothing. */
extern void *bpf_rdonly_cast(const void *address, u32 type) __ksym __weak;

enum bpf_func_id___62 {
	BPF_FUNC_cgrp_storage_get___62 = 210,
};

#define HAS_CAST bpf_core_enum_value_exists(enum bpf_func_id___62, BPF_FUNC_cgrp_storage_get___62)

#define CAST(type, addr)                                                                           \
	((struct type *)bpf_rdonly_cast((void *)(addr), bpf_core_type_id_kernel(struct type)))

/* Pointers may not go to shared functions; the difference of two is a number. */
INLINE u64 number_of(u64 pointer)
{
	return pointer - (u64)CAST(task_struct, 0);
}

enum { CLASS_POINTER = 5 }; /* of __builtin_classify_type */

/*
 * A field, or one behind several pointers. The address is taken out first: a field of a struct of ours inside
 * BPF_CORE_READ is relocated too.
 */
#define CORE(type, addr, ...)                                                                      \
	({                                                                                         \
		u64 core_ = (u64)(addr);                                                           \
		___type(((struct type *)0), __VA_ARGS__) read_;                                    \
                                                                                                   \
		if (!HAS_CAST)                                                                     \
			read_ = BPF_CORE_READ((struct type *)core_, __VA_ARGS__);                  \
		else if (__builtin_classify_type(read_) == CLASS_POINTER)                          \
			read_ = (typeof(read_))number_of(                                          \
				(u64)___arrow(CAST(type, core_), __VA_ARGS__));                    \
		else                                                                               \
			read_ = ___arrow(CAST(type, core_), __VA_ARGS__);                          \
		read_;                                                                             \
	})

/* A pointer that lies at this address. */
INLINE u64 pointer_at(u64 address)
{
	u64 p = 0;

	/* The list's head is nothing but a pointer. */
	if (HAS_CAST)
		return number_of((u64)CAST(hlist_head, address)->first);
	bpf_probe_read_kernel(&p, sizeof(p), (void *)address);
	return p;
}

INLINE u32 u32_at(u64 address)
{
	u32 v = 0;

	/* The same of a number. */
	if (HAS_CAST)
		return (u32)CAST(upid, address)->nr;
	bpf_probe_read_kernel(&v, sizeof(v), (void *)address);
	return v;
}

/* The kernel's address of descriptor fd of the current task, or 0. */
SHARED u64 file_of(s64 fd)
{
	struct task_struct *t = bpf_get_current_task_btf();
	struct fdtable *fdt = t->files->fdt;

	if (fd < 0 || fd >= (s64)fdt->max_fds)
		return 0;
	return pointer_at((u64)fdt->fd + (u64)fd * 8);
}

/* Of its last component, and the component's length in the upper half; of what has the same parent only this has it. */
INLINE u64 name_hash(u64 dentry)
{
	if (HAS_CAST) {
		struct qstr *name = &CAST(dentry, dentry)->d_name;

		return (u64)name->len << 32 | name->hash;
	}
	return CORE(dentry, dentry, d_name.hash_len);
}

/*
 * Below, tasks and pids are plain addresses and read by probe reads: for every step from a trusted
 * pointer the verifier searches the kernel's types by name (6.2 to 6.18), a millisecond each, and
 * these are for exec and clone only.
 */
INLINE u64 task_now(void)
{
	return bpf_get_current_task();
}

#define TASK(t, ...) CORE(task_struct, t, __VA_ARGS__)

/* A capability set: 8 bytes as one number (6.3) or as two. */
#define TASK_CAPS(t, set)                                                                          \
	({                                                                                         \
		u64 cred_ = (u64)TASK(t, cred), caps_ = 0;                                         \
		bpf_probe_read_kernel(&caps_, sizeof(caps_),                                       \
				      (void *)(cred_ + bpf_core_field_offset(struct cred, set)));  \
		caps_;                                                                             \
	})

/* Number of a pid in its own namespace; struct upid is relocated by size, hence by hand. */
INLINE u64 pid_upid(u64 pid)
{
	u32 level = CORE(pid, pid, level);

	return pid + bpf_core_field_offset(struct pid, numbers) +
	       level * bpf_core_type_size(struct upid);
}

INLINE u32 pid_nr(u64 pid)
{
	u64 up = pid_upid(pid);

	return (u32)CORE(upid, up, nr);
}

INLINE u64 pid_ns(u64 pid)
{
	u64 up = pid_upid(pid);

	return (u64)CORE(upid, up, ns);
}

INLINE u32 task_vtid(u64 t)
{
	return pid_nr((u64)TASK(t, thread_pid));
}

INLINE u64 task_pid(u64 t, int type)
{
	u64 signal = (u64)TASK(t, signal), pid = 0;

	bpf_probe_read_kernel(&pid, sizeof(pid),
			      (void *)(signal + bpf_core_field_offset(struct signal_struct, pids) +
				       (u64)type * 8));
	return pid;
}

/* In the namespace of the task; 0 for what began outside of it. */
INLINE u32 task_vid(u64 t, int type)
{
	u64 own = (u64)TASK(t, thread_pid), pid = task_pid(t, type);
	u32 level = CORE(pid, own, level);
	u64 up = pid + bpf_core_field_offset(struct pid, numbers) +
		 level * bpf_core_type_size(struct upid);

	if (CORE(pid, pid, level) < level || (u64)CORE(upid, up, ns) != pid_ns(own))
		return 0;
	return (u32)CORE(upid, up, nr);
}

/* In the initial namespace. */
INLINE u32 task_id(u64 t, int type)
{
	u64 pid = task_pid(t, type);

	return (u32)CORE(upid, pid + bpf_core_field_offset(struct pid, numbers), nr);
}

INLINE u32 task_tty(u64 t)
{
	u64 tty = (u64)TASK(t, signal, tty);
	u32 major, minor;

	if (!tty)
		return 0;
	major = (u32)CORE(tty_struct, tty, driver, major);
	minor = (u32)(CORE(tty_struct, tty, driver, minor_start) + CORE(tty_struct, tty, index));
	return (minor & 0xff) | (major << 8) | ((minor & ~0xffu) << 12);
}

INLINE u32 task_loginuid(u64 t)
{
	if (bpf_core_field_exists(struct task_struct, loginuid))
		return TASK(t, loginuid.val);
	return 0xffffffff;
}

/*
 * Pages of FILE (0), ANON (1), SWAP (2) or SHMEM (3), in KiB. Addressed by hand: an index that is not
 * a constant in the source is not relocated by the size of the element.
 */
INLINE u32 mm_pages(u64 mm, u64 kind)
{
	u64 at;
	s64 n = 0;

	/* Not whether the type exists: one that does not is sought in modules, which takes CAP_SYS_ADMIN. */
	if (bpf_core_field_exists(((struct mm_struct___50 *)0)->rss_stat.count))
		at = (u64) & ((struct mm_struct___50 *)mm)->rss_stat + kind * 8;
	else
		at = mm + bpf_core_field_offset(struct mm_struct, rss_stat) +
		     kind * bpf_core_type_size(struct percpu_counter) +
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

/* The top bit of the nanoseconds only says that someone has asked (6.13). */
INLINE u64 inode_ctime(u64 inode)
{
	if (bpf_core_field_exists(struct inode, i_ctime_sec))
		return (u64)CORE(inode, inode, i_ctime_sec) * 1000000000ull +
		       (CORE(inode, inode, i_ctime_nsec) & 0x7fffffff);
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

/* How keys of names are made (abi/key.h). */
INLINE u64 key_mix(u64 h, u64 v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ull;
	return h ^ h >> 29;
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
