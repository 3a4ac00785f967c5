/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A few calls are always asked for in advance; each that comes asks for its successor, so the number of calls
 * is bounded by what access.c allows alone and the one too many is told so (falco#1268).
 */
#include "rpc/server.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <grpc/compression.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "link/control.h"
#include "rpc/access.h"
#include "rpc/backlog.h"
#include "rpc/call.h"
#include "rpc/cursors.h"
#include "rpc/descriptors.h"
#include "rpc/flood.h"
#include "rpc/grpc_log.h"
#include "rpc/inflow.h"
#include "rpc/method.h"
#include "rpc/pump.h"
#include "rpc/relay.h"
#include "rpc/status.h"
#include "rpc/stream.h"
#include "rpc/unix.h"

enum {
	/* Calls asked for in advance. When they run out gRPC lines calls up, also those that are reset meanwhile, and
	 * whoever asks for the next has to take the dead ones away first, however many: enough, so that a flood is seen. */
	RPC_ADVANCE = 2 * FLOOD_CALLS,
	RPC_BURST = 256 << 10, /* bytes a connection may send at once, beside four messages */
	RPC_WINDOW = 64 << 10, /* of a stream, and not read by its method */
	RPC_READ = 16 << 10,   /* bytes taken from a connection at once: requests are small */
	RPC_ADDRESSES = 8,
	RPC_WAIT_MS = 2000, /* for an address that is still taken */
	RPC_WAIT_STEP_MS = 20,
	RPC_GRACE_MS = 500,  /* for the last statuses to go out */
	RPC_SAVE_TICKS = 20, /* between savings of where legacy streams are */
};

struct rpc_server {
	struct rpc_shared shared;
	uv_loop_t *loop;
	grpc_server *grpc;
	grpc_completion_queue *cq;
	struct pump *pump;
	struct flood *flood;
	struct unix_listener *listeners[RPC_ADDRESSES];
	size_t nlisteners;
	struct strbuf addresses;
	char *version, *engine_version, *fields_checksum, *hostname;
	uv_timer_t grace, tick;
	unsigned ticks;
	uv_idle_t again; /* some calls asked to go on */
	uv_idle_t last;	 /* runs the end outside of the pump's callback */
	struct rpc_op shut;
	void (*stopped)(void *arg);
	void *arg;
	unsigned closing;
};

static grpc_server *grpc_server_make(const struct access_fixed *fixed)
{
	grpc_arg args[] = {
		{ .key = (char *)GRPC_ARG_ALLOW_REUSEPORT, .value.integer = 0 },
		{ .key = (char *)GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
		  .value.integer = fixed->message_bytes },
		{ .key = (char *)GRPC_ARG_KEEPALIVE_TIME_MS, .value.integer = 30000 },
		{ .key = (char *)GRPC_ARG_KEEPALIVE_TIMEOUT_MS, .value.integer = 10000 },
		{ .key = (char *)GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, .value.integer = 1 },
		{ .key = (char *)GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
		  .value.integer = fixed->ping_ms },
		/* A small compressed request could unpack to a thousand times its size. */
		{ .key = (char *)GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET,
		  .value.integer = 1 << GRPC_COMPRESS_NONE },
		{ .key = (char *)GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES,
		  .value.integer = RPC_WINDOW },
		{ .key = (char *)GRPC_ARG_HTTP2_BDP_PROBE, .value.integer = 0 },
		{ .key = (char *)GRPC_ARG_TCP_MAX_READ_CHUNK_SIZE, .value.integer = RPC_READ },
		{ .key = (char *)GRPC_ARG_MAX_CONCURRENT_STREAMS, .value.integer = 256 },
		{ .key = (char *)GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
		  .value.integer = fixed->handshake_ms },
	};
	const grpc_channel_args all = { .num_args = ARRAY_SIZE(args), .args = args };

	for (size_t i = 0; i < ARRAY_SIZE(args); i++)
		args[i].type = GRPC_ARG_INTEGER;
	return grpc_server_create(&all, NULL);
}

/* Why a port could not be bound: gRPC does not say, so it is tried once by hand. */
static int tcp_fault(const char *address, struct diag *d)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE },
			*found = NULL;
	struct str text = str_of(address);
	size_t colon = str_rchr(text, ':');
	_cleanup_(freep) char *host = str_dupz(str_cut(text, colon));
	int error = EADDRNOTAVAIL;
	char *name = host;

	*d = (struct diag){ 0 };
	if (!host)
		return -ENOMEM;
	if (name[0] == '[' && strlen(name) > 1) {
		name[strlen(name) - 1] = 0;
		name++;
	}
	int r = getaddrinfo(name, address + colon + 1, &hints, &found);
	if (r) {
		diag_set(d, "cannot listen on %s: %s", address, gai_strerror(r));
		return -EADDRNOTAVAIL;
	}
	for (struct addrinfo *a = found; a; a = a->ai_next) {
		int on = 1;
		_cleanup_(closep) int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC,
						  a->ai_protocol);
		if (fd < 0)
			continue;
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (bind(fd, a->ai_addr, a->ai_addrlen) < 0 || listen(fd, 1) < 0) {
			error = errno;
			break;
		}
	}
	freeaddrinfo(found);
	diag_set(d, "cannot listen on %s: %s", address, strerror(error));
	return -error;
}

