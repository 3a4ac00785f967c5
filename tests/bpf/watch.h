/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A test of the probe: a child does the syscalls, the probe is confined to the child's process tree, and
 * afterwards all its records lie in an array. The child waits for the probe to be in place.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bitset.h"
#include "probe/abi/record.h"
#include "source/bpf.h"

struct watch {
	struct rec_hdr **recs; /* in order */
	size_t n, cap;
	int32_t root; /* the child */
	int status;   /* of wait */
	char dir[64]; /* of the test; it is gone */
	struct bpf_stats stats;
};

/*
 * Runs fn in a child and collects what it did until it ended. Zero-ended event codes, or NULL for
 * all. The child's cwd is a new directory, given to fn and removed at the end.
 */
void watch_run(struct watch *w, const uint16_t *events, void (*fn)(const char *dir));
void watch_done(struct watch *w);

/* The records of an event made by `tid` (0: anyone). */
size_t watch_count(const struct watch *w, uint16_t event, uint32_t tid);
/* The nth of them; fails the test when there is none. */
const struct rec_hdr *watch_get(const struct watch *w, uint16_t event, size_t nth);

/* Length of parameter i (-1: missing) and its bytes. */
int rec_param(const struct rec_hdr *r, unsigned i, const unsigned char **ret);
int64_t rec_num(const struct rec_hdr *r, unsigned i); /* signed when it has 8 bytes */
/* Asserts on texts; NULL wants a missing one. */
void assert_text(const struct rec_hdr *r, unsigned i, const char *want);
int rec_extra(const struct rec_hdr *r, uint16_t tag, const unsigned char **ret);
void assert_extra(const struct rec_hdr *r, uint16_t tag, const char *want);
const struct rec_fd *rec_fd_of(const struct rec_hdr *r);

/*
 * An event that must have been seen `count` times by anyone, and the text of all its parameters the nth time
 * (as evt.args shows it), a pattern of fnmatch. "%D" stands for the directory of the test.
 */
struct expected {
	uint16_t event;
	unsigned count, nth;
	const char *args;
};

void assert_events(const struct watch *w, const struct expected *e, size_t n);

/* In the child: the call must give `want` (or, negative, this errno). */
void must(long got, long want);
void must_be_ok(long got);
