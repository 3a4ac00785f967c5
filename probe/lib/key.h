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

/* Of a path or name beside its hash: that of what is before its last component. */
struct parts {
	u64 place;
	u32 tail; /* the ending (key_ending); 0: none */
};

enum { BYTES_7F = 0x7f7f7f7f, BYTES_SLASH = 0x2f2f2f2f };

/* The last four bytes of a text, from its last '/' on; 0 for a component that is empty, "." or "..". */
INLINE u32 tail_cut(u32 tail)
{
	u32 x = tail ^ BYTES_SLASH, slash = ~(((x & BYTES_7F) + BYTES_7F) | x | BYTES_7F), upto;

	if (slash) {
		/* All bytes below the last '/' go. */
		upto = slash | slash >> 8;
		upto |= upto >> 16;
		tail &= ~((upto >> 7) * 0xff >> 8);
	}
	if (slash & 0x80000000 || tail == 0x2e2f0000 || tail == 0x2e2e2f00)
		return 0;
	return tail;
}

/* Of the name of a dentry. */
INLINE u32 dentry_tail(u64 dentry)
{
	u32 len = (u32)(name_hash(dentry) >> 32), tail = 0;
	u64 name = (u64)CORE(dentry, dentry, d_name.name);

	if (len == 0)
		return 0;
	/* Short names lie in the dentry, with room behind them. */
	tail = u32_at(len < 4 ? name : name + len - 4);
	if (len < 4)
		tail = tail << (8 * (4 - len)) | (u32)'/' << (8 * (3 - len));
	return tail;
}

/* What path_write adds up for the same path; 0: it does not reach the root, or names compare in ways of their own. */
static __attribute__((noinline)) u64 key_path(u64 dentry, u64 vfsmount, struct parts *ret)
{
	u64 mount = vfsmount - bpf_core_field_offset(struct mount, mnt);
	u64 root = (u64)CORE(vfsmount, vfsmount, mnt_root);
	u64 h = conf.secrets[0], place = conf.secrets[0];
	u64 leaf = 0;

	if (CORE(dentry, dentry, d_flags) & DCACHE_OP_HASH)
		return 0;
	for (u32 i = 0; i < KEY_STEPS; i++) {
		if (dentry == root) {
			u64 parent = (u64)CORE(mount, mount, mnt_parent);

			if (parent == mount || parent == 0) {
				ret->place = place | 1;
				ret->tail = leaf ? dentry_tail(leaf) : 0;
				return h | 1;
			}
			dentry = (u64)CORE(mount, mount, mnt_mountpoint);
			mount = parent;
			root = (u64)CORE(mount, parent, mnt.mnt_root);
			if (CORE(dentry, dentry, d_flags) & DCACHE_OP_HASH)
				return 0;
			continue;
		}
		u64 parent = (u64)CORE(dentry, dentry, d_parent), name = name_hash(dentry);

		if (parent == dentry)
			return 0;
		h = key_mix(h, name);
		if (leaf)
			place = key_mix(place, name);
		else
			leaf = dentry;
		dentry = parent;
	}
	return 0;
}

enum { NAME_WORDS = KEY_NAME / 8 };

#define BYTES8(byte) (0x0101010101010101ull * (byte))

/* Of KEY_NAME bytes with zeros behind the text. */
static __attribute__((noinline)) u64 key_text(const u64 *words, u32 len, struct parts *ret)
{
	u64 h = conf.secrets[1], before = h, first = 0, last = 0, earlier = '/' * 1ull << 56;
	u32 used = 0;

	for (u32 i = 0; i < NAME_WORDS; i++) {
		u64 x, slash;

		if (i * 8 >= len)
			break;
		earlier = i ? last : earlier;
		last = words[i];
		x = last ^ BYTES8('/');
		slash = ~(((x & BYTES8(0x7f)) + BYTES8(0x7f)) | x | BYTES8(0x7f));
		if (slash) {
			slash |= slash >> 8;
			slash |= slash >> 16;
			slash |= slash >> 32;
			before = h;
			first = last & (slash >> 7) * 0xff;
		}
		h = key_mix(h, last);
		used = len - i * 8;
	}
	if (used > 8)
		used = 8;
	ret->place = key_mix(before, first) | 1;
	/* The last eight bytes of the text, in its end the text's. */
	if (used < 8)
		last = last << (64 - 8 * used) | earlier >> (8 * used);
	ret->tail = tail_cut((u32)(last >> 32));
	return h | 1;
}

