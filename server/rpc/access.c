/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call remembers who it is and the number of the policy entry it came in by. After every change, and twice a
 * second for certificates that expire, all calls are asked again; the policy and the certificates themselves
 * are never pointed to by a call.
 */
#include "rpc/access.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/limits.h"
#include "link/control.h"
#include "rpc/call.h"
#include "rpc/method.h"
#include "rpc/policy.h"
#include "rpc/tls.h"
#include "rpc/unix.h"

enum { ACCESS_LOOK_MS = 500 };

struct access {
	uv_timer_t timer;
	struct rpc_shared *shared;
	struct tls *tls;
	struct policy *policy; /* NULL: no file */
	bool common_names, set;
	uint64_t max_calls, max_calls_each;
	struct access_fixed fixed;
};

int access_new(uv_loop_t *loop, struct access **ret)
{
	struct access *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->tls = tls_new();
	if (!a->tls) {
		free(a);
		return -ENOMEM;
	}
	a->max_calls = LIMIT_CALLS;
	a->max_calls_each = LIMIT_CALLS_EACH;
	a->fixed = (struct access_fixed){ .socket_mode = 0660,
					  .socket_group = (gid_t)-1,
					  .message_bytes = LIMIT_GRPC_MESSAGE,
					  .handshake_ms = 10000,
					  .ping_ms = 10000 };
	uv_timer_init(loop, &a->timer);
	a->timer.data = a;
	*ret = a;
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct access *a = handle->data;

	tls_free(a->tls);
	policy_free(a->policy);
	free(a);
}

struct access *access_free(struct access *a)
{
	if (a)
		uv_close((uv_handle_t *)&a->timer, on_closed);
	return NULL;
}

static int or_default(uint64_t value, int fallback)
{
	return value && value < INT32_MAX ? (int)value : fallback;
}

static void set_fixed(struct access *a, const struct control_access *c)
{
	struct access_fixed *f = &a->fixed;

	if (c->socket_mode)
		f->socket_mode = (mode_t)(c->socket_mode & 0777);
	if (c->has_group)
		f->socket_group = (gid_t)c->socket_group;
	f->message_bytes = or_default(c->message_bytes, f->message_bytes);
	f->handshake_ms = or_default(c->handshake_ms, f->handshake_ms);
	f->ping_ms = or_default(c->ping_ms, f->ping_ms);
}

static int read_policy(const struct control_access *c, struct policy **ret, struct diag *d)
{
	_cleanup_(freep) char *name = str_dupz(c->policy_name);

	*ret = NULL;
	if (!c->policy_name.len)
		return 0;
	return name ? policy_new(name, c->policy, ret, d) : -ENOMEM;
}

static int set_tls(struct access *a, const struct control_access *c, struct diag *d)
{
	_cleanup_(freep) char *cert = str_dupz(c->cert_name);
	_cleanup_(freep) char *key = str_dupz(c->key_name);
	_cleanup_(freep) char *ca = str_dupz(c->ca_name);
	_cleanup_(freep) char *crl = str_dupz(c->crl_name);

	if (!cert || !key || !ca || !crl)
		return -ENOMEM;
	if (!c->cert_name.len)
		return 0;
	return tls_set(a->tls,
		       &(struct certs_pem){
			       .cert = c->cert_pem,
			       .key = c->key_pem,
			       .ca = c->ca_pem,
			       .crl = c->crl_pem,
			       .cert_name = cert,
			       .key_name = key,
			       .ca_name = ca,
			       .crl_name = crl,
		       },
		       d);
}

static const struct policy_entry *entry_of(const struct access *a, const struct rpc_call *call)
{
	return a->policy ? policy_find(a->policy, &call->peer) : NULL;
}

/* e: what names the caller; NULL: nothing, or there is no policy. */
static bool may_call(const struct access *a, const struct rpc_call *call,
		     const struct policy_entry *e, const struct rpc_method *m)
{
	if (a->policy)
		return e && policy_allows(e, m->service->name, m->name);
	return !m->admin || (call->peer.slot >= 0 && unix_peer(call->peer.slot)->uid == 0);
}

bool access_permits(const struct rpc_call *call, const struct rpc_method *m)
{
	const struct access *a = call->shared->access;

	return may_call(a, call, entry_of(a, call), m);
}

/* Why this call may not go on: GRPC_STATUS_OK when it may. */
static grpc_status_code permitted(struct access *a, struct rpc_call *call, const char **ret_why)
{
	const struct policy_entry *e = entry_of(a, call);

	call->max_calls = a->max_calls_each;
	call->grant = 0;
	*ret_why = a->policy ? "the policy does not permit this"
			     : "only root on the unix socket may do this while there is no policy";
	if (!may_call(a, call, e, call->method))
		return GRPC_STATUS_PERMISSION_DENIED;
	if (!e)
		return GRPC_STATUS_OK;
	call->grant = policy_fingerprint(e);
	if (policy_max_calls(e))
		call->max_calls = policy_max_calls(e);
	return GRPC_STATUS_OK;
}

