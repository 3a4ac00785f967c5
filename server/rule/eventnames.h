/* SPDX-License-Identifier: Apache-2.0 */
/* The events a condition can match, by name, as describe and explain list them. */
#pragma once

#include "rule/items.h"

/*
 * Sorted names. Syscalls without an event of their own are told apart here, although they share one code.
 * The outcomes of filter_events, -ENOMEM.
 */
int event_names(const struct catalogue *c, const struct ast *tree, bool async, struct arena *a,
		struct texts *ret, struct diag *diag);

/* The syscalls a condition is about, by number in syscall_infos(); the outcomes of filter_events. */
int event_syscalls(const struct catalogue *c, const struct ast *tree, struct bitset *ret,
		   struct diag *diag);

/* Fields and operators of a tree, sorted, each once. -ENOMEM. */
int tree_fields(const struct ast *tree, struct arena *a, struct texts *ret_fields,
		struct texts *ret_operators);
void texts_sort(struct texts *t);
/* As an array of JSON. */
void texts_json(const struct texts *t, struct json *j);
