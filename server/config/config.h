/* SPDX-License-Identifier: Apache-2.0 */
/*
 * falco.yaml as typed settings (falco-compat.md 1). Loading is done on one thread; the result is immutable,
 * counted, and may be read by all. Every text and list lives as long as the configuration.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/str.h"

enum { CONFIG_E_INVALID = 1 }; /* a fault in what the user wrote: report->error says which */

enum { CONFIG_WARNINGS_MAX = 256 };

/* Zeroed is empty. The caller prints it and calls config_report_done. */
struct config_report {
	struct diag *warnings;
	size_t nwarnings;
	size_t unshown; /* warnings beyond CONFIG_WARNINGS_MAX, or lost to a lack of memory */
	struct diag error;
};

void config_report_done(struct config_report *r);

struct config_texts {
	const struct str *items; /* each terminated as well */
	size_t n;
};

struct config_selection { /* one step of `rules:` */
	bool enable;
	struct str rule; /* wildcard; empty: not given */
	struct str tag;
};

struct config_extra_field {
	struct str key;
	struct str format; /* ptr NULL: the raw value of the field `key` */
};

struct config_append_output {
	struct str rule, source; /* empty: any */
	struct config_texts tags;
	struct str extra_output;
	const struct config_extra_field *fields;
	size_t nfields;
	bool suggested_output;
};

struct config_plugin {
	struct str name, library_path, init_config,
		open_params; /* init_config: text, or JSON of a map */
};

struct config_pair {
	struct str key, value;
};

enum config_engine {
	CONFIG_ENGINE_KMOD,
	CONFIG_ENGINE_EBPF,
	CONFIG_ENGINE_MODERN_EBPF,
	CONFIG_ENGINE_REPLAY,
	CONFIG_ENGINE_GVISOR,
	CONFIG_ENGINE_NODRIVER,
};

enum config_matching { CONFIG_MATCH_FIRST, CONFIG_MATCH_ALL };
enum config_capture_mode { CONFIG_CAPTURE_RULES, CONFIG_CAPTURE_ALL_RULES };
enum config_drop_action { CONFIG_DROP_LOG = 1, CONFIG_DROP_ALERT = 2, CONFIG_DROP_EXIT = 4 };
enum config_scope { CONFIG_SCOPE_NONE, CONFIG_SCOPE_PID, CONFIG_SCOPE_CGROUP };
enum config_processes { CONFIG_PROCESSES_ONE = 1, CONFIG_PROCESSES_TWO = 2 };

/* Container runtimes that may be asked. */
enum config_runtime {
	CONFIG_DOCKER,
	CONFIG_PODMAN,
	CONFIG_CRI,
	CONFIG_CONTAINERD, /* beside those that are asked as CRI */
	CONFIG_RUNTIMES
};

struct config_engine_buffers {
	int buf_size_preset; /* 1..10: 1, 2, 4 ... 512 MiB */
	bool drop_failed_exit;
};

struct config_http {
	bool enabled;
	const char *url, *user_agent;
	bool insecure;
	const char *ca_cert, *ca_bundle, *ca_path; /* the first that is not empty counts */
	bool mtls;
	const char *client_cert, *client_key;
	bool echo, compress_uploads, keep_alive;
	int max_consecutive_timeouts;
	int batch;	     /* alerts of one request */
	bool spool;	     /* what it missed comes from the journal */
	uint64_t give_up_ms; /* 0: never */
};

enum config_output_type { CONFIG_OUTPUT_FILE, CONFIG_OUTPUT_PROGRAM, CONFIG_OUTPUT_HTTP };

/* One more output beside those of Falco's keys. */
struct config_output {
	int type; /* enum config_output_type */
	const char *name;
	const char *filename, *program; /* of their types */
	bool keep_alive;
	struct config_http http;
};

enum { CONFIG_OUTPUTS_MAX = 16 };

struct config {
	struct config_texts files; /* what was read, the main file first */
	struct config_texts
		watched; /* files and directories that are read when they exist; the main file first */
	const uint64_t *marks; /* of the settings, for config_changes */
	bool watch_config_files;
	struct config_texts rules_files; /* files and directories, as written */
	const struct config_selection *rules;
	size_t nrules;

	struct {
		int kind; /* enum config_engine */
		struct config_engine_buffers kmod, ebpf, modern_ebpf;
		const char *ebpf_probe;
		int cpus_for_each_buffer; /* 0: one buffer for all */
		bool disable_iterators;
		const char *capture_file;
		const char *gvisor_config, *gvisor_root;
	} engine;
	struct {
		bool enabled;
		const char *path_prefix;
		int mode; /* enum config_capture_mode */
		int default_duration_ms;
	} capture;
	const struct config_plugin *plugins; /* those to be loaded, in order of load_plugins */
	size_t nplugins;
	bool plugins_hostinfo;
	struct {
		struct config_texts custom_set;
		bool repair, all;
	} base_syscalls;
	struct {
		int thread_table_size;
		int auto_purging_interval_s, auto_purging_thread_timeout_s;
		int snaplen;
	} falco_libs;

