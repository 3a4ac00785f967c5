/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An unknown key is an error here, unlike in the configuration: a filter that is misspelt must not mean no
 * filter. Patterns are shell patterns of the whole name.
 */
#include "rpc/policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/limits.h"
#include "config/tree.h"
#include "filter/glob.h"
#include "rpc/peer.h"
#include "rpc/unix.h"

enum { POLICY_ARENA = 16 << 20, POLICY_ENTRIES = 10000, POLICY_CALLS = 1 << 20 };

struct policy_entry {
	const struct glob **identities, **methods;
	bool *bare; /* methods[i] has no slash: it means the name of the method */
	size_t nidentities, nmethods;
	Falco__Outputs__Filter *filter;
	uint64_t max_calls;
	uint64_t fingerprint;
};

struct policy {
	struct arena arena;
	struct policy_entry *entries;
	size_t n;
};

/* What reading works with. */
struct reader {
	struct policy *policy;
	struct config_report report;
};

static void *get(struct reader *r, size_t n, size_t size)
{
	return arena_array(&r->policy->arena, n ? n : 1, size);
}

/* A list of texts, or one text: as str, in the arena. */
static int texts(struct reader *r, const struct tree *t, struct str **ret, size_t *ret_n)
{
	size_t n = t->kind == TREE_TEXT ? 1 : tree_count(t), i = 0;
	struct str *items = get(r, n, sizeof(*items));

	if (!items)
		return -ENOMEM;
	if ((t->kind != TREE_TEXT && t->kind != TREE_LIST) || n == 0)
		return tree_fail(&r->report, t, STR_FMT ": expected a text or a list of texts",
				 STR_ARG(t->key));
	for (const struct tree *at = t->kind == TREE_TEXT ? t : t->first; i < n; at = at->next) {
		if (at->kind != TREE_TEXT || !at->text.len)
			return tree_fail(&r->report, at, STR_FMT ": expected a text",
					 STR_ARG(t->key));
		items[i] = arena_dup(&r->policy->arena, at->text);
		if (!items[i++].ptr)
			return -ENOMEM;
	}
	*ret = items;
	*ret_n = n;
	return 0;
}

static int patterns(struct reader *r, const struct str *items, size_t n, const struct glob ***ret)
{
	const struct glob **globs = get(r, n, sizeof(*globs));

	if (!globs)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		globs[i] = glob_new(items[i], false, &r->policy->arena);
		if (!globs[i])
			return -ENOMEM;
	}
	*ret = globs;
	return 0;
}

static int read_identity(struct reader *r, struct policy_entry *e, const struct tree *t)
{
	static const char *const kinds[] = { "uid:", "gid:", "spiffe:", "dns:", "cn:", "cert:" };
	struct str *items;
	int err = texts(r, t, &items, &e->nidentities);

	for (size_t i = 0; err == 0 && i < e->nidentities; i++) {
		bool known = str_eqz(items[i], "*");

		for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
			known = known || str_starts(items[i], str_of(kinds[k]));
		if (!known)
			return tree_fail(&r->report, t,
					 "identity \"" STR_FMT
					 "\": expected uid:N, gid:N, spiffe:ID, "
					 "dns:NAME, cn:NAME, cert:SHA256 or *",
					 STR_ARG(items[i]));
	}
	return err ? err : patterns(r, items, e->nidentities, &e->identities);
}

static int read_methods(struct reader *r, struct policy_entry *e, const struct tree *t)
{
	struct str *items;
	int err = texts(r, t, &items, &e->nmethods);

	if (err)
		return err;
	e->bare = get(r, e->nmethods, sizeof(*e->bare));
	if (!e->bare)
		return -ENOMEM;
	for (size_t i = 0; i < e->nmethods; i++)
		e->bare[i] = !str_contains(items[i], STR("/"));
	return patterns(r, items, e->nmethods, &e->methods);
}

static int read_calls(struct reader *r, struct policy_entry *e, const struct tree *t)
{
	if (t->kind != TREE_TEXT || str_to_u64(t->text, &e->max_calls) < 0 || !e->max_calls ||
	    e->max_calls > POLICY_CALLS)
		return tree_fail(&r->report, t, "max_calls: expected a whole number from 1 to %d",
				 POLICY_CALLS);
	return 0;
}

