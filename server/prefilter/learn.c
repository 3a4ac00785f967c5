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
	LEVEL_FAILED = 1,	/* all failures of one kind */
	LEVEL_DIR = 2,		/* all directories opened in one way */
	LEVEL_PLACE_FAILED = 4, /* all files of a directory */
	LEVEL_PLACE = 8,
	LEVEL_NAME_FAILED = 16,
	LEVEL_NAME = 32,
	LEVELS = 6,

	FAILURES = LEVEL_FAILED | LEVEL_PLACE_FAILED | LEVEL_NAME_FAILED,
	PLACES = LEVEL_PLACE_FAILED | LEVEL_PLACE,
	NAMES = LEVEL_NAME_FAILED | LEVEL_NAME,
	ALWAYS = FAILURES | LEVEL_DIR | PLACES | NAMES,
};

static const struct {
	const char *field, *arg;
	unsigned levels;
	enum slot_known in_place; /* at the levels of places, if it is more than nothing */
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
	{ "fd.name", NULL, NAMES, SLOT_PLACE },
	{ "fd.nameraw", NULL, NAMES, SLOT_PLACE },
	{ "fd.directory", NULL, NAMES | PLACES },
	{ "fd.filename", NULL, NAMES, SLOT_NAME },
	{ "fs.path.name", NULL, NAMES },
	{ "fs.path.nameraw", NULL, NAMES },
	{ "fs.path.source", NULL, NAMES },
	{ "fs.path.sourceraw", NULL, NAMES },
	{ "fs.path.target", NULL, NAMES },
	{ "fs.path.targetraw", NULL, NAMES },
};

enum { SEEN = 8192, SEEN_ONCE = 1, SEEN_HOPELESS = 2, SEEN_STATE = SEEN_ONCE | SEEN_HOPELESS };

struct learn {
	const struct ruleset *rules;
	uint32_t generation;
	uint8_t *known[LEVELS]; /* enum slot_known by slot */
	uint64_t endings[PROBE_ENDINGS / 64];
	uint32_t seen[SEEN]; /* the last keys, by hash: see seen_of */
	struct learn_counters n;
};

static enum slot_known known_at(const struct field_ref *ref, enum level level)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strcmp(ref->def->name, rows[i].field) ||
		    (rows[i].arg && !str_eqz(ref->arg, rows[i].arg)))
			continue;
		if (rows[i].levels & level)
			return SLOT_KNOWN;
		return level & PLACES ? rows[i].in_place : SLOT_OPEN;
	}
	return SLOT_OPEN;
}

static void add_ending(uint32_t tail, void *ctx)
{
	struct learn *l = ctx;
	uint32_t bit = key_ending(tail);

	l->endings[bit / 64] |= UINT64_C(1) << bit % 64;
}

static const uint8_t *known(const struct learn *l, enum level level)
{
	return l->known[__builtin_ctz(level)];
}

static uint8_t *known_slots(const struct program *p, enum level level)
{
	size_t n = program_slots(p);
	uint8_t *slots = calloc(n + 1, 1);

	for (uint32_t slot = 0; slots && slot < n; slot++)
		slots[slot] = (uint8_t)known_at(program_slot_ref(p, slot), level);
	return slots;
}

uint8_t *learn_known(const struct program *p, enum learn_scope scope)
{
	static const enum level levels[LEARN_SCOPES] = {
		[LEARN_FILE] = LEVEL_NAME,
		[LEARN_PLACE] = LEVEL_PLACE,
		[LEARN_FAILED] = LEVEL_NAME_FAILED,
	};

	return known_slots(p, levels[scope]);
}

struct learn *learn_new(const struct ruleset *rs, uint32_t generation)
{
	const struct program *p = ruleset_program(rs);
	struct learn *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->rules = rs;
	l->generation = generation;
	for (unsigned level = 0; level < LEVELS; level++) {
		l->known[level] = known_slots(p, 1u << level);
		if (!l->known[level])
			return learn_free(l);
	}
	size_t nrules;
	const struct rule *const *all = ruleset_rules(rs, &nrules);

