/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions as trees. The parser makes them (parser.h), macros are put in by cloning, the compiler
 * reads them. All nodes and texts live in one load arena; positions are bytes into the condition text.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/strbuf.h"

enum ast_kind {
	AST_AND,   /* kids */
	AST_OR,	   /* kids */
	AST_NOT,   /* kids[0] */
	AST_MACRO, /* text: a name still to be put in */
	AST_CHECK, /* left op [modifier] right; `exists` has no right */
};

enum expr_kind {
	EXPR_FIELD,	  /* text, and arg when has_arg; val: written val(field) */
	EXPR_TRANSFORMER, /* text, args; arg for getopt(...)[x] */
	EXPR_VALUE,	  /* text, unescaped; quoted: how it was written */
	EXPR_LIST,	  /* args; of values, or of any kind inside a transformer */
};

struct expr {
	enum expr_kind kind;
	uint32_t pos;
	uint32_t end; /* behind the last byte: of a field with its argument, of a call's ")" */
	bool quoted, has_arg, val, number;
	struct str text;
	struct str arg;
	struct expr **args;
	uint32_t nargs;
};

struct ast {
	enum ast_kind kind;
	uint32_t pos; /* where the node begins in its text */
	struct ast **kids;
	uint32_t nkids;
	struct str text;     /* AST_MACRO */
	struct expr *left;   /* AST_CHECK */
	struct str op;	     /* as written: "=", "==", "in", "exists" ... */
	struct str modifier; /* "oneof", "anyof", "allof", or empty */
	struct expr *right;
};

/* Trees deeper than this (after macros are put in) are refused by everything that recurses over them. */
enum { AST_MAX_DEPTH = 4096 };
bool ast_too_deep(const struct ast *t);

/* One value as the canonical text shows it: bare, or in double quotes where it has to be. */
void ast_quote(struct str text, struct strbuf *out);
/* The canonical text (rules-language.md 3.3). */
void ast_print(const struct ast *t, struct strbuf *out);
void expr_print(const struct expr *e, struct strbuf *out);
/* A deep copy in the arena; NULL when memory is out or the tree too deep. */
struct ast *ast_clone(const struct ast *t, struct arena *a);
/*
 * Calls fn for every AST_MACRO node in place; fn may overwrite *node with another tree's top node.
 * What fn put in is not looked into. Stops at and returns the first non-zero result; -ELOOP: too deep.
 */
int ast_macros(struct ast *t, int (*fn)(struct ast *node, void *ctx), void *ctx);
/* Calls fn for every node, parents first, and for every field expression below it. */
void ast_walk(const struct ast *t, void (*on_node)(const struct ast *node, void *ctx),
	      void (*on_expr)(const struct expr *e, bool right_side, void *ctx), void *ctx);
