/* SPDX-License-Identifier: Apache-2.0 */
/* What the two halves of the compiler (vexpr.c for values, compile.c for conditions) share. */
#pragma once

#include "filter/program.h"

enum vexpr_place {
	PLACE_LEFT = 0,
	PLACE_RIGHT = 1 << 0,	 /* right side of a comparison */
	PLACE_ARGUMENT = 1 << 1, /* inside a transformer */
	PLACE_OUTPUT = 1 << 2,	 /* in a format */
};

/* As vexpr_compile, for any place. */
int vexpr_make(struct program *p, const struct expr *e, enum vexpr_place place,
	       const struct vexpr **ret, struct diag *diag);

/* The key of the object being compiled; one at a time, parts before wholes. */
void key_start(struct program *p, char kind);
void key_bytes(struct program *p, const void *data, size_t size);
void key_text(struct program *p, struct str text);
/* What is known by it, or NULL. */
void *key_find(struct program *p);
/* -ENOMEM. */
int key_put(struct program *p, void *object);
