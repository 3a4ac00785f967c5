/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of container runtimes read into struct info. What they say is hostile: sizes and nesting are
 * bounded (jansson's own depth limit), missing and mistyped members are as if they were not there. Pure.
 */
#pragma once

#include "runtime/info.h"

/* What a runtime tells by itself. */
enum peer_event { PEER_MADE, PEER_STARTED, PEER_STOPPED, PEER_GONE };
struct peer_news {
	enum peer_event what;
	struct str full_id, space;  /* containerd's namespace; may be empty */
	const struct info *partial; /* or NULL */
};

/* Longer labels are dropped; 0: none is. */
struct answer_limits {
	size_t label_max_len;
};

/* docker.c: GET /containers/ID/json of Docker and podman. -EBADMSG; -ENOMEM. */
int docker_read_inspect(struct str json, const struct answer_limits *l, struct arena *a,
			struct info *ret);
/*
 * One line of GET /events. False: not about a container that begins or ends. The id, and what the event itself
 * tells (name, image, labels), which is all there will be when the container is gone before it can be asked for:
 * news and *partial, which it points to, if there is any.
 */
bool docker_read_event(struct str json, const struct answer_limits *l, struct arena *a,
		       struct peer_news *ret, struct info *partial);

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
bool cri_read_event(struct str message, struct arena *a, struct peer_news *ret);

/* containerd.c: its own API, of which CRI is only one user. */
void containerd_write_subscribe(struct strbuf *out);
void containerd_write_get(struct str id, struct strbuf *out);
/* False: not about a container that begins or ends, or Docker's, which tells more itself. */
bool containerd_read_event(struct str message, struct arena *a, struct peer_news *ret);
/* Of a container of CRI's it is a part. */
int containerd_read_container(struct str message, const struct answer_limits *l, struct arena *a,
			      struct info *ret);

/* What all have in common. */
struct json_t;
struct ProtobufCMessage;
void answer_frame(const struct ProtobufCMessage *m,
		  struct strbuf *out); /* cri.c: gRPC's five bytes in front */
void json_freep(struct json_t **j);
struct str answer_text(const struct json_t *object, const char *key, struct arena *a);
int answer_labels(const struct json_t *object, const struct answer_limits *l, struct arena *a,
		  struct info_pair **ret, size_t *ret_n);
/* Shortened where it is too long; of NULL the empty text. */
struct str answer_keep(const char *z, struct arena *a);
/* sha256:... as the image itself is only an id. */
bool answer_is_digest(struct str image);
/* CRI's number of it as mount(8) says it. */
struct str answer_propagation(unsigned number);
/* The words of a list joined by blanks. */
struct str answer_words(const struct json_t *list, size_t from, struct arena *a);
/* Parses with bounds; NULL: nothing usable. Free with json_decref. */
struct json_t *answer_parse(struct str json);
/* Command lines of liveness and readiness probes out of the pod's manifest that kubectl keeps in a label. */
void answer_probes(struct info *in, struct arena *a);