static int bad_address(const char *address, struct diag *d)
{
	*d = (struct diag){ 0 };
	diag_set(d, "bad gRPC address \"%s\", expected unix:///PATH or HOST:PORT", address);
	return -EINVAL;
}

static int listen_tcp(struct rpc_server *s, const char *address, struct diag *d)
{
	struct str text = str_of(address);
	size_t colon = str_rchr(text, ':');
	uint64_t port;

	if (colon == 0 || str_to_u64(str_skip(text, colon + 1), &port) < 0 || port > 65535)
		return bad_address(address, d);
	grpc_server_credentials *c = access_credentials(s->shared.access);
	if (!c) {
		diag_set(d, "%s: a TCP address needs certificates", address);
		return -EINVAL;
	}
	int bound = grpc_server_add_http2_port(s->grpc, address, c);
	grpc_server_credentials_release(c);
	if (bound <= 0)
		return tcp_fault(address, d);
	strbuf_printf(&s->addresses, "%s" STR_FMT ":%d", s->addresses.len ? "," : "",
		      STR_ARG(str_cut(text, colon)), bound);
	return 0;
}

static int listen_unix(struct rpc_server *s, const char *address, struct diag *d)
{
	const struct access_fixed *f = access_fixed(s->shared.access);
	struct str text = str_of(address);

	if (s->nlisteners == RPC_ADDRESSES || text.len < 6)
		return bad_address(address, d);
	size_t skip = str_starts(text, STR("unix://")) ? 7 : 5;
	int r = unix_listen(s->loop, s->grpc, address + skip, f->socket_mode, f->socket_group,
			    &s->listeners[s->nlisteners], d);
	if (r < 0)
		return r;
	s->nlisteners++;
	strbuf_printf(&s->addresses, "%sunix://%s", s->addresses.len ? "," : "", address + skip);
	return 0;
}

/* The network process of a server that was killed ends by itself, a little later than its successor starts. */
static int listen_one(struct rpc_server *s, const char *address, bool local, struct diag *d)
{
	for (int waited = 0;; waited += RPC_WAIT_STEP_MS) {
		int r = local ? listen_unix(s, address, d) : listen_tcp(s, address, d);
		if (r != -EADDRINUSE || waited >= RPC_WAIT_MS)
			return r;
		usleep(RPC_WAIT_STEP_MS * 1000);
	}
}

/* TCP ports are bound before the server starts, unix sockets after. */
static int listen_all(struct rpc_server *s, const struct control_settings *settings, bool local,
		      struct diag *d)
{
	struct str rest = settings->bind_address, part;

	while (str_split(&rest, ',', &part)) {
		_cleanup_(freep) char *address = str_dupz(str_trim(part));

		if (!address)
			return -ENOMEM;
		if (str_starts(str_of(address), STR("unix:")) != local)
			continue;
		int r = listen_one(s, address, local, d);
		if (r < 0)
			return r;
	}
	return 0;
}

static void on_accepted(struct rpc_call *call, bool ok);

static void ask(struct rpc_server *s)
{
	struct rpc_call *call;

	(void)rpc_call_request(&s->shared, s->grpc, s->cq, on_accepted, &call);
}

static void on_accepted(struct rpc_call *call, bool ok)
{
	struct rpc_server *s = (struct rpc_server *)call->shared; /* its first member */

	if (!ok) {
		rpc_call_drop(call);
		return;
	}
	if (!s->shared.stopping)
		ask(s);
	char *peer = grpc_call_get_peer(call->call);
	bool flood = flood_call(s->flood, peer);
	gpr_free(peer);
	if (flood)
		rpc_call_drop(call);
	else
		rpc_call_begin(call);
}

