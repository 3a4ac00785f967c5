/* SPDX-License-Identifier: Apache-2.0 */
/* Telling the service manager; see notify.h. The library looks for it in the environment by itself. */
#include "daemon/notify.h"

#include <systemd/sd-daemon.h>

enum { SPARE_MS = 5000 }; /* beyond what the outputs may take: closing, freeing */

void notify_ready(const char *text)
{
	sd_notifyf(0, "READY=1\nSTATUS=%s", text);
}

void notify_alive(void)
{
	sd_notify(0, "WATCHDOG=1");
}

void notify_stopping(unsigned timeout_ms)
{
	sd_notifyf(0, "STOPPING=1\nSTATUS=delivering what waits\nEXTEND_TIMEOUT_USEC=%llu",
		   (timeout_ms + SPARE_MS) * 1000ULL);
}
