/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runtimes behind their sockets: which are there, which answer, and what they tell by themselves. A socket that
 * fails is left alone for a time that doubles; one that appears, also where a pattern was given, is taken up. One
 * thread.
 */
#pragma once

#include <limits.h>
#include <sys/types.h>

#include "runtime/answer.h"
#include "runtime/http.h"
#include "runtime/runtime.h"

struct peers;

struct peer {
	struct peers *all;
	enum runtime_kind kind;
	char path[256];
	char type[32]; /* as container.type says it */
	uid_t uid;     /* who made the socket */
	ino_t ino;     /* of the socket when last looked; and, as numbers are used again, */
	struct timespec changed;
	bool there, logged;		   /* logged: that it fails */
	bool told_version, asking_version; /* CRI */
	unsigned running;		   /* requests */
	unsigned failures;		   /* in a row */
	unsigned refusals;		   /* in a row: errors of its own */
	uint64_t not_before_ns, logged_ns;
	/* The stream of its events. */
	bool streaming, no_native, no_events;
	unsigned stream_failures;
	uint64_t listen_after_ns;
};

struct peers_options {
	const struct runtime_socket *patterns; /* borrowed, as is host_root */
	size_t npatterns;
	const char *host_root;
	size_t label_max_len;
	struct http *http;
	/* An event: a container begins or ends. */
	void (*heard)(void *ctx, struct peer *p, const struct peer_news *news);
	void (*appeared)(void *ctx);
	void *ctx;
};

struct peers {
	struct peers_options o;
	struct peer list[32];
	size_t n;
	uint64_t next_look_ns;
	_Atomic uint64_t asked[RUNTIME_KINDS], failed[RUNTIME_KINDS]; /* any thread */
};

/*
 * Looks for sockets when it is time to, which is sooner when there is a question: it may be about the first container
 * of a runtime that has just come. Returns when it will be again.
 */
uint64_t peers_look(struct peers *ps, uint64_t now_ns, bool question);
/*
 * Whether it may be asked at that time, for a container of that user (0: of the system). Who can make a socket can
 * answer what he likes: a user's runtime is believed of that user's containers only.
 */
bool peer_usable(const struct peer *p, uid_t owner, uint64_t when_ns);
bool peer_is_containerd(const struct peer *p);
/* A request: it is made; it failed (logged once, counted); the runtime had an error of its own; it was answered. */
void peer_asked(struct peer *p);
void peer_failed(struct peer *p);
void peer_refused(struct peer *p);
void peer_works(struct peer *p);
