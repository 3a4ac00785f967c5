/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two ends that streaming is measured with, on gRPC's C core alone.
 *
 *	bench-stream bare SOCKET MESSAGES BYTES	a server that does nothing but push so many messages to each stream
 *	bench-stream load SOCKET STREAMS MESSAGES	so many streams of sub, each read to that many messages: seconds
 *	bench-stream late SOCKET MESSAGES	one stream: from an alert's time to its arrival, p50 and p99 in us
 *	bench-stream idle SOCKET STREAMS	says "open" when all are, and holds them until its input ends
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include "base/clock.h"
#include "base/str.h"
#include "outputs.pb-c.h"

enum { STREAMS_MAX = 4096, CHANNELS = 10, DONE = 1 };

static const char method[] = "/falco.outputs.service/sub";

struct stream {
	grpc_call *call;
	grpc_metadata_array metadata;
	grpc_call_details details;
	grpc_byte_buffer *message;
	uint64_t n;
	int started, cancelled;
};

static grpc_completion_queue *cq;
static struct stream streams[STREAMS_MAX];
static uint64_t *late_ns;

static gpr_timespec forever(void)
{
	return gpr_inf_future(GPR_CLOCK_REALTIME);
}

static void batch(struct stream *s, const grpc_op *ops, size_t n, int last)
{
	void *tag = (void *)((uintptr_t)s | (last ? DONE : 0));

	if (grpc_call_start_batch(s->call, ops, n, tag, NULL) != GRPC_CALL_OK)
		exit(1);
}

/* --- the bare server --------------------------------------------------------------------------------- */

static void push(struct stream *s, grpc_byte_buffer *message, uint64_t messages)
{
	const grpc_op write = { .op = GRPC_OP_SEND_MESSAGE,
				.data.send_message.send_message = message };
	const grpc_op status = { .op = GRPC_OP_SEND_STATUS_FROM_SERVER };

	if (s->n++ < messages)
		batch(s, &write, 1, 0);
	else
		batch(s, &status, 1, 1);
}

static void answer(struct stream *s)
{
	static int cancelled;
	const grpc_op ops[] = { { .op = GRPC_OP_SEND_INITIAL_METADATA },
				{ .op = GRPC_OP_RECV_MESSAGE,
				  .data.recv_message.recv_message = &s->message } };
	const grpc_op closed = { .op = GRPC_OP_RECV_CLOSE_ON_SERVER,
				 .data.recv_close_on_server.cancelled = &cancelled };

	s->started = 1;
	batch(s, &closed, 1, 1);
	batch(s, ops, 2, 0);
}

static void ask(grpc_server *server, struct stream *s)
{
	grpc_metadata_array_init(&s->metadata);
	grpc_call_details_init(&s->details);
	grpc_server_request_call(server, &s->call, &s->details, &s->metadata, cq, cq, s);
}

static int bare(const char *path, uint64_t messages, size_t bytes)
{
	grpc_server *server = grpc_server_create(NULL, NULL);
	grpc_slice slice = grpc_slice_malloc(bytes);
	grpc_byte_buffer *message = grpc_raw_byte_buffer_create(&slice, 1);
	char address[200];
	size_t used = 0;

	memset(GRPC_SLICE_START_PTR(slice), 'x', bytes);
	snprintf(address, sizeof(address), "unix:%s", path);
	grpc_server_register_completion_queue(server, cq, NULL);
	if (!grpc_server_add_http2_port(server, address, grpc_insecure_server_credentials_create()))
		return 1;
	grpc_server_start(server);
	ask(server, &streams[used++]);
	puts("ready");
	fflush(stdout);
	for (;;) {
		grpc_event e = grpc_completion_queue_next(cq, forever(), NULL);
		struct stream *s = (struct stream *)((uintptr_t)e.tag & ~(uintptr_t)DONE);

		if (!e.success || ((uintptr_t)e.tag & DONE))
			continue;
		if (s->started) {
			push(s, message, messages);
			continue;
		}
		answer(s);
		if (used < STREAMS_MAX)
			ask(server, &streams[used++]);
	}
}

/* --- subscribers ------------------------------------------------------------------------------------- */

static void read_next(struct stream *s)
{
	const grpc_op op = { .op = GRPC_OP_RECV_MESSAGE,
			     .data.recv_message.recv_message = &s->message };

	batch(s, &op, 1, 0);
}

