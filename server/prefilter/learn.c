/* SPDX-License-Identifier: Apache-2.0 */
/* Which fields follow from which part of a key is the table; see learn.h. */
#include "prefilter/learn.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/hash.h"

/* How much of a key is looked at, and what kind of call it is of. */
enum level {
	LEVEL_FAILED = 1, /* all failures of one kind */
	LEVEL_DIR = 2,	  /* all directories opened in one way */
	LEVEL_NAME_FAILED = 4,
	LEVEL_NAME = 8,
	LEVELS = 4,

	ALWAYS = LEVEL_FAILED | LEVEL_DIR | LEVEL_NAME_FAILED | LEVEL_NAME,
	FAILURES = LEVEL_FAILED | LEVEL_NAME_FAILED,
	NAMES = LEVEL_NAME_FAILED | LEVEL_NAME,
};

static const struct {
	const char *field, *arg;
	unsigned levels;
} rows[] = {
	{ "evt.type", NULL, ALWAYS },
	{ "evt.type.is", NULL, ALWAYS },
	{ "evt.dir", NULL, ALWAYS },
	{ "evt.category", NULL, ALWAYS },
	{ "evt.failed", NULL, ALWAYS },
	{ "evt.is_open_read", NULL, ALWAYS },
	{ "evt.is_open_write", NULL, ALWAYS },
	{ "evt.is_open_exec", NULL, ALWAYS },
	{ "evt.is_open_create", NULL, ALWAYS },
	{ "fd.type", NULL, ALWAYS },
	{ "fd.typechar", NULL, ALWAYS },
	/* What succeeds has a new number each time. */
	{ "fd.num", NULL, FAILURES },
	{ "evt.rawres", NULL, FAILURES },
	{ "evt.res", NULL, FAILURES },
	{ "evt.arg", "name", NAMES },
	{ "evt.abspath", NULL, NAMES },
	{ "fd.name", NULL, NAMES },
	{ "fd.nameraw", NULL, NAMES },
	{ "fd.directory", NULL, NAMES },
	{ "fd.filename", NULL, NAMES },
	{ "fs.path.name", NULL, NAMES },
	{ "fs.path.nameraw", NULL, NAMES },
	{ "fs.path.source", NULL, NAMES },
	{ "fs.path.sourceraw", NULL, NAMES },
	{ "fs.path.target", NULL, NAMES },
	{ "fs.path.targetraw", NULL, NAMES },
};

enum { SEEN = 8192, SEEN_ONCE = 1, SEEN_HOPELESS = 2, SEEN_STATE = 3 };

struct learn {
	const struct ruleset *rules;
	uint32_t generation;
	bool *known[LEVELS]; /* by slot */
	uint32_t seen[SEEN]; /* the last keys, by hash: the hash above, SEEN_* below */
	struct learn_counters n;
};

static unsigned levels_of(const struct field_ref *ref)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!strcmp(ref->def->name, rows[i].field) &&
		    (!rows[i].arg || str_eqz(ref->arg, rows[i].arg)))
			return rows[i].levels;
	}
	return 0;
}

struct learn *learn_new(const struct ruleset *rs, uint32_t generation)
{
	const struct program *p = ruleset_program(rs);
	size_t n = program_slots(p);
	struct learn *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->rules = rs;
	l->generation = generation;
	for (unsigned level = 0; level < LEVELS; level++) {
		l->known[level] = calloc(n + 1, sizeof(bool));
		if (!l->known[level])
			return learn_free(l);
	}
	for (uint32_t slot = 0; slot < n; slot++) {
		unsigned levels = levels_of(program_slot_ref(p, slot));

		for (unsigned level = 0; level < LEVELS; level++)
			l->known[level][slot] = levels >> level & 1;
	}
	return l;
}

struct learn *learn_free(struct learn *l)
{
	if (!l)
		return NULL;
	for (unsigned level = 0; level < LEVELS; level++)
		free(l->known[level]);
	free(l);
	return NULL;
}

/* With the names asked for now. */
static bool all_false(const struct learn *l, struct eval *eval, unsigned code, const bool *known)
{
	size_t n;
	const struct rule *const *rules = ruleset_candidates(l->rules, code, &n);

	for (size_t i = 0; i < n; i++) {
		if (eval_known(eval, rules[i]->cond, known) != EARLY_FALSE)
			return false;
	}
	return true;
}

static bool judge(const struct learn *l, struct eval *eval, const struct event *ev,
		  bool names_differ, enum level level)
{
	const bool *known = l->known[__builtin_ctz(level)];
	unsigned code = ev->hdr->type;

	if (!all_false(l, eval, code, known))
		return false;
	if (!names_differ || !(level & NAMES))
		return true;
	eval_names(eval, true);
	bool so = all_false(l, eval, code, known);
	eval_names(eval, false);
	return so;
}

/* Whether the key has come before and has not been judged in vain. */
static bool comes_again(struct learn *l, const struct probe_key *key, uint32_t **ret_seen)
{
	uint64_t hash = hash_bytes(key, sizeof(*key));
	uint32_t *seen = &l->seen[hash % SEEN],
		 tag = (uint32_t)(hash >> 32) & ~(uint32_t)SEEN_STATE;

	*ret_seen = seen;
	if ((*seen & ~(uint32_t)SEEN_STATE) == tag && *seen & SEEN_STATE)
		return (*seen & SEEN_STATE) == SEEN_ONCE;
	*seen = tag | SEEN_ONCE;
	return false;
}

bool learn_event(struct learn *l, struct eval *eval, const struct event *ev, bool names_differ,
		 struct probe_key *ret_key)
{
	const struct probe_key *key = ev->key;
	uint32_t *seen;

	if (!key || key->generation != l->generation ||
	    ev->hdr->flags & (REC_F_TRUNCATED | REC_F_UNRESOLVED))
		return false;
	if (!comes_again(l, key, &seen))
		return false;
	l->n.judged++;
	*ret_key = *key;
	bool failed = key->error < 0;

	if (failed || S_ISDIR(key->format)) {
		ret_key->path = ret_key->base = ret_key->name = 0;
		if (judge(l, eval, ev, false, failed ? LEVEL_FAILED : LEVEL_DIR)) {
			l->n.general++;
			goto teach;
		}
		*ret_key = *key;
	}
	if (judge(l, eval, ev, names_differ, failed ? LEVEL_NAME_FAILED : LEVEL_NAME))
		goto teach;
	*seen = (*seen & ~(uint32_t)SEEN_STATE) | SEEN_HOPELESS;
	return false;
teach:
	*seen = 0; /* should the kernel forget it, it is learnt again */
	l->n.taught++;
	return true;
}

struct learn_counters learn_counters(const struct learn *l)
{
	return l->n;
}
