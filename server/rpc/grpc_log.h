/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What gRPC has to say goes to our log, in one line each. Refused handshakes are what matters: each reason is
 * logged at most once a minute, all are counted. Any thread.
 */
#pragma once

#include <stdint.h>

/* Before grpc_init. */
void grpc_log_install(void);
/* Handshakes turned away so far. */
uint64_t grpc_log_refused(void);