INLINE u64 key_base(s64 dirfd)
{
	u64 path[2] = { 0 }, at;
	struct parts h;

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
	return key_path(path[1], path[0], &h);
}

/* Whether a rule may look for names with this end. */
INLINE bool tail_asked(u32 generation, u32 tail)
{
	u32 bit = key_ending(tail);

	return state.endings[generation & 1][BOUND(bit / 64, PROBE_ENDINGS / 64 - 1)] >>
		       (bit % 64) &
	       1;
}

INLINE bool key_known(const struct probe_key *k)
{
	if (!bpf_map_lookup_elem(&discards, k))
		return false;
	drop(PROBE_DISCARDED);
	return true;
}

/* The key of the place, which is made when it is wanted. */
INLINE bool place_known(const struct probe_keys *k)
{
	struct probe_key place = k->file;

	place.path = k->place_path;
	place.name = k->place_name;
	place.made |= KEY_PLACE;
	return key_known(&place);
}

/*
 * True: no rule can match, and it is over. Otherwise the key is for the record; its generation is 0 when there is
 * none. file: what was opened, or 0.
 */
static __attribute__((noinline)) bool key_discards(struct probe_keys *keys, u64 file, s64 ret,
						   s64 dirfd, u64 name)
{
	struct probe_key *k = &keys->file;
	u64 text[NAME_WORDS] = { 0 };
	struct parts given, resolved = { 0 };
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
	k->name = key_text(text, (u32)n - 1, &given);
	if ((u8)text[0] != '/') {
		k->base = key_base(dirfd);
		if (!k->base)
			goto none;
	}
	if (ret >= 0) {
		k->path = key_path((u64)CORE(file, file, f_path.dentry),
				   (u64)CORE(file, file, f_path.mnt), &resolved);
		if (!k->path)
			goto none;
	}
	if (given.tail && !tail_asked(k->generation, given.tail) &&
	    (ret < 0 || (resolved.tail && !tail_asked(k->generation, resolved.tail)))) {
		keys->place_path = resolved.place;
		keys->place_name = given.place;
		if (place_known(keys))
			return true;
	}
	return key_known(k);
none:
	k->generation = 0;
	return false;
}

/*
 * Before a record is begun. Only native calls are keyed: how i386 and x32 pass their arguments is not known here.
 */
INLINE bool key_open(u64 *ctx, struct probe_keys *keys, s64 dirfd, u64 name, u64 flags, u64 mode)
{
	struct probe_key *k = &keys->file;
	struct task_struct *t = bpf_get_current_task_btf();
	s64 ret = exit_ret(ctx);

	if (t->thread_info.status & TS_COMPAT)
		return false;
	k->call = (u16)EXIT_NR(ctx);
	k->flags = (u32)flags;
	k->mode = (u16)mode;
	return key_discards(keys, ret >= 0 ? file_of(ret) : 0, ret, dirfd, name);
}

/* Whether the name at this place of the record is the key's: the caller may have exchanged it meanwhile. */
static __attribute__((noinline)) bool key_named(struct slot *s, const struct probe_key *k, u32 at,
						u32 len)
{
	u64 text[NAME_WORDS] = { 0 };
	struct parts h;

	if (len >= KEY_NAME)
		return false;
	bpf_probe_read_kernel(text, sizeof(text), AT(s, at));
	return key_text(text, len, &h) == k->name;
}

#endif
