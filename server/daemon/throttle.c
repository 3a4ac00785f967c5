/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is folded lies in a table of fixed size, found by a hash and compared as a whole. Where it is full, or memory is
 * out, alerts go out as they come: too many are better than too few.
 */
#include "daemon/throttle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bucket.h"
#include "base/hash.h"
#include "base/limits.h"

enum { PROBES = 8 };

struct same {
	uint64_t hash;
	char *texts; /* rule, then message; NULL: free */
	size_t rule_len, len;
	enum priority priority;
	uint64_t count, since_ns, until_ns;
};

struct throttle {
	struct throttle_settings s;
	struct bucket *buckets;
	size_t nbuckets;
	struct same *table; /* LIMIT_FOLDED; NULL until it is needed */
	size_t used;
	struct throttle_counters n;
};

struct throttle *throttle_new(void)
{
	return calloc(1, sizeof(struct throttle));
}

struct throttle *throttle_free(struct throttle *t)
{
	if (!t)
		return NULL;
	for (size_t i = 0; t->table && i < LIMIT_FOLDED; i++)
		free(t->table[i].texts);
	free(t->table);
	free(t->buckets);
	free(t);
	return NULL;
}

void throttle_set(struct throttle *t, const struct throttle_settings *s)
{
	t->s = *s;
}

int throttle_rules(struct throttle *t, size_t nrules)
{
	free(t->buckets);
	t->buckets = calloc(nrules + 1, sizeof(*t->buckets));
	t->nbuckets = t->buckets ? nrules : 0;
	return t->buckets ? 0 : -ENOMEM;
}

bool throttle_pass(struct throttle *t, const struct rule *rule, uint64_t now_ns)
{
	if (t->s.rate <= 0 || rule->index >= t->nbuckets ||
	    bucket_take(&t->buckets[rule->index], t->s.rate, t->s.burst, now_ns))
		return true;
	t->n.limited++;
	return false;
}

static bool is_same(const struct same *s, uint64_t hash, struct str rule, struct str message)
{
	return s->texts && s->hash == hash && s->rule_len == rule.len &&
	       str_eq((struct str){ s->texts, rule.len }, rule) &&
	       str_eq((struct str){ s->texts + rule.len, s->len - rule.len }, message);
}

static void remember(struct throttle *t, struct same *s, const struct same *as, struct str rule,
		     struct str message)
{
	char *texts = malloc(rule.len + message.len + 1);

	if (!texts)
		return;
	memcpy(texts, rule.ptr, rule.len);
	if (message.len)
		memcpy(texts + rule.len, message.ptr, message.len);
	*s = *as;
	s->texts = texts;
	s->rule_len = rule.len;
	s->len = rule.len + message.len;
	t->used++;
}

bool throttle_fold(struct throttle *t, const struct rule *rule, struct str message, uint64_t now_ns)
{
	if (!t->s.fold_ns)
		return false;
	if (!t->table)
		t->table = calloc(LIMIT_FOLDED, sizeof(*t->table));
	uint64_t hash = hash_str(message) ^ hash_str(rule->name);
	struct same *place = NULL;

	for (uint64_t i = 0; t->table && i < PROBES; i++) {
		struct same *s = &t->table[(hash + i) % LIMIT_FOLDED];

		if (is_same(s, hash, rule->name, message)) {
			s->count++;
			t->n.folded++;
			return true;
		}
		place = !place && !s->texts ? s : place;
	}
	if (place)
		remember(t, place,
			 &(struct same){ .hash = hash,
					 .priority = rule->priority,
					 .since_ns = now_ns,
					 .until_ns = now_ns + t->s.fold_ns },
			 rule->name, message);
	return false;
}

void throttle_tick(struct throttle *t, uint64_t now_ns, folded_fn *fn, void *ctx)
{
	for (size_t i = 0; t->used && i < LIMIT_FOLDED; i++) {
		struct same *s = &t->table[i];

		if (!s->texts || s->until_ns > now_ns)
			continue;
		const struct folded f = {
			.rule = { s->texts, s->rule_len },
			.message = { s->texts + s->rule_len, s->len - s->rule_len },
			.priority = s->priority,
			.count = s->count,
			.since_ns = s->since_ns,
		};
		if (f.count)
			fn(&f, ctx);
		free(s->texts);
		*s = (struct same){ 0 };
		t->used--;
	}
}

struct throttle_counters throttle_counters(const struct throttle *t)
{
	return t->n;
}