	for (size_t i = 0; i < nrules; i++)
		cond_endings(all[i]->cond, known(l, LEVEL_PLACE), add_ending, l);
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
static bool all_false(const struct learn *l, struct eval *eval, unsigned code, const uint8_t *known)
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
	const uint8_t *values = known(l, level);
	unsigned code = ev->hdr->type;

	if (!all_false(l, eval, code, values))
		return false;
	if (!names_differ || !(level & (NAMES | PLACES)))
		return true;
	eval_names(eval, true);
	bool so = all_false(l, eval, code, values);
	eval_names(eval, false);
	return so;
}

/* What is remembered of a key: the hash above, SEEN_* below. */
static uint32_t *seen_of(struct learn *l, const struct probe_key *key)
{
	uint64_t hash = hash_bytes(key, sizeof(*key));
	uint32_t *seen = &l->seen[hash % SEEN],
		 tag = (uint32_t)(hash >> 32) & ~(uint32_t)SEEN_STATE;

	if ((*seen & ~(uint32_t)SEEN_STATE) != tag)
		*seen = tag;
	return seen;
}

/* Asked at once, as there are many files for one answer; but only once. */
static bool judge_place(struct learn *l, struct eval *eval, const struct event *ev,
			bool names_differ, struct probe_key *ret_key)
{
	const struct probe_keys *keys = ev->keys;

	if (!keys->place_name)
		return false;
	*ret_key = keys->file;
	ret_key->path = keys->place_path;
	ret_key->name = keys->place_name;
	ret_key->made |= KEY_PLACE;
	uint32_t *seen = seen_of(l, ret_key);

	if (*seen & SEEN_HOPELESS)
		return false;
	l->n.judged++;
	if (!judge(l, eval, ev, names_differ,
		   keys->file.error < 0 ? LEVEL_PLACE_FAILED : LEVEL_PLACE)) {
		*seen |= SEEN_HOPELESS;
		return false;
	}
	l->n.places++;
	return true;
}

static bool judge_file(struct learn *l, struct eval *eval, const struct event *ev,
		       bool names_differ, struct probe_key *ret_key)
{
	const struct probe_key *key = &ev->keys->file;
	bool failed = key->error < 0;
	uint32_t *seen = seen_of(l, key);

	if (*seen & SEEN_HOPELESS)
		return false;
	if (!(*seen & SEEN_ONCE)) {
		*seen |= SEEN_ONCE;
		return false;
	}
	l->n.judged++;
	*ret_key = *key;
	if (failed || S_ISDIR(key->format)) {
		ret_key->path = ret_key->base = ret_key->name = 0;
		if (judge(l, eval, ev, false, failed ? LEVEL_FAILED : LEVEL_DIR)) {
			l->n.general++;
			return true;
		}
		*ret_key = *key;
	}
	if (judge(l, eval, ev, names_differ, failed ? LEVEL_NAME_FAILED : LEVEL_NAME)) {
		*seen &=
			~(uint32_t)SEEN_STATE; /* should the kernel forget it, it is learnt again */
		return true;
	}
	*seen |= SEEN_HOPELESS;
	return false;
}

bool learn_event(struct learn *l, struct eval *eval, const struct event *ev, bool names_differ,
		 struct probe_key *ret_key)
{
	if (!ev->keys || ev->keys->file.generation != l->generation ||
	    ev->hdr->flags & (REC_F_TRUNCATED | REC_F_UNRESOLVED))
		return false;
	if (!judge_place(l, eval, ev, names_differ, ret_key) &&
	    !judge_file(l, eval, ev, names_differ, ret_key))
		return false;
	l->n.taught++;
	return true;
}

const uint64_t *learn_endings(const struct learn *l)
{
	return l->endings;
}

struct learn_counters learn_counters(const struct learn *l)
{
	return l->n;
}
