/* SPDX-License-Identifier: Apache-2.0 */
/* A map from identity to a small unsorted set of positions. */
#include "rpc/cursors.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/hash.h"

struct cursor_set {
	char *identity;
	uint64_t used;	/* tick of the last contact */
	uint64_t base;	/* of an earlier run; 0: none */
	uint64_t least; /* while saving */
	uint64_t saved;
	size_t n;
	uint64_t next[CURSORS_EACH];
};

struct cursors {
	struct strmap sets;
	uint64_t tick;
};

struct cursors *cursors_new(void)
{
	return calloc(1, sizeof(struct cursors));
}

static void set_free(struct cursor_set *s)
{
	free(s->identity);
	free(s);
}

struct cursors *cursors_free(struct cursors *c)
{
	if (!c)
		return NULL;
	size_t at = 0;
	struct str key;
	void *set;
	while (strmap_next(&c->sets, &at, &key, &set))
		set_free(set);
	strmap_done(&c->sets);
	free(c);
	return NULL;
}

static void forget_oldest(struct cursors *c)
{
	struct cursor_set *oldest = NULL;
	size_t at = 0;
	struct str key;
	void *p;

	while (strmap_next(&c->sets, &at, &key, &p)) {
		struct cursor_set *s = p;

		if (!oldest || s->used < oldest->used)
			oldest = s;
	}
	if (!oldest)
		return;
	strmap_remove(&c->sets, str_of(oldest->identity));
	set_free(oldest);
}

static struct cursor_set *set_make(struct cursors *c, const char *identity)
{
	if (c->sets.count >= CURSORS_IDENTITIES)
		forget_oldest(c);
	struct cursor_set *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->identity = str_dupz(str_of(identity));
	if (!s->identity || strmap_put(&c->sets, str_of(s->identity), s) < 0) {
		set_free(s);
		return NULL;
	}
	return s;
}

static struct cursor_set *set_get(struct cursors *c, const char *identity)
{
	struct cursor_set *s = strmap_find(&c->sets, str_of(identity));

	return s ? s : set_make(c, identity);
}

int cursors_load(struct cursors *c, const char *identity, uint64_t next)
{
	struct cursor_set *s = set_get(c, identity);

	if (!s)
		return -ENOMEM;
	s->base = s->saved = next;
	return 0;
}

uint64_t cursors_take(struct cursors *c, const char *identity)
{
	struct cursor_set *s = strmap_find(&c->sets, str_of(identity));

	if (!s)
		return 0;
	s->used = ++c->tick;
	if (!s->n)
		return s->base;
	size_t least = 0;
	for (size_t i = 1; i < s->n; i++)
		if (s->next[i] < s->next[least])
			least = i;
	uint64_t next = s->next[least];
	s->next[least] = s->next[--s->n];
	return next;
}

int cursors_release(struct cursors *c, const char *identity, uint64_t next)
{
	struct cursor_set *s = set_get(c, identity);

	if (!s)
		return -ENOMEM;
	s->used = ++c->tick;
	if (s->n < CURSORS_EACH) {
		s->next[s->n++] = next;
		return 0;
	}
	size_t most = 0;
	for (size_t i = 1; i < s->n; i++)
		if (s->next[i] > s->next[most])
			most = i;
	if (next < s->next[most])
		s->next[most] = next;
	return 0;
}

void cursors_save_begin(struct cursors *c)
{
	size_t at = 0;
	struct str key;
	void *p;

	while (strmap_next(&c->sets, &at, &key, &p)) {
		struct cursor_set *s = p;

		s->least = UINT64_MAX;
		for (size_t i = 0; i < s->n; i++)
			s->least = s->next[i] < s->least ? s->next[i] : s->least;
	}
}

void cursors_save_live(struct cursors *c, const char *identity, uint64_t next)
{
	bool known = strmap_find(&c->sets, str_of(identity)) != NULL;
	struct cursor_set *s = set_get(c, identity);

	if (!s)
		return;
	s->used = ++c->tick;
	if (!known || next < s->least)
		s->least = next;
}

void cursors_save_end(struct cursors *c, void (*fn)(const char *identity, uint64_t next, void *ctx),
		      void *ctx)
{
	size_t at = 0;
	struct str key;
	void *p;

	while (strmap_next(&c->sets, &at, &key, &p)) {
		struct cursor_set *s = p;

		if (s->least == UINT64_MAX || s->least == s->saved)
			continue;
		s->saved = s->least;
		fn(s->identity, s->least, ctx);
	}
}