static void subscribe(struct stream *s, grpc_channel *channel, bool now)
{
	Falco__Outputs__Request q = FALCO__OUTPUTS__REQUEST__INIT;
	uint8_t packed[32];

	q.follow = q.control = 1;
	if (now) {
		q.start_case = FALCO__OUTPUTS__REQUEST__START_NOW;
		q.now = 1;
	}
	grpc_slice slice = grpc_slice_from_copied_buffer((const char *)packed,
							 falco__outputs__request__pack(&q, packed));
	s->call = grpc_channel_create_call(channel, NULL, GRPC_PROPAGATE_DEFAULTS, cq,
					   grpc_slice_from_static_string(method), NULL, forever(),
					   NULL);
	grpc_metadata_array_init(&s->metadata);
	const grpc_op ops[] = {
		{ .op = GRPC_OP_SEND_INITIAL_METADATA },
		{ .op = GRPC_OP_SEND_MESSAGE,
		  .data.send_message.send_message = grpc_raw_byte_buffer_create(&slice, 1) },
		{ .op = GRPC_OP_RECV_INITIAL_METADATA,
		  .data.recv_initial_metadata.recv_initial_metadata = &s->metadata },
	};
	batch(s, ops, 3, 1);
	read_next(s);
}

static void open_streams(const char *path, size_t n, bool now)
{
	grpc_channel *channels[CHANNELS];
	grpc_arg arg = { .type = GRPC_ARG_INTEGER,
			 .key = (char *)GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL,
			 .value.integer = 1 };
	const grpc_channel_args args = { 1, &arg };
	char address[200];

	snprintf(address, sizeof(address), "unix:%s", path);
	for (size_t i = 0; i < CHANNELS; i++)
		channels[i] = grpc_channel_create(address, grpc_insecure_credentials_create(),
						  &args);
	for (size_t i = 0; i < n && i < STREAMS_MAX; i++)
		subscribe(&streams[i], channels[i % CHANNELS], now);
}

static void note_late(grpc_byte_buffer *message, uint64_t n)
{
	grpc_byte_buffer_reader reader;
	uint64_t now = clock_wall_ns();

	grpc_byte_buffer_reader_init(&reader, message);
	grpc_slice all = grpc_byte_buffer_reader_readall(&reader);
	Falco__Outputs__Response *r = falco__outputs__response__unpack(NULL, GRPC_SLICE_LENGTH(all),
								       GRPC_SLICE_START_PTR(all));
	if (r && r->time)
		late_ns[n] = now -
			     ((uint64_t)r->time->seconds * NS_PER_SEC + (uint64_t)r->time->nanos);
	falco__outputs__response__free_unpacked(r, NULL);
	grpc_slice_unref(all);
	grpc_byte_buffer_reader_destroy(&reader);
}

/* Until each of so many streams has so many messages. */
static void read_all(size_t nstreams, uint64_t messages)
{
	for (size_t left = nstreams; left;) {
		grpc_event e = grpc_completion_queue_next(cq, forever(), NULL);
		struct stream *s = (struct stream *)((uintptr_t)e.tag & ~(uintptr_t)DONE);

		if ((uintptr_t)e.tag & DONE)
			continue;
		if (!e.success || !s->message) {
			fprintf(stderr, "a stream ended after %llu messages\n",
				(unsigned long long)s->n);
			exit(1);
		}
		if (late_ns)
			note_late(s->message, s->n);
		grpc_byte_buffer_destroy(s->message);
		if (++s->n < messages)
			read_next(s);
		else
			left--;
	}
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int load(const char *path, size_t nstreams, uint64_t messages)
{
	uint64_t began = clock_boot_ns();

	open_streams(path, nstreams, false);
	read_all(nstreams, messages);
	printf("%.6f\n", (double)(clock_boot_ns() - began) / 1e9);
	return 0;
}

static int late(const char *path, uint64_t messages)
{
	late_ns = calloc(messages, sizeof(*late_ns));
	if (!late_ns)
		return 1;
	open_streams(path, 1, true);
	puts("open");
	fflush(stdout);
	read_all(1, messages);
	qsort(late_ns, messages, sizeof(*late_ns), by_size);
	printf("%.1f %.1f\n", (double)late_ns[messages / 2] / 1e3,
	       (double)late_ns[messages * 99 / 100] / 1e3);
	return 0;
}

static int idle(const char *path, size_t nstreams)
{
	char c;

	open_streams(path, nstreams, true);
	for (size_t opened = 0; opened < nstreams;)
		opened += (uintptr_t)grpc_completion_queue_next(cq, forever(), NULL).tag & DONE;
	puts("open");
	fflush(stdout);
	return read(0, &c, 1) < 0;
}

int main(int argc, char **argv)
{
	uint64_t a = 0, b = 0;

	if (argc < 4 || str_to_u64(str_of(argv[3]), &a) < 0 ||
	    (argc > 4 && str_to_u64(str_of(argv[4]), &b) < 0))
		return 2;
	grpc_init();
	cq = grpc_completion_queue_create_for_next(NULL);
	if (strcmp(argv[1], "bare") == 0)
		return bare(argv[2], a, (size_t)b);
	if (strcmp(argv[1], "load") == 0)
		return load(argv[2], (size_t)a, b);
	if (strcmp(argv[1], "late") == 0)
		return late(argv[2], a);
	return strcmp(argv[1], "idle") == 0 ? idle(argv[2], (size_t)a) : 2;
}
