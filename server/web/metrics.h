/* SPDX-License-Identifier: Apache-2.0 */
/* The shared counters as Prometheus reads them (text format 0.0.4). Names: link/stats.def. */
#pragma once

#include "base/strbuf.h"
#include "link/stats.h"

/* Groups that metrics.* of the configuration turns off; the others are always shown. */
enum metrics_group {
	METRICS_RULES = 1,	 /* falcosecurity_falco_rules_* */
	METRICS_RESOURCES = 2,	 /* of the program and the host */
	METRICS_STATE = 4,	 /* falcosecurity_scap_n_*threads* and the like */
	METRICS_KERNEL = 8,	 /* events and drops */
	METRICS_KERNEL_CPU = 16, /* the same by CPU */
	METRICS_PLUGINS = 32,	 /* falcosecurity_plugins_* */
};

/* Every row as docs/metrics.md has it. */
void metrics_list(struct strbuf *out);
/* Every row and every series; groups: those to show. */
void metrics_print(const struct stats *s, unsigned groups, struct strbuf *out);
