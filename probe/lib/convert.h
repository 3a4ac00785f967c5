/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/* Values of the kernel in those of events, by the loader's tables (server/source/bpf_flags.c). */
#ifndef TIERCEL_PROBE_CONVERT_H
#define TIERCEL_PROBE_CONVERT_H

#include "lib/maps.h"
#include "lib/read.h"
#include "abi/call.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CALL_CONVERSIONS);
	__type(key, u32);
	__type(value, struct call_conversion);
} conversions __weak SEC(".maps");

SHARED u64 converted(u32 id, u64 v)
{
	struct call_conversion *c = bpf_map_lookup_elem(&conversions, &id);
	u32 out, rest;

	if (!c)
		return 0;
	out = (u32)v & c->keep;
	if (c->kind == CALL_MASK)
		return out;
	if (c->kind == CALL_MAGIC)
		return out == c->other ? (u32)v & ~c->keep : (u32)v;
	rest = (u32)v & ~c->keep;
	for (u32 i = 0; i < CALL_ROWS; i++) {
		if (i >= c->rows)
			break;
		u32 from = c->row[BOUND(i, CALL_ROWS - 1)].from;
		u32 to = c->row[BOUND(i, CALL_ROWS - 1)].to;

		if (c->kind == CALL_VALUE && rest == from)
			return out | to;
		if (c->kind == CALL_BITS && (rest & from) == from)
			out |= to;
	}
	return c->kind == CALL_BITS ? out : out | c->other;
}

#endif
