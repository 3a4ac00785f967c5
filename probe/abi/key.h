/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * What an open of a file is known by: everything that decides the fields of its names. The probe puts the key
 * into the record; when no rule can match any event with that key, the reader hands the key back, and further
 * events with it end in the kernel. Compiled by both sides.
 *
 * Names are here as hashes under a secret of this start. A path is hashed by the kernel's own hash of each
 * component, which is salted with the address of its parent, up to the root of the mount namespace: a rename,
 * a mount, a reused inode or a link make another key, so nothing has to be taken out again.
 *
 * Beside the key of the file there is one of its place: of the directory, as given and as resolved, for all files in
 * it whose names, as given and as resolved, do not end like anything that a rule asks for (endings of probe_state).
 */
#ifndef TIERCEL_ABI_KEY_H
#define TIERCEL_ABI_KEY_H

#ifndef __bpf__
#include <linux/types.h>
#endif

enum {
	KEY_NAME = 128, /* longer names have no key */
	KEY_STEPS = 40, /* nor have deeper paths */
	KEY_COUNT = 32768,
	KEY_CREATED = 1, /* the call made the file */
	KEY_PLACE = 2,	 /* path and name are those of the directory */
};

struct probe_key {
	__u64 path;	  /* resolved; 0: the call failed, or any */
	__u64 base;	  /* where a relative name starts from; 0: an absolute one, or any */
	__u64 name;	  /* as given; 0: any */
	__u32 generation; /* of the rules */
	__u32 flags;	  /* as given */
	__s32 error;	  /* the result of a call that failed */
	__u16 call;	  /* number of the syscall */
	__u16 mode;	  /* as given, when it matters */
	__u16 format;	  /* S_IFMT bits of the file */
	__u16 made;	  /* KEY_* */
	__u32 zero;
};

/* What the record has. */
struct probe_keys {
	struct probe_key file;
	__u64 place_path; /* 0: the call failed */
	__u64 place_name; /* 0: there is no key of the place */
};

/*
 * Where the bit of an ending is. An ending is the last four bytes of the last component with the '/' before it, the
 * last byte the most significant; what is shorter has zeros below.
 */
static inline __u32 key_ending(__u32 tail)
{
	return (tail * 0x9e3779b1u) >> 16;
}

#ifndef __bpf__
_Static_assert(sizeof(struct probe_key) == 48, "fixed layout, no holes: it is compared as bytes");
_Static_assert(sizeof(struct probe_keys) == 64, "fixed layout");
#endif

#endif