static void on_completion(void *tag, bool ok)
{
	struct rpc_op *op = tag;

	op->done(op, ok);
}

static int copy_texts(struct rpc_server *s, const struct control_settings *settings)
{
	struct str engine = settings->engine_version.len ? settings->engine_version : STR("0.63.0");

	s->version = str_dupz(settings->version.len ? settings->version : STR(TIERCEL_VERSION));
	s->engine_version = str_dupz(engine);
	s->fields_checksum = str_dupz(settings->fields_checksum);
	s->hostname = str_dupz(settings->hostname);
	if (!s->version || !s->engine_version || !s->fields_checksum || !s->hostname)
		return -ENOMEM;
	s->shared.version = str_of(s->version);
	s->shared.engine_version = str_of(s->engine_version);
	s->shared.fields_checksum = str_of(s->fields_checksum);
	s->shared.hostname = str_of(s->hostname);
	return 0;
}

static void server_release(struct rpc_server *s)
{
	cursors_free(s->shared.cursors);
	descriptors_free(s->shared.descriptors);
	access_free(s->shared.access);
	flood_free(s->flood);
	strbuf_done(&s->addresses);
	free(s->version);
	free(s->engine_version);
	free(s->fields_checksum);
	free(s->hostname);
	free(s);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct rpc_server *s = handle->data;

	if (--s->closing)
		return;
	void (*stopped)(void *) = s->stopped;
	void *arg = s->arg;
	server_release(s);
	if (stopped)
		stopped(arg);
}

static void on_last(uv_idle_t *idle)
{
	struct rpc_server *s = idle->data;

	if (s->shared.ncalls)
		return;
	streams_save(&s->shared); /* the last words of those that ended */
	grpc_server_destroy(s->grpc);
	pump_stop(s->pump);
	s->closing = 4;
	uv_close((uv_handle_t *)&s->grace, on_handle_closed);
	uv_close((uv_handle_t *)&s->tick, on_handle_closed);
	uv_close((uv_handle_t *)&s->again, on_handle_closed);
	uv_close((uv_handle_t *)&s->last, on_handle_closed);
}

static void on_shut(struct rpc_op *op, bool ok)
{
	struct rpc_server *s = op->owner;

	uv_idle_start(&s->last, on_last);
}

static void on_grace(uv_timer_t *timer)
{
	struct rpc_server *s = timer->data;

	grpc_server_cancel_all_calls(s->grpc);
}

/* Telling a call something may end it, never free it: that waits for a completion. */
static void on_again(uv_idle_t *idle)
{
	struct rpc_server *s = idle->data;
	struct rpc_call *call, *next;

	uv_idle_stop(&s->again);
	for (call = LIST_FIRST(&s->shared.calls); call; call = next) {
		next = LIST_NEXT(call, link);
		if (!call->hungry)
			continue;
		call->hungry = false;
		if (!call->ended)
			call->method->alerts(call);
	}
}

static void go_on_again(struct rpc_call *call)
{
	struct rpc_server *s = (struct rpc_server *)call->shared; /* its first member */

	call->hungry = true;
	uv_idle_start(&s->again, on_again);
}

static void on_tick(uv_timer_t *timer)
{
	struct rpc_server *s = timer->data;
	struct rpc_call *call, *next;

	for (call = LIST_FIRST(&s->shared.calls); call; call = next) {
		next = LIST_NEXT(call, link);
		if (call->method && call->method->tick && !call->ended)
			call->method->tick(call);
	}
	relays_tick(&s->shared);
	if (++s->ticks % RPC_SAVE_TICKS == 0)
		streams_save(&s->shared);
}

static int start(struct rpc_server *s, const struct control_settings *settings, struct diag *d)
{
	int r = pump_start(s->loop, s->cq, on_completion, &s->pump);
	if (r < 0)
		return r;
	grpc_server_register_completion_queue(s->grpc, s->cq, NULL);
	r = listen_all(s, settings, false, d);
	if (r < 0)
		return r;
	grpc_server_start(s->grpc);
	r = listen_all(s, settings, true, d);
	if (r < 0)
		return r;
	if (!s->addresses.len)
		return bad_address("", d);
	for (int i = 0; i < RPC_ADVANCE; i++)
		ask(s);
	return 0;
}

