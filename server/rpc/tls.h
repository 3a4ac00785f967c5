/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our certificate and whom we trust, replaceable while connections live: new handshakes get the newest, and a
 * peer that came earlier can be looked at again (tls_verify). Certificates are published as one immutable set;
 * gRPC asks for it on threads of its own at every handshake. Everything else: loop thread.
 */
#pragma once

#include <stdint.h>

#include <grpc/grpc_security.h>

#include "base/diag.h"
#include "rpc/certs.h"

struct tls;

/* NULL: memory. */
struct tls *tls_new(void);
/* No handshake may happen any more (the server is destroyed). Returns NULL. */
struct tls *tls_free(struct tls *t);
/* Checks and publishes; on failure the old ones stay. -EINVAL with the fault in d; -ENOMEM. */
int tls_set(struct tls *t, const struct certs_pem *pem, struct diag *d);
bool tls_ready(const struct tls *t);
/* For one port, after tls_set. NULL: gRPC does not take them. Released by the caller. */
grpc_server_credentials *tls_credentials(struct tls *t);

/*
 * Is this peer one we would let in now? leaf and chain are what it showed, in PEM. 0 with the time its
 * chain expires (seconds since 1970); -EACCES with a text why not; -ENOMEM.
 */
int tls_verify(struct tls *t, struct str leaf, struct str chain, int64_t *ret_expires,
	       const char **ret_why);
