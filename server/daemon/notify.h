/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a service manager is told (sd_notify(3)). Nothing happens where there is none. Any thread; never waits
 * longer than a datagram takes.
 */
#pragma once

/* Everything is up. text is the line that `systemctl status` shows. */
void notify_ready(const char *text);
/* All is well: the sign of life a watchdog waits for. */
void notify_alive(void);
/* The end has begun, and may take so long as the outputs are given. */
void notify_stopping(unsigned timeout_ms);
