/* SPDX-License-Identifier: Apache-2.0 */
/* The name, which comes second, may contain anything; only its last parenthesis is certain. */
#include "source/proc_stat.h"

bool proc_stat_parse(struct str s, struct proc_stat *ret)
{
	enum { STATE, PPID, PGID, SID, TTY, START = 19 };
	struct proc_stat line = { 0 };
	struct str rest = str_skip(s, str_rchr(s, ')') + 2), part;
	unsigned i = 0;

	for (; str_split(&rest, ' ', &part); i++) {
		uint64_t v = 0;

		str_to_u64(str_trim(part), &v);
		switch (i) {
		case STATE: line.state = part.len ? part.ptr[0] : 0; break;
		case PPID: line.ppid = (uint32_t)v; break;
		case PGID: line.pgid = (uint32_t)v; break;
		case SID: line.sid = (uint32_t)v; break;
		case TTY: line.tty = (uint32_t)v; break;
		case START: line.start_ticks = v; break;
		default: break;
		}
	}
	*ret = line;
	return i > START;
}
