/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * What an open of a file is known by: everything that decides the fields of its names. The probe puts the key
 * into the record; when no rule can match any event with that key, the reader hands the key back, and further
 * events with it end in the kernel. Compiled by both sides.
 *
 * Names are here as hashes under a secret of this start. A path is hashed by the kernel's own hash of each
 * component, which is salted with the address of its parent, up to the root of the mount namespace: a rename,
 * a mount, a reused inode or a link make another key, so nothing has to be taken out again.
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

#ifndef __bpf__
_Static_assert(sizeof(struct probe_key) == 48, "fixed layout, no holes: it is compared as bytes");
#endif

#endif
