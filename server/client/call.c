/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations are started one by one and waited for; each completes exactly once. The status may come before the
 * last message does, so a message that was asked for is always waited for.
 */
#include "client/call.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/limits.h"
#include "client/options.h"
#include "config/config.h"

enum client_tag { TAG_START = 1, TAG_STATUS, TAG_MESSAGE };

struct client {
	char *target;
	char *server_name;
	struct strbuf ca, cert, key; /* PEM; empty: plaintext over a unix socket */
};

struct client_call {
	grpc_channel *channel;
	grpc_completion_queue *queue;
	grpc_call *call;
	grpc_metadata_array initial, trailing;
	grpc_status_code code;
	grpc_slice details;
	grpc_byte_buffer *buffer;
	bool ended;
};

struct client *client_free(struct client *c)
{
	if (!c)
		return NULL;
	if (c->key.ptr)
		explicit_bzero(c->key.ptr, c->key.cap);
	strbuf_done(&c->ca);
	strbuf_done(&c->cert);
	strbuf_done(&c->key);
	free(c->target);
	free(c->server_name);
	free(c);
	return NULL;
}

const char *client_target(const struct client *c)
{
	return c->target;
}

static int read_pem(const char *path, struct strbuf *out, struct diag *diag)
{
	int r = io_read_file(path, LIMIT_CONFIG_BYTES, out);

	if (r == 0 && out->len && strbuf_z(out))
		return 0;
	diag_file(diag, path);
	diag_set(diag, "expected a PEM file: %s", r ? strerror(-r) : "it is empty");
	return -EINVAL;
}

/* path, or else the file of that name in the directory of beside. */
static int read_or_beside(const char *path, const char *beside, const char *name,
			  struct strbuf *out, struct diag *diag)
{
	char copy[PATH_MAX], file[PATH_MAX + 16];

	snprintf(copy, sizeof(copy), "%s", beside);
	snprintf(file, sizeof(file), "%s/%s", dirname(copy), name);
	return read_pem(path ? path : file, out, diag);
}

static int set_tls(struct client *c, const struct client_options *o, const char *address,
		   const char *ca, struct diag *diag)
{
	if (!ca || !*ca) {
		diag_set(diag, "%s: a TCP address needs --ca, --cert and --key", address);
		return -EINVAL;
	}
	c->target = strdup(address);
	c->server_name = o->server_name ? strdup(o->server_name) : NULL;
	if (!c->target || (o->server_name && !c->server_name))
		return -ENOMEM;
	int r = read_pem(ca, &c->ca, diag);
	if (r == 0)
		r = read_or_beside(o->cert, ca, "client.crt", &c->cert, diag);
	if (r == 0)
		r = read_or_beside(o->key, ca, "client.key", &c->key, diag);
	return r;
}

static int set_unix(struct client *c, const char *path)
{
	_cleanup_(strbuf_done) struct strbuf text = { 0 };

	strbuf_printf(&text, "unix:%s", path);
	c->target = strbuf_take(&text);
	return c->target ? 0 : -ENOMEM;
}

/* All addresses cannot be connected to, but this host can. */
static int set_address(struct client *c, const struct client_options *o,
		       const struct config *config, struct str address, struct diag *diag)
{
	_cleanup_(strbuf_done) struct strbuf text = { 0 };
	size_t colon = str_rchr(address, ':');
	struct str host = str_cut(address, colon);

	if (str_eqz(host, "0.0.0.0") || str_eqz(host, "[::]") || !host.len)
		host = STR("localhost");
	strbuf_printf(&text, STR_FMT STR_FMT, STR_ARG(host), STR_ARG(str_skip(address, colon)));
	const char *z = strbuf_z(&text);
	return z ? set_tls(c, o, z, o->ca ? o->ca : config->grpc.root_certs, diag) : -ENOMEM;
}

static int choose(struct client *c, const struct client_options *o, const struct config *config,
		  struct diag *diag)
{
	const struct config_texts *more = &config->tiercel.listen;
	struct str tcp = { 0 };

	if (!config->grpc.enabled || !config->grpc_output) {
		diag_set(diag, "the configuration has no gRPC server (grpc.enabled, "
			       "grpc_output.enabled): give --unix or --address");
		return -EINVAL;
	}
	for (size_t i = 0; i <= more->n; i++) {
		struct str at = i ? more->items[i - 1] : str_of(config->grpc.bind_address);

		if (!str_starts(at, STR("unix:")))
			tcp = tcp.len ? tcp : at;
		else
			return set_unix(c, at.ptr + (str_starts(at, STR("unix://")) ? 7 : 5));
	}
	return set_address(c, o, config, tcp, diag);
}

static int from_config(struct client *c, const struct client_options *o, struct diag *diag)
{
	struct config_report report = { 0 };
	struct config *config = NULL;
	int r = config_load(o->config, o->overrides.items, o->overrides.n, &config, &report);

	if (r == CONFIG_E_INVALID) {
		*diag = report.error;
		r = -EINVAL;
	}
	config_report_done(&report);
	if (r == 0)
		r = choose(c, o, config, diag);
	config_unref(config);
	return r;
}

