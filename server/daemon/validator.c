/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sensor's side of validate.h. It never looks into what it passes on: the request is bytes to it, and so is
 * the answer. One process at a time, so that whoever asks much takes one niced CPU at most.
 */
#include "daemon/validate.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/strbuf.h"

enum {
	VALIDATE_WAITING = LIMIT_RELAYS,
	VALIDATE_MS = 20000, /* of the clock, the CPU's time has its own limit */
	VALIDATE_ANSWER = LIMIT_CONTROL_BYTES - 1024,
	VALIDATE_HANDLES = 4,
};

struct job {
	STAILQ_ENTRY(job) link;
	struct validator *validator;
	uint64_t id;
	struct strbuf request, answer;
	uv_process_t process;
	uv_pipe_t in, out;
	uv_timer_t deadline;
	uv_write_t write;
	int64_t status;
	int signal;
	unsigned open; /* handles */
	bool late, exited, drained;
	char buffer[16384];
};

struct validator {
	uv_loop_t *loop;
	const struct args *args;
	validated_fn *fn; /* NULL: nobody is told any more */
	void *ctx;
	STAILQ_HEAD(, job) waiting;
	size_t nwaiting;
	struct job *running;
};

static void next(struct validator *v);

static void job_free(struct job *j)
{
	strbuf_done(&j->request);
	strbuf_done(&j->answer);
	free(j);
}

static void tell(const struct job *j, enum control_outcome outcome, struct str text)
{
	const struct validator *v = j->validator;

	if (v->fn)
		v->fn(outcome, text, j->id, v->ctx);
}

static void judge(const struct job *j)
{
	static const struct {
		int64_t status;
		enum control_outcome outcome;
		const char *text;
	} rows[] = {
		{ VALIDATE_INVALID, ANSWER_INVALID, "there are no files to validate" },
		{ VALIDATE_MEMORY, ANSWER_BUSY, "validating these rules takes too much memory" },
	};

	if (strbuf_check(&j->answer) < 0) {
		tell(j, ANSWER_BUSY, STR("the results are too long"));
		return;
	}
	if (j->late || j->signal == SIGXCPU || j->signal == SIGKILL) {
		tell(j, ANSWER_LATE, STR("validating these rules takes too long"));
		return;
	}
	if (j->status == VALIDATE_OK && !j->signal) {
		tell(j, ANSWER_OK, strbuf_str(&j->answer));
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!j->signal && j->status == rows[i].status) {
			tell(j, rows[i].outcome, str_of(rows[i].text));
			return;
		}
	log_error("validating rules ended with status %ld, signal %d", (long)j->status, j->signal);
	tell(j, ANSWER_FAILED, STR("the rules could not be validated"));
}

static void on_closed(uv_handle_t *h)
{
	struct job *j = h->data;

	if (--j->open == 0)
		job_free(j);
}

static void close_one(uv_handle_t *h)
{
	if (!uv_is_closing(h))
		uv_close(h, on_closed);
}

static void finish_if_over(struct job *j)
{
	struct validator *v = j->validator;

	if (!j->exited || !j->drained)
		return;
	v->running = NULL;
	judge(j);
	close_one((uv_handle_t *)&j->process);
	close_one((uv_handle_t *)&j->in);
	close_one((uv_handle_t *)&j->out);
	close_one((uv_handle_t *)&j->deadline);
	next(v);
}

static void on_process_exit(uv_process_t *p, int64_t status, int signum)
{
	struct job *j = p->data;

	j->status = status;
	j->signal = signum;
	j->exited = true;
	finish_if_over(j);
}

static void on_deadline(uv_timer_t *t)
{
	struct job *j = t->data;

	j->late = true;
	if (!j->exited)
		uv_process_kill(&j->process, SIGKILL);
}

static void on_buffer(uv_handle_t *h, size_t wanted, uv_buf_t *ret)
{
	struct job *j = h->data;

	*ret = uv_buf_init(j->buffer, sizeof(j->buffer));
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buffer)
{
	struct job *j = s->data;

	if (n >= 0) {
		strbuf_add(&j->answer, (struct str){ buffer->base, (size_t)n });
		return;
	}
	uv_read_stop(s);
	j->drained = true;
	finish_if_over(j);
}