int rpc_server_start(uv_loop_t *loop, const struct control_settings *settings,
		     struct access *access, struct backlog *backlog, struct rpc_server **ret,
		     struct diag *d)
{
	struct rpc_server *s = calloc(1, sizeof(*s));

	*d = (struct diag){ 0 };
	diag_set(d, "out of memory");
	if (!s) {
		access_free(access);
		return -ENOMEM;
	}
	s->loop = loop;
	s->shared.backlog = backlog;
	s->shared.access = access;
	s->shared.epoch = settings->epoch ? settings->epoch : clock_wall_ns();
	s->shut = (struct rpc_op){ on_shut, s };
	s->shared.cursors = cursors_new();
	s->flood = flood_new();
	if (!s->shared.cursors || !s->flood || copy_texts(s, settings) < 0) {
		server_release(s);
		return -ENOMEM;
	}
	uv_timer_init(loop, &s->grace);
	uv_idle_init(loop, &s->last);
	uv_timer_init(loop, &s->tick);
	uv_idle_init(loop, &s->again);
	s->grace.data = s->last.data = s->tick.data = s->again.data = s;
	s->shared.again = go_on_again;
	s->shared.first_seq = 1;
	access_watch(access, &s->shared);
	if (inflow_start(RPC_BURST + 4 * (size_t)access_fixed(access)->message_bytes) < 0)
		log_error("grpc: out of memory, what clients send is not bounded");
	s->grpc = grpc_server_make(access_fixed(access));
	s->cq = grpc_completion_queue_create_for_next(NULL);
	int r = start(s, settings, d);
	if (r < 0) {
		rpc_server_stop(s, NULL, NULL);
		return r;
	}
	*ret = s;
	return 0;
}

void rpc_server_begin(struct rpc_server *s, const struct rpc_sensor *sensor,
		      struct journal *journal, uint64_t first_seq)
{
	s->shared.stats = sensor->stats;
	s->shared.counters = sensor->counters;
	s->shared.count = sensor->count;
	s->shared.ask = sensor->ask;
	s->shared.sensor_ctx = sensor->ctx;
	/* An answer to the process before this one is not taken for an answer to this one. */
	s->shared.last_ask = clock_wall_ns();
	s->shared.journal = journal;
	s->shared.first_seq = first_seq;
	streams_load(&s->shared);
	uv_timer_start(&s->tick, on_tick, RPC_TICK_MS, RPC_TICK_MS);
}

struct str rpc_server_addresses(const struct rpc_server *s)
{
	return strbuf_str(&s->addresses);
}

void rpc_server_alerts(struct rpc_server *s)
{
	struct rpc_call *call, *next;

	for (call = LIST_FIRST(&s->shared.calls); call; call = next) {
		next = LIST_NEXT(call, link);
		if (call->method && call->method->alerts && !call->ended)
			call->method->alerts(call);
	}
}

void rpc_server_count(const struct rpc_server *s, struct rpc_counters *ret)
{
	ret->calls = s->shared.ncalls;
	ret->streams = s->shared.nstreams;
	ret->sent = s->shared.sent;
	ret->lost = s->shared.lost;
	ret->refused = s->shared.refused + grpc_log_refused() + inflow_cut();
}

int rpc_server_status(const struct rpc_server *s, struct strbuf *out)
{
	return status_pack(&s->shared, out);
}

void rpc_server_answer(struct rpc_server *s, const struct control_answer *a)
{
	relays_answer(&s->shared, a);
}

void rpc_server_stop(struct rpc_server *s, void (*stopped)(void *arg), void *arg)
{
	struct rpc_call *call;

	s->stopped = stopped;
	s->arg = arg;
	s->shared.stopping = true;
	uv_timer_stop(&s->tick);
	access_unwatch(s->shared.access);
	for (size_t i = 0; i < s->nlisteners; i++)
		unix_close(s->listeners[i]);
	s->nlisteners = 0;
	LIST_FOREACH(call, &s->shared.calls, link)
	{
		if (rpc_call_writing(call) || call->ended)
			continue;
		if (call->method && call->method->stopping)
			call->method->stopping(call);
		else
			rpc_call_finish(call, GRPC_STATUS_UNAVAILABLE, "the server is stopping");
	}
	grpc_server_shutdown_and_notify(s->grpc, s->cq, &s->shut);
	uv_timer_start(&s->grace, on_grace, RPC_GRACE_MS, 0);
}
