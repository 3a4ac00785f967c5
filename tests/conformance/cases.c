/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the cases and counting how they come out; see cases.h. */
#include "cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"

const char *cases_root(void)
{
	static char root[4000];
	static const char *const ups[] = { "", "/../shared", "/../../shared" };
	const char *given = getenv("TIERCEL_CONFORMANCE");
	const char *source = getenv("TIERCEL_SOURCE_ROOT");

	for (size_t i = 0; i < ARRAY_SIZE(ups); i++) {
		char probe[4096];

		if (i == 0 && !given)
			continue;
		snprintf(root, sizeof(root), "%s%s",
			 i == 0	  ? given
			 : source ? source
				  : ".",
			 ups[i]);
		snprintf(probe, sizeof(probe), "%s/conformance/parser_cases.json", root);
		if (access(probe, R_OK) == 0)
			return root;
	}
	return NULL;
}

json_t *cases_load(const char *name)
{
	const char *root = cases_root();
	char path[4096];

	snprintf(path, sizeof(path), "%s/conformance/%s.json", root ? root : "", name);
	return root ? json_load_file(path, JSON_ALLOW_NUL, NULL) : NULL;
}

void tally_count(struct tally *t, const char *id, const char *why, const char *reason)
{
	t->ran++;
	if (!why) {
		t->agreed++;
	} else if (reason) {
		t->deliberate++;
		printf("  %s differs on purpose: %s\n", id, reason);
	} else {
		t->wrong++;
		printf("  %s: %s\n", id, why);
	}
}

void tally_print(const struct tally *t)
{
	printf("%-24s %4u ran, %4u agreed, %u deliberate, %u waiting", t->file, t->ran, t->agreed,
	       t->deliberate, t->waiting);
	printf(t->wrong ? ", %u WRONG\n" : "\n", t->wrong);
}
