/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `tiercel certs DIR [NAME...]`: everything mutual TLS needs, in one step: ca.crt and ca.key, server.crt and
 * server.key (for localhost, the loopback addresses, the host's name and the names given), client.crt and
 * client.key. PEM, PKCS #8, EC P-256; keys are readable by their owner only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"

/* An existing CA is used and never replaced; server and client pairs are made anew. Creates dir. 0, or a negative
 * errno with the file or the name and the fault in d. */
int certs_make(const char *dir, const char *const *names, size_t nnames, struct diag *d);
/* A DNS name as certificates have it: letters, digits, dots, dashes. */
bool certs_name_is_usable(const char *name);
