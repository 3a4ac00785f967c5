/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every setting is one row: its path, how it is read, where it lands, its default and range. The tree is
 * walked once; a key without a row is a warning with the nearest name, never an error, because files
 * written for other versions must load (falco-compat.md 1.1). Defaults go through the same setters, so a
 * row is the only place that knows a setting.
 */
#include "config/settings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/suggest.h"

#define AT(c, s, type) ((type *)((char *)(c)->config + (s)->offset))

int setting_wrong(struct setting_ctx *c, const struct tree *t, const char *expected)
{
	struct str shown = str_cut(t->text, 60);

	if (t->kind == TREE_TEXT)
		return tree_fail(c->report, t, STR_FMT ": expected %s, found \"" STR_FMT "\"",
				 STR_ARG(t->key), expected, STR_ARG(shown));
	return tree_fail(c->report, t, STR_FMT ": expected %s, found %s", STR_ARG(t->key), expected,
			 tree_kind_name(t));
}

int setting_text(struct setting_ctx *c, const struct tree *t, struct str *ret)
{
	if (t->kind != TREE_TEXT && t->kind != TREE_NULL)
		return setting_wrong(c, t, "a text");
	*ret = arena_dup(c->arena, t->text);
	return ret->ptr ? 0 : -ENOMEM;
}

