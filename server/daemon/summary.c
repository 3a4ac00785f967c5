/* SPDX-License-Identifier: Apache-2.0 */
/* What is printed at the end; see summary.h. */
#include "daemon/summary.h"

#include <ctype.h>

static void print_upper(struct strbuf *out, const char *word)
{
	for (; *word; word++)
		strbuf_addc(out, (char)toupper((unsigned char)*word));
}

uint64_t summary_of_rule(const struct rule *rule, const void *ctx)
{
	return atomic_load_explicit(rule->matches, memory_order_relaxed);
}

void summary_print(const struct ruleset *rs, summary_fn *matches, const void *ctx,
		   struct strbuf *out)
{
	uint64_t total = 0, by_priority[PRIORITY_DEBUG + 1] = { 0 };
	size_t n;
	const struct rule *const *rules = ruleset_rules(rs, &n);

	for (size_t i = 0; i < n; i++) {
		uint64_t c = matches(rules[i], ctx);

		total += c;
		by_priority[rules[i]->priority] += c;
	}
	strbuf_printf(out, "Events detected: %lu\nRule counts by severity:\n", total);
	for (int p = 0; p <= PRIORITY_DEBUG; p++) {
		if (!by_priority[p])
			continue;
		strbuf_addz(out, "   ");
		print_upper(out, priority_name((enum priority)p));
		strbuf_printf(out, ": %lu\n", by_priority[p]);
	}
	strbuf_addz(out, "Triggered rules by rule name:\n");
	for (size_t i = 0; i < n; i++) {
		uint64_t c = matches(rules[i], ctx);

		if (c)
			strbuf_printf(out, "   " STR_FMT ": %lu\n", STR_ARG(rules[i]->name), c);
	}
}
