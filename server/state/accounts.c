/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An entry is one block of memory: the public struct, the key and the texts behind it. The key is the id's
 * four bytes and the container's name, so a lookup needs no allocation. The number of entries is bounded:
 * the passwd file of a container is written by whoever made its image.
 */
#include "state/accounts.h"

#include <errno.h>
#include <stdlib.h>

enum {
	MAX_ACCOUNTS = 65536, /* of each kind, all containers together */
	MAX_CONTAINER = 124,
	MAX_TEXT = 1024,
};

struct key {
	uint32_t id;
	char container[MAX_CONTAINER];
};

struct user_entry {
	struct user user; /* first: what others hold */
	struct str key;
	char bytes[];
};

struct group_entry {
	struct group group;
	struct str key;
	char bytes[];
};

static struct str make_key(struct key *k, struct str container, uint32_t id)
{
	container = str_cut(container, MAX_CONTAINER);
	k->id = id;
	if (container.len)
		memcpy(k->container, container.ptr, container.len);
	return (struct str){ (const char *)k, sizeof(k->id) + container.len };
}

static struct str container_of_key(struct str key)
{
	return str_skip(key, sizeof(uint32_t));
}

/* Copies s to *at and moves *at behind it. */
static struct str put_text(char **at, struct str s)
{
	struct str copy = { *at, s.len };

	if (s.len)
		memcpy(*at, s.ptr, s.len);
	*at += s.len;
	return copy;
}

void accounts_done(struct accounts *a)
{
	struct strmap *maps[] = { &a->users, &a->groups };

	for (size_t i = 0; i < 2; i++) {
		struct str key;
		void *value;

		for (size_t at = 0; strmap_next(maps[i], &at, &key, &value);)
			free(value);
		strmap_done(maps[i]);
	}
	*a = (struct accounts){ 0 };
}

static int replace(struct accounts *a, struct strmap *map, struct str key, void *entry)
{
	free(strmap_remove(map, key));
	if (map->count < MAX_ACCOUNTS && strmap_put(map, key, entry) == 0)
		return 0;
	a->refused++;
	free(entry);
	return -ENOMEM;
}

/* A missing text stays missing. */
static struct str put_text_or_none(char **at, struct str s)
{
	return s.ptr ? put_text(at, s) : s;
}

/* Where the parameters are: in our entries, and in the notices that rules may see. */
struct user_params {
	unsigned container, uid, gid, name, home, shell;
};

struct group_params {
	unsigned container, gid, name;
};

static const struct user_params user_entry = { 0, 1, 2, 3, 4, 5 };
static const struct user_params user_notice = { 5, 0, 1, 2, 3, 4 };
static const struct group_params group_entry = { 0, 1, 2 };
static const struct group_params group_notice = { 2, 0, 1 };

static int take_user(struct accounts *a, const struct event *e, const struct user_params *at)
{
	struct str name = str_cut(e->params[at->name], MAX_TEXT);
	struct str home = str_cut(e->params[at->home], MAX_TEXT);
	struct str shell = str_cut(e->params[at->shell], MAX_TEXT);
	uint32_t uid = (uint32_t)event_u64(e, at->uid, UINT32_MAX);
	struct key k;
	struct str key = make_key(&k, e->params[at->container], uid);
	struct user_entry *u = malloc(sizeof(*u) + key.len + name.len + home.len + shell.len);

	if (!u) {
		a->refused++;
		return -ENOMEM;
	}
	char *to = u->bytes;

	u->key = put_text(&to, key);
	u->user = (struct user){ .uid = uid, .gid = (uint32_t)event_u64(e, at->gid, UINT32_MAX) };
	u->user.name = put_text_or_none(&to, name);
	u->user.home = put_text_or_none(&to, home);
	u->user.shell = put_text_or_none(&to, shell);
	return replace(a, &a->users, u->key, u);
}

static int take_group(struct accounts *a, const struct event *e, const struct group_params *at)
{
	struct str name = str_cut(e->params[at->name], MAX_TEXT);
	uint32_t gid = (uint32_t)event_u64(e, at->gid, UINT32_MAX);
	struct key k;
	struct str key = make_key(&k, e->params[at->container], gid);
	struct group_entry *g = malloc(sizeof(*g) + key.len + name.len);

	if (!g) {
		a->refused++;
		return -ENOMEM;
	}
	char *to = g->bytes;

	g->key = put_text(&to, key);
	g->group = (struct group){ .gid = gid };
	g->group.name = put_text_or_none(&to, name);
	return replace(a, &a->groups, g->key, g);
}

static void lose_user(struct accounts *a, const struct event *e)
{
	const struct user_params *at = &user_notice;
	struct key k;

	free(strmap_remove(&a->users, make_key(&k, e->params[at->container],
					       (uint32_t)event_u64(e, at->uid, UINT32_MAX))));
}

static void lose_group(struct accounts *a, const struct event *e)
{
	const struct group_params *at = &group_notice;
	struct key k;

	free(strmap_remove(&a->groups, make_key(&k, e->params[at->container],
						(uint32_t)event_u64(e, at->gid, UINT32_MAX))));
}

int accounts_take(struct accounts *a, const struct event *e)
{
	switch (e->info->code) {
	case EV_USER_ENTRY: return take_user(a, e, &user_entry);
	case EV_USER_ADDED_E: return take_user(a, e, &user_notice);
	case EV_GROUP_ENTRY: return take_group(a, e, &group_entry);
	case EV_GROUP_ADDED_E: return take_group(a, e, &group_notice);
	default: return 0;
	}
}

void accounts_lose(struct accounts *a, const struct event *e)
{
	switch (e->info->code) {
	case EV_USER_DELETED_E: lose_user(a, e); break;
	case EV_GROUP_DELETED_E: lose_group(a, e); break;
	default: break;
	}
}

const struct user *accounts_user(const struct accounts *a, struct str container, uint32_t uid)
{
	struct key k;

	return strmap_find(&a->users, make_key(&k, container, uid));
}

const struct group *accounts_group(const struct accounts *a, struct str container, uint32_t gid)
{
	struct key k;

	return strmap_find(&a->groups, make_key(&k, container, gid));
}

int accounts_snapshot(const struct accounts *a, uint64_t now_ns, struct record_builder *b,
		      accounts_emit_fn emit, void *ctx)
{
	struct str key;
	void *value;
	int r = 0;

	for (size_t at = 0; r >= 0 && strmap_next(&a->users, &at, &key, &value);) {
		const struct user *u = value;

		record_begin(b, EV_USER_ENTRY, now_ns, NULL);
		record_str(b, container_of_key(key));
		record_u32(b, u->uid);
		record_u32(b, u->gid);
		record_str(b, u->name);
		record_str(b, u->home);
		record_str(b, u->shell);
		r = emit(record_end(b), ctx);
	}
	for (size_t at = 0; r >= 0 && strmap_next(&a->groups, &at, &key, &value);) {
		const struct group *g = value;

		record_begin(b, EV_GROUP_ENTRY, now_ns, NULL);
		record_str(b, container_of_key(key));
		record_u32(b, g->gid);
		record_str(b, g->name);
		r = emit(record_end(b), ctx);
	}
	return r < 0 ? r : 0;
}
