/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A YAML text as trees with positions. Aliases share the node they name, so that a file of a few lines
 * cannot fill the memory; what they would unfold to is counted against LIMIT_YAML_NODES.
 */
#pragma once

#include "base/arena.h"
#include "base/diag.h"

enum ynode_kind { YN_NULL, YN_SCALAR, YN_SEQ, YN_MAP };

struct ynode {
	enum ynode_kind kind;
	bool quoted;		       /* scalars: written in quotes or as a block */
	uint32_t line, column, offset; /* from 0, in bytes */
	struct str text;	       /* scalars */
	struct ynode **kids;	       /* items; in a map key, value, key, value ... */
	uint32_t nkids;
	uint32_t height, weight; /* of the tree below, aliases unfolded */
};

struct ydocs {
	struct ynode **items;
	size_t n, cap;
};

/*
 * All documents of the text, in the arena. -EINVAL with *diag (its line and column count from 1) when it is
 * not YAML or beyond a limit; -ENOMEM.
 */
int yaml_read(struct str text, struct arena *a, struct ydocs *ret_docs, struct diag *diag);

/* The value of the first key of that name; NULL when there is none or n is not a map. */
const struct ynode *ynode_get(const struct ynode *n, const char *key);
bool ynode_is(const struct ynode *n, enum ynode_kind kind); /* false for NULL */
/* true/false/yes/no/on/off/y/n in the usual capitalisations; -EINVAL. */
int ynode_bool(const struct ynode *n, bool *ret);
/* A number that fits 32 bits; 0x and leading-zero octal are understood. -EINVAL. */
int ynode_u32(const struct ynode *n, uint32_t *ret);
