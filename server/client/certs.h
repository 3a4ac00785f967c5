/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `tiercel certs DIR`: everything mutual TLS needs, in one step: ca.crt and ca.key, server.crt and server.key
 * (for localhost, the host's name and the loopback addresses), client.crt and client.key. PEM, PKCS #8,
 * EC P-256; keys are readable by their owner only.
 */
#pragma once

#include "base/diag.h"

/* An existing CA is used and never replaced; server and client pairs are made anew. hostname may be empty.
 * Creates dir. 0, or a negative errno with the file and the fault in d. */
int certs_make(const char *dir, const char *hostname, struct diag *d);
