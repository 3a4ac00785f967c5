/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fewer alerts, for those who ask for it (`tiercel.alerts`): a token bucket for each rule, and folding of identical
 * alerts: the first goes out at once, the same ones of a while after it are counted, and the count is told when that
 * while is over. Nothing is held back without being counted. Engine thread only.
 */
#pragma once

#include "base/str.h"
#include "rule/ruleset.h"

struct throttle_settings {
	double rate;	  /* alerts a second of each rule in the long run; 0: any number */
	double burst;	  /* and at once */
	uint64_t fold_ns; /* 0: nothing is folded */
};

struct throttle_counters {
	uint64_t limited, folded; /* alerts that did not go out by themselves */
};

/* What was the same, and how often it came after the first. Texts are valid during the call. */
struct folded {
	struct str rule, message;
	enum priority priority;
	uint64_t count;
	uint64_t since_ns; /* boot time of the first */
};

typedef void folded_fn(const struct folded *f, void *ctx);

struct throttle;

struct throttle *throttle_new(void); /* NULL: memory; holds nothing back */
struct throttle *throttle_free(struct throttle *t);
void throttle_set(struct throttle *t, const struct throttle_settings *s);
/* Other rules: their buckets are full. -ENOMEM: they have none. */
int throttle_rules(struct throttle *t, size_t nrules);
/* Whether the rule may raise an alert now. Boot time, which never goes back. */
bool throttle_pass(struct throttle *t, const struct rule *rule, uint64_t now_ns);
/* True: it is the same as one before, and counted there. message: the text without time. */
bool throttle_fold(struct throttle *t, const struct rule *rule, struct str message,
		   uint64_t now_ns);
/* Tells the counts whose while is over. */
void throttle_tick(struct throttle *t, uint64_t now_ns, folded_fn *fn, void *ctx);
struct throttle_counters throttle_counters(const struct throttle *t);
