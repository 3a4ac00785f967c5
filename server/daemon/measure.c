/* SPDX-License-Identifier: Apache-2.0 */
/* A cell has one writing thread: the two halves of this file share none. See measure.h. */
#include "daemon/measure.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "daemon/digests.h"
#include "daemon/resources.h"
#include "daemon/settings.h"
#include "link/link.h"

enum { PERIOD_MS = 1000, RESOURCES_EVERY = 5 };

void measure_runtime(struct stats *s, const struct runtime *runtime)
{
	struct runtime_counters n;

	runtime_counters(runtime, &n);
	const struct {
		enum stat_id id;
		uint64_t value;
	} rows[] = {
		{ STAT_RUNTIME_REQUESTS_DOCKER, n.requests[RUNTIME_DOCKER] },
		{ STAT_RUNTIME_REQUESTS_PODMAN, n.requests[RUNTIME_PODMAN] },
		{ STAT_RUNTIME_REQUESTS_CRI, n.requests[RUNTIME_CRI] },
		{ STAT_RUNTIME_ERRORS_DOCKER, n.failures[RUNTIME_DOCKER] },
		{ STAT_RUNTIME_ERRORS_PODMAN, n.failures[RUNTIME_PODMAN] },
		{ STAT_RUNTIME_ERRORS_CRI, n.failures[RUNTIME_CRI] },
		{ STAT_RUNTIME_ASKED, n.asked },
		{ STAT_RUNTIME_FOUND, n.found },
		{ STAT_RUNTIME_UNKNOWN, n.unknown },
		{ STAT_RUNTIME_REFUSED, n.refused },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		stats_set(s, rows[i].id, rows[i].value);
}

void measure_engine(struct stats *s, const struct pipeline *p, const struct bpf_stats *probe)
{
	struct pipeline_counters n;
	struct state_counters state;

	if (!s)
		return;
	pipeline_counters(p, &n);
	state_counters(pipeline_state(p), &state);
	const struct {
		enum stat_id id;
		uint64_t value;
	} rows[] = {
		{ STAT_N_EVTS, probe->events + bpf_stats_drops(probe) + probe->discarded },
		{ STAT_KERNEL_DISCARDED, probe->discarded },
		{ STAT_LEARN_JUDGED, n.learn.judged },
		{ STAT_LEARN_TAUGHT, n.learn.taught },
		{ STAT_N_DROPS, bpf_stats_drops(probe) },
		{ STAT_N_DROPS_SCRATCH, probe->drops[PROBE_DROP_SLOT] },
		{ STAT_KERNEL_DROPS_RING, probe->drops[PROBE_DROP_RING] },
		{ STAT_KERNEL_DROPS_SLOT, probe->drops[PROBE_DROP_SLOT] },
		{ STAT_KERNEL_DROPS_OVERFLOW, probe->drops[PROBE_DROP_OVERFLOW] },
		{ STAT_KERNEL_DROPS_PROGRAM, probe->drops[PROBE_DROP_PROGRAM] },
		{ STAT_RECORDS, probe->events },
		{ STAT_RECORDS_LATE, probe->late },
		{ STAT_RECORDS_DAMAGED, n.damaged },
		{ STAT_EVENTS, n.events },
		{ STAT_ENGINE_TIME, clock_boot_ns() },
		{ STAT_PROBE_PROGRAMS, probe->programs },
		{ STAT_N_THREADS, state.threads },
		{ STAT_N_ADDED_THREADS, state.added },
		{ STAT_N_REMOVED_THREADS, state.removed },
		{ STAT_N_FULL_THREADTABLE, state.evicted },
		{ STAT_STATE_PROCESSES, state.processes },
		{ STAT_STATE_LATE, state.created_late },
		{ STAT_STATE_USERS, state.users },
		{ STAT_STATE_CONTAINERS, state.containers },
		{ STAT_STATE_NO_MEMORY, n.no_memory },
		{ STAT_ALERTS, n.alerts },
		{ STAT_ALERTS_LOST, n.lost },
		{ STAT_ALERTS_LIMITED, n.throttle.limited },
		{ STAT_ALERTS_FOLDED, n.throttle.folded },
		{ STAT_PLUGIN_CONTAINERS, state.containers },
		{ STAT_PLUGIN_NO_IMAGE, state.imageless },
		{ STAT_WAITED, n.waiting.waited },
		{ STAT_WAITED_WITHOUT, n.waiting.without },
		{ STAT_WAITED_PART, n.waiting.partly },
		{ STAT_WAITED_LONGEST, n.waiting.longest_ns },
		{ STAT_WAITED_TIME, n.waiting.total_ns },
		{ STAT_WAITING_REFUSED, n.waiting.refused },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		stats_set(s, rows[i].id, rows[i].value);
}

/* The rules of one ruleset: how often each had matched when we last looked, and its cell. */
struct counted {
	struct ruleset *rules;
	uint64_t *seen, *seen_ns;
	_Atomic uint64_t **cells, **time_cells; /* NULL: it has not matched, been measured yet */
};

enum { CPU_ROWS = 3 };

struct cpu_cell {
	_Atomic uint64_t *cell;
	const uint64_t *from;
};

struct measure {
	struct measure_options o;
	struct bpf_cpu_stats *cpus;
	struct cpu_cell (*cells)[CPU_ROWS]; /* of each CPU */
	size_t ncpus;
	_Atomic uint64_t *families[BPF_NFAMILIES];
	uv_timer_t timer;
	unsigned ticks;
	struct counted now, before; /* before: the engine may still be about to leave it */
	uint64_t started_ns;
};

static void counted_done(struct counted *c)
{
	ruleset_unref(c->rules);
	free(c->seen);
	free(c->seen_ns);
	free(c->cells);
	free(c->time_cells);
	*c = (struct counted){ 0 };
}

static int counted_init(struct counted *c, struct ruleset *rs)
{
	size_t n;

	ruleset_rules(rs, &n);
	c->seen = calloc(n + 1, sizeof(*c->seen));
	c->cells = calloc(n + 1, sizeof(*c->cells));
	c->seen_ns = calloc(n + 1, sizeof(*c->seen_ns));
	c->time_cells = calloc(n + 1, sizeof(*c->time_cells));
	if (!c->seen || !c->cells || !c->seen_ns || !c->time_cells) {
		counted_done(c);
		return -ENOMEM;
	}
	c->rules = ruleset_ref(rs);
	return 0;
}

static void label(struct strbuf *out, const char *name, struct str value)
{
	if (out->len)
		strbuf_addc(out, ',');
	stats_label(out, str_of(name), value);
}

static void rule_labels(const struct rule *rule, struct strbuf *labels)
{
	_cleanup_(strbuf_done) struct strbuf tag = { 0 };
	char priority[4];

	snprintf(priority, sizeof(priority), "%d", (int)rule->priority & 7);
	label(labels, "priority", str_of(priority));
	label(labels, "rule_name", rule->name);
	label(labels, "source", rule->source);
	for (size_t i = 0; i < rule->ntags; i++) {
		strbuf_clear(&tag);
		strbuf_addz(&tag, "tag_");
		strbuf_add(&tag, rule->tags[i]);
		label(labels, strbuf_z(&tag), STR("true"));
	}
}

static _Atomic uint64_t *rule_cell(struct stats *s, const struct rule *rule)
{
	_cleanup_(strbuf_done) struct strbuf labels = { 0 };

	rule_labels(rule, &labels);
	return stats_series(s, STAT_RULE_MATCHES, strbuf_str(&labels));
}

static void count_rule_time(struct stats *s, struct counted *c, const struct rule *rule, size_t i)
{
	uint64_t ns = atomic_load_explicit(rule->nanos, memory_order_relaxed);
	_cleanup_(strbuf_done) struct strbuf labels = { 0 };

	if (ns == c->seen_ns[i])
		return;
	if (!c->time_cells[i]) {
		label(&labels, "rule_name", rule->name);
		c->time_cells[i] = stats_series(s, STAT_RULE_TIME, strbuf_str(&labels));
	}
	stats_cell_add(c->time_cells[i], ns - c->seen_ns[i]);
	c->seen_ns[i] = ns;
}

static void count_rules(struct stats *s, struct counted *c)
{
	size_t n = 0;
	const struct rule *const *rules = c->rules ? ruleset_rules(c->rules, &n) : NULL;

	for (size_t i = 0; i < n; i++) {
		uint64_t matches = atomic_load_explicit(rules[i]->matches, memory_order_relaxed);

		count_rule_time(s, c, rules[i], i);
		if (matches == c->seen[i])
			continue;
		if (!c->cells[i])
			c->cells[i] = rule_cell(s, rules[i]);
		stats_cell_add(c->cells[i], matches - c->seen[i]);
		c->seen[i] = matches;
	}
}

const struct ruleset *measure_ruleset(const struct measure *m)
{
	return m->now.rules;
}

uint64_t measure_matches(const struct measure *m, const struct rule *rule)
{
	uint64_t matches = atomic_load_explicit(rule->matches, memory_order_relaxed);
	_cleanup_(strbuf_done) struct strbuf labels = { 0 };

	rule_labels(rule, &labels);
	return stats_series_value(m->o.stats, STAT_RULE_MATCHES, strbuf_str(&labels)) + matches -
	       m->now.seen[rule->index];
}

static void count_channels(struct measure *m)
{
	const struct sink *sink = m->o.sink;
	uint64_t dropped = 0;

	for (size_t i = 0; i < sink->now.n; i++) {
		struct channel_counters n = channel_counters(sink->now.channels[i]);
		_cleanup_(strbuf_done) struct strbuf labels = { 0 };
		const struct {
			enum stat_id id;
			uint64_t value;
		} rows[] = {
			{ STAT_CHANNEL_DELIVERED, n.delivered },
			{ STAT_CHANNEL_DROPPED, n.dropped },
			{ STAT_CHANNEL_FAILED, n.failed },
			{ STAT_CHANNEL_RETRIES, n.retries },
			{ STAT_CHANNEL_QUEUED, n.queued },
		};

		label(&labels, "output", str_of(channel_name(sink->now.channels[i])));
		for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
			stats_cell_set(stats_series(m->o.stats, rows[k].id, strbuf_str(&labels)),
				       rows[k].value);
		dropped += n.dropped;
	}
	stats_set(m->o.stats, STAT_OUTPUTS_QUEUE_DROPS, dropped);
}

/* What is counted of each CPU and of each family of events: fixed sets, so the cells are made once. */
static int make_probe_cells(struct measure *m)
{
	static const struct {
		enum stat_id id;
		size_t offset; /* in struct bpf_cpu_stats */
	} rows[CPU_ROWS] = {
		{ STAT_N_EVTS_CPU, offsetof(struct bpf_cpu_stats, events) },
		{ STAT_N_DROPS_CPU, offsetof(struct bpf_cpu_stats, drops) },
		{ STAT_RING_USED, offsetof(struct bpf_cpu_stats, used) },
	};
	_cleanup_(strbuf_done) struct strbuf labels = { 0 };

	m->ncpus = bpf_source_cpus(m->o.source);
	m->cpus = calloc(m->ncpus + 1, sizeof(*m->cpus));
	m->cells = calloc(m->ncpus + 1, sizeof(*m->cells));
	if (!m->cpus || !m->cells)
		return -ENOMEM;
	for (size_t cpu = 0; cpu < m->ncpus; cpu++) {
		strbuf_clear(&labels);
		strbuf_printf(&labels, "cpu=\"%zu\"", cpu);
		for (size_t i = 0; i < CPU_ROWS; i++)
			m->cells[cpu][i] = (struct cpu_cell){
				.cell = stats_series(m->o.stats, rows[i].id, strbuf_str(&labels)),
				.from = (const uint64_t *)(const void *)((const char *)&m
										 ->cpus[cpu] +
									 rows[i].offset),
			};
	}
	for (unsigned f = 0; f < BPF_NFAMILIES; f++) {
		strbuf_clear(&labels);
		label(&labels, "drop", str_of(bpf_family_name((enum bpf_family)f)));
		label(&labels, "dir", STR("exit"));
		m->families[f] = stats_series(m->o.stats, STAT_N_DROPS_BUFFER, strbuf_str(&labels));
	}
	stats_set(m->o.stats, STAT_RING_BYTES, bpf_source_ring_bytes(m->o.source));
	return 0;
}

static void count_probe(struct measure *m)
{
	uint64_t lost[BPF_NFAMILIES];

	bpf_source_cpu_stats(m->o.source, m->cpus);
	for (size_t cpu = 0; cpu < m->ncpus; cpu++)
		for (size_t i = 0; i < CPU_ROWS; i++)
			stats_cell_set(m->cells[cpu][i].cell, *m->cells[cpu][i].from);
	bpf_source_lost(m->o.source, lost);
	for (unsigned f = 0; f < BPF_NFAMILIES; f++)
		stats_cell_set(m->families[f], lost[f]);
}

static uint64_t millionths(double v)
{
	return v > 0 ? (uint64_t)(v * 1e6) : 0;
}

static void count_resources(struct measure *m)
{
	const pid_t pids[] = { getpid(), netproc_pid(m->o.net) };
	struct resources r;

	resources_read(pids, ARRAY_SIZE(pids), &r);
	const struct {
		enum stat_id id;
		uint64_t value;
	} rows[] = {
		{ STAT_CPU_RATIO, millionths(r.cpu) },
		{ STAT_MEMORY_RSS, r.rss },
		{ STAT_MEMORY_VSZ, r.vsz },
		{ STAT_MEMORY_PSS, r.pss },
		{ STAT_MEMORY_CONTAINER, r.container },
		{ STAT_HOST_CPU_RATIO, millionths(r.host_cpu) },
		{ STAT_HOST_MEMORY, r.host_memory },
		{ STAT_HOST_PROCS, r.host_procs },
		{ STAT_HOST_FDS, r.host_fds },
		{ STAT_HOST_CPUS, r.host_cpus },
		{ STAT_BOOT_TIME, r.boot_ns },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		stats_set(m->o.stats, rows[i].id, rows[i].value);
}

static void collect(struct measure *m)
{
	struct stats *s = m->o.stats;

	count_rules(s, &m->now);
	count_rules(s, &m->before);
	counted_done(&m->before);
	count_channels(m);
	count_probe(m);
	stats_set(s, STAT_LINK_REFUSED,
		  atomic_load_explicit(&m->o.sink->link_refused, memory_order_relaxed));
	if (m->o.sink->link)
		stats_set(s, STAT_LINK_OVERRUNS, link_overruns(m->o.sink->link));
	stats_set(s, STAT_NET_RESTARTS, netproc_restarts(m->o.net));
	stats_set(s, STAT_DURATION, (clock_boot_ns() - m->started_ns) / NS_PER_SEC);
	if (m->ticks++ % RESOURCES_EVERY == 0 && m->o.config->metrics.enabled &&
	    m->o.config->metrics.resource_utilization_enabled)
		count_resources(m);
}

static void on_timer(uv_timer_t *t)
{
	collect(t->data);
}

static void info(struct strbuf *out, const char *name, const char *label_name, struct str value)
{
	strbuf_printf(out, "%s{", name);
	stats_label(out, str_of(label_name), value);
	strbuf_addz(out, "}\n");
}

static void digest_info(bool rules, const char *name, const char *hex, void *ctx)
{
	struct strbuf *out = ctx;

	strbuf_printf(out, "falcosecurity_falco_sha256_%s_files_info{", rules ? "rules" : "config");
	stats_label(out, STR("file_name"), str_of(name));
	strbuf_addc(out, ',');
	stats_label(out, STR("sha256"), str_of(hex));
	strbuf_addz(out, "}\n");
}

static void set_infos(struct measure *m)
{
	_cleanup_(strbuf_done) struct strbuf text = { 0 };
	struct alert_settings alert;
	struct utsname un;

	settings_alert(m->o.config, &alert);
	info(&text, "falcosecurity_falco_version_info", "version", STR(TIERCEL_VERSION));
	if (uname(&un) == 0)
		info(&text, "falcosecurity_falco_kernel_release_info", "kernel_release",
		     str_of(un.release));
	info(&text, "falcosecurity_evt_hostname_info", "hostname", str_of(alert.hostname));
	strbuf_addz(&text, "falcosecurity_scap_engine_name_info{engine_name=\"modern_bpf\","
			   "evt_source=\"syscall\"}\n");
	digests_each(m->o.config, m->o.args, digest_info, &text);
	if (stats_set_infos(m->o.stats, strbuf_str(&text)) < 0)
		log_warning("metrics: no room for the info lines");
}

static void measure_free(struct measure *m)
{
	counted_done(&m->now);
	counted_done(&m->before);
	free(m->cpus);
	free(m->cells);
	free(m);
}

int measure_start(const struct measure_options *options, struct measure **ret)
{
	struct measure *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->o = *options;
	m->started_ns = clock_boot_ns();
	if (counted_init(&m->now, options->rules) < 0 || make_probe_cells(m) < 0) {
		measure_free(m);
		return -ENOMEM;
	}
	uint64_t wall = clock_wall_ns();
	stats_set(m->o.stats, STAT_START_TIME, wall);
	stats_set(m->o.stats, STAT_RELOAD_TIME, wall);
	size_t n;
	ruleset_rules(options->rules, &n);
	stats_set(m->o.stats, STAT_RULES, n);
	set_infos(m);
	m->timer.data = m;
	uv_timer_init(m->o.loop, &m->timer);
	uv_timer_start(&m->timer, on_timer, 0, PERIOD_MS);
	*ret = m;
	return 0;
}

void measure_change(struct measure *m, const struct config *config, struct ruleset *rs)
{
	struct counted next = { 0 };
	size_t n;

	m->o.config = config;
	set_infos(m);
	if (counted_init(&next, rs) < 0)
		return;
	count_rules(m->o.stats, &m->before);
	counted_done(&m->before);
	m->before = m->now;
	m->now = next;
	ruleset_rules(rs, &n);
	stats_set(m->o.stats, STAT_RULES, n);
	stats_set(m->o.stats, STAT_RELOAD_TIME, clock_wall_ns());
}

static void on_closed(uv_handle_t *h)
{
	measure_free(h->data);
}

struct measure *measure_stop(struct measure *m)
{
	if (!m)
		return NULL;
	uv_close((uv_handle_t *)&m->timer, on_closed);
	return NULL;
}
