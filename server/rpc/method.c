/* SPDX-License-Identifier: Apache-2.0 */
/* The table of methods. */
#include "rpc/method.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "health.pb-c.h"
#include "outputs.pb-c.h"
#include "reflection.pb-c.h"
#include "reflection_v1alpha.pb-c.h"
#include "rpc/call.h"
#include "tiercel.pb-c.h"
#include "version.pb-c.h"

const ProtobufCServiceDescriptor *const rpc_services[] = {
	&falco__outputs__service__descriptor,
	&falco__version__service__descriptor,
	&tiercel__v1__tiercel__descriptor,
	&grpc__health__v1__health__descriptor,
	&grpc__reflection__v1__server_reflection__descriptor,
	&grpc__reflection__v1alpha__server_reflection__descriptor,
	NULL,
};

static const struct rpc_method methods[] = {
	{
		.service = &falco__outputs__service__descriptor,
		.name = "sub",
		.stream = true,
		.many = true,
		.request = stream_request_sub,
		.half_closed = stream_half_closed,
		.written = stream_written,
		.alerts = stream_alerts,
		.tick = stream_tick,
		.gone = stream_gone,
	},
	{
		.service = &falco__outputs__service__descriptor,
		.name = "get",
		.stream = true,
		.request = stream_request_get,
		.written = stream_written,
		.alerts = stream_alerts,
		.tick = stream_tick,
		.gone = stream_gone,
	},
	{
		.service = &falco__version__service__descriptor,
		.name = "version",
		.request = version_request,
	},
	{
		.service = &tiercel__v1__tiercel__descriptor,
		.name = "Status",
		.request = status_request,
	},
	{
		.service = &tiercel__v1__tiercel__descriptor,
		.name = "WhoAmI",
		.request = whoami_request,
	},
	{
		.service = &tiercel__v1__tiercel__descriptor,
		.name = "ListRules",
		.ask = ASK_LIST_RULES,
		.request = relay_request,
		.gone = relay_gone,
	},
	{
		.service = &tiercel__v1__tiercel__descriptor,
		.name = "GetRule",
		.ask = ASK_GET_RULE,
		.request = relay_request,
		.gone = relay_gone,
	},
	{
		.service = &tiercel__v1__tiercel__descriptor,
		.name = "ValidateRules",
		.many = true,
		.ask = ASK_VALIDATE_RULES,
		.request = relay_request,
		.half_closed = relay_half_closed,
		.gone = relay_gone,
	},
	{
		.service = &tiercel__v1__tiercel__descriptor,
		.name = "Reload",
		.admin = true,
		.ask = ASK_RELOAD,
		.request = relay_request,
		.gone = relay_gone,
	},
	{
		.service = &grpc__health__v1__health__descriptor,
		.name = "Check",
		.request = health_request_check,
	},
	{
		.service = &grpc__health__v1__health__descriptor,
		.name = "Watch",
		.request = health_request_watch,
		.written = health_watch_written,
		.stopping = health_watch_stopping,
	},
	{
		.service = &grpc__reflection__v1__server_reflection__descriptor,
		.name = "ServerReflectionInfo",
		.turns = true,
		.request = reflection_request_info,
		.half_closed = reflection_half_closed,
	},
	{
		.service = &grpc__reflection__v1alpha__server_reflection__descriptor,
		.name = "ServerReflectionInfo",
		.turns = true,
		.request = reflection_request_info,
		.half_closed = reflection_half_closed,
	},
};

const struct rpc_method *rpc_method_find(struct str path)
{
	if (!str_starts(path, STR("/")))
		return NULL;
	path = str_skip(path, 1);
	size_t slash = str_rchr(path, '/');
	struct str service = str_cut(path, slash), name = str_skip(path, slash + 1);
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (str_eqz(service, methods[i].service->name) && str_eqz(name, methods[i].name))
			return &methods[i];
	return NULL;
}

const struct rpc_method *rpc_methods(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(methods);
	return methods;
}

const ProtobufCMethodDescriptor *rpc_method_descriptor(const struct rpc_method *m)
{
	return protobuf_c_service_descriptor_get_method_by_name(m->service, m->name);
}

void rpc_call_pack(struct rpc_call *call, const ProtobufCMessage *message)
{
	size_t len = protobuf_c_message_get_packed_size(message);
	grpc_slice slice = grpc_slice_malloc(len);

	protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(slice));
	rpc_call_write(call, &slice, 1, false);
}

void rpc_call_write_text(struct rpc_call *call, struct str packed)
{
	grpc_slice slice = grpc_slice_from_copied_buffer(packed.ptr ? packed.ptr : "", packed.len);

	rpc_call_write(call, &slice, 1, false);
}
