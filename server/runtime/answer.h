/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of container runtimes read into struct info. What they say is hostile: sizes and nesting are
 * bounded (jansson's own depth limit), missing and mistyped members are as if they were not there. Pure.
 */
#pragma once

#include "runtime/info.h"

/* Longer labels are dropped; 0: none is. */
struct answer_limits {
	size_t label_max_len;
};

/* docker.c: GET /containers/ID/json of Docker and podman. -EBADMSG; -ENOMEM. */
int docker_read_inspect(struct str json, const struct answer_limits *l, struct arena *a,
			struct info *ret);
/*
 * One line of GET /events. False: not about a container that begins. The id, and what the event itself tells
 * (name, image, labels), which is all there will be when the container is gone before it can be asked for.
 */
bool docker_read_event(struct str json, const struct answer_limits *l, struct arena *a,
		       struct str *ret_id, struct info *ret);

/* cri.c: messages of CRI v1. Requests are appended with gRPC's five bytes in front. */
void cri_write_status(struct str id, struct strbuf *out);
void cri_write_sandbox(struct str id, struct strbuf *out);
void cri_write_version(struct strbuf *out);
void cri_write_events(struct strbuf *out);
/* Takes one framed message off the front of *s. False: it is not complete. -EBADMSG in *ret_r: it never will. */
bool cri_next_message(struct str *s, struct str *ret_message, int *ret_r);
int cri_read_version(struct str message, struct arena *a, struct str *ret_name);
/* The container, of whose pod only the id is known afterwards (sandbox_id, may be empty). */
int cri_read_status(struct str message, const struct answer_limits *l, struct arena *a,
		    struct info *ret);
/* The pod: adds its part to *in. alone: the container asked for is the pod's own. */
int cri_read_sandbox(struct str message, const struct answer_limits *l, bool alone, struct arena *a,
		     struct info *in);
bool cri_read_event(struct str message, struct arena *a, struct str *ret_id);

/* json.c: what both have in common. */
struct json_t;
struct str answer_text(const struct json_t *object, const char *key, struct arena *a);
int answer_labels(const struct json_t *object, const struct answer_limits *l, struct arena *a,
		  struct info_pair **ret, size_t *ret_n);
/* The words of a list joined by blanks. */
struct str answer_words(const struct json_t *list, size_t from, struct arena *a);
/* Parses with bounds; NULL: nothing usable. Free with json_decref. */
struct json_t *answer_parse(struct str json);
/* Command lines of liveness and readiness probes out of the pod's manifest that kubectl keeps in a label. */
void answer_probes(struct info *in, struct arena *a);
