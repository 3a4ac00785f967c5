/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the conformance runners share: finding the cases, which are no part of this tree, and counting how
 * they come out.
 */
#pragma once

#include <stdbool.h>

#define json_null jansson_null /* base/json.h has a function of this name, too */
#include <jansson.h>
#undef json_null

struct tally {
	const char *file;
	unsigned ran, agreed, deliberate, waiting, wrong;
};

/* The directory with conformance/ in it: TIERCEL_CONFORMANCE, or beside the source tree. NULL: none. */
const char *cases_root(void);
/* A file of cases without its extension; NULL when it is not here. */
json_t *cases_load(const char *name);
/*
 * One case came out: `why` is what disagrees (NULL: it agrees), `reason` why that is meant so (NULL: it is
 * not).
 */
void tally_count(struct tally *t, const char *id, const char *why, const char *reason);
void tally_print(const struct tally *t);
