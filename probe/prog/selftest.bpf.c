// SPDX-License-Identifier: (GPL-2.0 OR MIT)
/*
 * The program of a call that does not exist. The sensor makes it now and then, with an argument nobody else knows;
 * that its record comes back shows that hook, ring and reader work, whatever the scope and the rules are.
 */
#include "lib/record.h"

SEC("tp_btf/sys_exit")
int selftest(u64 *ctx)
{
	struct pt_regs *r = (struct pt_regs *)ctx[0];

	if (!conf.selftest || r->di != conf.selftest)
		return 0;
	struct slot *s = rec_begin(EV_SELFTEST, 0, 0, 0xffff);

	return s ? rec_send(s) : 0;
}
