/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration handed to the modules: each gets its own settings and knows nothing of falco.yaml. */
#pragma once

#include "config/config.h"
#include "daemon/dropwatch.h"
#include "daemon/pipeline.h"
#include "daemon/sink.h"
#include "runtime/runtime.h"
#include "source/bpf.h"

/* The hostname: FALCO_HOSTNAME, its old alias, or the host's. */
void settings_alert(const struct config *c, struct alert_settings *ret);
void settings_pipeline(const struct config *c, const struct alert_settings *alert,
		       struct pipeline_options *ret);
void settings_probe(const struct config *c, struct bpf_options *ret);
struct drop_policy settings_drops(const struct config *c);
/* -EINVAL with *diag when the cgroup does not exist. */
int settings_scope(const struct config *c, struct bpf_options *ret, struct diag *diag);
/* The wanted channels: those of the old ones that are as wanted, and others, started. -ENOMEM with *diag. */
int settings_channels(const struct config *c, const struct outlets *old, struct outlets *ret,
		      struct diag *diag);
struct settings_receiver {
	const char *name;
	const struct config_http *http;
};

enum { SETTINGS_RECEIVERS = CONFIG_OUTPUTS_MAX + 1 };

/* Those that are enabled; their number. ret: SETTINGS_RECEIVERS. */
size_t settings_receivers(const struct config *c, struct settings_receiver *ret);
void settings_log(const struct config *c);
struct pipeline_manner settings_manner(const struct config *c);
/* HOST_ROOT, or "". */
const char *settings_host_root(void);
/* Sockets and limits for runtime_start; at most n sockets go to `sockets`. */
void settings_runtime(const struct config *c, struct runtime_socket *sockets, size_t n,
		      struct runtime_options *ret);
