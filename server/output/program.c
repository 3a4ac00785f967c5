/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alerts to the standard input of a shell command. With keep_alive one process gets all lines until it ends
 * or a reopen is asked for; without it each alert has a process of its own, which is waited for. A command
 * that does not read its input is no fault; one that ends with another status than 0 is.
 */
#include "output/output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "output/lines.h"

struct output {
	struct lines lines;
	char *command;
	bool keep_alive;
	pid_t pid; /* 0: none runs */
	int fd;	   /* its standard input, or -1 */
};

extern char **environ;

/* The channel's thread blocks signals; the command starts with none blocked and none ignored. */
static int spawn_attributes(posix_spawnattr_t *attr)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	int r = posix_spawnattr_init(attr);
	if (r)
		return -r;
	r = posix_spawnattr_setsigmask(attr, &none);
	if (r == 0)
		r = posix_spawnattr_setsigdefault(attr, &all);
	if (r == 0)
		r = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (r)
		posix_spawnattr_destroy(attr);
	return -r;
}

static int spawn_with_input(const char *command, int input, pid_t *ret_pid)
{
	char *const argv[] = { "sh", "-c", (char *)command, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int r = spawn_attributes(&attr);

	if (r < 0)
		return r;
	r = posix_spawn_file_actions_init(&actions);
	if (r == 0) {
		r = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
		if (r == 0)
			r = posix_spawn(ret_pid, "/bin/sh", &actions, &attr, argv, environ);
		posix_spawn_file_actions_destroy(&actions);
	}
	posix_spawnattr_destroy(&attr);
	return -r;
}

static int start(struct output *o)
{
	int ends[2];

	if (o->pid)
		return 0;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	int r = spawn_with_input(o->command, ends[0], &o->pid);
	close(ends[0]);
	if (r < 0) {
		close(ends[1]);
		o->pid = 0;
		return r;
	}
	o->fd = ends[1];
	lines_fresh(&o->lines);
	return 0;
}

/* Ends the command's input and waits for its end. 0, or -ECHILD when it says that it failed. */
static int finish(struct output *o)
{
	int status = 0;

	if (o->fd >= 0)
		close(o->fd);
	o->fd = -1;
	if (!o->pid)
		return 0;
	while (waitpid(o->pid, &status, 0) < 0 && errno == EINTR)
		;
	o->pid = 0;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECHILD;
}

static void program_close(struct output *o)
{
	finish(o);
	lines_done(&o->lines);
	free(o->command);
	free(o);
}

static struct output *program_open(const struct output_settings *settings)
{
	struct output *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->fd = -1;
	o->keep_alive = settings->keep_alive;
	o->command = str_dupz(str_of(settings->target));
	if (!o->command) {
		program_close(o);
		return NULL;
	}
	return o;
}

static int send_lines(struct output *o)
{
	int r = start(o);

	if (r < 0) {
		strbuf_clear(&o->lines.text);
		return r;
	}
	r = lines_send(&o->lines, o->fd);
	if (o->keep_alive && r == 0)
		return 0;
	int ended = finish(o);
	/* A command of one alert need not read it; one for all that has gone has lost lines. */
	return r == -EPIPE && !o->keep_alive ? ended : r < 0 ? r : ended;
}

static int program_write(struct output *o, struct str line, int priority)
{
	int r = lines_add(&o->lines, line);

	return r < 0 || o->keep_alive ? r : send_lines(o);
}

static int program_flush(struct output *o)
{
	return o->lines.text.len ? send_lines(o) : 0;
}

static void program_reopen(struct output *o)
{
	finish(o);
}

const struct output_ops output_program = {
	.name = "program",
	.open = program_open,
	.write = program_write,
	.flush = program_flush,
	.reopen = program_reopen,
	.close = program_close,
};
