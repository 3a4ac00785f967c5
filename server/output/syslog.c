/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alerts to syslog: facility user, the alert's priority as level, and the identity that existing filters
 * look for (falco-compat.md 3.3). The C library says nothing about what became of a message, so each one
 * counts as delivered.
 */
#include "output/output.h"

#include <stdlib.h>
#include <syslog.h>

struct output {
	char *identity; /* syslog keeps a pointer to it */
};

static void syslog_close(struct output *o)
{
	closelog();
	free(o->identity);
	free(o);
}

static struct output *syslog_open(const struct output_settings *settings)
{
	struct output *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->identity = str_dupz(settings->target ? str_of(settings->target) : STR("falco"));
	if (!o->identity) {
		free(o);
		return NULL;
	}
	openlog(o->identity, 0, LOG_USER);
	return o;
}

static int syslog_write(struct output *o, struct str line, int priority)
{
	syslog(LOG_USER | (priority & LOG_PRIMASK), STR_FMT, STR_ARG(line));
	return 0;
}

static int syslog_flush(struct output *o)
{
	return 0;
}

const struct output_ops output_syslog = {
	.name = "syslog",
	.open = syslog_open,
	.write = syslog_write,
	.flush = syslog_flush,
	.close = syslog_close,
};
