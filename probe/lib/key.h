/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/* Keys of opens (abi/key.h): made before anything else is read, and looked up in what the reader has taught. */
#ifndef TIERCEL_PROBE_KEY_H
#define TIERCEL_PROBE_KEY_H

#include "abi/key.h"
#include "lib/maps.h"
#include "lib/read.h"
#include "lib/record.h"

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, KEY_COUNT);
	__type(key, struct probe_key);
	__type(value, u32);
} discards __weak SEC(".maps");

/* What path_write adds up for the same path; 0: it does not reach the root, or names compare in ways of their own. */
static __attribute__((noinline)) u64 key_path(u64 dentry, u64 vfsmount)
{
	u64 mount = vfsmount - bpf_core_field_offset(struct mount, mnt);
	u64 root = (u64)CORE(vfsmount, vfsmount, mnt_root);
	u64 h = conf.secrets[0];

	if (CORE(dentry, dentry, d_flags) & DCACHE_OP_HASH)
		return 0;
	for (u32 i = 0; i < KEY_STEPS; i++) {
		if (dentry == root) {
			u64 parent = (u64)CORE(mount, mount, mnt_parent);

			if (parent == mount || parent == 0)
				return h | 1;
			dentry = (u64)CORE(mount, mount, mnt_mountpoint);
			mount = parent;
			root = (u64)CORE(mount, parent, mnt.mnt_root);
			if (CORE(dentry, dentry, d_flags) & DCACHE_OP_HASH)
				return 0;
			continue;
		}
		u64 parent = (u64)CORE(dentry, dentry, d_parent);

		if (parent == dentry)
			return 0;
		h = key_mix(h, name_hash(dentry));
		dentry = parent;
	}
	return 0;
}

/* Of KEY_NAME bytes with zeros behind the text. */
static __attribute__((noinline)) u64 key_text(const u64 *words, u32 len)
{
	u64 h = conf.secrets[1];

	for (u32 i = 0; i < KEY_NAME / 8; i++) {
		if (i * 8 >= len)
			break;
		h = key_mix(h, words[i]);
	}
	return h | 1;
}

INLINE u64 key_base(s64 dirfd)
{
	u64 path[2] = { 0 }, at;

	if ((s32)dirfd == AT_FDCWD) {
		u64 fs = (u64)TASK(task_now(), fs);

		if (!fs)
			return 0;
		at = fs + bpf_core_field_offset(struct fs_struct, pwd);
	} else {
		u64 file = file_of((s32)dirfd);

		if (!file)
			return 0;
		at = file + bpf_core_field_offset(struct file, f_path);
	}
	bpf_probe_read_kernel(path, sizeof(path), (void *)at);
	return key_path(path[1], path[0]);
}

INLINE bool key_known(const struct probe_key *k)
{
	if (!bpf_map_lookup_elem(&discards, k))
		return false;
	drop(PROBE_DISCARDED);
	return true;
}

/*
 * True: no rule can match, and it is over. Otherwise the key is for the record; its generation is 0 when there is
 * none. file: what was opened, or 0.
 */
static __attribute__((noinline)) bool key_discards(struct probe_key *k, u64 file, s64 ret,
						   s64 dirfd, u64 name)
{
	u64 text[KEY_NAME / 8] = { 0 };
	long n;

	k->generation = state.generation;
	if (!k->generation)
		return false;
	if (ret < 0) {
		k->error = (s32)ret;
	} else if (file) {
		u64 inode = (u64)CORE(file, file, f_inode);

		k->format = CORE(inode, inode, i_mode) & 0170000;
		k->made = CORE(file, file, f_mode) & FMODE_CREATED ? KEY_CREATED : 0;
	} else {
		goto none;
	}
	/* Failures and directories: rules mostly want neither. */
	if ((ret < 0 || k->format == 0040000) && key_known(k))
		return true;
	n = bpf_probe_read_user_str(text, sizeof(text), (void *)name);
	if (n <= 1 || n >= (long)sizeof(text))
		goto none;
	k->name = key_text(text, (u32)n - 1);
	if ((u8)text[0] != '/') {
		k->base = key_base(dirfd);
		if (!k->base)
			goto none;
	}
	if (ret >= 0) {
		k->path = key_path((u64)CORE(file, file, f_path.dentry),
				   (u64)CORE(file, file, f_path.mnt));
		if (!k->path)
			goto none;
	}
	return key_known(k);
none:
	k->generation = 0;
	return false;
}

/*
 * Before a record is begun. Only native calls are keyed: how i386 and x32 pass their arguments is not known here.
 */
INLINE bool key_open(u64 *ctx, struct probe_key *k, s64 dirfd, u64 name, u64 flags, u64 mode)
{
	struct task_struct *t = bpf_get_current_task_btf();
	s64 ret = exit_ret(ctx);

	if (t->thread_info.status & TS_COMPAT)
		return false;
	k->call = (u16)EXIT_NR(ctx);
	k->flags = (u32)flags;
	k->mode = (u16)mode;
	return key_discards(k, ret >= 0 ? file_of(ret) : 0, ret, dirfd, name);
}

/* Whether the name at this place of the record is the key's: the caller may have exchanged it meanwhile. */
static __attribute__((noinline)) bool key_named(struct slot *s, const struct probe_key *k, u32 at,
						u32 len)
{
	u64 text[KEY_NAME / 8] = { 0 };

	if (len >= KEY_NAME)
		return false;
	bpf_probe_read_kernel(text, sizeof(text), AT(s, at));
	return key_text(text, len) == k->name;
}

#endif