/* A single value counts as a list of one. */
int setting_texts(struct setting_ctx *c, const struct tree *t, struct config_texts *ret)
{
	if (t->kind == TREE_MAP)
		return setting_wrong(c, t, "a list of texts");
	size_t n = t->kind == TREE_TEXT ? 1 : tree_count(t);
	struct str *items = arena_array(c->arena, n ? n : 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	const struct tree *at = t->kind == TREE_TEXT ? t : t->first;
	size_t kept = 0;
	for (; kept < n; at = at->next) {
		if (at->kind != TREE_TEXT)
			return tree_fail(c->report, at, "expected a text in the list, found %s",
					 tree_kind_name(at));
		int r = setting_text(c, at, &items[kept++]);
		if (r)
			return r;
	}
	*ret = (struct config_texts){ .items = items, .n = n };
	return 0;
}

int setting_bool(struct setting_ctx *c, const struct tree *t, bool *ret)
{
	static const char *const words[] = { "false", "true", "no", "yes", "off", "on", "n", "y" };

	for (size_t i = 0; t->kind == TREE_TEXT && i < ARRAY_SIZE(words); i++) {
		if (str_ieq(t->text, str_of(words[i]))) {
			*ret = i % 2;
			return 0;
		}
	}
	return setting_wrong(c, t, "true or false");
}

static int set_bool(struct setting_ctx *c, const struct setting *s, const struct tree *t)
{
	return setting_bool(c, t, AT(c, s, bool));
}

static int set_int(struct setting_ctx *c, const struct setting *s, const struct tree *t)
{
	char expected[96];
	int64_t v;

	snprintf(expected, sizeof(expected), "a whole number from %lld to %lld", (long long)s->min,
		 (long long)s->max);
	if (t->kind != TREE_TEXT || str_to_i64(t->text, &v) < 0 || v < s->min || v > s->max)
		return setting_wrong(c, t, expected);
	*AT(c, s, int) = (int)v;
	return 0;
}

static int set_double(struct setting_ctx *c, const struct setting *s, const struct tree *t)
{
	char expected[96];
	double v;

	snprintf(expected, sizeof(expected), "a number from %lld to %lld", (long long)s->min,
		 (long long)s->max);
	if (t->kind != TREE_TEXT || str_to_double(t->text, &v) < 0 || !(v >= (double)s->min) ||
	    !(v <= (double)s->max))
		return setting_wrong(c, t, expected);
	*AT(c, s, double) = v;
	return 0;
}

static int set_text(struct setting_ctx *c, const struct setting *s, const struct tree *t)
{
	struct str v = { 0 };
	int r = setting_text(c, t, &v);

	if (r == 0)
		*AT(c, s, const char *) = v.ptr;
	return r;
}

static int set_texts(struct setting_ctx *c, const struct setting *s, const struct tree *t)
{
	return setting_texts(c, t, AT(c, s, struct config_texts));
}

static int set_choice(struct setting_ctx *c, const struct setting *s, const struct tree *t)
{
	struct strbuf words = { 0 };

	for (const struct choice *o = s->choices; o->word; o++) {
		if (t->kind == TREE_TEXT && str_ieq(t->text, str_of(o->word))) {
			strbuf_done(&words);
			*AT(c, s, int) = o->value;
			return 0;
		}
		strbuf_printf(&words, "%s%s", o == s->choices ? "one of " : ", ", o->word);
	}
	const char *expected = strbuf_z(&words);
	int r = setting_wrong(c, t, expected ? expected : "another word");
	strbuf_done(&words);
	return r;
}

/* Bytes, with K, M or G behind the number. */
static int set_size(struct setting_ctx *c, const struct setting *s, const struct tree *t)
{
	static const char units[] = "KMG";
	struct str digits = t->text;
	const char *unit = digits.len ? strchr(units, digits.ptr[digits.len - 1]) : NULL;
	unsigned shift = unit && *unit ? (unsigned)(unit - units + 1) * 10 : 0;
	uint64_t v = 0;

	if (shift)
		digits.len--;
	bool power = (s->max & 1) == 0; /* rows with an even maximum want a power of two */
	if (t->kind != TREE_TEXT || str_to_u64(digits, &v) < 0 || v > UINT64_C(1) << 33 ||
	    (v << shift) < (uint64_t)s->min || (v << shift) > (uint64_t)s->max ||
	    (power && ((v << shift) & ((v << shift) - 1))))
		return setting_wrong(c, t, "a power of two as a size such as 8M, within its range");
	*AT(c, s, uint64_t) = v << shift;
	return 0;
}

/* Literal addresses only, so that nothing is looked up in the network. */
static int set_address(struct setting_ctx *c, const struct setting *s, const struct tree *t)
{
	unsigned char any[16];

	if (t->kind != TREE_TEXT || (inet_pton(AF_INET, t->text.ptr, any) != 1 &&
				     inet_pton(AF_INET6, t->text.ptr, any) != 1))
		return setting_wrong(c, t, "an IP address");
	return set_text(c, s, t);
}

static int set_scope(struct setting_ctx *c, const struct setting *s, const struct tree *t)
{
	int64_t pid = 0;

	c->config->tiercel.scope_cgroup = "";
	if (t->kind == TREE_TEXT && str_eqz(t->text, "none")) {
		c->config->tiercel.scope = CONFIG_SCOPE_NONE;
	} else if (t->kind == TREE_TEXT && str_starts(t->text, STR("pid:")) &&
		   str_to_i64(str_skip(t->text, 4), &pid) == 0 && pid > 0 && pid <= INT32_MAX) {
		c->config->tiercel.scope = CONFIG_SCOPE_PID;
	} else if (t->kind == TREE_TEXT && str_starts(t->text, STR("cgroup:/"))) {
		struct str path = arena_dup(c->arena, str_skip(t->text, strlen("cgroup:")));
		if (!path.ptr)
			return -ENOMEM;
		c->config->tiercel.scope = CONFIG_SCOPE_CGROUP;
		c->config->tiercel.scope_cgroup = path.ptr;
	} else {
		return setting_wrong(c, t, "none, pid:NUMBER or cgroup:/PATH");
	}
	c->config->tiercel.scope_pid = (int)pid;
	return 0;
}

/* One pair of quotes around the whole is dropped (falco-compat.md 1.4). */
static int set_url(struct setting_ctx *c, const struct setting *s, const struct tree *t)
{
	struct tree inner = *t;
	char q = t->text.len >= 2 ? t->text.ptr[0] : 0;

	if ((q == '"' || q == '\'') && t->text.ptr[t->text.len - 1] == q)
		inner.text = (struct str){ t->text.ptr + 1, t->text.len - 2 };
	return set_text(c, s, &inner);
}

static int set_nothing(struct setting_ctx *c, const struct setting *s, const struct tree *t)
{
	return 0;
}

static const struct choice priorities[] = {
	{ "emergency", 0 }, { "alert", 1 },  { "critical", 2 }, { "error", 3 },
	{ "warning", 4 },   { "notice", 5 }, { "info", 6 },	{ "informational", 6 },
	{ "debug", 7 },	    { NULL },
};
static const struct choice severities[] = {
	{ "fatal", 0 }, { "critical", 1 }, { "error", 2 }, { "warning", 3 }, { "notice", 4 },
	{ "info", 5 },	{ "debug", 6 },	   { "trace", 7 }, { NULL },
};
static const struct choice engines[] = {
	{ "modern_ebpf", CONFIG_ENGINE_MODERN_EBPF },
	{ "kmod", CONFIG_ENGINE_KMOD },
	{ "ebpf", CONFIG_ENGINE_EBPF },
	{ "replay", CONFIG_ENGINE_REPLAY },
	{ "gvisor", CONFIG_ENGINE_GVISOR },
	{ "nodriver", CONFIG_ENGINE_NODRIVER },
	{ NULL },
};
static const struct choice matchings[] = {
	{ "first", CONFIG_MATCH_FIRST },
	{ "all", CONFIG_MATCH_ALL },
	{ NULL },
};
static const struct choice capture_modes[] = {
	{ "rules", CONFIG_CAPTURE_RULES },
	{ "all_rules", CONFIG_CAPTURE_ALL_RULES },
	{ NULL },
};
static const struct choice processes[] = {
	{ "two", CONFIG_PROCESSES_TWO },
	{ "one", CONFIG_PROCESSES_ONE },
	{ NULL },
};
static const struct choice tls_versions[] = { { "1.2", 12 }, { "1.3", 13 }, { NULL } };

#define IN(m) offsetof(struct config, m)
#define BOOL(p, m, d)                                                                              \
	{                                                                                          \
		.path = p, .set = set_bool, .offset = IN(m), .fallback = d                         \
	}
#define TEXT(p, m, d)                                                                              \
	{                                                                                          \
		.path = p, .set = set_text, .offset = IN(m), .fallback = d                         \
	}
#define INT(p, m, d, lo, hi)                                                                       \
	{                                                                                          \
		.path = p, .set = set_int, .offset = IN(m), .fallback = d, .min = lo, .max = hi    \
	}
#define DOUBLE(p, m, d, lo, hi)                                                                    \
	{                                                                                          \
		.path = p, .set = set_double, .offset = IN(m), .fallback = d, .min = lo, .max = hi \
	}
#define SIZE(p, m, d, lo, hi)                                                                      \
	{                                                                                          \
		.path = p, .set = set_size, .offset = IN(m), .fallback = d, .min = lo, .max = hi   \
	}
#define TEXTS(p, m)                                                                                \
	{                                                                                          \
		.path = p, .set = set_texts, .offset = IN(m)                                       \
	}
#define CHOICE(p, m, d, o)                                                                         \
	{                                                                                          \
		.path = p, .set = set_choice, .offset = IN(m), .fallback = d, .choices = o         \
	}
#define OWN(p, fn, d)                                                                              \
	{                                                                                          \
		.path = p, .set = fn, .fallback = d                                                \
	}
#define GONE(p)                                                                                    \
	{                                                                                          \
		.path = p, .set = set_nothing, .instead = ""                                       \
	}
#define TAKEN(p)                                                                                   \
	{                                                                                          \
		.path = p, .set = set_nothing                                                      \
	} /* read elsewhere */

/* clang-format off */
static const struct setting table[] = {
	TAKEN("config_files"), /* config.c */
	BOOL("watch_config_files", watch_config_files, "true"),
	TEXTS("rules_files", rules_files),
	OWN("rules", set_selections, NULL),
	CHOICE("engine.kind", engine.kind, "modern_ebpf", engines),
	INT("engine.kmod.buf_size_preset", engine.kmod.buf_size_preset, "4", 1, 10),
	BOOL("engine.kmod.drop_failed_exit", engine.kmod.drop_failed_exit, "false"),
	TEXT("engine.ebpf.probe", engine.ebpf_probe, ""),
	INT("engine.ebpf.buf_size_preset", engine.ebpf.buf_size_preset, "4", 1, 10),
	BOOL("engine.ebpf.drop_failed_exit", engine.ebpf.drop_failed_exit, "false"),
	INT("engine.modern_ebpf.cpus_for_each_buffer", engine.cpus_for_each_buffer, "2", 0, 65536),
	INT("engine.modern_ebpf.buf_size_preset", engine.modern_ebpf.buf_size_preset, "4", 1, 10),
	BOOL("engine.modern_ebpf.drop_failed_exit", engine.modern_ebpf.drop_failed_exit, "false"),
	BOOL("engine.modern_ebpf.disable_iterators", engine.disable_iterators, "false"),
	TEXT("engine.replay.capture_file", engine.capture_file, ""),
	TEXT("engine.gvisor.config", engine.gvisor_config, ""),
	TEXT("engine.gvisor.root", engine.gvisor_root, ""),
	BOOL("capture.enabled", capture.enabled, "false"),
	TEXT("capture.path_prefix", capture.path_prefix, "/tmp/falco"),
	CHOICE("capture.mode", capture.mode, "rules", capture_modes),
	INT("capture.default_duration", capture.default_duration_ms, "5000", 1, INT32_MAX),
	OWN("load_plugins", set_load_plugins, NULL),
	OWN("plugins", set_plugins, NULL),
	BOOL("plugins_hostinfo", plugins_hostinfo, "true"),
	TEXTS("base_syscalls.custom_set", base_syscalls.custom_set),
	BOOL("base_syscalls.repair", base_syscalls.repair, "false"),
	BOOL("base_syscalls.all", base_syscalls.all, "false"),
	INT("falco_libs.thread_table_size", falco_libs.thread_table_size, "262144", 1, 1 << 24),
	INT("falco_libs.thread_table_auto_purging_interval_s", falco_libs.auto_purging_interval_s, "300", 0, 1 << 24),
	INT("falco_libs.thread_table_auto_purging_thread_timeout_s", falco_libs.auto_purging_thread_timeout_s, "300", 0, 1 << 24),
	INT("falco_libs.snaplen", falco_libs.snaplen, "80", 0, LIMIT_RECORD_BYTES / 2),

	CHOICE("priority", priority, "debug", priorities),
	CHOICE("rule_matching", rule_matching, "first", matchings),
	BOOL("json_output", json_output, "false"),
	BOOL("json_include_output_property", json_include_output_property, "true"),
	BOOL("json_include_message_property", json_include_message_property, "false"),
	BOOL("json_include_output_fields_property", json_include_output_fields_property, "true"),
	BOOL("json_include_tags_property", json_include_tags_property, "true"),
	BOOL("time_format_iso_8601", time_format_iso_8601, "false"),
	BOOL("buffer_format_base64", buffer_format_base64, "false"),
	BOOL("buffered_outputs", buffered_outputs, "false"),
	INT("outputs_queue.capacity", outputs_queue_capacity, "0", 0, 1 << 24),
	OWN("append_output", set_append_output, NULL),
	OWN("static_fields", set_static_fields, NULL),
	BOOL("stdout_output.enabled", stdout_output.enabled, "false"),
	BOOL("syslog_output.enabled", syslog_output.enabled, "false"),
	BOOL("file_output.enabled", file_output.enabled, "false"),
	BOOL("file_output.keep_alive", file_output.keep_alive, "false"),
	TEXT("file_output.filename", file_output.filename, ""),
	BOOL("program_output.enabled", program_output.enabled, "false"),
	BOOL("program_output.keep_alive", program_output.keep_alive, "false"),
	TEXT("program_output.program", program_output.program, ""),
	BOOL("http_output.enabled", http_output.enabled, "false"),
	{ .path = "http_output.url", .set = set_url, .offset = IN(http_output.url), .fallback = "" },
	TEXT("http_output.user_agent", http_output.user_agent, "falcosecurity/falco"),
	BOOL("http_output.insecure", http_output.insecure, "false"),
	TEXT("http_output.ca_cert", http_output.ca_cert, ""),
	TEXT("http_output.ca_bundle", http_output.ca_bundle, ""),
	TEXT("http_output.ca_path", http_output.ca_path, "/etc/ssl/certs"),
	BOOL("http_output.mtls", http_output.mtls, "false"),
	TEXT("http_output.client_cert", http_output.client_cert, "/etc/ssl/certs/client.crt"),
	TEXT("http_output.client_key", http_output.client_key, "/etc/ssl/certs/client.key"),
	BOOL("http_output.echo", http_output.echo, "false"),
	BOOL("http_output.compress_uploads", http_output.compress_uploads, "false"),
	BOOL("http_output.keep_alive", http_output.keep_alive, "false"),
	INT("http_output.max_consecutive_timeouts", http_output.max_consecutive_timeouts, "5", 0, 255),
	BOOL("grpc_output.enabled", grpc_output, "true"),
	BOOL("grpc.enabled", grpc.enabled, "false"),
	TEXT("grpc.bind_address", grpc.bind_address, "0.0.0.0:5060"),
	INT("grpc.threadiness", grpc.threadiness, "0", 0, 1024),
	TEXT("grpc.private_key", grpc.private_key, "/etc/falco/certs/server.key"),
	TEXT("grpc.cert_chain", grpc.cert_chain, "/etc/falco/certs/server.crt"),
	TEXT("grpc.root_certs", grpc.root_certs, "/etc/falco/certs/ca.crt"),

	BOOL("log_stderr", log_stderr, "false"),
	BOOL("log_syslog", log_syslog, "true"),
	CHOICE("log_level", log_level, "info", priorities),
	BOOL("libs_logger.enabled", libs_logger.enabled, "true"),
	CHOICE("libs_logger.severity", libs_logger.severity, "info", severities),
	INT("output_timeout", output_timeout_ms, "2000", 0, INT32_MAX),
	INT("syscall_event_timeouts.max_consecutives", event_timeouts_max_consecutives, "1000", 1, INT32_MAX),
	DOUBLE("syscall_event_drops.threshold", drops.threshold, "0.1", 0, 1),
	OWN("syscall_event_drops.actions", set_drop_actions, NULL),
	DOUBLE("syscall_event_drops.rate", drops.rate, "0.03333", 0, 1000000),
	INT("syscall_event_drops.max_burst", drops.max_burst, "1", 0, INT32_MAX),
	BOOL("syscall_event_drops.simulate_drops", drops.simulate_drops, "false"),
	BOOL("webserver.enabled", webserver.enabled, "false"),
	INT("webserver.threadiness", webserver.threadiness, "0", 0, 1024),
	INT("webserver.listen_port", webserver.listen_port, "8765", 0, 65535),
	{ .path = "webserver.listen_address", .set = set_address, .offset = IN(webserver.listen_address), .fallback = "0.0.0.0" },
	TEXT("webserver.k8s_healthz_endpoint", webserver.k8s_healthz_endpoint, "/healthz"),
	BOOL("webserver.prometheus_metrics_enabled", webserver.prometheus_metrics_enabled, "false"),
	BOOL("webserver.ssl_enabled", webserver.ssl_enabled, "false"),
	TEXT("webserver.ssl_certificate", webserver.ssl_certificate, "/etc/falco/falco.pem"),
	BOOL("metrics.enabled", metrics.enabled, "false"),
	TEXT("metrics.interval", metrics.interval, "5000"),
	BOOL("metrics.output_rule", metrics.output_rule, "false"),
	TEXT("metrics.output_file", metrics.output_file, ""),
	BOOL("metrics.rules_counters_enabled", metrics.rules_counters_enabled, "true"),
	BOOL("metrics.resource_utilization_enabled", metrics.resource_utilization_enabled, "true"),
	BOOL("metrics.state_counters_enabled", metrics.state_counters_enabled, "true"),
	BOOL("metrics.kernel_event_counters_enabled", metrics.kernel_event_counters_enabled, "true"),
	BOOL("metrics.kernel_event_counters_per_cpu_enabled", metrics.kernel_event_counters_per_cpu_enabled, "true"),
	BOOL("metrics.kernel_iter_event_counters_enabled", metrics.kernel_iter_event_counters_enabled, "true"),
	BOOL("metrics.libbpf_stats_enabled", metrics.libbpf_stats_enabled, "true"),
	BOOL("metrics.plugins_metrics_enabled", metrics.plugins_metrics_enabled, "true"),
	BOOL("metrics.jemalloc_stats_enabled", metrics.jemalloc_stats_enabled, "true"),
	BOOL("metrics.convert_memory_to_mb", metrics.convert_memory_to_mb, "true"),
	BOOL("metrics.include_empty_values", metrics.include_empty_values, "false"),

	OWN("container_engines.*", set_container_engines, NULL),
	INT("tiercel.containers.label_max_len", containers.label_max_len, "100", 0, 4096),
	INT("tiercel.containers.wait_ms", containers.wait_ms, "500", 0, 10000),
	CHOICE("tiercel.processes", tiercel.processes, "two", processes),
	TEXT("tiercel.user", tiercel.user, "nobody"),
	OWN("tiercel.scope", set_scope, "none"),
	SIZE("tiercel.ring_size", tiercel.ring_bytes, "0", 0, 512 << 20),
	SIZE("tiercel.link_size", tiercel.link_bytes, "16M", 1 << 20, 512 << 20),
	INT("tiercel.stream_alerts", tiercel.stream_alerts, "65536", 16, 1 << 24),
	BOOL("tiercel.match_resolved_names", tiercel.match_resolved_names, "true"),
	TEXTS("tiercel.listen", tiercel.listen),
	CHOICE("tiercel.tls.min_version", tiercel.tls_min_version, "1.2", tls_versions),

	/* Of older versions (falco-compat.md 1.6). */
	{ .path = "rules_file", .set = set_texts, .offset = IN(rules_files), .instead = "rules_files" },
	{ .path = "syscall_buf_size_preset", .set = set_int, .min = 1, .max = 10,
	  .offset = IN(engine.modern_ebpf.buf_size_preset), .instead = "engine.modern_ebpf.buf_size_preset" },
	{ .path = "syscall_drop_failed_exit", .set = set_bool,
	  .offset = IN(engine.modern_ebpf.drop_failed_exit), .instead = "engine.modern_ebpf.drop_failed_exit" },
	{ .path = "modern_bpf.cpus_for_each_syscall_buffer", .set = set_int, .max = 65536,
	  .offset = IN(engine.cpus_for_each_buffer), .instead = "engine.modern_ebpf.cpus_for_each_buffer" },
	GONE("outputs.rate"),
	GONE("outputs.max_burst"),
	GONE("webserver.k8s_audit_endpoint"),
	GONE("metadata_download.*"),
	GONE("aws_default_region"),
};
/* clang-format on */

const struct setting *settings_table(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(table);
	return table;
}

/* The row of a path; *ret_section: it is the beginning of rows' paths. */
static const struct setting *find(struct str path, bool *ret_section)
{
	*ret_section = false;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct str row = str_of(table[i].path);
		bool all = str_ends(row, STR(".*"));

		if (str_eq(all ? str_cut(row, row.len - 2) : row, path))
			return &table[i];
		if (str_starts(row, path) && row.ptr[path.len] == '.')
			*ret_section = true;
	}
	return NULL;
}

