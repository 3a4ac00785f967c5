/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML as a tree that can be merged and overridden before it is read. Nodes live in the load arena. Scalars
 * stay text: what type one has is decided by the setting it is for.
 */
#pragma once

#include "base/arena.h"
#include "config/config.h"

struct json;

enum tree_kind { TREE_NULL, TREE_TEXT, TREE_LIST, TREE_MAP };

struct tree {
	enum tree_kind kind;
	bool plain;	 /* TREE_TEXT without quotes */
	struct str key;	 /* inside a map; terminated */
	struct str text; /* TREE_TEXT; terminated */
	struct tree *first, *last, *next;
	const char *file; /* where it was written, for messages */
	uint32_t line, column;
};

/*
 * The first document of text. expand: ${NAME} becomes the environment's value. An empty text is a TREE_NULL.
 * 0; CONFIG_E_INVALID with report->error; -ENOMEM.
 */
int tree_parse(struct arena *a, const char *file, struct str text, bool expand, struct tree **ret,
	       struct config_report *report);

/* NULL when memory is out. */
struct tree *tree_new(struct arena *a, enum tree_kind kind, const char *file);
struct tree *tree_text(struct arena *a, struct str text, const char *file);
/* At the end of a list or map; n is in no other tree. */
void tree_append(struct tree *parent, struct tree *n);
/* Puts n, with its key, in the place of the entry of that key, or at the end of the map. */
void tree_put(struct tree *map, struct tree *n);
/* NULL when absent or when map is not one. */
struct tree *tree_get(const struct tree *map, struct str key);
/* By dotted path. */
struct tree *tree_path(const struct tree *root, struct str path);
struct tree *tree_at(const struct tree *list, size_t i);
size_t tree_count(const struct tree *t);
void tree_json(const struct tree *t, struct json *j);
const char *tree_kind_name(const struct tree *t);

/* A fault at a node (NULL: nowhere in particular). */
void tree_warn(struct config_report *r, const struct tree *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int tree_fail(struct config_report *r, const struct tree *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4))); /* CONFIG_E_INVALID */
