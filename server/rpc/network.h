/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network process: takes alerts from the link, keeps the newest in memory and streams them over gRPC. It
 * is told what to do over the control channel (link/control.h): SETTINGS first, answered by READY or FAILED;
 * STATUS_ASK by STATUS; STOP, or the other end closing, ends it.
 */
#pragma once

/*
 * Runs until told to stop; the descriptors stay the caller's. To be called in a process of its own that has
 * not started gRPC. 0, or 1 after FAILED was sent or the channel broke.
 */
int network_main(int ring_fd, int event_fd, int control_fd);
