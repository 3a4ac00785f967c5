/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/* Flags of the kernel in the values of event parameters (server/event/flags.def). */
#ifndef TIERCEL_PROBE_FLAGS_H
#define TIERCEL_PROBE_FLAGS_H

#include "lib/kernel.h"

#define BIT_TO(v, from, to) ((v) & (from) ? (to) : 0)

enum {
	FILE_F_CREATED = 0x4000,
	FILE_F_UPPER = 0x8000,
	FILE_F_LOWER = 0x10000,
	EXE_WRITABLE = 1,
	EXE_UPPER_LAYER = 2,
	EXE_FROM_MEMFD = 4,
	EXE_LOWER_LAYER = 8,
	CL_CHILD_IN_PIDNS = 0x20000000,
};

INLINE u32 file_flags(u64 f)
{
	u32 mode = f & 3, out = mode == 3 ? 0 : mode + 1;

	out |= BIT_TO(f, 00000100, 0x4) | BIT_TO(f, 00002000, 0x8) | BIT_TO(f, 00010000, 0x10) |
	       BIT_TO(f, 00000200, 0x20) | BIT_TO(f, 00004000, 0x40) | BIT_TO(f, 04000000, 0x80) |
	       BIT_TO(f, 00001000, 0x100) | BIT_TO(f, 00040000, 0x200) |
	       BIT_TO(f, 00200000, 0x400) | BIT_TO(f, 00100000, 0x800) |
	       BIT_TO(f, 02000000, 0x1000) | BIT_TO(f, 020000000, 0x2000);
	return out;
}

INLINE u32 clone_flags(u64 f)
{
	return BIT_TO(f, 0x400, 0x1) | BIT_TO(f, 0x200, 0x2) | BIT_TO(f, 0x80000000ull, 0x4) |
	       BIT_TO(f, 0x08000000, 0x8) | BIT_TO(f, 0x40000000, 0x10) |
	       BIT_TO(f, 0x00020000, 0x20) | BIT_TO(f, 0x20000000, 0x40) |
	       BIT_TO(f, 0x04000000, 0x80) | BIT_TO(f, 0x00008000, 0x100) |
	       BIT_TO(f, 0x00100000, 0x200) | BIT_TO(f, 0x00002000, 0x400) |
	       BIT_TO(f, 0x00000800, 0x800) | BIT_TO(f, 0x00040000, 0x1000) |
	       BIT_TO(f, 0x00010000, 0x2000) | BIT_TO(f, 0x00800000, 0x4000) |
	       BIT_TO(f, 0x00000100, 0x8000) | BIT_TO(f, 0x10000000, 0x100000) |
	       BIT_TO(f, 0x00200000, 0x800000) | BIT_TO(f, 0x01000000, 0x1000000) |
	       BIT_TO(f, 0x00080000, 0x2000000) | BIT_TO(f, 0x00004000, 0x8000000) |
	       BIT_TO(f, 0x02000000, 0x10000000);
}

INLINE u32 chmod_mode(u64 m)
{
	return m & 07777; /* Falco's bits are the kernel's */
}

#endif
