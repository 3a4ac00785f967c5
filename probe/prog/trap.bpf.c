// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/* What reaches a task though it has made no call: another one's turn, a signal, a page fault. */
#include "lib/process.h"

INLINE void x_runtime(struct slot *s, u64 t)
{
	u64 total = TASK(t, se.sum_exec_runtime);
	u64 *o = (u64 *)AT(s, s->off);

	o[0] = total;
	o[1] = total - TASK(t, se.prev_sum_exec_runtime);
	x_done(s, REC_X_RUNTIME, 16);
}

/* Told of the task that gives way. The idle task is none. */
SEC("tp_btf/sched_switch")
int task_switch(u64 *ctx)
{
	struct task_struct *next = (struct task_struct *)ctx[2];
	u64 t = task_now(), mm = (u64)TASK(t, mm);
	struct slot *s;

	if (!TASK(t, pid) || !in_scope())
		return 0;
	s = rec_begin(EV_SCHEDSWITCH_6_E, 6, 1, 0xffff);
	if (!s)
		return 0;
	p_s64(s, next->pid);
	p_u64(s, TASK(t, maj_flt));
	p_u64(s, TASK(t, min_flt));
	p_memory_size(s, mm);
	x_runtime(s, t);
	return rec_end(s);
}

enum {
	SI_USER_ = 0,
	SI_TIMER_ = -2,
	SI_ASYNCIO_ = -4,
	SI_SIGIO_ = -5,
	SIGCHLD_ = 17,
};

/* Who sent it: known of those that a process sent, and that a child caused; 0: the kernel. */
INLINE u32 sender_of(u32 sig, u64 info)
{
	s32 code = CORE(kernel_siginfo, info, si_code);

	if (sig == SIGCHLD_ ? code < SI_USER_ : code > SI_USER_)
		return 0;
	if (code == SI_TIMER_ || code == SI_ASYNCIO_ || code == SI_SIGIO_)
		return 0;
	return (u32)CORE(kernel_siginfo, info, _sifields._kill._pid);
}

SEC("tp_btf/signal_deliver")
int task_signal(u64 *ctx)
{
	u32 sig = (u32)ctx[0];
	u64 info = ctx[1];
	struct slot *s;

	if (!in_scope())
		return 0;
	s = rec_begin(EV_SIGNALDELIVER_E, 3, 0, 0xffff);
	if (!s)
		return 0;
	p_s64(s, sender_of(sig, info));
	p_s64(s, HDR(s)->who.tid);
	p_u8(s, sig);
	return rec_end(s);
}

/* Values of pf_flags in flags.def, from the processor's: present, write, user, reserved, fetch. */
INLINE u32 fault_flags(u64 code)
{
	return (code & 1 ? 1 : 2) | (code & 2 ? 4 : 8) | (code & 4 ? 0x10 : 0x20) |
	       (code & 8 ? 0x40 : 0) | (code & 16 ? 0x80 : 0);
}

INLINE int fault(u64 *ctx)
{
	struct pt_regs *r = (struct pt_regs *)ctx[1];
	u64 address = ctx[0], code = ctx[2];
	struct slot *s;

	if (!in_scope())
		return 0;
	s = rec_begin(EV_PAGE_FAULT_E, 3, 0, 0xffff);
	if (!s)
		return 0;
	p_u64(s, address);
	p_u64(s, r->ip);
	p_u32(s, fault_flags(code));
	return rec_end(s);
}

SEC("tp_btf/page_fault_user")
int fault_user(u64 *ctx)
{
	return fault(ctx);
}

SEC("tp_btf/page_fault_kernel")
int fault_kernel(u64 *ctx)
{
	return fault(ctx);
}