static int read_priority(struct reader *r, Falco__Outputs__Filter *f, const struct tree *t)
{
	int priority;

	if (t->kind != TREE_TEXT || config_priority(t->text, &priority) < 0)
		return tree_fail(&r->report, t, "priority: expected emergency ... debug");
	f->threshold_case = FALCO__OUTPUTS__FILTER__THRESHOLD_MIN_PRIORITY;
	f->min_priority = (Falco__Schema__Priority)priority;
	return 0;
}

static int read_fields(struct reader *r, Falco__Outputs__Filter *f, const struct tree *t)
{
	size_t n = tree_count(t), i = 0;
	Falco__Outputs__Filter__FieldGlobEntry **list = get(r, n, sizeof(*list)), *e;

	if (!list)
		return -ENOMEM;
	if (t->kind != TREE_MAP)
		return tree_fail(&r->report, t, "fields: expected a map of fields to patterns");
	for (const struct tree *at = t->first; at; at = at->next) {
		if (at->kind != TREE_TEXT)
			return tree_fail(&r->report, at, STR_FMT ": expected a pattern",
					 STR_ARG(at->key));
		e = get(r, 1, sizeof(*e));
		struct str key = arena_dup(&r->policy->arena, at->key);
		struct str value = arena_dup(&r->policy->arena, at->text);
		if (!e || !key.ptr || !value.ptr)
			return -ENOMEM;
		falco__outputs__filter__field_glob_entry__init(e);
		e->key = (char *)key.ptr;
		e->value = (char *)value.ptr;
		list[i++] = e;
	}
	f->field_glob = list;
	f->n_field_glob = n;
	return 0;
}

