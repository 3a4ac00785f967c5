/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runtimes behind their sockets: which are there, which answer, and what they tell by themselves. A socket that
 * fails is left alone for a time that doubles; one that appears, also where a pattern was given, is taken up. One
 * thread.
 */
#pragma once

#include <limits.h>
#include <sys/types.h>

#include "runtime/http.h"
#include "runtime/info.h"
#include "runtime/runtime.h"

struct peers;

struct peer {
	struct peers *all;
	enum runtime_kind kind;
	char path[256];
	char type[32];				  /* as container.type says it */
	uid_t uid;				  /* who made the socket */
	ino_t ino;				  /* of the socket when last looked */
	bool there, streaming, no_events, logged; /* that it fails */
	unsigned running;			  /* requests */
	unsigned failures;			  /* in a row */
	uint64_t not_before_ns, logged_ns;
};

struct peers_options {
	const struct runtime_socket *patterns; /* borrowed, as is host_root */
	size_t npatterns;
	const char *host_root;
	size_t label_max_len;
	struct http *http;
	/* An event: a container begins. partial: what the event itself tells; NULL: nothing. */
	void (*heard)(void *ctx, struct peer *p, struct str full_id, const struct info *partial);
	void (*appeared)(void *ctx);
	void *ctx;
};

struct peers {
	struct peers_options o;
	struct peer list[32];
	size_t n;
	uint64_t next_look_ns;
	_Atomic uint64_t failures; /* any thread */
};

/* Looks for sockets when it is time to; returns when it will be again. */
uint64_t peers_look(struct peers *ps, uint64_t now_ns);
/*
 * Whether it may be asked now, for a container of that user (0: of the system). Who can make a socket can answer
 * what he likes: a user's runtime is believed of that user's containers only.
 */
bool peer_usable(const struct peer *p, uid_t owner, uint64_t now_ns);
/* After a request: it failed (logged once, counted), or was answered. */
void peer_failed(struct peer *p);
void peer_works(struct peer *p);