	int priority;	   /* 0 emergency ... 7 debug: least severe rule that is loaded */
	int rule_matching; /* enum config_matching */
	bool json_output;
	bool json_include_output_property;
	bool json_include_message_property;
	bool json_include_output_fields_property;
	bool json_include_tags_property;
	bool time_format_iso_8601;
	bool buffer_format_base64;
	bool buffered_outputs;
	int outputs_queue_capacity; /* 0: LIMIT_QUEUE */
	const struct config_append_output *append_output;
	size_t nappend_output;
	const struct config_pair *static_fields;
	size_t nstatic_fields;

	struct {
		bool enabled;
	} stdout_output, syslog_output;
	struct {
		bool enabled, keep_alive;
		const char *filename;
	} file_output;
	struct {
		bool enabled, keep_alive;
		const char *program;
	} program_output;
	struct config_http http_output;
	bool grpc_output; /* counts only when grpc.enabled */
	struct {
		bool enabled;
		const char *bind_address; /* unix:///path or host:port */
		int threadiness;	  /* 0: as many as CPUs */
		const char *private_key, *cert_chain, *root_certs;
	} grpc;

	bool log_stderr, log_syslog;
	int log_level; /* 0 emergency ... 7 debug */
	struct {
		bool enabled;
		int severity; /* 0 fatal ... 7 trace */
	} libs_logger;
	int output_timeout_ms;
	int event_timeouts_max_consecutives;
	struct {
		double threshold; /* 0..1 */
		unsigned actions; /* enum config_drop_action; 0: ignore */
		double rate;
		int max_burst;
		bool simulate_drops;
	} drops;
	struct {
		bool enabled;
		int threadiness;
		int listen_port;
		const char *listen_address;
		const char *k8s_healthz_endpoint;
		bool prometheus_metrics_enabled;
		bool ssl_enabled;
		const char *ssl_certificate;
	} webserver;
	struct {
		bool enabled;
		const char *interval;
		uint64_t interval_ms; /* of interval; 0 when it is not a duration */
		bool output_rule;
		const char *output_file;
		bool rules_counters_enabled, resource_utilization_enabled, state_counters_enabled;
		bool kernel_event_counters_enabled, kernel_event_counters_per_cpu_enabled;
		bool kernel_iter_event_counters_enabled;
		bool libbpf_stats_enabled, plugins_metrics_enabled, jemalloc_stats_enabled;
		bool convert_memory_to_mb, include_empty_values;
	} metrics;

	/* container_engines.*, the container plugin's init_config, and our own setting. */
	struct {
		bool disabled[CONFIG_RUNTIMES];
		struct config_texts sockets[CONFIG_RUNTIMES]; /* none: the usual ones */
		int label_max_len;			      /* 0: no limit */
		int wait_ms; /* events wait so long for what their container is; 0: not at all */
	} containers;

	/* Ours. */
	struct {
		int processes;	  /* enum config_processes */
		const char *user; /* of the network process */
		int scope;	  /* enum config_scope: what the probe watches */
		int scope_pid;
		const char *scope_cgroup;
		uint64_t ring_bytes; /* per CPU; 0: as buf_size_preset says */
		uint64_t link_bytes;
		bool kernel_filter;	    /* events that no rule can match end in the kernel */
		int stream_alerts;	    /* kept in memory for subscribers */
		bool match_resolved_names;  /* ARCHITECTURE.md, decision 6 */
		struct config_texts listen; /* more gRPC addresses beside grpc.bind_address */
		struct {
			int min_version;   /* 12 or 13 */
			bool common_names; /* a common name is an identity */
			const char *crl;   /* PEM file; empty: none */
		} tls;
		const char *policy; /* who may call what; empty: no policy */
		struct {
			int mode;
			bool has_group;
			uint32_t group;
		} socket; /* unix sockets of gRPC */
		struct {
			int calls, calls_per_identity; /* open at once */
			int message_bytes;	       /* of one request */
			int handshake_ms, ping_ms; /* longest handshake, least time between pings */
		} limits;
		struct {
			double rate; /* a second, of each rule; 0: any */
			int burst;
			uint64_t fold_ms; /* 0: nothing is folded */
		} alerts;
		const struct config_output *outputs;
		size_t noutputs;
		const char *state_dir; /* what outlives the program: the journal */
		struct {
			bool enabled;
			uint64_t max_bytes;
			uint64_t max_age_ms; /* 0: no bound */
		} journal;
	} tiercel;
};

/*
 * path NULL: /etc/falco/falco.yaml, else /etc/tiercel/tiercel.yaml, else built-in settings (standard
 * output, no files read). overrides: `key=value` as given with -o, in order. 0; CONFIG_E_INVALID; -ENOMEM.
 * Warnings are in the report in each case.
 */
int config_load(const char *path, const char *const *overrides, size_t noverrides,
		struct config **ret, struct config_report *report);

/* The same, and adds to *out what settings_dump of describe.h shows of it. */
int config_dump(const char *path, const char *const *overrides, size_t noverrides, bool as_json,
		struct strbuf *out, struct config_report *report);

/* Adds the keys, separated by commas, whose new value counts only from the next start on. */
void config_changes(const struct config *from, const struct config *to, struct strbuf *out);

struct config *config_ref(struct config *c);
struct config *config_unref(struct config *c); /* any thread; returns NULL */

/* A priority's number 0..7 by its word, any case; info = informational. -EINVAL. */
int config_priority(struct str word, int *ret);
/* Prometheus durations: 1h30m, 500ms. -EINVAL; -ERANGE. */
int config_duration_ms(struct str text, uint64_t *ret);
