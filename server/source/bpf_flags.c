/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Only tables whose values are not the kernel's own have a row; `keep` are bits that are the same on both
 * sides. Numbers of the kernel that the C library has other values for, or none, are written out.
 */
#include "source/bpf_flags.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/socket.h>

#include "base/cleanup.h"

#define MASK(table, bits)                                                                          \
	{                                                                                          \
#table,                                                                            \
		{                                                                                  \
			.kind = CALL_MASK, .keep = (bits)                                          \
		}                                                                                  \
	}
#define ROWS(...) .rows = sizeof((uint32_t[][2]){ __VA_ARGS__ }) / 8, .row = { __VA_ARGS__ }
#define BITS(table, bits, ...)                                                                     \
	{                                                                                          \
#table,                                                                            \
		{                                                                                  \
			.kind = CALL_BITS, .keep = (bits), ROWS(__VA_ARGS__)                       \
		}                                                                                  \
	}
#define VALUE(table, none, ...)                                                                    \
	{                                                                                          \
#table,                                                                            \
		{                                                                                  \
			.kind = CALL_VALUE, .other = (none), ROWS(__VA_ARGS__)                     \
		}                                                                                  \
	}

static const struct {
	const char *flags;
	struct call_conversion c;
} conversions[] = {
	MASK(access_flags, 7),
	MASK(flock_flags, 0xf),
	MASK(umount_flags, 0xf),
	MASK(splice_flags, 0xf),
	MASK(memfd_create_flags, 7),
	MASK(renameat2_flags, 7),
	MASK(linkat_flags, 0x1400),
	MASK(newfstatat_flags, 0x1900),
	MASK(chmod_mode, 07777),
	MASK(mknod_mode, 0177777),
	MASK(futex_operations, 0x1ff),
	MASK(io_uring_enter_flags, 0xf),
	MASK(io_uring_setup_feats, 0x7ff),
	MASK(io_uring_register_opcodes, 0x7fffffff), /* the upper bit says how the ring is named */
	MASK(mlockall_flags, 7),
	MASK(mlock2_flags, 1),
	/* The flags of calls that make descriptors; those of open are converted by its own program. */
	BITS(file_flags, 0, { O_NONBLOCK, 0x40 }, { O_CLOEXEC, 0x1000 },
	     { 040000 /* O_DIRECT */, 0x200 }),
	BITS(fchownat_flags, AT_EMPTY_PATH, { AT_SYMLINK_NOFOLLOW, 0x400 }),
	BITS(delete_module_flags, 0, { O_NONBLOCK, 2 }, { O_TRUNC, 1 }),
	BITS(epoll_create1_flags, 0, { EPOLL_CLOEXEC, 1 }),
	BITS(pidfd_open_flags, 0, { O_NONBLOCK, 1 }),
	BITS(prot_flags, 0xf, { PROT_GROWSDOWN, 0x10 }, { PROT_GROWSUP, 0x20 }),
	BITS(mmap_flags, 3, { MAP_FIXED, 0x4 }, { MAP_ANONYMOUS, 0x8 }, { MAP_32BIT, 0x10 },
	     { MAP_NORESERVE, 0x40 }, { MAP_POPULATE, 0x80 }, { MAP_NONBLOCK, 0x100 },
	     { MAP_GROWSDOWN, 0x200 }, { MAP_DENYWRITE, 0x400 }, { MAP_EXECUTABLE, 0x800 },
	     { MAP_LOCKED, 0x4000 }),
	BITS(clone_flags, 0, { CLONE_FILES, 0x1 }, { CLONE_FS, 0x2 }, { CLONE_IO, 0x4 },
	     { CLONE_NEWIPC, 0x8 }, { CLONE_NEWNET, 0x10 }, { CLONE_NEWNS, 0x20 },
	     { CLONE_NEWPID, 0x40 }, { CLONE_NEWUTS, 0x80 }, { CLONE_PARENT, 0x100 },
	     { CLONE_PARENT_SETTID, 0x200 }, { CLONE_PTRACE, 0x400 }, { CLONE_SIGHAND, 0x800 },
	     { CLONE_SYSVSEM, 0x1000 }, { CLONE_THREAD, 0x2000 }, { CLONE_UNTRACED, 0x4000 },
	     { CLONE_VM, 0x8000 }, { CLONE_NEWUSER, 0x100000 }, { CLONE_CHILD_CLEARTID, 0x800000 },
	     { CLONE_CHILD_SETTID, 0x1000000 }, { CLONE_SETTLS, 0x2000000 },
	     { CLONE_VFORK, 0x8000000 }, { CLONE_NEWCGROUP, 0x10000000 }),
	BITS(io_uring_setup_flags, 3, { 1 << 2, 0x8 }, { 1 << 3, 0x10 }, { 1 << 4, 0x20 },
	     { 1 << 5, 0x40 }, { 1 << 6, 0x80 }),
	BITS(semget_flags, 0, { IPC_CREAT, 0x2000 }, { IPC_EXCL, 0x4000 }),
	BITS(semop_flags, 0, { IPC_NOWAIT, 1 }, { SEM_UNDO, 2 }),
	VALUE(semctl_commands, 0, { IPC_STAT, 0x1 }, { IPC_SET, 0x2 }, { IPC_RMID, 0x4 },
	      { 3 /* IPC_INFO */, 0x8 }, { 19 /* SEM_INFO */, 0x10 }, { 18 /* SEM_STAT */, 0x20 },
	      { GETALL, 0x40 }, { GETNCNT, 0x80 }, { GETPID, 0x100 }, { GETVAL, 0x200 },
	      { GETZCNT, 0x400 }, { SETALL, 0x800 }, { SETVAL, 0x1000 }),
	VALUE(shutdown_how, 0xffff, { SHUT_RD, 0 }, { SHUT_WR, 1 }, { SHUT_RDWR, 2 }),
	VALUE(rlimit_resources, 0xff, { 0, 0 }, { 1, 1 }, { 2, 2 }, { 3, 3 }, { 4, 4 }, { 5, 5 },
	      { 6, 6 }, { 7, 7 }, { 8, 8 }, { 9, 9 }, { 10, 10 }, { 11, 11 }, { 12, 12 },
	      { 13, 13 }, { 14, 14 }, { 15, 15 }),
	VALUE(fcntl_commands, 0, { F_DUPFD, 0x1 }, { F_GETFD, 0x2 }, { F_SETFD, 0x3 },
	      { F_GETFL, 0x4 }, { F_SETFL, 0x5 }, { 5 /* F_GETLK */, 0x6 },
	      { 6 /* F_SETLK */, 0x8 }, { 7 /* F_SETLKW */, 0x9 }, { 8 /* F_SETOWN */, 0xa },
	      { 9 /* F_GETOWN */, 0xc }, { 10 /* F_SETSIG */, 0xd }, { 11 /* F_GETSIG */, 0xf },
	      { 12 /* F_GETLK64 */, 0x11 }, { 13 /* F_SETLK64 */, 0x12 },
	      { 14 /* F_SETLKW64 */, 0x13 }, { 15 /* F_SETOWN_EX */, 0x15 },
	      { 16 /* F_GETOWN_EX */, 0x16 }, { 1024 /* F_SETLEASE */, 0x17 },
	      { 1025 /* F_GETLEASE */, 0x18 }, { 1029 /* F_CANCELLK */, 0x19 },
	      { F_DUPFD_CLOEXEC, 0x1a }, { 1026 /* F_NOTIFY */, 0x1b },
	      { 1031 /* F_SETPIPE_SZ */, 0x1c }, { 1032 /* F_GETPIPE_SZ */, 0x1d },
	      { 36 /* F_OFD_GETLK */, 0x1e }, { 37 /* F_OFD_SETLK */, 0x1f },
	      { 38 /* F_OFD_SETLKW */, 0x20 }),
	{ "mount_flags", { .kind = CALL_MAGIC, .keep = 0xffff0000, .other = 0xc0ed0000 } },
};
_Static_assert(ARRAY_SIZE(conversions) < CALL_CONVERSIONS, "0 is none");

uint8_t bpf_conversion_of(const char *flags)
{
	for (size_t i = 0; i < ARRAY_SIZE(conversions); i++) {
		if (strcmp(conversions[i].flags, flags) == 0)
			return (uint8_t)(i + 1);
	}
	return 0;
}

const struct call_conversion *bpf_conversion_get(unsigned i)
{
	return i && i <= ARRAY_SIZE(conversions) ? &conversions[i - 1].c : NULL;
}
