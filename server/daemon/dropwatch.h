/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done when events are lost between kernel and engine (`syscall_event_drops`, falco-compat.md 3.6): looked at
 * once a second on the engine thread, by the counters of the probe alone.
 */
#pragma once

#include "alert/alert.h"
#include "base/bucket.h"
#include "source/bpf.h"

#define DROP_RULE "Falco internal: syscall event drop"

struct drop_policy {
	double threshold; /* share of the events of a second */
	unsigned actions; /* enum config_drop_action */
	double rate, burst;
	bool simulate; /* as if one more event had been lost, and above any threshold */
};

/* Zeroed but for the policy. */
struct drop_watch {
	struct drop_policy policy;
	struct bucket bucket;
	struct bpf_stats last;
};

enum { DROP_PAIRS = 16, DROP_TEXT = 24 };

/* What the alert says; pairs point into texts. */
struct drop_report {
	char message[128];
	struct alert_pair pairs[DROP_PAIRS];
	size_t npairs;
	char texts[DROP_PAIRS][DROP_TEXT];
};

/* The actions that are due, with the report filled; 0: none. */
unsigned drop_watch_look(struct drop_watch *w, const struct bpf_stats *now, uint64_t now_ns,
			 struct drop_report *ret);