static int read_filter(struct reader *r, struct policy_entry *e, const struct tree *t)
{
	Falco__Outputs__Filter *f = get(r, 1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	falco__outputs__filter__init(f);
	if (t->kind != TREE_MAP || !t->first)
		return tree_fail(&r->report, t, "filter: expected a map");
	const struct {
		const char *key;
		char ***items;
		size_t *n;
	} lists[] = {
		{ "rule", &f->rule, &f->n_rule },
		{ "source", &f->source, &f->n_source },
		{ "tags", &f->tags, &f->n_tags },
		{ "hostname", &f->hostname, &f->n_hostname },
	};
	for (const struct tree *at = t->first; at; at = at->next) {
		int err = 1;

		if (str_eqz(at->key, "priority"))
			err = read_priority(r, f, at);
		else if (str_eqz(at->key, "fields"))
			err = read_fields(r, f, at);
		for (size_t i = 0; err == 1 && i < ARRAY_SIZE(lists); i++) {
			struct str *items = NULL;

			if (!str_eqz(at->key, lists[i].key))
				continue;
			err = texts(r, at, &items, lists[i].n);
			*lists[i].items = err ? NULL : get(r, *lists[i].n, sizeof(char *));
			if (err == 0 && !*lists[i].items)
				err = -ENOMEM;
			for (size_t k = 0; err == 0 && k < *lists[i].n; k++)
				(*lists[i].items)[k] = (char *)items[k].ptr;
			if (err)
				return err;
		}
		if (err == 1)
			return tree_fail(&r->report, at, "unknown key " STR_FMT " in a filter",
					 STR_ARG(at->key));
		if (err)
			return err;
	}
	e->filter = f;
	return 0;
}

static int fingerprint(struct policy_entry *e, const struct tree *t)
{
	_cleanup_(strbuf_done) struct strbuf text = { 0 };
	struct json j = json_to(&text);

	tree_json(t, &j);
	if (strbuf_check(&text) < 0)
		return -ENOMEM;
	e->fingerprint = hash_str(strbuf_str(&text));
	return 0;
}

static int read_entry(struct reader *r, struct policy_entry *e, const struct tree *t)
{
	static const struct {
		const char *key;
		int (*read)(struct reader *r, struct policy_entry *e, const struct tree *t);
	} rows[] = {
		{ "identity", read_identity },
		{ "methods", read_methods },
		{ "filter", read_filter },
		{ "max_calls", read_calls },
	};

	if (t->kind != TREE_MAP)
		return tree_fail(&r->report, t, "expected an entry with identity and methods");
	for (const struct tree *at = t->first; at; at = at->next) {
		size_t i = 0;

		while (i < ARRAY_SIZE(rows) && !str_eqz(at->key, rows[i].key))
			i++;
		if (i == ARRAY_SIZE(rows))
			return tree_fail(&r->report, at, "unknown key " STR_FMT, STR_ARG(at->key));
		int err = rows[i].read(r, e, at);
		if (err)
			return err;
	}
	if (!e->nidentities || !e->nmethods)
		return tree_fail(&r->report, t, "an entry needs %s",
				 e->nidentities ? "methods" : "identity");
	return fingerprint(e, t);
}

static int read_policy(struct reader *r, const struct tree *root)
{
	struct policy *p = r->policy;
	const struct tree *list = tree_get(root, STR("policy"));

	if (!list || list->kind != TREE_LIST)
		return tree_fail(&r->report, root, "expected `policy:` with a list of entries");
	if (tree_count(root) != 1)
		return tree_fail(&r->report, root, "expected nothing but `policy:`");
	if (tree_count(list) > POLICY_ENTRIES)
		return tree_fail(&r->report, list, "expected at most %d entries", POLICY_ENTRIES);
	p->entries = get(r, tree_count(list), sizeof(*p->entries));
	if (!p->entries)
		return -ENOMEM;
	for (const struct tree *t = list->first; t; t = t->next) {
		p->entries[p->n] = (struct policy_entry){ 0 };
		int err = read_entry(r, &p->entries[p->n++], t);
		if (err)
			return err;
	}
	return 0;
}

int policy_new(const char *name, struct str text, struct policy **ret, struct diag *d)
{
	struct reader r = { .policy = calloc(1, sizeof(*r.policy)) };
	struct arena load;
	struct tree *root;

	*d = (struct diag){ 0 };
	if (!r.policy)
		return -ENOMEM;
	arena_init(&r.policy->arena, POLICY_ARENA);
	arena_init(&load, POLICY_ARENA);
	int err = tree_parse(&load, name, text, false, &root, &r.report);
	if (err == 0)
		err = read_policy(&r, root);
	arena_done(&load);
	if (err == CONFIG_E_INVALID) {
		*d = r.report.error;
		err = -EINVAL;
	}
	config_report_done(&r.report);
	if (err)
		policy_free(r.policy);
	else
		*ret = r.policy;
	return err;
}

struct policy *policy_free(struct policy *p)
{
	if (!p)
		return NULL;
	arena_done(&p->arena);
	free(p);
	return NULL;
}

static bool any(const struct glob *const *globs, size_t n, struct str text)
{
	for (size_t i = 0; i < n; i++)
		if (glob_match(globs[i], text))
			return true;
	return false;
}

static bool names(const struct policy_entry *e, const struct peer *peer)
{
	const struct unix_peer *local = peer->slot >= 0 ? unix_peer(peer->slot) : NULL;
	char text[24];

	if (any(e->identities, e->nidentities, str_of(peer->name)))
		return true;
	for (size_t i = 0; local && i < local->ngroups; i++) {
		snprintf(text, sizeof(text), "gid:%u", (unsigned)local->groups[i]);
		if (any(e->identities, e->nidentities, str_of(text)))
			return true;
	}
	return false;
}

const struct policy_entry *policy_find(const struct policy *p, const struct peer *peer)
{
	for (size_t i = 0; i < p->n; i++)
		if (names(&p->entries[i], peer))
			return &p->entries[i];
	return NULL;
}

bool policy_allows(const struct policy_entry *e, const char *service, const char *method)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", service, method);
	for (size_t i = 0; i < e->nmethods; i++)
		if (glob_match(e->methods[i], str_of(e->bare[i] ? method : path)))
			return true;
	return false;
}

const Falco__Outputs__Filter *policy_filter(const struct policy_entry *e)
{
	return e->filter;
}

uint64_t policy_max_calls(const struct policy_entry *e)
{
	return e->max_calls;
}

uint64_t policy_fingerprint(const struct policy_entry *e)
{
	return e->fingerprint;
}
