/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where alerts go: one row of functions per kind of output. An output is used by one thread, its channel's;
 * it may block there as long as it likes. Lines are collected by write and must have arrived when flush
 * returns 0.
 */
#pragma once

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
	size_t batch;	    /* lines that one flush may bring; 0: any number */
	unsigned
		retry_ms; /* what fails is tried again for so long; 0: not at all; OUTPUT_FOREVER */
	const struct http_settings *http; /* of output_http only */
	struct output_tally *tally;	  /* the channel's; outlives the output */
};

#define OUTPUT_FOREVER UINT_MAX

/* What only the output knows; its thread counts, any may read. */
struct output_tally {
	_Atomic uint64_t bytes; /* sent */
};

struct output_ops {
	const char *name;
	/* Takes what the settings say; opens as late as it can. NULL when memory is out. */
	struct output *(*open)(const struct output_settings *settings);
	/* One line without its end. 0 or negative errno: this line is lost. */
	int (*write)(struct output *o, struct str line, int priority);
	/*
	 * 0, or negative errno: some lines since the last flush have not arrived. With `forget` they are kept for
	 * another flush, else all of them are lost.
	 */
	int (*flush)(struct output *o);
	/* Gives the lines up that have not arrived; how many those are. NULL: nothing is kept. */
	size_t (*forget)(struct output *o);
	/* What was wrong, for a person; NULL: the errno says it. */
	const char *(*why)(const struct output *o);
	/* Files and programs are opened anew for the next line (SIGUSR1). NULL: nothing to do. */
	void (*reopen)(struct output *o);
	void (*close)(struct output *o);
};

extern const struct output_ops output_stdout, output_file, output_syslog, output_program;

/* By name ("stdout", "file", "syslog", "program"); NULL when there is none. */
const struct output_ops *output_find(struct str name);