static void warn_unknown(struct setting_ctx *c, struct str path, const struct tree *t)
{
	struct suggest s = suggest_for(path);
	struct str shown = str_cut(path, 200);

	/* Searching names for a warning that is not kept would be a waste. */
	bool kept = c->report->nwarnings < CONFIG_WARNINGS_MAX;
	for (size_t i = 0; kept && i < ARRAY_SIZE(table); i++) {
		struct str row = str_of(table[i].path);

		if (!table[i].instead)
			suggest_offer(&s, row);
		if (!table[i].instead && str_chr(row, '.') < row.len)
			suggest_offer(&s, str_cut(row, str_chr(row, '.')));
	}
	if (s.best.ptr)
		tree_warn(c->report, t,
			  "unknown key " STR_FMT " is ignored; did you mean " STR_FMT "?",
			  STR_ARG(shown), STR_ARG(s.best));
	else
		tree_warn(c->report, t, "unknown key " STR_FMT " is ignored", STR_ARG(shown));
}

static int apply(struct setting_ctx *c, const struct setting *s, const struct tree *t)
{
	if (s->instead && !s->instead[0]) {
		tree_warn(c->report, t, "%.*s has no effect any more",
			  (int)strcspn(s->path, "*") - (strchr(s->path, '*') ? 1 : 0), s->path);
		return 0;
	}
	if (s->instead) {
		tree_warn(c->report, t, "%s is an old name, use %s", s->path, s->instead);
		if (tree_path(c->root, str_of(s->instead)))
			return 0;
	}
	/* A key without a value is as good as absent. */
	return t->kind == TREE_NULL ? 0 : s->set(c, s, t);
}

