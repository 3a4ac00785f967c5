/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of runtime/: which member of struct info is which key of its JSON text. */
#pragma once

#include <stddef.h>

#include "runtime/info.h"

static const struct {
	const char *key;
	size_t offset;
} texts[] = {
	{ "full_id", offsetof(struct info, full_id) },
	{ "type", offsetof(struct info, type) },
	{ "name", offsetof(struct info, name) },
	{ "image", offsetof(struct info, image) },
	{ "image_id", offsetof(struct info, image_id) },
	{ "digest", offsetof(struct info, digest) },
	{ "ip", offsetof(struct info, ip) },
	{ "user", offsetof(struct info, user) },
	{ "pod_name", offsetof(struct info, pod_name) },
	{ "ns_name", offsetof(struct info, ns_name) },
	{ "pod_uid", offsetof(struct info, pod_uid) },
	{ "sandbox_id", offsetof(struct info, sandbox_id) },
	{ "healthcheck", offsetof(struct info, probes[PROBE_HEALTH]) },
	{ "liveness", offsetof(struct info, probes[PROBE_LIVENESS]) },
	{ "readiness", offsetof(struct info, probes[PROBE_READINESS]) },
	{ "cni", offsetof(struct info, cni_json) },
};

static const struct {
	const char *key;
	size_t offset;
} flags[] = {
	{ "privileged", offsetof(struct info, privileged) },
	{ "host_pid", offsetof(struct info, host_pid) },
	{ "host_network", offsetof(struct info, host_network) },
	{ "host_ipc", offsetof(struct info, host_ipc) },
};

/* Said only when true. */
static const struct {
	const char *key;
	size_t offset;
} marks[] = {
	{ "sandbox", offsetof(struct info, sandbox) },
	{ "partial", offsetof(struct info, partial) },
	{ "gone", offsetof(struct info, gone) },
};

/* Members of a struct info by row. */
#define TEXT_AT(in, i) ((struct str *)(void *)((char *)(in) + texts[i].offset))
#define FLAG_AT(in, i) ((enum info_flag *)(void *)((char *)(in) + flags[i].offset))
#define MARK_AT(in, i) ((bool *)(void *)((char *)(in) + marks[i].offset))
