/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of counters give most of it; rates and shares are made of two snapshots. See snapshot.h. */
#include "daemon/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "base/log.h"
#include "base/vec.h"
#include "daemon/digests.h"
#include "daemon/settings.h"

#define RULE "Falco internal: metrics snapshot"

/* Keys and values as they are collected; texts stay where they are put. */
struct pairs {
	struct arena arena;
	VEC(struct alert_pair) items;
	bool empty; /* values of 0 are wanted */
	bool failed;
};

struct snapshot {
	struct snapshot_options o;
	uv_timer_t timer;
	struct pairs digests;			 /* of the files in force */
	uint64_t sample, last_ns, events, drops; /* of the last one */
	bool faulty;				 /* the file; said once */
};

static void pairs_done(struct pairs *p)
{
	vec_done(&p->items);
	arena_done(&p->arena);
}

static void add(struct pairs *p, const char *key, struct str value, bool numeric)
{
	const struct alert_pair pair = { .key = arena_dup(&p->arena, str_of(key)).ptr,
					 .value = arena_dup(&p->arena, value),
					 .numeric = numeric };

	if (!pair.key || !pair.value.ptr || vec_push(&p->items, pair) < 0)
		p->failed = true;
}

static void add_number(struct pairs *p, const char *key, uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, v);
	if (v || p->empty)
		add(p, key, str_of(text), true);
}

static void add_double(struct pairs *p, const char *key, double v)
{
	char text[48];

	snprintf(text, sizeof(text), "%.1f", v);
	if (v > 0 || p->empty)
		add(p, key, str_of(text), true);
}

enum figures { ALWAYS, RESOURCES, STATE, KERNEL };

static const struct {
	enum figures group;
	enum stat_id id;
	const char *key;
} numbers[] = {
	{ ALWAYS, STAT_START_TIME, "falco.start_ts" },
	{ ALWAYS, STAT_RELOAD_TIME, "falco.reload_ts" },
	{ ALWAYS, STAT_DURATION, "falco.duration_sec" },
	{ ALWAYS, STAT_BOOT_TIME, "falco.host_boot_ts" },
	{ ALWAYS, STAT_HOST_CPUS, "falco.host_num_cpus" },
	{ ALWAYS, STAT_OUTPUTS_QUEUE_DROPS, "falco.outputs_queue_num_drops" },
	{ RESOURCES, STAT_HOST_PROCS, "falco.host_procs_running" },
	{ RESOURCES, STAT_HOST_FDS, "falco.host_open_fds" },
	{ STATE, STAT_N_THREADS, "falco.n_threads" },
	{ STATE, STAT_N_ADDED_THREADS, "falco.n_added_threads" },
	{ STATE, STAT_N_REMOVED_THREADS, "falco.n_removed_threads" },
	{ STATE, STAT_N_FULL_THREADTABLE, "falco.n_drops_full_threadtable" },
	{ KERNEL, STAT_N_EVTS, "scap.n_evts" },
	{ KERNEL, STAT_N_DROPS, "scap.n_drops" },
	{ KERNEL, STAT_KERNEL_DROPS_RING, "scap.n_drops_buffer_total" },
	{ KERNEL, STAT_N_DROPS_SCRATCH, "scap.n_drops_scratch_map" },
};

/* In bytes; the key gets its unit. */
static const struct {
	enum stat_id id;
	const char *key, *plain_unit;
	unsigned plain; /* bytes of it */
} memory[] = {
	{ STAT_MEMORY_RSS, "falco.memory_rss", "_kb", 1024 },
	{ STAT_MEMORY_VSZ, "falco.memory_vsz", "_kb", 1024 },
	{ STAT_MEMORY_PSS, "falco.memory_pss", "_kb", 1024 },
	{ STAT_MEMORY_CONTAINER, "falco.container_memory_used", "_bytes", 1 },
	{ STAT_HOST_MEMORY, "falco.host_memory_used", "_kb", 1024 },
};

static bool wanted(const struct config *c, enum figures g)
{
	switch (g) {
	case ALWAYS: return true;
	case RESOURCES: return c->metrics.resource_utilization_enabled;
	case STATE: return c->metrics.state_counters_enabled;
	case KERNEL: return c->metrics.kernel_event_counters_enabled;
	}
	return false;
}

static void add_memory(const struct snapshot *s, struct pairs *p)
{
	char key[64];

	for (size_t i = 0; i < ARRAY_SIZE(memory); i++) {
		uint64_t bytes = stats_get(s->o.stats, memory[i].id);
		bool mb = s->o.config->metrics.convert_memory_to_mb;

		snprintf(key, sizeof(key), "%s%s", memory[i].key,
			 mb ? "_mb" : memory[i].plain_unit);
		if (mb)
			add_double(p, key, (double)bytes / (1 << 20));
		else
			add_number(p, key, bytes / memory[i].plain);
	}
}

