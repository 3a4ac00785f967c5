/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks at certificates before gRPC does, because what gRPC says about a bad one helps nobody (falco#3202).
 * Pure: may be called by the privileged side before it starts anything.
 */
#pragma once

#include "base/diag.h"
#include "base/str.h"

struct certs_pem {
	struct str cert, key, ca; /* PEM texts; cert may be a chain, leaf first */
	struct str crl;		  /* lists of what is revoked; empty: none */
	const char *cert_name, *key_name, *ca_name, *crl_name; /* what a message calls them */
};

/* 0, or -EINVAL with the file and the fault in d. */
int certs_check(const struct certs_pem *pem, struct diag *d);
/* Certificate and key alone, whatever the time: what a server needs that looks at nobody's certificate. */
int certs_check_pair(const struct certs_pem *pem, struct diag *d);
/* Whether a list of the text is past its time: it still counts, but what was revoked since is not in it. */
bool certs_stale(struct str crl);
