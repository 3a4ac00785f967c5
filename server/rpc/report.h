/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults that whoever watches the alerts must learn of: a line in the log, and an alert about the program itself,
 * which the sensor raises because it gives the numbers. Loop thread only.
 */
#pragma once

#include "link/control.h"

__attribute__((format(printf, 2, 3))) void report(enum control_cause cause, const char *format,
						  ...);

typedef void report_fn(const struct control_message *m, void *arg);
/* From here on, and with what was reported before, messages are handed over. NULL: dropped. */
void report_to(report_fn *fn, void *arg);
