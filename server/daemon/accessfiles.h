/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that say who may come in: certificate, key, CA, revocation list and policy. They are read on the
 * privileged side, because the network process could not, and checked before they are sent to it. Watched, a
 * change takes effect when all of them fit together; until then the last good ones stay. Control thread.
 */
#pragma once

#include <uv.h>

#include "base/diag.h"
#include "base/strbuf.h"
#include "link/control.h"

struct config;

struct access_paths { /* borrowed; empty: none. Without cert there is no TLS. */
	const char *cert, *key, *ca, *crl, *policy;
};

struct access_texts {
	struct strbuf cert, key, ca, crl, policy;
};

/* Changes when a file is replaced, written, added or removed. */
uint64_t access_fingerprint(const struct access_paths *paths);
/* 0 with all texts, checked; -EINVAL with the fault in d; -ENOMEM. ret: access_texts_done in each case. */
int access_read(const struct access_paths *paths, struct access_texts *ret, struct diag *d);
/* The texts' part of the message; borrowed. */
void access_fill(const struct access_paths *paths, const struct access_texts *texts,
		 struct control_access *ret);
void access_texts_done(struct access_texts *t);

struct access_watch;

struct access_watch_options {
	uv_loop_t *loop;
	struct access_paths paths;
	/* All files are good and differ from the last ones. */
	void (*changed)(const struct access_texts *texts, void *ctx);
	/* They do not fit, and have not changed for a while; once for each state of the files. */
	void (*faulty)(struct str text, void *ctx);
	void *ctx;
};

/* Reads the files, which must be good: as access_read. */
int access_watch_start(const struct access_watch_options *options, struct access_watch **ret,
		       struct diag *d);
/* The last good ones. */
const struct access_texts *access_watch_texts(const struct access_watch *w);
/* Its handle closes with the loop. Returns NULL. */
struct access_watch *access_watch_stop(struct access_watch *w);
