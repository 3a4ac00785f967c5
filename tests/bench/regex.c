/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator `regex` on subjects that make a backtracking matcher take for ever, each as long again as the
 * one before: the time per byte stays what it is.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "filter/regex.h"

enum { LONGEST = 64 << 10, SHORTEST = 4 << 10, ROUNDS = 20 };

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

int main(void)
{
	static const char *const patterns[] = { "(a+)+b", "(a|aa)*b", "(.*a){12}b",
						"((a*)*(a|b)*)*c" };
	_cleanup_(freep) char *subject = malloc(LONGEST);

	if (!subject)
		return 1;
	memset(subject, 'a', LONGEST);
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		struct regex *re;
		char why[256];

		if (regex_new(patterns[i], strlen(patterns[i]), &re, why, sizeof(why)) != 0)
			return 1;
		printf("regex %-16s", patterns[i]);
		for (size_t len = SHORTEST; len <= LONGEST; len *= 4) {
			uint64_t start = now_ns();

			for (unsigned k = 0; k < ROUNDS; k++)
				if (regex_match(re, subject, len))
					return 1;
			printf("  %zu KiB: %.2f ns per byte", len >> 10,
			       (double)(now_ns() - start) / ROUNDS / (double)len);
		}
		printf("\n");
		regex_free(re);
	}
	return 0;
}