static void add_resources(const struct snapshot *s, struct pairs *p)
{
	add_double(p, "falco.cpu_usage_perc",
		   (double)stats_get(s->o.stats, STAT_CPU_RATIO) / 10000);
	add_double(p, "falco.host_cpu_usage_perc",
		   (double)stats_get(s->o.stats, STAT_HOST_CPU_RATIO) / 10000);
	add_memory(s, p);
}

/* Every character that may not stand in a metric's name becomes '_', once. */
static void sanitise(struct str from, struct strbuf *out)
{
	for (size_t i = 0; i < from.len; i++) {
		char c = from.ptr[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') || c == ':';

		if (plain)
			strbuf_addc(out, c);
		else if (!out->len || out->ptr[out->len - 1] != '_')
			strbuf_addc(out, '_');
	}
	while (out->len && out->ptr[out->len - 1] == '_')
		out->len--;
}

/* The value of a label in a series' text, as it stands there. */
static struct str label_of(struct str labels, const char *name)
{
	char begin[64];

	snprintf(begin, sizeof(begin), "%s=\"", name);
	const char *at = labels.len ? memmem(labels.ptr, labels.len, begin, strlen(begin)) : NULL;
	if (!at)
		return (struct str){ 0 };
	struct str value = str_skip(labels, (size_t)(at - labels.ptr) + strlen(begin));
	size_t n = 0;

	while (n < value.len && value.ptr[n] != '"')
		n += value.ptr[n] == '\\' ? 2 : 1;
	return str_cut(value, n);
}

static void add_series(const struct snapshot *s, struct pairs *p)
{
	size_t n = stats_nseries(s->o.stats, STATS_SENSOR);
	uint64_t total = 0;

	for (size_t i = 0; i < n; i++) {
		_cleanup_(strbuf_done) struct strbuf key = { 0 };
		struct stats_series one;

		if (!stats_series_at(s->o.stats, STATS_SENSOR, i, &one))
			continue;
		if (one.id == STAT_RULE_MATCHES && s->o.config->metrics.rules_counters_enabled) {
			strbuf_addz(&key, "falco.rules.");
			sanitise(label_of(one.labels, "rule_name"), &key);
			total += one.value;
		} else if (one.id == STAT_N_DROPS_BUFFER && wanted(s->o.config, KERNEL)) {
			strbuf_printf(&key, "scap.n_drops_buffer_" STR_FMT "_exit",
				      STR_ARG(label_of(one.labels, "drop")));
		} else {
			continue;
		}
		const char *z = strbuf_z(&key);
		if (z)
			add_number(p, z, one.value);
	}
	if (s->o.config->metrics.rules_counters_enabled)
		add_number(p, "falco.rules.matches_total", total);
}

static void add_rates(struct snapshot *s, struct pairs *p, uint64_t now_ns)
{
	uint64_t events = stats_get(s->o.stats, STAT_N_EVTS),
		 drops = stats_get(s->o.stats, STAT_N_DROPS);
	double seconds = (double)(now_ns - s->last_ns) / (double)NS_PER_SEC;
	bool two = s->last_ns && seconds > 0;

	add_number(p, "falco.num_evts", stats_get(s->o.stats, STAT_EVENTS));
	if (wanted(s->o.config, KERNEL)) {
		add_number(p, "scap.n_evts_prev", s->events);
		add_number(p, "scap.n_drops_prev", s->drops);
		add_double(p, "scap.evts_rate_sec",
			   two ? (double)(events - s->events) / seconds : 0);
		add_double(p, "scap.evts_drop_rate_sec",
			   two ? (double)(drops - s->drops) / seconds : 0);
		add_double(p, "scap.n_drops_perc",
			   two && events > s->events
				   ? 100 * (double)(drops - s->drops) / (double)(events - s->events)
				   : 0);
	}
	s->last_ns = now_ns;
	s->events = events;
	s->drops = drops;
}

static void add_digest(bool rules, const char *name, const char *hex, void *ctx)
{
	_cleanup_(strbuf_done) struct strbuf key = { 0 };
	const char *dot = strrchr(name, '.');
	size_t stem = dot && dot != name ? (size_t)(dot - name) : strlen(name);

	strbuf_printf(&key, "falco.sha256_%s_file.", rules ? "rules" : "config");
	sanitise((struct str){ name, stem }, &key);
	const char *z = strbuf_z(&key);
	if (z)
		add(ctx, z, str_of(hex), false);
}

static void collect(struct snapshot *s, struct pairs *p)
{
	struct alert_settings alert;
	struct utsname un;
	char text[24];

	settings_alert(s->o.config, &alert);
	snprintf(text, sizeof(text), "%" PRIu64, clock_wall_ns());
	add(p, "evt.time", str_of(text), true);
	add(p, "evt.hostname", str_of(alert.hostname), false);
	add(p, "evt.source", STR("syscall"), false);
	add(p, "falco.version", STR(TIERCEL_VERSION), false);
	if (uname(&un) == 0)
		add(p, "falco.kernel_release", str_of(un.release), false);
	add(p, "scap.engine_name", STR("modern_bpf"), false);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		if (wanted(s->o.config, numbers[i].group))
			add_number(p, numbers[i].key, stats_get(s->o.stats, numbers[i].id));
	}
	if (wanted(s->o.config, RESOURCES))
		add_resources(s, p);
	for (size_t i = 0; i < s->digests.items.n; i++)
		add(p, s->digests.items.items[i].key, s->digests.items.items[i].value, false);
	add_series(s, p);
	add_rates(s, p, clock_boot_ns());
}

