/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The unix socket: we accept ourselves, so that a peer's uid is known, and hand the descriptor to gRPC, which
 * names the peer of a call "fd:N". N must never name the wrong peer: descriptors are moved to high numbers
 * used in a cycle, and a number comes back only when its connection is closed, all its calls have ended and
 * some time has passed (a call may still wait inside gRPC). Loop thread only.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include <grpc/grpc.h>
#include <uv.h>

#include "base/diag.h"
#include "base/str.h"

struct unix_listener;

/*
 * Binds path: its directories are created, a socket file nobody listens on is replaced, one that is in use
 * or a file that is no socket is a fault in d. Connections go to server, which must have been started.
 * group -1: the file keeps the group it is made with. -EADDRINUSE and other negative errnos.
 */
int unix_listen(uv_loop_t *loop, grpc_server *server, const char *path, mode_t mode, gid_t group,
		struct unix_listener **ret, struct diag *d);
/* Stops accepting and removes the file; the memory goes when the loop has closed the handle. Returns NULL. */
struct unix_listener *unix_close(struct unix_listener *l);

struct unix_peer {
	uid_t uid;
	gid_t *groups; /* the peer's own first, then those it belongs to */
	size_t ngroups;
};

/* The peer behind "fd:N", whose call begins: its slot for unix_call_end, or -ENOENT. */
int unix_call_begin(const char *peer);
/* Valid from begin to end. */
const struct unix_peer *unix_peer(int slot);
void unix_call_end(int slot);
