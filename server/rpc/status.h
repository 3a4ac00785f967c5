/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiercel.v1.Tiercel/Status. The sensor's counters are in memory that both processes share, so nobody has to be
 * asked. Loop thread.
 */
#pragma once

#include <stdint.h>

#include "base/strbuf.h"

struct rpc_shared;

/* What the network process has counted since it began. */
struct rpc_counters {
	uint64_t alerts;      /* read from the link */
	uint64_t link_missed; /* overwritten on the link before they were read */
	uint64_t newest_seq;
	uint64_t kept, kept_bytes; /* in memory for subscribers */
	uint64_t calls, streams;   /* open now; streams: sub and get */
	uint64_t sent;		   /* messages whose write has completed */
	uint64_t lost;		   /* alerts that slow subscribers did not get */
	uint64_t refused;	   /* handshakes and calls turned away */
};

/* A StatusResponse, packed, at the end of out. -ENOMEM. */
int status_pack(const struct rpc_shared *shared, struct strbuf *out);
