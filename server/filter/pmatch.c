/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trie of components. Children are kept sorted, plain ones apart from patterns, so that a step costs a
 * binary search and one match per pattern at that level. The walk tries every pattern that fits (the
 * reference advances too far when several do). It goes no deeper than the trie, and a literal's length
 * limits that.
 */
#include "filter/pmatch.h"

#include <errno.h>

#include "filter/glob.h"

struct pnode {
	struct str part;
	const struct glob *glob; /* of a node among globs */
	bool end;		 /* a prefix ends here; what is below does not matter */
	struct pnode **kids;
	uint32_t nkids, kids_cap;
	struct pnode **globs;
	uint32_t nglobs, globs_cap;
};

struct pmatch {
	struct arena *arena;
	struct pnode root;
};

struct pmatch *pmatch_new(struct arena *a)
{
	struct pmatch *m = arena_new(a, struct pmatch);

	if (m)
		m->arena = a;
	return m;
}

/* The next non-empty component; false at the end. */
static bool next_part(struct str *path, struct str *ret)
{
	while (str_split(path, '/', ret)) {
		if (ret->len)
			return true;
	}
	return false;
}

/* Where part is among the sorted nodes, or belongs; true when it is there. */
static bool search(struct pnode *const *nodes, uint32_t n, struct str part, uint32_t *ret_at)
{
	uint32_t low = 0, high = n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int order = str_cmp(part, nodes[mid]->part);

		if (order == 0) {
			*ret_at = mid;
			return true;
		}
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	*ret_at = low;
	return false;
}

static struct pnode *child(struct arena *a, struct pnode ***nodes, uint32_t *n, uint32_t *cap,
			   struct str part)
{
	uint32_t at;

	if (search(*nodes, *n, part, &at))
		return (*nodes)[at];
	if (*n == *cap) {
		uint32_t bigger = *cap ? *cap * 2 : 4;
		struct pnode **grown = arena_array(a, bigger, sizeof(struct pnode *));

		if (!grown)
			return NULL;
		if (*n)
			memcpy(grown, *nodes, *n * sizeof(struct pnode *));
		*nodes = grown;
		*cap = bigger;
	}
	struct pnode *node = arena_new(a, struct pnode);

	if (!node)
		return NULL;
	node->part = arena_dup(a, part);
	if (!node->part.ptr)
		return NULL;
	memmove(*nodes + at + 1, *nodes + at, (*n - at) * sizeof(struct pnode *));
	(*nodes)[at] = node;
	(*n)++;
	return node;
}

int pmatch_add(struct pmatch *m, struct str prefix)
{
	struct pnode *node = &m->root;
	struct str part;

	while (next_part(&prefix, &part)) {
		bool glob = glob_is_pattern(part);

		if (glob)
			node = child(m->arena, &node->globs, &node->nglobs, &node->globs_cap, part);
		else
			node = child(m->arena, &node->kids, &node->nkids, &node->kids_cap, part);
		if (node && glob && !node->glob)
			node->glob = glob_new(part, false, m->arena);
		if (!node || (glob && !node->glob))
			return -ENOMEM;
	}
	node->end = true;
	return 0;
}

static bool walk(const struct pnode *node, struct str path)
{
	struct str part;
	uint32_t at;

	if (node->end)
		return true;
	if (!next_part(&path, &part))
		return false;
	if (search(node->kids, node->nkids, part, &at) && walk(node->kids[at], path))
		return true;
	for (uint32_t i = 0; i < node->nglobs; i++) {
		if (glob_match(node->globs[i]->glob, part) && walk(node->globs[i], path))
			return true;
	}
	return false;
}

bool pmatch_has(const struct pmatch *m, struct str path)
{
	return walk(&m->root, path);
}

static bool below(const struct pnode *node, struct str dir)
{
	struct str part;
	uint32_t at;

	if (!next_part(&dir, &part)) {
		for (uint32_t i = 0; i < node->nkids; i++)
			if (node->kids[i]->end)
				return true;
		for (uint32_t i = 0; i < node->nglobs; i++)
			if (node->globs[i]->end)
				return true;
		return false;
	}
	if (search(node->kids, node->nkids, part, &at) && below(node->kids[at], dir))
		return true;
	for (uint32_t i = 0; i < node->nglobs; i++) {
		if (glob_match(node->globs[i]->glob, part) && below(node->globs[i], dir))
			return true;
	}
	return false;
}

bool pmatch_below(const struct pmatch *m, struct str dir)
{
	return below(&m->root, dir);
}
