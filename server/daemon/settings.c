/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration handed to the modules; see settings.h. */
#include "daemon/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "output/output.h"

void settings_alert(const struct config *c, struct alert_settings *ret)
{
	const char *name = getenv("FALCO_HOSTNAME");

	if (!name || !*name)
		name = getenv("FALCO_GRPC_HOSTNAME");
	*ret = (struct alert_settings){
		.json_output = c->json_output,
		.json_include_output_property = c->json_include_output_property,
		.json_include_message_property = c->json_include_message_property,
		.json_include_output_fields_property = c->json_include_output_fields_property,
		.json_include_tags_property = c->json_include_tags_property,
		.time_format_iso_8601 = c->time_format_iso_8601,
	};
	if (name && *name)
		snprintf(ret->hostname, sizeof(ret->hostname), "%s", name);
	else
		gethostname(ret->hostname, sizeof(ret->hostname) - 1);
}

static struct throttle_settings throttle_of(const struct config *c)
{
	return (struct throttle_settings){ .rate = c->tiercel.alerts.rate,
					   .burst = c->tiercel.alerts.burst,
					   .fold_ns = c->tiercel.alerts.fold_ms * NS_PER_MS };
}

void settings_pipeline(const struct config *c, const struct alert_settings *alert,
		       struct pipeline_options *ret)
{
	*ret = (struct pipeline_options){
		.alert = alert,
		.hostname = alert->hostname,
		.max_threads = (size_t)c->falco_libs.thread_table_size,
		.match_all = c->rule_matching == CONFIG_MATCH_ALL,
		.first_seq = 1,
		.throttle = throttle_of(c),
		.wait_ns = (uint64_t)c->containers.wait_ms * 1000000,
	};
}

void settings_probe(const struct config *c, struct bpf_options *ret)
{
	int preset = c->engine.modern_ebpf.buf_size_preset;

	ret->self = getpid();
	ret->snap = (size_t)c->falco_libs.snaplen;
	ret->ring_bytes = c->tiercel.ring_bytes ? (size_t)c->tiercel.ring_bytes
						: (size_t)1 << (20 + preset - 1);
}

struct drop_policy settings_drops(const struct config *c)
{
	return (struct drop_policy){ .threshold = c->drops.threshold,
				     .actions = c->drops.actions,
				     .rate = c->drops.rate,
				     .burst = c->drops.max_burst,
				     .simulate = c->drops.simulate_drops };
}

int settings_scope(const struct config *c, struct bpf_options *ret, struct diag *diag)
{
	struct stat st;

	switch ((enum config_scope)c->tiercel.scope) {
	case CONFIG_SCOPE_NONE: ret->scope = SCOPE_ALL; return 0;
	case CONFIG_SCOPE_PID:
		ret->scope = SCOPE_PID;
		ret->scope_id = (uint64_t)c->tiercel.scope_pid;
		return 0;
	case CONFIG_SCOPE_CGROUP: break;
	}
	/* The id of a cgroup is the inode number of its directory (cgroup v2). */
	if (stat(c->tiercel.scope_cgroup, &st) < 0 || !S_ISDIR(st.st_mode)) {
		diag_set(diag, "tiercel.scope: %s is not a cgroup directory",
			 c->tiercel.scope_cgroup);
		return -EINVAL;
	}
	ret->scope = SCOPE_CGROUP;
	ret->scope_id = st.st_ino;
	return 0;
}

static size_t wanted_channels(const struct config *c, struct output_settings *ret)
{
	const struct {
		bool enabled;
		struct output_settings settings;
	} rows[] = {
		{ c->stdout_output.enabled, { .ops = &output_stdout } },
		{ c->file_output.enabled,
		  { .ops = &output_file,
		    .target = c->file_output.filename,
		    .keep_alive = c->file_output.keep_alive } },
		{ c->syslog_output.enabled, { .ops = &output_syslog, .target = "falco" } },
		{ c->program_output.enabled,
		  { .ops = &output_program,
		    .target = c->program_output.program,
		    .keep_alive = c->program_output.keep_alive } },
	};
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!rows[i].enabled)
			continue;
		ret[n++] = rows[i].settings;
	}
	for (size_t i = 0; i < c->tiercel.noutputs; i++) {
		const struct config_output *o = &c->tiercel.outputs[i];
		bool file = o->type == CONFIG_OUTPUT_FILE;

		if (o->type != CONFIG_OUTPUT_HTTP)
			ret[n++] = (struct output_settings){
				.ops = file ? &output_file : &output_program,
				.name = o->name,
				.target = file ? o->filename : o->program,
				.keep_alive = o->keep_alive,
			};
	}
	for (size_t i = 0; i < n; i++) {
		ret[i].capacity = (size_t)c->outputs_queue_capacity;
		ret[i].retry_ms = (unsigned)c->output_timeout_ms;
	}
	return n;
}

