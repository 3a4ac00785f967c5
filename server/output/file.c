/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alerts at the end of a file. Without keep_alive the file is opened and closed around each batch, so that
 * whoever moves it away finds a new one with the next alert; with keep_alive that takes a reopen (SIGUSR1).
 * The file is opened when there is something to write, because a log directory may appear after the start.
 */
#include "output/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "output/lines.h"

struct output {
	struct lines lines;
	char *path;
	bool keep_alive;
	int fd; /* -1 between batches, or after a fault */
};

static void drop_descriptor(struct output *o)
{
	if (o->fd >= 0)
		close(o->fd);
	o->fd = -1;
}

static void file_close(struct output *o)
{
	drop_descriptor(o);
	lines_done(&o->lines);
	free(o->path);
	free(o);
}

static struct output *file_open(const struct output_settings *settings)
{
	struct output *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->fd = -1;
	o->keep_alive = settings->keep_alive;
	o->path = str_dupz(str_of(settings->target));
	if (!o->path) {
		file_close(o);
		return NULL;
	}
	return o;
}

static int file_write(struct output *o, struct str line, int priority)
{
	return lines_add(&o->lines, line);
}

static int ensure_open(struct output *o)
{
	if (o->fd >= 0)
		return 0;
	/* Anybody's umask decides about the mode, as it does for a shell's >>. */
	o->fd = open(o->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
	return o->fd < 0 ? -errno : 0;
}

static int file_flush(struct output *o)
{
	int r = ensure_open(o);

	if (r < 0)
		return r;
	r = lines_try(&o->lines, o->fd);
	if (r < 0 || !o->keep_alive)
		drop_descriptor(o);
	return r;
}

static size_t file_forget(struct output *o)
{
	return lines_forget(&o->lines);
}

static void file_reopen(struct output *o)
{
	drop_descriptor(o);
	lines_fresh(&o->lines);
}

const struct output_ops output_file = {
	.name = "file",
	.open = file_open,
	.write = file_write,
	.flush = file_flush,
	.forget = file_forget,
	.reopen = file_reopen,
	.close = file_close,
};
