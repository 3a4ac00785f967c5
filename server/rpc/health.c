/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grpc.health.v1. A service of the table is served as long as we answer at all, so a watched status changes
 * once: when the server stops, which Watch says before it ends.
 */
#include "health.pb-c.h"
#include "rpc/call.h"
#include "rpc/method.h"

/* The empty name is the server as a whole. */
static bool is_served(const char *name)
{
	if (!*name)
		return true;
	for (size_t i = 0; rpc_services[i]; i++)
		if (str_eqz(str_of(name), rpc_services[i]->name))
			return true;
	return false;
}

static void answer(struct rpc_call *call,
		   Grpc__Health__V1__HealthCheckResponse__ServingStatus status)
{
	Grpc__Health__V1__HealthCheckResponse m = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;

	m.status = status;
	rpc_call_pack(call, &m.base);
}

void health_request_check(struct rpc_call *call, const ProtobufCMessage *message)
{
	const Grpc__Health__V1__HealthCheckRequest *request =
		(const Grpc__Health__V1__HealthCheckRequest *)message;

	if (is_served(request->service))
		answer(call, GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING);
	else
		rpc_call_finish(call, GRPC_STATUS_NOT_FOUND, "unknown service");
}

void health_request_watch(struct rpc_call *call, const ProtobufCMessage *message)
{
	const Grpc__Health__V1__HealthCheckRequest *request =
		(const Grpc__Health__V1__HealthCheckRequest *)message;

	if (rpc_call_writing(call))
		return; /* the server stops, which is being said */
	answer(call,
	       is_served(request->service)
		       ? GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
		       : GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN);
}

/* Without this the call would end after its first write. */
void health_watch_written(struct rpc_call *call)
{
}

void health_watch_stopping(struct rpc_call *call)
{
	answer(call, GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING);
}
