/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where alerts go: one row of functions per kind of output. An output is used by one thread, its channel's;
 * it may block there as long as it likes. Lines are collected by write and must have arrived when flush
 * returns 0; on an error what was collected is lost and forgotten.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct output; /* each kind has its own inside */
struct output_ops;
struct http_settings;

struct output_settings {
	const struct output_ops *ops;
	const char *name;   /* in the log and in metrics; NULL: that of ops; copied */
	const char *target; /* file name, shell command, or identity in syslog; copied */
	bool keep_alive;    /* file, program: stay open between alerts */
	size_t capacity;    /* alerts that may wait; 0: LIMIT_QUEUE */
	const struct http_settings *http; /* of output_http only */
};

struct output_ops {
	const char *name;
	/* Takes what the settings say; opens as late as it can. NULL when memory is out. */
	struct output *(*open)(const struct output_settings *settings);
	/* One line without its end. 0 or negative errno: this line is lost. */
	int (*write)(struct output *o, struct str line, int priority);
	/* 0, or negative errno: all lines since the last flush are lost. */
	int (*flush)(struct output *o);
	/* Files and programs are opened anew for the next line (SIGUSR1). NULL: nothing to do. */
	void (*reopen)(struct output *o);
	void (*close)(struct output *o);
};

extern const struct output_ops output_stdout, output_file, output_syslog, output_program;

/* By name ("stdout", "file", "syslog", "program"); NULL when there is none. */
const struct output_ops *output_find(struct str name);
