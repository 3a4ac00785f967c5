/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings: what a user can write, one row each. Parsing, checking, --config-schema, `tiercel config dump`,
 * `tiercel list settings` and docs/configuration.md are all made from these rows. See settings.h.
 */
#include <stddef.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "config/settings.h"

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

/* Arguments: path, member, default, [range,] what it is for. What follows sets further members of the row. */
#define VALUE(k, p, m, d, about_, ...)                                                             \
	{                                                                                          \
		.path = p, .kind = &setting_##k##_kind, .offset = offsetof(struct config, m),      \
		.fallback = d, .about = about_, __VA_ARGS__                                        \
	}
#define RANGE(k, p, m, d, lo, hi, about_, ...)                                                     \
	VALUE(k, p, m, d, about_, .min = lo, .max = hi, ##__VA_ARGS__)
#define BOOL(...)			VALUE(flag, __VA_ARGS__)
#define TEXT(...)			VALUE(text, __VA_ARGS__)
#define INT(...)			RANGE(int, __VA_ARGS__)
#define DOUBLE(...)			RANGE(double, __VA_ARGS__)
#define SIZE(...)			RANGE(size, __VA_ARGS__)
#define TEXTS(p, m, about_, ...)	VALUE(texts, p, m, NULL, about_, ##__VA_ARGS__)
#define CHOICE(p, m, d, o, about_, ...) VALUE(choice, p, m, d, about_, .choices = o, ##__VA_ARGS__)
/* Read by its own function. */
#define OWN(k, p, d, about_, ...)                                                                  \
	{                                                                                          \
		.path = p, .kind = &setting_##k##_kind, .fallback = d, .about = about_,            \
		__VA_ARGS__                                                                        \
	}
/* Of older versions: a name that was changed, or one that has no effect any more. */
#define OLD(k, p, m, now, ...)                                                                     \
	VALUE(k, p, m, NULL, "Old name of " now ".", .instead = now, ##__VA_ARGS__)
#define GONE(p)                                                                                    \
	{                                                                                          \
		.path = p, .kind = &setting_gone_kind, .instead = "",                              \
		.about = "Of older versions."                                                      \
	}
/* Without effect here, which nobody notices, or, MISSED, which who sets it should be told. */
#define IDLE(why)   .idle = why
#define MISSED(why) .idle = why, .missed = true
/* A reload does not change it. */
#define FIXED .fixed = true

/* clang-format off */
const struct setting settings_rows[] = {
	OWN(elsewhere, "config_files", NULL, "More configuration files, or directories of them, each as a path or as `path` and `strategy`; merged over this file in order."),
	BOOL("watch_config_files", watch_config_files, "true", "Load rules and settings again when one of their files changes."),
	TEXTS("rules_files", rules_files, "Rules files, and directories whose .yaml and .yml files are read in order of name. What does not exist is skipped."),
	OWN(selections, "rules", NULL, "Steps of `enable` or `disable`, each with a wildcard `rule` or a `tag`, done in order once all rules are loaded."),
	CHOICE("engine.kind", engine.kind, "modern_ebpf", engines, "Where events come from: modern_ebpf, or replay of a capture file.", FIXED),
	INT("engine.kmod.buf_size_preset", engine.kmod.buf_size_preset, "4", 1, 10, "As engine.modern_ebpf.buf_size_preset, when engine.kind is kmod.", FIXED),
	BOOL("engine.kmod.drop_failed_exit", engine.kmod.drop_failed_exit, "false", "Leave failed calls out.", MISSED("failed calls are always seen; a rule tells them by evt.failed")),
	TEXT("engine.ebpf.probe", engine.ebpf_probe, "", "Path of a compiled probe.", IDLE("the probe is built in")),
	INT("engine.ebpf.buf_size_preset", engine.ebpf.buf_size_preset, "4", 1, 10, "As engine.modern_ebpf.buf_size_preset, when engine.kind is ebpf.", FIXED),
	BOOL("engine.ebpf.drop_failed_exit", engine.ebpf.drop_failed_exit, "false", "Leave failed calls out.", MISSED("failed calls are always seen; a rule tells them by evt.failed")),
	INT("engine.modern_ebpf.cpus_for_each_buffer", engine.cpus_for_each_buffer, "2", 0, INT32_MAX, "CPUs that share one ring.", IDLE("each CPU has a ring of its own")),
	INT("engine.modern_ebpf.buf_size_preset", engine.modern_ebpf.buf_size_preset, "4", 1, 10, "Size of each CPU's ring: 1 is 1 MiB, and each further step doubles it.", FIXED),
	BOOL("engine.modern_ebpf.drop_failed_exit", engine.modern_ebpf.drop_failed_exit, "false", "Leave failed calls out.", MISSED("failed calls are always seen; a rule tells them by evt.failed")),
	BOOL("engine.modern_ebpf.disable_iterators", engine.disable_iterators, "false", "Read the processes at start without BPF iterators.", IDLE("they are always read from /proc")),
	TEXT("engine.replay.capture_file", engine.capture_file, "", "Capture file of `tiercel record` that engine.kind: replay reads instead of the kernel.", FIXED),
	TEXT("engine.gvisor.config", engine.gvisor_config, "", "Settings of gVisor's sandbox.", MISSED("gVisor is not a source of events here")),
	TEXT("engine.gvisor.root", engine.gvisor_root, "", "State directory of gVisor.", MISSED("gVisor is not a source of events here")),
	BOOL("capture.enabled", capture.enabled, "false", "Write captures around alerts.", MISSED("use `tiercel record`")),
	TEXT("capture.path_prefix", capture.path_prefix, "/tmp/falco", "Beginning of the captures' names.", IDLE("use `tiercel record`")),
	CHOICE("capture.mode", capture.mode, "rules", capture_modes, "Which rules write captures.", IDLE("use `tiercel record`")),
	INT("capture.default_duration", capture.default_duration_ms, "5000", 1, INT32_MAX, "Length of a capture in milliseconds.", IDLE("use `tiercel record`")),
	OWN(load_plugins, "load_plugins", NULL, "Names of the plugins to load; without this key all of `plugins`. What the container plugin does is built in; others are not loaded.", FIXED),
	OWN(plugins, "plugins", NULL, "Plugins with `name`, `library_path`, `init_config` and `open_params`. Of the container plugin init_config counts, others are not loaded.", FIXED),
	BOOL("plugins_hostinfo", plugins_hostinfo, "true", "Tell plugins about the host.", IDLE("no plugins are loaded")),
	TEXTS("base_syscalls.custom_set", base_syscalls.custom_set, "System calls to watch beside those that rules need; `!name` leaves one out."),
	BOOL("base_syscalls.repair", base_syscalls.repair, "false", "Beside the calls that rules need, watch those without which what these tell would be wrong, and no others."),
	BOOL("base_syscalls.all", base_syscalls.all, "false", "Watch also calls that only read or write data, which are left out even if rules ask for them."),
	INT("falco_libs.thread_table_size", falco_libs.thread_table_size, "262144", 1, 1 << 24, "Threads that are remembered at once.", FIXED),
	INT("falco_libs.thread_table_auto_purging_interval_s", falco_libs.auto_purging_interval_s, "300", 0, 1 << 24, "Seconds between looks for threads that ended unseen.", IDLE("the kernel reports the end of each")),
	INT("falco_libs.thread_table_auto_purging_thread_timeout_s", falco_libs.auto_purging_thread_timeout_s, "300", 0, 1 << 24, "Seconds after which a silent thread is looked for.", IDLE("the kernel reports the end of each")),
	INT("falco_libs.snaplen", falco_libs.snaplen, "80", 0, LIMIT_RECORD_BYTES / 2, "Bytes that are kept of what is read and written, at most 4096; 0: 80.", FIXED),

	CHOICE("priority", priority, "debug", setting_priorities, "Least severe rules to load."),
	CHOICE("rule_matching", rule_matching, "first", matchings, "Rules an event may raise alerts of: the first that matches, or all."),
	BOOL("json_output", json_output, "false", "Alerts are JSON objects, one a line; listings, too."),
	BOOL("json_include_output_property", json_include_output_property, "true", "`output` in JSON alerts: the text line."),
	BOOL("json_include_message_property", json_include_message_property, "false", "`message` in JSON alerts: the text without time and priority."),
	BOOL("json_include_output_fields_property", json_include_output_fields_property, "true", "`output_fields` in JSON alerts: the fields of the text, typed."),
	BOOL("json_include_tags_property", json_include_tags_property, "true", "`tags` in JSON alerts: those of the rule."),
	BOOL("time_format_iso_8601", time_format_iso_8601, "false", "Times with date in UTC instead of the local time of day; also in the own log."),
	BOOL("buffer_format_base64", buffer_format_base64, "false", "Fields of bytes print as Base64."),
	BOOL("buffered_outputs", buffered_outputs, "false", "Hold lines back to write more at once.", IDLE("lines never wait longer than the output needs to write them")),
	INT("outputs_queue.capacity", outputs_queue_capacity, "0", 0, 1 << 24, "Alerts that may wait for each local output; 0 is 16384. Beyond it the newest are dropped and counted."),
	OWN(append_output, "append_output", NULL, "What to add to alerts: `extra_output`, `extra_fields`, `suggested_output`, and `match` with `rule`, `source` and `tags` to say to which."),
	OWN(static_fields, "static_fields", NULL, "Names and values for `%static.NAME` in outputs.", FIXED),
	BOOL("stdout_output.enabled", stdout_output.enabled, "false", "Alerts on standard output."),
	BOOL("syslog_output.enabled", syslog_output.enabled, "false", "Alerts to syslog."),
	BOOL("file_output.enabled", file_output.enabled, "false", "Alerts to a file."),
	BOOL("file_output.keep_alive", file_output.keep_alive, "false", "Keep the file open between alerts; SIGUSR1 opens it anew."),
	TEXT("file_output.filename", file_output.filename, "", "That file; lines are appended."),
	BOOL("program_output.enabled", program_output.enabled, "false", "Alerts to the standard input of a program."),
	BOOL("program_output.keep_alive", program_output.keep_alive, "false", "One program for all alerts instead of one for each."),
	TEXT("program_output.program", program_output.program, "", "The program as a shell command."),
	BOOL("http_output.enabled", http_output.enabled, "false", "Alerts to an HTTP receiver."),
	VALUE(url, "http_output.url", http_output.url, "", "Its address."),
	TEXT("http_output.user_agent", http_output.user_agent, "falcosecurity/falco", "User-Agent of the requests."),
	BOOL("http_output.insecure", http_output.insecure, "false", "Do not verify the receiver's certificate."),
	TEXT("http_output.ca_cert", http_output.ca_cert, "", "CA that the receiver's certificate must be of."),
	TEXT("http_output.ca_bundle", http_output.ca_bundle, "", "Several of them in one file; counts if ca_cert is empty."),
	TEXT("http_output.ca_path", http_output.ca_path, "/etc/ssl/certs", "A directory of them; counts if both are empty."),
	BOOL("http_output.mtls", http_output.mtls, "false", "Show the receiver a certificate of ours."),
	TEXT("http_output.client_cert", http_output.client_cert, "/etc/ssl/certs/client.crt", "That certificate."),
	TEXT("http_output.client_key", http_output.client_key, "/etc/ssl/certs/client.key", "Its key."),
	BOOL("http_output.echo", http_output.echo, "false", "Print the receiver's answers on standard output."),
	BOOL("http_output.compress_uploads", http_output.compress_uploads, "false", "Compress requests."),
	BOOL("http_output.keep_alive", http_output.keep_alive, "false", "TCP keep-alive on the connection."),
	INT("http_output.max_consecutive_timeouts", http_output.max_consecutive_timeouts, "5", 0, 255, "How often a request that timed out is tried again."),
	BOOL("grpc_output.enabled", grpc_output, "true", "Alerts over gRPC, if grpc.enabled.", FIXED),
	BOOL("grpc.enabled", grpc.enabled, "false", "The gRPC server.", FIXED),
	TEXT("grpc.bind_address", grpc.bind_address, "0.0.0.0:5060", "Where it listens: unix:///PATH, without encryption, or HOST:PORT with mutual TLS.", FIXED),
	INT("grpc.threadiness", grpc.threadiness, "0", 0, 1024, "Threads that serve calls.", IDLE("one loop serves all calls")),
	TEXT("grpc.private_key", grpc.private_key, "/etc/falco/certs/server.key", "Key of the server's certificate."),
	TEXT("grpc.cert_chain", grpc.cert_chain, "/etc/falco/certs/server.crt", "The server's certificate."),
	TEXT("grpc.root_certs", grpc.root_certs, "/etc/falco/certs/ca.crt", "CA that clients' certificates must be of."),

	BOOL("log_stderr", log_stderr, "false", "The own log on standard error."),
	BOOL("log_syslog", log_syslog, "true", "The own log to syslog."),
	CHOICE("log_level", log_level, "info", setting_priorities, "Least severe lines of the own log."),
	BOOL("libs_logger.enabled", libs_logger.enabled, "true", "Log of the libraries below.", IDLE("log_level rules the whole log")),
	CHOICE("libs_logger.severity", libs_logger.severity, "info", severities, "Its least severe lines.", IDLE("log_level rules the whole log")),
	INT("output_timeout", output_timeout_ms, "2000", 0, INT32_MAX, "Milliseconds the outputs have at the end to deliver what waits."),
	INT("syscall_event_timeouts.max_consecutives", event_timeouts_max_consecutives, "1000", 1, INT32_MAX, "Waits without an event before an alert says so.", IDLE("only events that rules need are delivered, so silence is normal")),
	DOUBLE("syscall_event_drops.threshold", drops.threshold, "0.1", 0, 1, "Share of the events of a second that may be lost before something is done."),
	OWN(drop_actions, "syscall_event_drops.actions", "[\"log\", \"alert\"]", "What is done then: ignore, or any of log, alert and exit."),
	DOUBLE("syscall_event_drops.rate", drops.rate, "0.03333", 0, 1000000, "How often a second it may be done in the long run."),
	INT("syscall_event_drops.max_burst", drops.max_burst, "1", 0, INT32_MAX, "How often it may be done at once."),
	BOOL("syscall_event_drops.simulate_drops", drops.simulate_drops, "false", "Count losses that did not happen, to try the actions."),
	BOOL("webserver.enabled", webserver.enabled, "false", "Health and metrics over HTTP."),
	INT("webserver.threadiness", webserver.threadiness, "0", 0, 1024, "Threads that serve requests.", IDLE("one loop serves all requests")),
	INT("webserver.listen_port", webserver.listen_port, "8765", 0, 65535, "Its port."),
	VALUE(address, "webserver.listen_address", webserver.listen_address, "0.0.0.0", "Its address, not a name."),
	TEXT("webserver.k8s_healthz_endpoint", webserver.k8s_healthz_endpoint, "/healthz", "Path that answers whether the sensor works."),
	BOOL("webserver.prometheus_metrics_enabled", webserver.prometheus_metrics_enabled, "false", "Counters under /metrics, if metrics.enabled."),
	BOOL("webserver.ssl_enabled", webserver.ssl_enabled, "false", "HTTPS instead of HTTP."),
	TEXT("webserver.ssl_certificate", webserver.ssl_certificate, "/etc/falco/falco.pem", "Certificate and key in one file."),
	BOOL("metrics.enabled", metrics.enabled, "false", "Counters as regular snapshots, or over HTTP."),
	TEXT("metrics.interval", metrics.interval, "5000", "Time between snapshots: 30m, 1h30m; 100ms at least."),
	BOOL("metrics.output_rule", metrics.output_rule, "false", "Snapshots as internal alerts."),
	TEXT("metrics.output_file", metrics.output_file, "", "A file snapshots are appended to."),
	BOOL("metrics.rules_counters_enabled", metrics.rules_counters_enabled, "true", "Matches of rules."),
	BOOL("metrics.resource_utilization_enabled", metrics.resource_utilization_enabled, "true", "CPU and memory, of the program and the host."),
	BOOL("metrics.state_counters_enabled", metrics.state_counters_enabled, "true", "Processes and descriptors that are followed."),
	BOOL("metrics.kernel_event_counters_enabled", metrics.kernel_event_counters_enabled, "true", "Events and losses in the kernel."),
	BOOL("metrics.kernel_event_counters_per_cpu_enabled", metrics.kernel_event_counters_per_cpu_enabled, "true", "The same by CPU."),
	BOOL("metrics.kernel_iter_event_counters_enabled", metrics.kernel_iter_event_counters_enabled, "true", "Events of BPF iterators.", IDLE("no iterators are used")),
	BOOL("metrics.libbpf_stats_enabled", metrics.libbpf_stats_enabled, "true", "Runs and time of the kernel's programs."),
	BOOL("metrics.plugins_metrics_enabled", metrics.plugins_metrics_enabled, "true", "Counters of plugins: containers known, and those without an image."),
	BOOL("metrics.jemalloc_stats_enabled", metrics.jemalloc_stats_enabled, "true", "Counters of that allocator."),
	BOOL("metrics.convert_memory_to_mb", metrics.convert_memory_to_mb, "true", "Memory in megabytes in snapshots."),
	BOOL("metrics.include_empty_values", metrics.include_empty_values, "false", "Counters that are zero in snapshots as well."),

	OWN(engines, "container_engines.*", NULL, "Container runtimes by name: docker, podman or cri, each with `enabled` and `sockets`.", FIXED),
	INT("tiercel.containers.label_max_len", containers.label_max_len, "100", 0, 4096, "Labels with longer values are left out; 0 keeps all.", FIXED),
	INT("tiercel.containers.wait_ms", containers.wait_ms, "500", 0, 10000, "How long an event waits for what its container is; 0: not at all."),
	CHOICE("tiercel.processes", tiercel.processes, "two", processes, "One process, or the network in one of its own without privileges.", FIXED),
	TEXT("tiercel.user", tiercel.user, "nobody", "The user that process becomes.", FIXED),
	OWN(scope, "tiercel.scope", "none", "Watch only one process with its children, or one control group: pid:N or cgroup:/PATH.", FIXED),
	BOOL("tiercel.kernel_filter", tiercel.kernel_filter, "true", "Events that no rule can match end in the kernel; alerts are the same without.", FIXED),
	SIZE("tiercel.ring_size", tiercel.ring_bytes, "0", 0, 512 << 20, "Size of each CPU's ring, a power of two; 0: as buf_size_preset says.", FIXED),
	SIZE("tiercel.link_size", tiercel.link_bytes, "16M", 1 << 20, 512 << 20, "Size of the ring from the sensor to the network process, a power of two.", FIXED),
	INT("tiercel.stream_alerts", tiercel.stream_alerts, "65536", 16, 1 << 24, "Alerts kept in memory for subscribers that are behind.", FIXED),
	BOOL("tiercel.match_resolved_names", tiercel.match_resolved_names, "true", "Conditions also see what file names resolve to."),
	TEXTS("tiercel.listen", tiercel.listen, "More addresses of the gRPC server.", FIXED),
	DOUBLE("tiercel.alerts.rate", tiercel.alerts.rate, "0", 0, 1000000, "Alerts a second that each rule may raise in the long run; 0: any number. What is held back is counted."),
	INT("tiercel.alerts.burst", tiercel.alerts.burst, "1000", 1, 1 << 24, "And at once."),
	VALUE(duration, "tiercel.alerts.fold", tiercel.alerts.fold_ms, "0", "Alerts that are the same but for the time, of so long after the first, are counted, and an internal alert tells the count; 0: all go out."),
	OWN(outputs, "tiercel.outputs", NULL, "More outputs: each with `name`, `type` (file, program or http) and the keys of that output's section, those of `tiercel.http` included."),
	INT("tiercel.http.batch", http_output.batch, "1", 1, 10000, "Alerts that one request of http_output may bring, a line each (application/x-ndjson)."),
	BOOL("tiercel.http.spool", http_output.spool, "true", "What the receiver missed comes from the journal, in order, when it is back; also after a restart."),
	VALUE(duration, "tiercel.http.give_up", http_output.give_up_ms, "0", "How long an alert is tried for before the next one is; 0: until the receiver has it."),
	TEXT("tiercel.state_dir", tiercel.state_dir, "/var/lib/tiercel", "Directory of what outlives the program: the journal of alerts.", FIXED),
	BOOL("tiercel.journal.enabled", tiercel.journal.enabled, "true", "Keep alerts on disk, so that clients get what they missed.", FIXED),
	SIZE("tiercel.journal.max_size", tiercel.journal.max_bytes, "256M", 1 << 20, INT64_C(1) << 40, "Size of the journal, a power of two; the oldest alerts make room.", FIXED),
	VALUE(duration, "tiercel.journal.max_age", tiercel.journal.max_age_ms, "7d", "Age at which alerts leave the journal; 0: none.", FIXED),
	CHOICE("tiercel.tls.min_version", tiercel.tls.min_version, "1.2", tls_versions, "Oldest TLS version clients may use.", FIXED),
	BOOL("tiercel.tls.common_names", tiercel.tls.common_names, "false", "A certificate's common name is an identity where it has no other.", FIXED),
	TEXT("tiercel.tls.crl", tiercel.tls.crl, "", "PEM file of certificates that are revoked."),
	TEXT("tiercel.policy", tiercel.policy, "", "File that says who may call what (docs/grpc.md)."),
	OWN(socket_mode, "tiercel.socket.mode", "0660", "Permission bits of gRPC's unix sockets.", FIXED),
	OWN(socket_group, "tiercel.socket.group", "", "Group of gRPC's unix sockets, a name or number.", FIXED),
	INT("tiercel.limits.calls", tiercel.limits.calls, "1024", 1, 1 << 20, "gRPC calls open at once.", FIXED),
	INT("tiercel.limits.calls_per_identity", tiercel.limits.calls_per_identity, "256", 1, 1 << 20, "Those of one client identity.", FIXED),
	INT("tiercel.limits.message_bytes", tiercel.limits.message_bytes, "65536", 1024, 4 << 20, "Largest request.", FIXED),
	INT("tiercel.limits.handshake_ms", tiercel.limits.handshake_ms, "10000", 100, 120000, "Longest TLS handshake.", FIXED),
	INT("tiercel.limits.ping_ms", tiercel.limits.ping_ms, "10000", 100, 3600000, "Least time between a client's pings; faster ones end its connection.", FIXED),

	/* Of older versions (falco-compat.md 1.6). */
	OLD(texts, "rules_file", rules_files, "rules_files"),
	OLD(int, "syscall_buf_size_preset", engine.modern_ebpf.buf_size_preset, "engine.modern_ebpf.buf_size_preset", .min = 1, .max = 10),
	OLD(flag, "syscall_drop_failed_exit", engine.modern_ebpf.drop_failed_exit, "engine.modern_ebpf.drop_failed_exit"),
	OLD(int, "modern_bpf.cpus_for_each_syscall_buffer", engine.cpus_for_each_buffer, "engine.modern_ebpf.cpus_for_each_buffer", .max = INT32_MAX),
	GONE("outputs.rate"),
	GONE("outputs.max_burst"),
	GONE("webserver.k8s_audit_endpoint"),
	GONE("metadata_download.*"),
	GONE("aws_default_region"),
};
/* clang-format on */

const size_t settings_nrows = ARRAY_SIZE(settings_rows);