/* A call that is open: does it stay? */
static void look_again(struct access *a, struct rpc_call *call)
{
	uint64_t grant = call->grant;
	const char *why = "";
	int r = peer_check(&call->peer, call->call, a->tls, &why);

	if (r == -ENOMEM)
		return; /* the next look will tell */
	if (r < 0) {
		rpc_call_abort(call, GRPC_STATUS_UNAUTHENTICATED, why);
		return;
	}
	grpc_status_code code = permitted(a, call, &why);
	if (code != GRPC_STATUS_OK)
		rpc_call_abort(call, code, why);
	else if (call->grant != grant)
		rpc_call_abort(call, GRPC_STATUS_UNAVAILABLE, "the policy has changed: call again");
}

static void look_at_all(struct access *a)
{
	struct rpc_call *call;

	/* Ending a call never frees it at once: that waits for a completion. */
	LIST_FOREACH(call, &a->shared->calls, link)
	{
		if (call->method && !call->ended)
			look_again(a, call);
	}
}

static void on_timer(uv_timer_t *timer)
{
	struct access *a = timer->data;
	int64_t now = (int64_t)(clock_wall_ns() / NS_PER_SEC);
	struct rpc_call *call;

	LIST_FOREACH(call, &a->shared->calls, link)
	{
		if (!call->ended && call->peer.expires_s < now)
			rpc_call_abort(call, GRPC_STATUS_UNAUTHENTICATED,
				       "the certificate has expired");
	}
}

int access_set(struct access *a, const struct control_access *c, struct diag *d)
{
	struct policy *policy;
	int r = read_policy(c, &policy, d);

	if (r == 0)
		r = set_tls(a, c, d);
	if (r < 0) {
		policy_free(policy);
		return r;
	}
	policy_free(a->policy);
	a->policy = policy;
	a->common_names = c->common_names;
	if (c->max_calls)
		a->max_calls = c->max_calls;
	if (c->max_calls_each)
		a->max_calls_each = c->max_calls_each;
	if (!a->set)
		set_fixed(a, c);
	a->set = true;
	if (a->shared)
		look_at_all(a);
	return 0;
}

const struct access_fixed *access_fixed(const struct access *a)
{
	return &a->fixed;
}

void access_watch(struct access *a, struct rpc_shared *shared)
{
	a->shared = shared;
	uv_timer_start(&a->timer, on_timer, ACCESS_LOOK_MS, ACCESS_LOOK_MS);
}

void access_unwatch(struct access *a)
{
	a->shared = NULL;
	uv_timer_stop(&a->timer);
}

grpc_server_credentials *access_credentials(struct access *a)
{
	return tls_ready(a->tls) ? tls_credentials(a->tls) : NULL;
}

/* Itself included. */
static uint64_t calls_of(const struct rpc_shared *shared, const char *name)
{
	const struct rpc_call *call;
	uint64_t n = 0;

	LIST_FOREACH(call, &shared->calls, link)
	{
		if (call->peer.name && strcmp(call->peer.name, name) == 0)
			n++;
	}
	return n;
}

grpc_status_code access_begin(struct access *a, struct rpc_call *call, const char **ret_why)
{
	/* Before anything that costs time, as a flood of calls would have it cost us. */
	if (call->shared->ncalls > a->max_calls) {
		*ret_why = "too many calls are open";
		return GRPC_STATUS_RESOURCE_EXHAUSTED;
	}
	int r = peer_init(&call->peer, call->call, a->tls, a->common_names, ret_why);

	if (r == -ENOMEM) {
		*ret_why = "out of memory";
		return GRPC_STATUS_RESOURCE_EXHAUSTED;
	}
	if (r < 0)
		return GRPC_STATUS_UNAUTHENTICATED;
	if (!call->method)
		return GRPC_STATUS_OK;
	grpc_status_code code = permitted(a, call, ret_why);
	if (code != GRPC_STATUS_OK)
		return code;
	*ret_why = "this identity has too many calls open";
	return calls_of(call->shared, call->peer.name) > call->max_calls
		       ? GRPC_STATUS_RESOURCE_EXHAUSTED
		       : GRPC_STATUS_OK;
}

const Falco__Outputs__Filter *access_filter(const struct rpc_call *call)
{
	const struct policy_entry *e = entry_of(call->shared->access, call);

	return e ? policy_filter(e) : NULL;
}
