/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers that ended stay for stragglers (events, and answers that are late) and go when new ones come;
 * if too many live, the oldest goes.
 */
#include "state/containers.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/cleanup.h"

enum { KEEP_ENDED_S = 30, SWEEP_STEPS = 8 };

static void drop(struct containers *c, struct container *k)
{
	strmap_remove(&c->map, k->id);
	*(k->older ? &k->older->newer : &c->oldest) = k->newer;
	*(k->newer ? &k->newer->older : &c->newest) = k->older;
	arena_done(&k->arena);
	free(k);
}

void containers_done(struct containers *c)
{
	while (c->oldest)
		drop(c, c->oldest);
	strmap_done(&c->map);
	*c = (struct containers){ 0 };
}

struct container *containers_find(const struct containers *c, struct str id)
{
	return strmap_find(&c->map, id);
}

static void sweep(struct containers *c, uint64_t now_ns)
{
	struct container *k = c->oldest;

	for (unsigned i = 0; k && i < SWEEP_STEPS; i++) {
		struct container *next = k->newer;

		if (k->ended_ns && !k->waiting && k->ended_ns + KEEP_ENDED_S * NS_PER_SEC < now_ns)
			drop(c, k);
		k = next;
	}
	if (c->map.count >= LIMIT_CONTAINERS && c->oldest) {
		c->evicted++;
		drop(c, c->oldest);
	}
}

/* Empty where there is no room: only an id that no runtime makes is so long. */
static struct str put(struct container *k, struct str s)
{
	struct str copy = { k->bytes + k->used, s.len };

	if (s.len > sizeof(k->bytes) - k->used)
		return (struct str){ 0 };
	if (s.len)
		memcpy(k->bytes + k->used, s.ptr, s.len);
	k->used += s.len;
	return copy;
}

/* Of runtimes that are not asked, the name is all there is. */
static bool nameless(const char *type)
{
	return str_eqz(str_of(type), "lxc") || str_eqz(str_of(type), "libvirt-lxc") ||
	       str_eqz(str_of(type), "bpm");
}

static void know(struct container *k)
{
	struct str none = STR("");

	k->status = CONTAINER_KNOWN;
	k->has_info = true;
	k->info = (struct info){ .full_id = k->full_id,
				 .name = k->full_id,
				 .type = str_of(k->guess),
				 .image = none,
				 .repository = none,
				 .tag = none,
				 .digest = none };
}

void containers_meet(struct container *k, const struct container_ident *ident)
{
	if (!k->full_id.len)
		k->full_id = put(k, ident->full_id);
	k->space = put(k, ident->space);
	k->guess = ident->type ? ident->type : "";
	k->owner = ident->owner;
	if (!k->has_info && nameless(k->guess))
		know(k);
}

struct container *containers_add(struct containers *c, const struct container_ident *ident,
				 uint64_t now_ns)
{
	sweep(c, now_ns);
	struct container *k = calloc(1, sizeof(*k));

	if (!k || !ident->id.len || ident->id.len > sizeof(k->bytes) / 2) {
		c->refused++;
		free(k);
		return NULL;
	}
	k->id = put(k, ident->id);
	containers_meet(k, ident);
	if (strmap_put(&c->map, k->id, k) < 0) {
		c->refused++;
		free(k);
		return NULL;
	}
	k->older = c->newest;
	*(c->newest ? &c->newest->newer : &c->oldest) = k;
	c->newest = k;
	return k;
}

/* What is known in part does not take the place of the whole. Takes the arena over, or frees it. */
static void take_info(struct container *k, const struct info *info, struct arena *a)
{
	if (!info->name.ptr || (info->partial && k->status == CONTAINER_KNOWN)) {
		arena_done(a);
		if (k->status == CONTAINER_ASKED)
			k->status = CONTAINER_UNKNOWN;
		return;
	}
	arena_done(&k->arena);
	k->arena = *a;
	k->info = *info;
	k->has_info = true;
	if (!info->partial)
		k->status = CONTAINER_KNOWN;
	if (info->full_id.len && !str_eq(info->full_id, k->full_id))
		k->full_id = put(k, info->full_id);
}

int containers_take(struct containers *c, const struct event *e)
{
	enum { ID, JSON };
	struct str id = str_cut(e->params[ID], sizeof(((struct container *)0)->bytes) / 2);
	struct container *k = containers_find(c, id);
	struct arena a = { .limit = 4 * LIMIT_RECORD_BYTES };
	struct info info = { 0 };
	bool answer = e->params[JSON].ptr;
	int r = answer ? info_parse(e->params[JSON], &a, &info) : 0;

	if (info.gone) {
		if (k)
			k->ended_ns = e->hdr->ts_ns;
		arena_done(&a);
		return 0;
	}
	if (!k)
		k = containers_add(c, &(struct container_ident){ .id = id }, e->hdr->ts_ns);
	if (!k) {
		arena_done(&a);
		return -ENOMEM;
	}
	if (answer)
		take_info(k, &info, &a);
	else
		k->accounts_pending = false;
	c->imageless += answer && !k->info.image.len;
	return r == -ENOMEM ? r : 0;
}

int containers_snapshot(const struct containers *c, uint64_t now_ns, struct record_builder *b,
			int (*emit)(const struct rec_hdr *rec, void *ctx), void *ctx)
{
	_cleanup_(strbuf_done) struct strbuf json = { 0 };

	for (const struct container *k = c->oldest; k; k = k->newer) {
		if (!k->has_info)
			continue;
		strbuf_clear(&json);
		info_print(&k->info, &json);
		record_begin(b, EV_CONTAINER_INFO, now_ns, NULL);
		record_str(b, k->id);
		record_str(b, strbuf_str(&json));
		int r = json.failed ? -ENOMEM : emit(record_end(b), ctx);

		if (r < 0)
			return r;
	}
	return 0;
}