static int append(const char *path, struct str line)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);

	if (fd < 0)
		return -errno;
	int r = io_write_all(fd, line);
	close(fd);
	return r;
}

static void write_line(struct snapshot *s, const struct pairs *p)
{
	_cleanup_(strbuf_done) struct strbuf line = { 0 };
	struct json j = json_to(&line);

	json_open(&j, '{');
	json_key(&j, STR("output_fields"));
	json_open(&j, '{');
	for (size_t i = 0; i < p->items.n; i++) {
		const struct alert_pair *pair = &p->items.items[i];

		json_key(&j, str_of(pair->key));
		if (pair->numeric)
			json_raw(&j, pair->value);
		else
			json_text(&j, pair->value);
	}
	json_close(&j, '}');
	json_key(&j, STR("sample"));
	json_i64(&j, (int64_t)s->sample);
	json_close(&j, '}');
	strbuf_addc(&line, '\n');
	int r = strbuf_check(&line);
	if (r == 0)
		r = append(s->o.config->metrics.output_file, strbuf_str(&line));
	if (r < 0 && !s->faulty)
		log_error("metrics.output_file: %s: %s", s->o.config->metrics.output_file,
			  strerror(-r));
	s->faulty = r < 0;
}

static void on_timer(uv_timer_t *t)
{
	struct snapshot *s = t->data;
	const struct config *c = s->o.config;
	_cleanup_(pairs_done) struct pairs p = { .empty = c->metrics.include_empty_values };

	collect(s, &p);
	s->sample++;
	if (p.failed) {
		log_error("metrics: out of memory, no snapshot");
		return;
	}
	if (c->metrics.output_file[0])
		write_line(s, &p);
	if (!c->metrics.output_rule)
		return;
	int r = engine_internal(s->o.engine, RULE, PRIORITY_INFORMATIONAL,
				STR("Falco metrics snapshot"), p.items.items, p.items.n);
	if (r < 0)
		log_error("metrics: the snapshot could not be raised: %s", strerror(-r));
}

int snapshot_start(const struct snapshot_options *options, struct snapshot **ret)
{
	struct snapshot *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->o = *options;
	s->timer.data = s;
	uv_timer_init(s->o.loop, &s->timer);
	snapshot_change(s, s->o.config);
	*ret = s;
	return 0;
}

void snapshot_change(struct snapshot *s, const struct config *config)
{
	const struct config *c = config;
	uint64_t before = uv_timer_get_repeat(&s->timer);
	bool on = c->metrics.enabled && (c->metrics.output_rule || c->metrics.output_file[0]);
	uint64_t ms = on ? c->metrics.interval_ms : 0;

	s->o.config = config;
	pairs_done(&s->digests);
	if (on)
		digests_each(config, s->o.args, add_digest, &s->digests);
	if (ms == before)
		return;
	uv_timer_stop(&s->timer);
	uv_timer_set_repeat(&s->timer, ms);
	if (ms)
		uv_timer_start(&s->timer, on_timer, ms, ms);
}

static void on_closed(uv_handle_t *h)
{
	struct snapshot *s = h->data;

	pairs_done(&s->digests);
	free(s);
}

struct snapshot *snapshot_stop(struct snapshot *s)
{
	if (s)
		uv_close((uv_handle_t *)&s->timer, on_closed);
	return NULL;
}
