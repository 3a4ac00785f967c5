// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/*
 * The one program at the end of every syscall. It is a tax on all tasks, so it decides with one bit
 * whether the call is wanted, then whether the task is in scope, and hands over to the program of the
 * call. 32-bit and x32 calls come with other numbers and are not to escape.
 */
#include "lib/record.h"

SEC("tp_btf/sys_exit")
int sys_exit(u64 *ctx)
{
	u32 nr = EXIT_NR(ctx);

	if (nr >= PROBE_SYSCALLS)
		return 0;
	if (!(state.wanted[BOUND(nr / 64, PROBE_SYSCALLS / 64 - 1)] >> (nr % 64) & 1))
		return 0;
	if (nr != PROBE_SELFTEST && !in_scope())
		return 0;
	bpf_tail_call(ctx, &by_syscall, nr);
	drop(PROBE_DROP_PROGRAM);
	return 0;
}
