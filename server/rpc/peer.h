/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is calling. A peer of a unix socket is its user; one that showed a certificate is its SPIFFE id, else
 * its first DNS name, else (only if allowed) its common name, else the certificate itself. Loop thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <grpc/grpc.h>

#include "base/str.h"

struct tls;

struct peer {
	/* "uid:1000", "spiffe:spiffe://…", "dns:…", "cn:…", "cert:SHA-256"; heap, never empty */
	char *name;
	int slot;	   /* of unix.h; -1: no unix peer */
	int64_t expires_s; /* seconds since 1970; INT64_MAX: never */
};

enum { PEER_NAME = 2048 }; /* longest name that is taken from a certificate */

/*
 * 0; -EACCES: it may not come in, *ret_why says why (ret is filled all the same); -ENOMEM: ret is empty. tls
 * NULL: only unix peers are known.
 */
int peer_init(struct peer *ret, grpc_call *call, struct tls *tls, bool common_names,
	      const char **ret_why);
/* As peer_init for one who is in: with the certificates that are trusted now. */
int peer_check(struct peer *p, grpc_call *call, struct tls *tls, const char **ret_why);
void peer_done(struct peer *p);
