/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alerts on standard output. Nothing stays in a buffer while the channel is idle: people watch this output
 * in a terminal or through a pod's log (falco-compat.md 3.3).
 */
#include "output/output.h"

#include <stdlib.h>
#include <unistd.h>

#include "output/lines.h"

struct output {
	struct lines lines;
};

static struct output *stdout_open(const struct output_settings *settings)
{
	return calloc(1, sizeof(struct output));
}

static int stdout_write(struct output *o, struct str line, int priority)
{
	return lines_add(&o->lines, line);
}

static int stdout_flush(struct output *o)
{
	return lines_send(&o->lines, STDOUT_FILENO);
}

static void stdout_close(struct output *o)
{
	lines_done(&o->lines);
	free(o);
}

const struct output_ops output_stdout = {
	.name = "stdout",
	.open = stdout_open,
	.write = stdout_write,
	.flush = stdout_flush,
	.close = stdout_close,
};
