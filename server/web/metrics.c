/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of one name stand together in stats.def, so HELP and TYPE are said once; see metrics.h. */
#include "web/metrics.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"

#define FALCO "falcosecurity_falco_"
#define SCAP  "falcosecurity_scap_"

/* By the start of the name; the first row that fits counts. */
static const struct {
	const char *prefix;
	enum metrics_group group;
} groups_of[] = {
	{ FALCO "rules_", METRICS_RULES },
	{ "tiercel_rule_", METRICS_RULES },
	{ FALCO "cpu_", METRICS_RESOURCES },
	{ FALCO "memory_", METRICS_RESOURCES },
	{ FALCO "container_", METRICS_RESOURCES },
	{ FALCO "host_cpu_", METRICS_RESOURCES },
	{ FALCO "host_memory_", METRICS_RESOURCES },
	{ FALCO "host_procs_", METRICS_RESOURCES },
	{ FALCO "host_open_", METRICS_RESOURCES },
	{ SCAP "n_evts_cpu_", METRICS_KERNEL_CPU },
	{ SCAP "n_drops_cpu_", METRICS_KERNEL_CPU },
	{ SCAP "n_drops_full_threadtable", METRICS_STATE },
	{ SCAP "n_evts", METRICS_KERNEL },
	{ SCAP "n_drops", METRICS_KERNEL },
	{ SCAP "n_", METRICS_STATE },
	{ "falcosecurity_plugins_", METRICS_PLUGINS },
};

static bool shown(const struct stats_row *row, unsigned groups)
{
	for (size_t i = 0; i < ARRAY_SIZE(groups_of); i++) {
		if (!strncmp(row->name, groups_of[i].prefix, strlen(groups_of[i].prefix)))
			return groups & groups_of[i].group;
	}
	return true;
}

static const char *type_of(const struct stats_row *row)
{
	if (row->histogram)
		return "histogram";
	return row->kind == STATS_COUNTER || row->kind == STATS_NANOS_COUNTER ? "counter" : "gauge";
}

static void print_value(struct strbuf *out, enum stats_kind kind, uint64_t v)
{
	switch (kind) {
	case STATS_COUNTER:
	case STATS_GAUGE: strbuf_printf(out, " %" PRIu64 "\n", v); break;
	case STATS_SECONDS:
	case STATS_NANOS_COUNTER: strbuf_printf(out, " %.9g\n", (double)v / 1e9); break;
	case STATS_RATIO: strbuf_printf(out, " %.6f\n", (double)v / 1e6); break;
	}
}

static void print_one(struct strbuf *out, const struct stats_row *row, struct str labels,
		      uint64_t value)
{
	strbuf_addz(out, row->name);
	if (labels.len)
		strbuf_printf(out, "{" STR_FMT "}", STR_ARG(labels));
	print_value(out, row->kind, value);
}

static void print_series(const struct stats *s, enum stat_id id, struct strbuf *out)
{
	const struct stats_row *row = stats_row(id);
	size_t n = stats_nseries(s, row->side);
	struct stats_series one;

	for (size_t i = 0; i < n; i++) {
		if (stats_series_at(s, row->side, i, &one) && one.id == id)
			print_one(out, row, one.labels, one.value);
	}
}

static void print_histogram(const struct stats *s, enum stat_id id, struct strbuf *out)
{
	const char *name = stats_row(id)->name;
	struct stats_histogram h;
	uint64_t sum = 0;

	stats_histogram(s, id, &h);
	for (unsigned i = 0; i < STATS_BUCKETS; i++) {
		sum += h.counts[i];
		if (stats_bound(i) == UINT64_MAX)
			strbuf_printf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, sum);
		else
			strbuf_printf(out, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name,
				      (double)stats_bound(i) / 1e9, sum);
	}
	strbuf_printf(out, "%s_sum %.9g\n%s_count %" PRIu64 "\n", name, (double)h.sum_ns / 1e9,
		      name, sum);
}

/* "name{labels}" lines, those of one name together. */
static void print_infos(struct str infos, struct strbuf *out)
{
	struct str line, last = { 0 };

	while (str_split(&infos, '\n', &line)) {
		struct str name = str_cut(line, str_chr(line, '{'));

		if (!line.len)
			continue;
		if (!str_eq(name, last))
			strbuf_printf(out,
				      "# HELP " STR_FMT " a fact, always 1\n# TYPE " STR_FMT
				      " gauge\n",
				      STR_ARG(name), STR_ARG(name));
		last = name;
		strbuf_printf(out, STR_FMT " 1\n", STR_ARG(line));
	}
}

void metrics_print(const struct stats *s, unsigned groups, struct strbuf *out)
{
	const char *last = "";

	print_infos(stats_infos(s), out);
	for (int i = 0; i < STAT_IDS; i++) {
		enum stat_id id = (enum stat_id)i;
		const struct stats_row *row = stats_row(id);

		if (!shown(row, groups))
			continue;
		if (strcmp(row->name, last) != 0)
			strbuf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help,
				      row->name, type_of(row));
		last = row->name;
		if (row->series)
			print_series(s, id, out);
		else if (row->histogram)
			print_histogram(s, id, out);
		else
			print_one(out, row, str_of(row->labels), stats_get(s, id));
	}
}

static void list_groups(struct strbuf *out)
{
	static const struct {
		enum metrics_group group;
		const char *key;
	} keys[] = {
		{ METRICS_RULES, "rules_counters_enabled" },
		{ METRICS_RESOURCES, "resource_utilization_enabled" },
		{ METRICS_STATE, "state_counters_enabled" },
		{ METRICS_KERNEL, "kernel_event_counters_enabled" },
		{ METRICS_KERNEL_CPU, "kernel_event_counters_per_cpu_enabled" },
	};

	strbuf_addz(out, "\nGroups that a setting turns off, by the beginning of the name:\n\n"
			 "Begins with | Setting\n:---|:---\n");
	for (size_t i = 0; i < ARRAY_SIZE(groups_of); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
			if (keys[k].group == groups_of[i].group)
				strbuf_printf(out, "`%s` | `metrics.%s`\n", groups_of[i].prefix,
					      keys[k].key);
		}
	}
}

void metrics_list(struct strbuf *out)
{
	const char *last = "";

	strbuf_addz(
		out,
		"# Metrics\n\nMade by `tiercel list metrics`. `/metrics` shows them when "
		"`metrics.enabled` and `webserver.prometheus_metrics_enabled` are true. Names that begin with "
		"`falcosecurity_` are those of Falco.\n\nName | Type | Labels | Meaning\n:---|:---|:---|:---\n");
	for (int i = 0; i < STAT_IDS; i++) {
		const struct stats_row *row = stats_row((enum stat_id)i);
		struct str label = row->series ? str_of(row->labels)
					       : str_cut(str_of(row->labels),
							 str_chr(str_of(row->labels), '='));

		if (strcmp(row->name, last) != 0)
			strbuf_printf(out, "`%s` | %s | " STR_FMT " | %s\n", row->name,
				      type_of(row), STR_ARG(label), row->help);
		last = row->name;
	}
	list_groups(out);
}
