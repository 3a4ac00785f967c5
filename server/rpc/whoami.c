/* SPDX-License-Identifier: Apache-2.0 */
/* tiercel.v1.Tiercel/WhoAmI: what this server makes of the caller, so that a policy can be looked at from outside. */
#include <errno.h>
#include <stdio.h>

#include "base/arena.h"
#include "rpc/access.h"
#include "rpc/call.h"
#include "rpc/method.h"
#include "rpc/times.h"
#include "rpc/unix.h"
#include "tiercel.pb-c.h"

static int add_text(struct arena *a, struct str text, char **list, size_t *n)
{
	if (!text.ptr)
		return -ENOMEM;
	list[(*n)++] = (char *)(uintptr_t)text.ptr;
	return 0;
}

static int add_groups(struct arena *a, const struct rpc_call *call, Tiercel__V1__WhoAmIResponse *m)
{
	const struct unix_peer *peer = call->peer.slot >= 0 ? unix_peer(call->peer.slot) : NULL;
	int r = 0;

	if (!peer)
		return 0;
	m->groups = arena_array(a, peer->ngroups + 1, sizeof(*m->groups));
	if (!m->groups)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < peer->ngroups; i++)
		r = add_text(a, arena_printf(a, "gid:%u", (unsigned)peer->groups[i]), m->groups,
			     &m->n_groups);
	return r;
}

static int add_methods(struct arena *a, const struct rpc_call *call, Tiercel__V1__WhoAmIResponse *m)
{
	size_t n;
	const struct rpc_method *methods = rpc_methods(&n);
	int r = 0;

	m->methods = arena_array(a, n + 1, sizeof(*m->methods));
	if (!m->methods)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (access_permits(call, &methods[i]))
			r = add_text(
				a,
				arena_printf(a, "%s/%s", methods[i].service->name, methods[i].name),
				m->methods, &m->n_methods);
	}
	return r;
}

void whoami_request(struct rpc_call *call, const ProtobufCMessage *message)
{
	Tiercel__V1__WhoAmIResponse m = TIERCEL__V1__WHO_AM_IRESPONSE__INIT;
	Google__Protobuf__Timestamp expires;
	struct arena a;

	arena_init(&a, 0);
	m.identity = (char *)(uintptr_t)call->identity;
	m.filter = (Falco__Outputs__Filter *)(uintptr_t)access_filter(call);
	m.max_calls = call->max_calls;
	if (call->peer.expires_s != INT64_MAX && call->peer.expires_s > 0) {
		expires = timestamp_of((uint64_t)call->peer.expires_s * NS_PER_SEC);
		m.expires = &expires;
	}
	if (add_groups(&a, call, &m) < 0 || add_methods(&a, call, &m) < 0)
		rpc_call_finish(call, GRPC_STATUS_RESOURCE_EXHAUSTED, "out of memory");
	else
		rpc_call_pack(call, &m.base);
	arena_done(&a);
}
