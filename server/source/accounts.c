/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader of the files gives the lines from the last to the first, so that of several with one id the
 * first line of the file comes last, and wins. Both lists are sorted and walked side by side.
 */
#include "source/accounts.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "event/event.h"
#include "source/users.h"

struct reading {
	struct account_list list;
	int outcome;
};

void account_list_done(struct account_list *l)
{
	arena_done(&l->arena);
	vec_done(&l->items);
	*l = (struct account_list){ 0 };
}

static int by_id(const void *a, const void *b)
{
	const struct account *x = a, *y = b;

	if (x->group != y->group)
		return x->group - y->group;
	return (x->id > y->id) - (x->id < y->id);
}

/* The place of an entry with the same id: the lists are short, and read when somebody changes them. */
static struct account *place(struct account_list *l, const struct account *a)
{
	vec_foreach (it, &l->items)
		if (by_id(it, a) == 0)
			return it;
	return NULL;
}

static void take(const struct rec_hdr *rec, void *ctx)
{
	struct reading *r = ctx;
	struct event e;

	if (r->outcome < 0 || event_decode(rec, rec->len, &e) < 0)
		return;
	bool group = rec->type == EV_GROUP_ENTRY;
	struct account a = {
		.group = group,
		.id = (uint32_t)event_u64(&e, 1, UINT32_MAX),
		.gid = group ? 0 : (uint32_t)event_u64(&e, 2, UINT32_MAX),
		.name = arena_dup(&r->list.arena, e.params[group ? 2 : 3]),
	};

	if (!group) {
		a.home = arena_dup(&r->list.arena, e.params[4]);
		a.shell = arena_dup(&r->list.arena, e.params[5]);
	}
	struct account *there = place(&r->list, &a);

	if (there)
		*there = a;
	else
		r->outcome = vec_push(&r->list.items, a);
}

int account_list_read(const char *root, struct account_list *ret)
{
	struct reading r = { 0 };
	int outcome = scan_users(root, (struct str){ 0 }, take, &r);

	if (outcome < 0 || r.outcome < 0) {
		account_list_done(&r.list);
		return outcome < 0 ? outcome : r.outcome;
	}
	if (r.list.items.n)
		qsort(r.list.items.items, r.list.items.n, sizeof(r.list.items.items[0]), by_id);
	*ret = r.list;
	return 0;
}

static void tell(struct record_builder *b, const struct account *a, bool added, record_fn fn,
		 void *ctx)
{
	uint16_t type = a->group ? (added ? EV_GROUP_ADDED_E : EV_GROUP_DELETED_E)
				 : (added ? EV_USER_ADDED_E : EV_USER_DELETED_E);

	record_begin(b, type, clock_boot_ns(), NULL);
	record_u32(b, a->id);
	if (!a->group)
		record_u32(b, a->gid);
	record_param(b, a->name.ptr ? a->name.ptr : "", a->name.len);
	if (!a->group) {
		record_param(b, a->home.ptr ? a->home.ptr : "", a->home.len);
		record_param(b, a->shell.ptr ? a->shell.ptr : "", a->shell.len);
	}
	record_param(b, "", 0); /* the host */
	const struct rec_hdr *rec = record_end(b);

	if (rec)
		fn(rec, ctx);
}

static bool same(const struct account *a, const struct account *b)
{
	return a->gid == b->gid && str_eq(a->name, b->name) && str_eq(a->home, b->home) &&
	       str_eq(a->shell, b->shell);
}

int account_list_diff(const struct account_list *before, const struct account_list *after,
		      record_fn fn, void *ctx)
{
	_cleanup_(freep) struct record_builder *b = malloc(sizeof(*b));
	size_t i = 0, k = 0;

	if (!b)
		return -ENOMEM;
	while (i < before->items.n || k < after->items.n) {
		const struct account *old = &before->items.items[i], *new = &after->items.items[k];
		int order = i == before->items.n ? 1 : k == after->items.n ? -1 : by_id(old, new);

		if (order < 0) {
			tell(b, old, false, fn, ctx);
		} else if (order > 0 || !same(old, new)) {
			tell(b, new, true, fn, ctx);
		}
		i += order <= 0;
		k += order >= 0;
	}
	return 0;
}