int client_new(const struct client_options *o, struct client **ret, struct diag *diag)
{
	struct client *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	if (o->unix_path)
		r = set_unix(c, o->unix_path);
	else if (o->address)
		r = set_tls(c, o, o->address, o->ca, diag);
	else
		r = from_config(c, o, diag);
	if (r < 0) {
		client_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

static grpc_channel *connect_to(const struct client *c)
{
	grpc_ssl_pem_key_cert_pair pair = { c->key.ptr, c->cert.ptr };
	grpc_channel_credentials *how = c->ca.len ? grpc_ssl_credentials_create(c->ca.ptr, &pair,
										NULL, NULL)
						  : grpc_insecure_credentials_create();
	grpc_arg args[] = {
		/* Each try is one of its own. */
		{ .type = GRPC_ARG_INTEGER,
		  .key = (char *)GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL,
		  .value.integer = 1 },
		{ .type = GRPC_ARG_STRING,
		  .key = (char *)GRPC_SSL_TARGET_NAME_OVERRIDE_ARG,
		  .value.string = c->server_name },
	};
	const grpc_channel_args all = { c->server_name ? 2 : 1, args };
	grpc_channel *channel = grpc_channel_create(c->target, how, &all);

	grpc_channel_credentials_release(how);
	return channel;
}

static void start(struct client_call *call, const grpc_op *ops, size_t n, enum client_tag tag)
{
	grpc_call_start_batch(call->call, ops, n, (void *)(intptr_t)tag, NULL);
}

/* The completion of tag; that of the status may come first. */
static void await(struct client_call *call, enum client_tag tag)
{
	enum client_tag came = 0;

	while (came != tag) {
		grpc_event ev = grpc_completion_queue_next(
			call->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);

		if (ev.type != GRPC_OP_COMPLETE)
			return;
		came = (enum client_tag)(intptr_t)ev.tag;
		call->ended = call->ended || came == TAG_STATUS;
	}
}

static void send_request(struct client_call *call, struct str request)
{
	grpc_slice slice = grpc_slice_from_copied_buffer(request.len ? request.ptr : "",
							 request.len);
	grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
	const grpc_op status = { .op = GRPC_OP_RECV_STATUS_ON_CLIENT,
				 .data.recv_status_on_client = {
					 .trailing_metadata = &call->trailing,
					 .status = &call->code,
					 .status_details = &call->details } };
	const grpc_op ops[] = {
		{ .op = GRPC_OP_SEND_INITIAL_METADATA },
		{ .op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = buffer },
		{ .op = GRPC_OP_SEND_CLOSE_FROM_CLIENT },
		{ .op = GRPC_OP_RECV_INITIAL_METADATA,
		  .data.recv_initial_metadata.recv_initial_metadata = &call->initial },
	};

	start(call, &status, 1, TAG_STATUS);
	start(call, ops, ARRAY_SIZE(ops), TAG_START);
	await(call, TAG_START);
	grpc_slice_unref(slice);
	grpc_byte_buffer_destroy(buffer);
}

int client_call(struct client *c, const char *method, struct str request, int timeout_ms,
		struct client_call **ret)
{
	struct client_call *call = calloc(1, sizeof(*call));
	gpr_timespec deadline = gpr_inf_future(GPR_CLOCK_REALTIME);

	if (!call)
		return -ENOMEM;
	if (timeout_ms)
		deadline = gpr_time_add(gpr_now(GPR_CLOCK_REALTIME),
					gpr_time_from_millis(timeout_ms, GPR_TIMESPAN));
	call->channel = connect_to(c);
	call->queue = grpc_completion_queue_create_for_next(NULL);
	call->call = grpc_channel_create_call(call->channel, NULL, GRPC_PROPAGATE_DEFAULTS,
					      call->queue, grpc_slice_from_static_string(method),
					      NULL, deadline, NULL);
	grpc_metadata_array_init(&call->initial);
	grpc_metadata_array_init(&call->trailing);
	call->details = grpc_empty_slice();
	send_request(call, request);
	*ret = call;
	return 0;
}

static void take(struct client_call *call, struct strbuf *ret)
{
	grpc_byte_buffer_reader reader;
	grpc_slice part;

	strbuf_clear(ret);
	if (grpc_byte_buffer_reader_init(&reader, call->buffer)) {
		while (grpc_byte_buffer_reader_next(&reader, &part)) {
			strbuf_add(ret, (struct str){ (const char *)GRPC_SLICE_START_PTR(part),
						      GRPC_SLICE_LENGTH(part) });
			grpc_slice_unref(part);
		}
		grpc_byte_buffer_reader_destroy(&reader);
	}
	grpc_byte_buffer_destroy(TAKE(call->buffer));
}

bool client_call_next(struct client_call *call, struct strbuf *ret)
{
	const grpc_op op = { .op = GRPC_OP_RECV_MESSAGE,
			     .data.recv_message.recv_message = &call->buffer };

	start(call, &op, 1, TAG_MESSAGE);
	await(call, TAG_MESSAGE);
	if (call->buffer) {
		take(call, ret);
		return true;
	}
	if (!call->ended)
		await(call, TAG_STATUS);
	return false;
}

grpc_status_code client_call_status(const struct client_call *call, struct str *ret_text)
{
	*ret_text = (struct str){ (const char *)GRPC_SLICE_START_PTR(call->details),
				  GRPC_SLICE_LENGTH(call->details) };
	return call->code;
}

bool client_call_is_tiercel(const struct client_call *call)
{
	for (size_t i = 0; i < call->initial.count; i++)
		if (grpc_slice_str_cmp(call->initial.metadata[i].key, "tiercel-api") == 0)
			return true;
	return false;
}

struct client_call *client_call_free(struct client_call *call)
{
	if (!call)
		return NULL;
	grpc_call_cancel(call->call, NULL);
	if (!call->ended)
		await(call, TAG_STATUS);
	grpc_completion_queue_shutdown(call->queue);
	while (grpc_completion_queue_next(call->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL)
		       .type != GRPC_QUEUE_SHUTDOWN)
		;
	grpc_slice_unref(call->details);
	grpc_metadata_array_destroy(&call->initial);
	grpc_metadata_array_destroy(&call->trailing);
	grpc_call_unref(call->call);
	grpc_channel_destroy(call->channel);
	grpc_completion_queue_destroy(call->queue);
	free(call);
	return NULL;
}
