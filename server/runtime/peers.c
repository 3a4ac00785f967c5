/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events are asked for wherever they are offered (Docker, podman, CRI from containerd 1.7 and CRI-O 1.26). Users'
 * own runtimes are not listened to: what they say counts only when it is known whose the container is.
 */
#include "runtime/peers.h"

#include <glob.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"

#define MS UINT64_C(1000000)

enum {
	LOOK_MS = 500, /* between looks for new sockets */
	LOOK_AGAIN_MS =
		20, /* the same when there is a question, which may be about a new one's container */
	BACKOFF_FIRST_MS = 250,
	BACKOFF_LAST_MS = 30000,
	BACKOFF_DOUBLINGS = 7,
	REFUSALS = 16, /* errors about this or that container, after which it counts as failing */
	LOG_EVERY_S = 60,
};

static void count(_Atomic uint64_t *n)
{
	atomic_fetch_add_explicit(n, 1, memory_order_relaxed);
}

/* Whoever is behind a socket can make it fail, work, go and come as often as he likes. */
static bool may_log(struct peer *p)
{
	uint64_t now = clock_boot_ns();

	if (p->logged_ns && now < p->logged_ns + LOG_EVERY_S * NS_PER_SEC)
		return false;
	p->logged_ns = now;
	return true;
}

/* Counted, logged once; returns when to try again. */
static uint64_t fault(struct peer *p, unsigned *in_a_row)
{
	unsigned doublings = *in_a_row < BACKOFF_DOUBLINGS ? *in_a_row : BACKOFF_DOUBLINGS;
	uint64_t wait = (uint64_t)BACKOFF_FIRST_MS << doublings;

	++*in_a_row;
	count(&p->all->failed[p->kind]);
	if (!p->logged && may_log(p)) {
		p->logged = true;
		log_warning("container runtime at %s does not answer as it should; asking again "
			    "from time to time",
			    p->path);
	}
	return clock_boot_ns() + (wait < BACKOFF_LAST_MS ? wait : BACKOFF_LAST_MS) * MS;
}

void peer_asked(struct peer *p)
{
	count(&p->all->asked[p->kind]);
}

void peer_failed(struct peer *p)
{
	p->not_before_ns = fault(p, &p->failures);
}

/* Of a container that is just being removed it may have an error, and know all others. */
void peer_refused(struct peer *p)
{
	if (++p->refusals < REFUSALS)
		count(&p->all->failed[p->kind]);
	else
		peer_failed(p);
}

void peer_works(struct peer *p)
{
	if (p->logged && p->failures)
		log_notice("container runtime at %s answers again", p->path);
	if (p->failures)
		p->logged = false;
	p->failures = p->refusals = 0;
	p->not_before_ns = 0;
}

bool peer_usable(const struct peer *p, uid_t owner, uint64_t when_ns)
{
	return p->there && when_ns >= p->not_before_ns && (p->uid == 0 || p->uid == owner);
}

bool peer_is_containerd(const struct peer *p)
{
	return str_eqz(str_of(p->type), "containerd");
}

/* ---- events ---- */

static void heard(struct peer *p, const struct peer_news *news)
{
	p->stream_failures = 0;
	p->all->o.heard(p->all->o.ctx, p, news);
}

static bool on_docker_events(void *ctx, struct str *data)
{
	struct peer *p = ctx;
	struct answer_limits limits = { p->all->o.label_max_len };

	for (size_t end; (end = str_chr(*data, '\n')) < data->len;) {
		struct arena a = { .limit = LIMIT_RUNTIME_ANSWER };
		struct peer_news news;
		struct info info;

		if (docker_read_event(str_cut(*data, end), &limits, &a, &news, &info))
			heard(p, &news);
		arena_done(&a);
		*data = str_skip(*data, end + 1);
	}
	return true;
}

static bool take_events(struct peer *p, struct str *data,
			bool (*read)(struct str message, struct arena *a, struct peer_news *ret))
{
	struct str message;
	int r;

	while (cri_next_message(data, &message, &r)) {
		struct arena a = { .limit = LIMIT_RUNTIME_ANSWER };
		struct peer_news news;

		if (read(message, &a, &news))
			heard(p, &news);
		arena_done(&a);
	}
	return r == 0;
}

static bool on_cri_events(void *ctx, struct str *data)
{
	return take_events(ctx, data, cri_read_event);
}

static bool on_containerd_events(void *ctx, struct str *data)
{
	return take_events(ctx, data, containerd_read_event);
}

static bool look_at(struct peer *p);

static void on_events_end(void *ctx, enum http_outcome outcome, struct str body)
{
	struct peer *p = ctx;

	p->streaming = false;
	if (outcome == HTTP_STOPPED)
		return;
	if (outcome == HTTP_NOT_OFFERED || outcome == HTTP_NOT_FOUND) {
		*(peer_is_containerd(p) && !p->no_native ? &p->no_native : &p->no_events) = true;
		return;
	}
	/* One that was stopped takes its socket with it, and has done nothing wrong. */
	if (!look_at(p) && p->there)
		p->listen_after_ns = fault(p, &p->stream_failures);
}