/* The depth is that of the tree, bounded by its parser and by the table. */
static int walk(struct setting_ctx *c, const struct tree *map, struct str prefix)
{
	for (const struct tree *t = map->first; t; t = t->next) {
		bool section;
		struct str path = arena_printf(c->arena, STR_FMT "%s" STR_FMT, STR_ARG(prefix),
					       prefix.len ? "." : "", STR_ARG(t->key));
		if (!path.ptr)
			return -ENOMEM;
		const struct setting *s = find(path, &section);
		int r = 0;
		if (s)
			r = apply(c, s, t);
		else if (!section)
			warn_unknown(c, path, t);
		else if (t->kind == TREE_MAP)
			r = walk(c, t, path);
		else if (t->kind != TREE_NULL)
			r = setting_wrong(c, t, "a map");
		if (r)
			return r;
	}
	return 0;
}

static int set_default(struct setting_ctx *c, const struct setting *s)
{
	struct tree t = { .kind = TREE_TEXT, .plain = true, .key = str_of(s->path) };

	if (!s->fallback)
		return 0;
	t.text = str_of(s->fallback);
	return s->set(c, s, &t);
}

int settings_read(struct setting_ctx *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		int r = set_default(c, &table[i]);
		if (r)
			return r;
	}
	c->config->drops.actions = CONFIG_DROP_LOG | CONFIG_DROP_ALERT;
	return walk(c, c->root, (struct str){ 0 });
}

int config_priority(struct str word, int *ret)
{
	for (const struct choice *o = priorities; o->word; o++) {
		if (str_ieq(word, str_of(o->word))) {
			*ret = o->value;
			return 0;
		}
	}
	return -EINVAL;
}
