/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network process: takes alerts from the link, keeps the newest in memory and streams them over gRPC. It
 * is told what to do over the control channel (link/control.h): SETTINGS first, answered by READY or FAILED;
 * STATUS_ASK by STATUS; STOP, or the other end closing, ends it.
 */
#pragma once

struct network_fds {
	int ring, event, control;
	int stats[2]; /* by enum stats_side; -1: nothing is counted */
};

/*
 * Runs until told to stop; the descriptors stay the caller's. To be called in a process of its own that has
 * not started gRPC. 0, or 1 after FAILED was sent or the channel broke.
 */
int network_main(const struct network_fds *fds);
