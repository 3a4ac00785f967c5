/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that asks, and the doors to it from the engine's: one queue in, one out. */
#include "runtime/runtime.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/limits.h"
#include "runtime/lookups.h"
#include "runtime/passwd.h"

#define MS UINT64_C(1000000)

const struct runtime_socket runtime_default_sockets[] = {
	{ RUNTIME_PODMAN, "/run/podman/podman.sock" },
	{ RUNTIME_PODMAN, "/run/user/*/podman/podman.sock" },
	{ RUNTIME_DOCKER, "/var/run/docker.sock" },
	{ RUNTIME_CRI, "/run/containerd/containerd.sock" },
	{ RUNTIME_CRI, "/run/crio/crio.sock" },
	{ RUNTIME_CRI, "/run/k3s/containerd/containerd.sock" },
	{ RUNTIME_CRI, "/run/host-containerd/containerd.sock" },
};
const size_t runtime_default_nsockets = ARRAY_SIZE(runtime_default_sockets);

struct runtime {
	struct runtime_socket *patterns;
	size_t npatterns;
	char *host_root;
	struct http *http;
	struct peers peers;
	struct lookups lookups;
	struct outbox out;
	struct record_builder builder;
	struct queue *questions; /* struct question */
	struct passwd *passwd;
	pthread_t thread;
	_Atomic bool stop;
	_Atomic uint64_t asked, refused;
};

static void count(_Atomic uint64_t *n)
{
	atomic_fetch_add_explicit(n, 1, memory_order_relaxed);
}

static void heard(void *ctx, struct peer *p, const struct peer_news *news)
{
	struct runtime *rt = ctx;

	lookups_heard(&rt->lookups, p, news);
}

static void appeared(void *ctx)
{
	struct runtime *rt = ctx;

	lookups_again(&rt->lookups);
}

static void *run(void *arg)
{
	struct runtime *rt = arg;

	while (!atomic_load(&rt->stop)) {
		struct question *q = queue_pop(rt->questions);
		uint64_t now = clock_boot_ns(), look = peers_look(&rt->peers, now, q != NULL), next;

		for (; q; q = queue_pop(rt->questions)) {
			lookups_ask(&rt->lookups, q);
			free(q);
		}
		next = lookups_run(&rt->lookups, now);
		next = next < look ? next : look;
		passwd_watch(rt->passwd, now);
		now = clock_boot_ns();
		http_run(rt->http, next > now ? (unsigned)((next - now) / MS) + 1 : 0);
	}
	return NULL;
}

static struct runtime *destroy(struct runtime *rt)
{
	passwd_stop(rt->passwd);
	passwd_free(rt->passwd);
	rt->http = http_free(rt->http);
	lookups_done(&rt->lookups);
	for (void *q; rt->questions && (q = queue_pop(rt->questions));)
		free(q);
	queue_free(rt->questions);
	outbox_done(&rt->out);
	for (size_t i = 0; rt->patterns && i < rt->npatterns; i++)
		free((char *)(uintptr_t)rt->patterns[i].path);
	free(rt->patterns);
	free(rt->host_root);
	free(rt);
	return NULL;
}

static int copy_options(struct runtime *rt, const struct runtime_options *o)
{
	rt->host_root = strdup(o->host_root ? o->host_root : "");
	rt->patterns = calloc(o->nsockets + 1, sizeof(*rt->patterns));
	if (!rt->host_root || !rt->patterns)
		return -ENOMEM;
	for (size_t i = 0; i < o->nsockets; i++) {
		rt->patterns[i] = (struct runtime_socket){ o->sockets[i].kind,
							   strdup(o->sockets[i].path) };
		rt->npatterns = i + 1;
		if (!rt->patterns[i].path)
			return -ENOMEM;
	}
	return 0;
}

static int set_up(struct runtime *rt, const struct runtime_options *o)
{
	int r = copy_options(rt, o);

	if (r < 0)
		return r;
	rt->http = http_new();
	rt->questions = queue_new(LIMIT_RUNTIME_REQUESTS);
	if (!rt->http || !rt->questions)
		return -ENOMEM;
	r = outbox_init(&rt->out, o->wake, o->wake_ctx, &rt->stop);
	if (r < 0)
		return r;
	rt->peers.o = (struct peers_options){ .patterns = rt->patterns,
					      .npatterns = rt->npatterns,
					      .host_root = rt->host_root,
					      .label_max_len = o->label_max_len,
					      .http = rt->http,
					      .heard = heard,
					      .appeared = appeared,
					      .ctx = rt };
	rt->lookups = (struct lookups){ .peers = &rt->peers,
					.http = rt->http,
					.out = &rt->out,
					.builder = &rt->builder,
					.label_max_len = o->label_max_len,
					.wait_ns = o->wait_ns };
	return passwd_start(rt->host_root, o->wake, o->wake_ctx, &rt->passwd);
}