/* A process that ended without reading tells why by its status. */
static void on_written(uv_write_t *w, int status)
{
	struct job *j = w->data;

	close_one((uv_handle_t *)&j->in);
}

static int spawn(struct job *j)
{
	const struct args *args = j->validator->args;
	const char *argv[2 * ARGS_MAX + 5] = { "tiercel", "validate" };
	size_t n = 2;
	uv_stdio_container_t stdio[] = {
		{ .flags = UV_CREATE_PIPE | UV_READABLE_PIPE,
		  .data.stream = (uv_stream_t *)&j->in },
		{ .flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
		  .data.stream = (uv_stream_t *)&j->out },
		{ .flags = UV_IGNORE },
	};

	if (args->config) {
		argv[n++] = "-c";
		argv[n++] = args->config;
	}
	for (size_t i = 0; i < args->overrides.n; i++) {
		argv[n++] = "-o";
		argv[n++] = args->overrides.items[i];
	}
	const uv_process_options_t options = {
		.exit_cb = on_process_exit,
		.file = "/proc/self/exe",
		.args = (char **)(uintptr_t)argv,
		.stdio = stdio,
		.stdio_count = (int)ARRAY_SIZE(stdio),
	};
	return uv_spawn(j->validator->loop, &j->process, &options);
}

static void start(struct job *j)
{
	uv_loop_t *loop = j->validator->loop;
	uv_buf_t request = uv_buf_init(j->request.ptr, (unsigned)j->request.len);

	uv_pipe_init(loop, &j->in, 0);
	uv_pipe_init(loop, &j->out, 0);
	uv_timer_init(loop, &j->deadline);
	j->process.data = j->in.data = j->out.data = j->deadline.data = j->write.data = j;
	j->open = VALIDATE_HANDLES;
	int r = spawn(j);
	if (r < 0) {
		log_error("rules cannot be validated: %s", uv_strerror(r));
		j->status = VALIDATE_FAILED;
		j->exited = j->drained = true;
		finish_if_over(j);
		return;
	}
	uv_timer_start(&j->deadline, on_deadline, VALIDATE_MS, 0);
	uv_read_start((uv_stream_t *)&j->out, on_buffer, on_read);
	uv_write(&j->write, (uv_stream_t *)&j->in, &request, 1, on_written);
}

static void next(struct validator *v)
{
	struct job *j = STAILQ_FIRST(&v->waiting);

	if (v->running || !j)
		return;
	STAILQ_REMOVE_HEAD(&v->waiting, link);
	v->nwaiting--;
	v->running = j;
	start(j);
}

int validator_start(uv_loop_t *loop, const struct args *args, validated_fn *fn, void *ctx,
		    struct validator **ret)
{
	struct validator *v = malloc(sizeof(*v));

	if (!v)
		return -ENOMEM;
	*v = (struct validator){ .loop = loop, .args = args, .fn = fn, .ctx = ctx };
	STAILQ_INIT(&v->waiting);
	*ret = v;
	return 0;
}

int validator_ask(struct validator *v, uint64_t id, struct str request)
{
	if (v->nwaiting >= VALIDATE_WAITING)
		return -ENOBUFS;
	struct job *j = calloc(1, sizeof(*j));
	if (!j)
		return -ENOMEM;
	j->validator = v;
	j->id = id;
	j->answer.limit = VALIDATE_ANSWER;
	strbuf_add(&j->request, request);
	if (strbuf_check(&j->request) < 0) {
		job_free(j);
		return -ENOMEM;
	}
	STAILQ_INSERT_TAIL(&v->waiting, j, link);
	v->nwaiting++;
	next(v);
	return 0;
}

struct validator *validator_stop(struct validator *v)
{
	struct job *j;

	if (!v)
		return NULL;
	v->fn = NULL;
	while ((j = STAILQ_FIRST(&v->waiting))) {
		STAILQ_REMOVE_HEAD(&v->waiting, link);
		job_free(j);
	}
	if (v->running && !v->running->exited)
		uv_process_kill(&v->running->process, SIGKILL);
	while (v->running)
		uv_run(v->loop, UV_RUN_ONCE);
	free(v);
	return NULL;
}