static struct channel *find_channel(const struct outlets *o, const struct output_settings *s)
{
	for (size_t i = 0; i < o->n; i++) {
		if (channel_is(o->channels[i], s))
			return o->channels[i];
	}
	return NULL;
}

int settings_channels(const struct config *c, const struct outlets *old, struct outlets *ret,
		      struct diag *diag)
{
	struct output_settings wanted[SINK_CHANNELS];
	size_t n = wanted_channels(c, wanted);
	struct outlets o = { 0 }, fresh = { 0 };

	for (size_t i = 0; i < n; i++) {
		struct channel *channel = find_channel(old, &wanted[i]);

		if (!channel) {
			channel = channel_start(&wanted[i]);
			fresh.channels[fresh.n] = channel;
			fresh.n += channel != NULL;
		}
		if (!channel) {
			diag_set(diag, "output %s could not be started", wanted[i].ops->name);
			while (fresh.n)
				channel_retire(fresh.channels[--fresh.n]);
			return -ENOMEM;
		}
		o.channels[o.n++] = channel;
	}
	*ret = o;
	return 0;
}

void settings_log(const struct config *c)
{
	log_init(&(struct log_settings){
		.level = (enum log_level)c->log_level,
		.to_stderr = c->log_stderr,
		.to_syslog = c->log_syslog,
		.iso_8601 = c->time_format_iso_8601,
	});
}

struct pipeline_manner settings_manner(const struct config *c)
{
	struct pipeline_manner m = {
		.match_all = c->rule_matching == CONFIG_MATCH_ALL,
		.wait_ns = (uint64_t)c->containers.wait_ms * 1000000,
		.throttle = throttle_of(c),
	};

	settings_alert(c, &m.alert);
	return m;
}

size_t settings_receivers(const struct config *c, struct settings_receiver *ret)
{
	size_t n = 0;

	if (c->http_output.enabled)
		ret[n++] = (struct settings_receiver){ "http_output", &c->http_output };
	for (size_t i = 0; i < c->tiercel.noutputs; i++) {
		if (c->tiercel.outputs[i].type == CONFIG_OUTPUT_HTTP)
			ret[n++] = (struct settings_receiver){ c->tiercel.outputs[i].name,
							       &c->tiercel.outputs[i].http };
	}
	return n;
}

const char *settings_host_root(void)
{
	const char *root = getenv("HOST_ROOT");

	return root ? root : "";
}

void settings_runtime(const struct config *c, struct runtime_socket *sockets, size_t n,
		      struct runtime_options *ret)
{
	static const struct {
		enum runtime_kind kind;
		enum config_runtime config;
		bool usual; /* has usual sockets: containerd's are among those of CRI */
	} rows[] = {
		{ RUNTIME_DOCKER, CONFIG_DOCKER, true },
		{ RUNTIME_PODMAN, CONFIG_PODMAN, true },
		{ RUNTIME_CRI, CONFIG_CRI, true },
		{ RUNTIME_CRI, CONFIG_CONTAINERD, false },
	};
	size_t used = 0;

	for (size_t row = 0; row < ARRAY_SIZE(rows); row++) {
		const struct config_texts *own = &c->containers.sockets[rows[row].config];
		bool usual = rows[row].usual && !own->n;

		if (c->containers.disabled[rows[row].config])
			continue;
		for (size_t i = 0; i < own->n && used < n; i++)
			sockets[used++] = (struct runtime_socket){ rows[row].kind,
								   own->items[i].ptr };
		for (size_t i = 0; usual && i < runtime_default_nsockets && used < n; i++)
			if (runtime_default_sockets[i].kind == rows[row].kind)
				sockets[used++] = runtime_default_sockets[i];
	}
	*ret = (struct runtime_options){
		.sockets = sockets,
		.nsockets = used,
		.host_root = settings_host_root(),
		.label_max_len = (size_t)c->containers.label_max_len,
		.wait_ns = (uint64_t)c->containers.wait_ms * 1000000,
	};
}
