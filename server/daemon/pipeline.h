/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From records to alerts: decode, state, match, publish, on one thread. Live events, captures and tests
 * run through the same function; only where records come from and where alerts go differs.
 */
#pragma once

#include "alert/alert.h"
#include "daemon/throttle.h"
#include "daemon/waiting.h"
#include "prefilter/learn.h"
#include "rule/ruleset.h"
#include "state/state.h"

struct pipeline;

/* Takes over one reference of the alert; its sequence number is set. */
typedef void (*publish_fn)(struct alert *alert, const struct rule *rule, void *ctx);

/*
 * What a container is is asked (inside: NULL), or its passwd file (a process inside); the answer will come as a
 * CONTAINER_INFO record. False: none will.
 */
typedef bool (*ask_fn)(const struct container *c, const struct rec_ident *inside, void *ctx);

struct pipeline_options {
	const struct alert_settings *alert;
	const char *hostname;
	uint64_t boot_offset_ns; /* wall clock minus boot clock */
	size_t max_threads;	 /* 0: LIMIT_THREADS */
	bool match_all;		 /* rule_matching: all */
	uint64_t first_seq;	 /* of the first alert */
	publish_fn publish;
	void *publish_ctx;
	ask_fn ask; /* NULL: answers come by themselves (replay) or never */
	void *ask_ctx;
	/* The kernel may discard what has this key (probe/abi/key.h). NULL: nothing is learnt. */
	void (*discard)(const struct probe_key *key, void *ctx);
	void *discard_ctx;
	struct throttle_settings throttle;
	uint64_t wait_ns; /* an event waits so long for what its container is; 0: not at all */
};

struct pipeline_counters {
	uint64_t events;    /* records that rules may see */
	uint64_t damaged;   /* records that did not decode */
	uint64_t alerts;    /* published */
	uint64_t lost;	    /* alerts that could not be built */
	uint64_t no_memory; /* events whose state was not kept */
	struct learn_counters learn;
	struct waiting_counters waiting;
	struct throttle_counters throttle;
};

/* rs is counted up. NULL when memory is out. */
struct pipeline *pipeline_new(const struct pipeline_options *options, struct ruleset *rs);
struct pipeline *pipeline_free(struct pipeline *p);
/* A record_fn: ctx is the pipeline. */
void pipeline_feed(const struct rec_hdr *rec, void *ctx);
/* Lets go what has waited until that time. More than one call for one time is harmless. */
void pipeline_tick(struct pipeline *p, uint64_t now_ns);
/* About once a second: what is not tied to an event. */
void pipeline_second(struct pipeline *p, uint64_t now_ns);
/* Nothing will come any more: lets go everything. */
void pipeline_flush(struct pipeline *p);
/* From the next record on this ruleset counts. -ENOMEM: the old one stays. */
int pipeline_rules(struct pipeline *p, struct ruleset *rs);
/* What a reload changes beside the rules; alert is copied. */
struct pipeline_manner {
	struct alert_settings alert;
	bool match_all;
	uint64_t wait_ns;
	struct throttle_settings throttle;
};

void pipeline_manner(struct pipeline *p, const struct pipeline_manner *m);
/* Counts the rulesets; keys of other generations are not learnt from. 0: nothing is learnt. */
uint32_t pipeline_generation(const struct pipeline *p);
/* The endings for it (learn_endings), or NULL. */
const uint64_t *pipeline_endings(const struct pipeline *p);
/* An internal alert goes the same way as any other. ts_ns: boot time. */
void pipeline_internal(struct pipeline *p, uint64_t ts_ns, const char *rule, enum priority priority,
		       struct str message, const struct alert_pair *pairs, size_t npairs);
void pipeline_counters(const struct pipeline *p, struct pipeline_counters *ret);
const struct state *pipeline_state(const struct pipeline *p);
