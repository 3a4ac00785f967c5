/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of fields: a record and the process behind it are made by a scenario, the rows say which text a
 * field must have. The state is a stand-in: three processes and two users.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fields/catalogue.h"

extern struct proc init_proc, shell_proc, self_proc; /* as new before each scenario */
extern struct record_builder rec;		     /* what a scenario fills */

struct row {
	void (*scenario)(void);
	const char *field, *arg;
	bool resolved;
	const char *want; /* NULL: no value */
};

/* An event of self_proc's second thread. */
void begin(uint16_t type);
void add_fd(char kind, int64_t num, uint8_t flags);
void add_path(uint16_t tag, const char *path);
void decode(void (*scenario)(void), struct event *ret);
void bind_row(const struct row *row, struct arena *a, struct field_ref *ret);
/* 1 when the field has another value, which is told; never without the process, when it must only do no harm. */
unsigned check_row(const struct row *row, bool with_proc);
