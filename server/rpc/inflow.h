/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bound on what a connection may send us. gRPC's C core of this version keeps all of an endless header block
 * (CONTINUATION frames), and a call that is begun and reset costs a few bytes on the wire and kilobytes here. Subscribers
 * have little to say, and more only when we say much to them. So a connection may send a burst, then so much a
 * second, and twice what it was sent or what a method has taken; who sends more is cut off, on the spot, by an
 * error of the read.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { INFLOW_RATE = 128 << 10 }; /* bytes a second */

/* Before the first connection, once. burst: bytes. -ENOMEM: nothing is bounded. */
int inflow_start(size_t burst);
/* The socket of a connection as gRPC names its peer; -1: it is gone. Any thread. */
int inflow_find(const char *peer);
/* A method has so many bytes of what came from this socket (-1 is fine). Any thread. */
void inflow_taken(int fd, uint64_t bytes);
/* Connections cut off so far. Any thread. */
uint64_t inflow_cut(void);
