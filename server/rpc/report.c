/* SPDX-License-Identifier: Apache-2.0 */
/* The sensor listens only once it knows that we are ready: what comes earlier waits here, the first few of it. */
#include "rpc/report.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"

enum { REPORT_EARLY = 8, REPORT_TEXT = 512 };

static struct {
	report_fn *fn;
	void *arg;
	bool open;
	struct {
		enum control_cause cause;
		char text[REPORT_TEXT];
	} early[REPORT_EARLY];
	size_t n;
} state;

static const char *const names[CAUSES] = {
	[CAUSE_JOURNAL] = "journal",
	[CAUSE_JOURNAL_GAP] = "journal",
	[CAUSE_CERTIFICATES] = "certificates",
	[CAUSE_POLICY] = "policy",
};

static void hand_over(enum control_cause cause, const char *text)
{
	if (!state.fn)
		return;
	state.fn(
		&(struct control_message){
			.kind = CONTROL_ALERT,
			.alert = { .cause = cause, .text = str_of(text) },
		},
		state.arg);
}

void report(enum control_cause cause, const char *format, ...)
{
	char text[REPORT_TEXT];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_error("%s: %s", names[cause], text);
	if (state.open) {
		hand_over(cause, text);
	} else if (state.n < REPORT_EARLY) {
		state.early[state.n].cause = cause;
		memcpy(state.early[state.n++].text, text, sizeof(text));
	}
}

void report_to(report_fn *fn, void *arg)
{
	state.fn = fn;
	state.arg = arg;
	state.open = true;
	for (size_t i = 0; i < state.n; i++)
		hand_over(state.early[i].cause, state.early[i].text);
	state.n = 0;
}
