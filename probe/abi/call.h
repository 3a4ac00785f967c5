/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * How the record of a syscall is made of its arguments. Most calls need no code of their own: the loader
 * writes a description of each into a map (server/source/bpf_calls.c), and one program follows it.
 */
#ifndef TIERCEL_ABI_CALL_H
#define TIERCEL_ABI_CALL_H

#ifndef __bpf__
#include <linux/types.h>
#endif

enum {
	CALL_PARAMS = 10,
	CALL_CONVERSIONS = 64,
	CALL_ROWS = 64, /* of one conversion */
};

/* Where a parameter comes from: an argument by its number, or one of these. */
enum call_source {
	CALL_RESULT = 6,
	CALL_NUMBER_OF_CALL = 7, /* in the table of the caller's architecture */
	CALL_CWD = 8,		 /* as call.base only */
	CALL_NOTHING = 0xff,
};

enum call_op {
	CALL_NUMBER = 1, /* the source */
	CALL_MEMORY,	 /* a number that the source points to, `with` bytes after its address */
	CALL_TEXT,	 /* a text that the source points to */
	CALL_PATH,	 /* likewise, and a name: what it is relative to is told as an extra */
	CALL_TIME,	 /* a struct timespec that the source points to, in ns */
	CALL_RECEIVED,	 /* the bytes there, as many as the result says */
	CALL_SENT,	 /* likewise; if the call failed, as many as argument `with` says */
	CALL_IOV_SIZE,	 /* of the struct iovec there, as many as argument `with` says: all bytes */
	CALL_IOV_RECEIVED, /* what lies in them, as CALL_RECEIVED */
	CALL_IOV_SENT,
	CALL_POLLFDS, /* the struct pollfd there, as many as argument `with` says */
	CALL_VM,      /* size, resident or swapped memory of the process: source 0, 1, 2 */
	CALL_INODE,   /* number of the inode of the descriptor that the source points to */
	CALL_CAPS,    /* inheritable, permitted or effective capabilities: source 0, 1, 2 */
	CALL_ZERO,
};

/* What of the source is the number; the parameter's width says how much of it is kept. */
enum call_cut {
	CALL_AS_PARAM, /* decided by the type of the parameter; not known to the program */
	CALL_U16,
	CALL_S16,
	CALL_U32,
	CALL_S32,
	CALL_U64,
	CALL_LONG,   /* of the caller's architecture; in memory `with` counts such */
	CALL_LIMIT,  /* likewise, of which the greatest means none */
	CALL_OFFSET, /* in memory: 32 bits for the sendfile of i386 */
	CALL_ID,   /* a user or group, 16 bits in the older calls of i386; in memory as CALL_LONG */
	CALL_PAIR, /* of a 32-bit caller two arguments, the lower half first */
	CALL_PAIR_BIG, /* likewise, the upper half first */
};

enum call_when {
	CALL_IF_DONE = 1 << 0,	   /* only read from memory when the call succeeded */
	CALL_ELSE_MINUS = 1 << 1,  /* -1 for what is not read, else 0 */
	CALL_NOT_BELOW_0 = 1 << 2, /* 0 for a negative number */
	CALL_IF_SECOND = 1 << 3,   /* only read from memory when argument 2 is more than one */
	CALL_IF_ARG2 = 1 << 4,	   /* 0 unless argument 2 is `with` */
};

struct call_param {
	__u8 op;	 /* enum call_op */
	__u8 from;	 /* enum call_source */
	__u8 cut;	 /* enum call_cut */
	__u8 width;	 /* bytes in the record */
	__u8 conversion; /* 0: none */
	__u8 when;	 /* enum call_when */
	__u16 with;	 /* see enum call_op */
};

/* Told as an extra each. */
enum call_more {
	CALL_TELLS_CAPS = 1 << 0, /* capabilities afterwards */
	CALL_TELLS_POLLED =
		1 << 1, /* the struct pollfd that argument 0 points to, argument 1 many */
};

struct call {
	__u16 event;
	__u8 nparams;
	__u8 nextras;
	__u8 fd;      /* source of the descriptor that is told as an extra */
	__u8 base[2]; /* sources of the directories that the names are relative to, or CALL_CWD */
	__u8 more;    /* enum call_more */
	struct call_param params[CALL_PARAMS];
};

enum call_conversion_kind {
	CALL_MASK,  /* the bits of keep */
	CALL_BITS,  /* likewise, and for each row whose bits are all set its `to` */
	CALL_VALUE, /* the bits of keep, and for the others the `to` of the row that equals them */
	CALL_MAGIC, /* all, without the bits of keep if those equal `other` */
};

/* From a value of the kernel to the value of the event (server/event/flags.def). */
struct call_conversion {
	__u8 kind;
	__u8 rows;
	__u8 reserved[2];
	__u32 keep;
	__u32 other; /* VALUE without a row */
	struct {
		__u32 from, to;
	} row[CALL_ROWS];
};

#ifndef __bpf__
_Static_assert(sizeof(struct call_param) == 8, "goes to a shared function as one number");
_Static_assert(sizeof(struct call) == 8 + CALL_PARAMS * 8, "fixed layout");
_Static_assert(sizeof(struct call_conversion) == 12 + CALL_ROWS * 8, "fixed layout");
#endif

#endif
