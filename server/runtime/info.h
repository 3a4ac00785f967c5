/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of one container: the form in which a runtime's answer travels as a CONTAINER_INFO record and
 * is kept by the state. Texts are an attacker's: whoever names a container, a label or an image chose them.
 * Pure; any thread.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/strbuf.h"

struct info_pair {
	struct str key, value;
};

struct info_mount {
	struct str source, dest, mode, propagation;
	bool rdwr;
};

enum info_flag { INFO_UNKNOWN, INFO_NO, INFO_YES };
enum info_probe { PROBE_HEALTH, PROBE_LIVENESS, PROBE_READINESS, PROBES };

enum {
	INFO_PAIRS_MAX = 256, /* labels of a container or of a pod */
	INFO_MOUNTS_MAX = 256,
	INFO_TEXT_MAX = 4096,
	INFO_BYTES_MAX = 48 << 10, /* of the JSON text: it has to fit into a record */
};

/* Texts without ptr: not known. Empty: known to be nothing. */
struct info {
	struct str full_id, type, name;
	struct str image, image_id, repository, tag, digest; /* the third and fourth from `image` */
	struct str ip, cni_json, user;
	struct str pod_name, ns_name, pod_uid, sandbox_id;
	struct str probes[PROBES]; /* command lines, words joined by blanks */
	enum info_flag privileged, host_pid, host_network, host_ipc;
	bool sandbox; /* it is the pod's own container */
	bool partial; /* more is to come, or there was no more to be had */
	bool gone;    /* removed; nothing else is told */
	struct info_pair *labels, *pod_labels;
	size_t nlabels, npod_labels;
	struct info_mount *mounts;
	size_t nmounts;
};

/* Appends the JSON text, at most INFO_BYTES_MAX: long lists are left out where it would be more. */
void info_print(const struct info *in, struct strbuf *out);
/* Everything is copied into the arena. -EBADMSG: not such a text. -ENOMEM. */
int info_parse(struct str json, struct arena *a, struct info *ret);
/* repository:tag@digest into its parts; parts that are absent are empty. */
void info_split_image(struct str image, struct str *ret_repository, struct str *ret_tag,
		      struct str *ret_digest);
/* By key; ptr NULL when there is none. */
struct str info_pair_find(const struct info_pair *pairs, size_t n, struct str key);
/* Pod fields from the labels that Kubernetes sets, where they are not known yet. */
void info_take_pod_labels(struct info *in);