static void subscribe(struct peer *p)
{
	_cleanup_(strbuf_done) struct strbuf body = { 0 };
	struct http_request r = {
		.socket = p->path,
		.path = "/events?filters=%7B%22type%22%3A%5B%22container%22%5D%7D",
		.stream = true,
		.on_data = on_docker_events,
		.on_end = on_events_end,
		.ctx = p,
	};

	if (peer_is_containerd(p) && !p->no_native) {
		containerd_write_subscribe(&body);
		r.path = "/containerd.services.events.v1.Events/Subscribe";
		r.on_data = on_containerd_events;
	} else if (p->kind == RUNTIME_CRI) {
		cri_write_events(&body);
		r.path = "/runtime.v1.RuntimeService/GetContainerEvents";
		r.on_data = on_cri_events;
	}
	if (body.len)
		r.body = strbuf_str(&body);
	p->streaming = !body.failed && http_start(p->all->o.http, &r) == 0;
}

/* ---- sockets ---- */

static void on_version(void *ctx, enum http_outcome outcome, struct str body)
{
	struct peer *p = ctx;
	struct arena a = { 0 };
	struct str message, name;
	int r;

	p->asking_version = false;
	if (outcome == HTTP_OK && cri_next_message(&body, &message, &r) &&
	    cri_read_version(message, &a, &name) == 0) {
		bool known = str_eqz(name, "containerd") || str_eqz(name, "cri-o");

		snprintf(p->type, sizeof(p->type), STR_FMT, STR_ARG(known ? name : STR("cri")));
		p->told_version = true;
		p->all->next_look_ns = 0;
		peer_works(p);
	} else if (outcome != HTTP_STOPPED) {
		p->listen_after_ns = fault(p, &p->stream_failures);
	}
	arena_done(&a);
}

static void ask_version(struct peer *p)
{
	_cleanup_(strbuf_done) struct strbuf body = { 0 };

	cri_write_version(&body);
	peer_asked(p);
	p->asking_version =
		!body.failed &&
		http_start(p->all->o.http,
			   &(struct http_request){ .socket = p->path,
						   .path = "/runtime.v1.RuntimeService/Version",
						   .body = strbuf_str(&body),
						   .on_end = on_version,
						   .ctx = p }) == 0;
}

/* True: another socket than before. */
static bool look_at(struct peer *p)
{
	struct stat st;
	bool there = stat(p->path, &st) == 0 && S_ISSOCK(st.st_mode);
	bool news = there &&
		    (!p->there || st.st_ino != p->ino || st.st_ctim.tv_sec != p->changed.tv_sec ||
		     st.st_ctim.tv_nsec != p->changed.tv_nsec);

	p->there = there;
	p->ino = there ? st.st_ino : 0;
	p->changed = there ? st.st_ctim : (struct timespec){ 0 };
	p->uid = there ? st.st_uid : 0;
	if (!news)
		return false;
	if (!p->logged_ns || may_log(p))
		log_info("container runtime at %s", p->path);
	p->failures = p->refusals = p->stream_failures = 0;
	p->not_before_ns = p->listen_after_ns = 0;
	p->no_native = p->no_events = p->told_version = false;
	p->all->o.appeared(p->all->o.ctx);
	return true;
}

/* What CRI's answers and events are like depends on who gives them. */
static void listen_to(struct peer *p, uint64_t now)
{
	if (!p->there || p->uid != 0 || p->streaming || now < p->listen_after_ns)
		return;
	if (p->kind == RUNTIME_CRI && !p->told_version) {
		if (!p->asking_version)
			ask_version(p);
	} else if (!p->no_events) {
		subscribe(p);
	}
}

static void add(struct peers *ps, enum runtime_kind kind, const char *path)
{
	static const char *const types[] = {
		[RUNTIME_DOCKER] = "docker", [RUNTIME_PODMAN] = "podman", [RUNTIME_CRI] = "cri"
	};

	for (size_t i = 0; i < ps->n; i++)
		if (str_eqz(str_of(ps->list[i].path), path))
			return;
	if (ps->n == ARRAY_SIZE(ps->list) || strlen(path) >= sizeof(ps->list[0].path))
		return;
	struct peer *p = &ps->list[ps->n++];

	*p = (struct peer){ .all = ps, .kind = kind };
	snprintf(p->path, sizeof(p->path), "%s", path);
	snprintf(p->type, sizeof(p->type), "%s", types[kind]);
}

uint64_t peers_look(struct peers *ps, uint64_t now_ns, bool question)
{
	uint64_t early = question ? (LOOK_MS - LOOK_AGAIN_MS) * MS : 0;

	if (now_ns + early < ps->next_look_ns)
		return ps->next_look_ns;
	for (size_t i = 0; i < ps->o.npatterns; i++) {
		char pattern[256];
		glob_t found = { 0 };

		if (snprintf(pattern, sizeof(pattern), "%s%s", ps->o.host_root,
			     ps->o.patterns[i].path) >= (int)sizeof(pattern))
			continue;
		if (glob(pattern, 0, NULL, &found) == 0)
			for (size_t k = 0; k < found.gl_pathc; k++)
				add(ps, ps->o.patterns[i].kind, found.gl_pathv[k]);
		globfree(&found);
	}
	for (size_t i = 0; i < ps->n; i++) {
		look_at(&ps->list[i]);
		listen_to(&ps->list[i], now_ns);
	}
	ps->next_look_ns = now_ns + LOOK_MS * MS;
	return ps->next_look_ns;
}