int runtime_start(const struct runtime_options *o, struct runtime **ret)
{
	struct runtime *rt = calloc(1, sizeof(*rt));
	int r = rt ? set_up(rt, o) : -ENOMEM;

	if (r == 0)
		r = -pthread_create(&rt->thread, NULL, run, rt);
	if (r < 0) {
		if (rt)
			destroy(rt);
		return r;
	}
	*ret = rt;
	return 0;
}

void runtime_stop(struct runtime *rt)
{
	if (!rt)
		return;
	atomic_store(&rt->stop, true);
	http_wake(rt->http);
	pthread_join(rt->thread, NULL);
	passwd_stop(rt->passwd);
}

struct runtime *runtime_free(struct runtime *rt)
{
	return rt ? destroy(rt) : NULL;
}

/* Which runtimes may have made what has such a path; a bare id is any's. */
static unsigned kinds_of(const char *type)
{
	static const struct {
		const char *type;
		unsigned kinds;
	} rows[] = {
		{ "podman", 1u << RUNTIME_PODMAN },
		{ "containerd", 1u << RUNTIME_CRI },
		{ "cri-o", 1u << RUNTIME_CRI },
		{ "docker", 1u << RUNTIME_DOCKER | 1u << RUNTIME_PODMAN | 1u << RUNTIME_CRI },
	};

	for (size_t i = 0; type && i < ARRAY_SIZE(rows); i++)
		if (str_eqz(str_of(type), rows[i].type))
			return rows[i].kinds;
	return 0;
}

static bool hand(struct runtime *rt, const struct runtime_question *from)
{
	struct str full_id = from->full_id.len ? from->full_id : from->id;
	struct question *q = calloc(1, sizeof(*q));

	if (!q || from->id.len >= sizeof(q->id) || full_id.len >= sizeof(q->full_id)) {
		free(q);
		return false;
	}
	snprintf(q->id, sizeof(q->id), STR_FMT, STR_ARG(from->id));
	snprintf(q->full_id, sizeof(q->full_id), STR_FMT, STR_ARG(full_id));
	if (from->space.len < sizeof(q->space))
		snprintf(q->space, sizeof(q->space), STR_FMT, STR_ARG(from->space));
	q->kinds = kinds_of(from->type);
	q->owner = from->owner;
	if (queue_push(rt->questions, q))
		return true;
	free(q);
	return false;
}

bool runtime_ask(struct runtime *rt, const struct runtime_question *q)
{
	if (!kinds_of(q->type))
		return false;
	count(&rt->asked);
	if (!hand(rt, q)) {
		count(&rt->refused);
		return false;
	}
	http_wake(rt->http);
	return true;
}

bool runtime_ask_accounts(struct runtime *rt, struct str id, uint32_t pid, uint32_t mnt_ns)
{
	struct passwd_job job = { .pid = pid, .mnt_ns = mnt_ns };

	if (id.len >= sizeof(job.id))
		return false;
	snprintf(job.id, sizeof(job.id), STR_FMT, STR_ARG(id));
	if (passwd_ask(rt->passwd, &job))
		return true;
	count(&rt->refused);
	return false;
}

struct rec_hdr *runtime_take(struct runtime *rt)
{
	struct rec_hdr *rec = passwd_take(rt->passwd);

	return rec ? rec : outbox_take(&rt->out);
}

static uint64_t get(const _Atomic uint64_t *n)
{
	return atomic_load_explicit(n, memory_order_relaxed);
}

void runtime_counters(const struct runtime *rt, struct runtime_counters *ret)
{
	*ret = (struct runtime_counters){
		.asked = get(&rt->asked),
		.found = get(&rt->lookups.found),
		.unknown = get(&rt->lookups.unknown),
		.refused = get(&rt->refused),
	};
	for (unsigned i = 0; i < RUNTIME_KINDS; i++) {
		ret->requests[i] = get(&rt->peers.asked[i]);
		ret->failures[i] = get(&rt->peers.failed[i]);
	}
}
