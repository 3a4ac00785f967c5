/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lookup asks every socket that is there; the first that knows the container ends it. Runtimes tell of new
 * containers by events (Docker, podman, CRI from containerd 1.7 and CRI-O 1.26), and those are looked up
 * before anybody asks; what the event itself said is kept in case the container is gone before it can be
 * asked for. A socket that fails is left alone for a time that doubles; one that appears is asked for all
 * that is still unknown.
 */
#include "runtime/runtime.h"

#include <errno.h>
#include <glob.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/queue.h"
#include "event/event.h"
#include "runtime/answer.h"
#include "runtime/http.h"
#include "source/users.h"

#define MS UINT64_C(1000000)

enum {
	SOCKETS_MAX = 32,
	FIRST_RETRY_MS = 15,
	LAST_RETRY_MS = 60000,
	LOOK_MS = 500, /* between looks for new sockets */
	BACKOFF_FIRST_MS = 250,
	BACKOFF_LAST_MS = 30000,
};

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

struct question {
	char id[128], full_id[128];
	uint32_t pid;
};

struct socket {
	struct runtime *rt;
	enum runtime_kind kind;
	char path[256];
	char type[32]; /* as container.type says it */
	ino_t ino;     /* of the socket when last looked */
	bool there, streaming, no_events;
	unsigned failures; /* in a row */
	uint64_t not_before_ns;
};

struct lookup {
	struct runtime *rt;
	char id[128], full_id[128];
	struct arena arena;
	struct info partial; /* from an event */
	const char *partial_type;
	bool has_partial, answered, done;
	unsigned running, tries;
	uint64_t deadline_ns, next_ns;
};

struct step { /* one request of a lookup */
	struct lookup *l;
	struct socket *s;
	struct info info;
	bool sandbox, alone;
};

struct runtime {
	struct runtime_options o;
	struct runtime_socket *patterns;
	char *host_root;
	struct http *http;
	struct socket sockets[SOCKETS_MAX];
	size_t nsockets;
	struct strmap lookups;
	struct record_builder *builder;
	struct queue *questions, *answers; /* struct question; struct rec_hdr */
	struct queue *passwd_jobs, *passwd_answers;
	int passwd_wake;
	pthread_t thread, passwd_thread;
	_Atomic bool stop;
	bool passwd_hangs;
	_Atomic uint64_t asked, found, unknown, failures, refused;
	uint64_t next_look_ns;
};

static void count(_Atomic uint64_t *n)
{
	atomic_fetch_add_explicit(n, 1, memory_order_relaxed);
}

static void push_record(struct runtime *rt, struct queue *q, const struct rec_hdr *rec)
{
	struct rec_hdr *copy = rec ? malloc(rec->len) : NULL;

	if (!copy) {
		count(&rt->refused);
		return;
	}
	memcpy(copy, rec, rec->len);
	/* The engine takes them out whenever it looks; it is never behind for long. */
	while (!queue_push(q, copy)) {
		if (atomic_load(&rt->stop)) {
			free(copy);
			return;
		}
		rt->o.wake(rt->o.wake_ctx);
		usleep(1000);
	}
	if (!atomic_load(&rt->stop))
		rt->o.wake(rt->o.wake_ctx);
}

static void emit(struct runtime *rt, struct str id, struct str json)
{
	record_begin(rt->builder, EV_CONTAINER_INFO, 0, NULL);
	record_str(rt->builder, id);
	record_str(rt->builder, json);
	push_record(rt, rt->answers, record_end(rt->builder));
}

/* ---- lookups ---- */

static void lookup_free(struct lookup *l)
{
	strmap_remove(&l->rt->lookups, str_of(l->id));
	arena_done(&l->arena);
	free(l);
}

static void answer(struct lookup *l, const struct info *in, const char *type)
{
	_cleanup_(strbuf_done) struct strbuf json = { .limit = LIMIT_RECORD_BYTES };
	struct info named = *in;

	named.type = str_of(type);
	info_print(&named, &json);
	if (!json.failed)
		emit(l->rt, str_of(l->id), strbuf_str(&json));
	l->answered = l->done = true;
	count(&l->rt->found);
}

static void answer_unknown(struct lookup *l)
{
	if (l->answered)
		return;
	l->answered = true;
	emit(l->rt, str_of(l->id), STR("{}"));
	count(&l->rt->unknown);
}

static void socket_failed(struct socket *s)
{
	uint64_t wait = (uint64_t)BACKOFF_FIRST_MS << (s->failures < 7 ? s->failures : 7);

	count(&s->rt->failures);
	if (s->failures++ == 0)
		log_warning("container runtime at %s does not answer as it should; asking again "
			    "from time to time",
			    s->path);
	s->not_before_ns = clock_boot_ns() + (wait < BACKOFF_LAST_MS ? wait : BACKOFF_LAST_MS) * MS;
}

static void socket_works(struct socket *s)
{
	if (s->failures)
		log_notice("container runtime at %s answers again", s->path);
	s->failures = 0;
	s->not_before_ns = 0;
}

static bool usable(const struct socket *s, uint64_t now)
{
	return s->there && now >= s->not_before_ns;
}

/* After the last request of a round. */
static void round_over(struct lookup *l)
{
	uint64_t now = clock_boot_ns(), wait = FIRST_RETRY_MS;

	if (l->running)
		return;
	if (!l->done && l->has_partial && now + FIRST_RETRY_MS * MS >= l->deadline_ns)
		answer(l, &l->partial, l->partial_type);
	if (l->done) {
		lookup_free(l);
		return;
	}
	for (unsigned i = 1; i < l->tries && wait < LAST_RETRY_MS; i++)
		wait *= 2;
	wait *= MS;
	/* One try is kept for the last moment in which it helps those who wait. */
	if (!l->answered && now < l->deadline_ns && now + wait > l->deadline_ns)
		wait = l->deadline_ns - now;
	l->next_ns = now + wait;
}

static int ask_cri(struct socket *s, struct step *p, bool sandbox, struct str id);

static void step_over(struct step *p)
{
	struct lookup *l = p->l;

	l->running--;
	free(p);
	round_over(l);
}

/* True: a further request has been made of it. */
static bool take_cri(struct step *p, struct str body)
{
	struct answer_limits limits = { p->s->rt->o.label_max_len };
	struct arena *a = &p->l->arena;
	struct str message;
	int r;

	if (!cri_next_message(&body, &message, &r)) {
		socket_failed(p->s);
		return false;
	}
	r = p->sandbox ? cri_read_sandbox(message, &limits, p->alone, a, &p->info)
		       : cri_read_status(message, &limits, a, &p->info);
	if (r < 0) {
		socket_failed(p->s);
		return false;
	}
	if (!p->sandbox && p->info.sandbox_id.len &&
	    ask_cri(p->s, p, true, p->info.sandbox_id) == 0)
		return true;
	answer(p->l, &p->info, p->s->type);
	return false;
}

static void on_answer(void *ctx, enum http_outcome outcome, struct str body)
{
	struct step *p = ctx;
	struct answer_limits limits = { p->s->rt->o.label_max_len };

	if (outcome == HTTP_FAILED || outcome == HTTP_NOT_OFFERED) {
		socket_failed(p->s);
	} else {
		socket_works(p->s);
	}
	if (p->l->done) {
		step_over(p);
		return;
	}
	if (outcome == HTTP_OK && p->s->kind == RUNTIME_CRI) {
		if (take_cri(p, body))
			return;
	} else if (outcome == HTTP_OK) {
		if (docker_read_inspect(body, &limits, &p->l->arena, &p->info) == 0)
			answer(p->l, &p->info, p->s->type);
		else
			socket_failed(p->s);
	} else if (p->sandbox && !p->alone) {
		answer(p->l, &p->info, p->s->type); /* without its pod */
	} else if (outcome == HTTP_NOT_FOUND && p->s->kind == RUNTIME_CRI && !p->sandbox) {
		p->alone = true;
		if (ask_cri(p->s, p, true, str_of(p->l->full_id)) == 0)
			return;
	}
	step_over(p);
}

static int ask_cri(struct socket *s, struct step *p, bool sandbox, struct str id)
{
	_cleanup_(strbuf_done) struct strbuf body = { 0 };

	p->sandbox = sandbox;
	(sandbox ? cri_write_sandbox : cri_write_status)(id, &body);
	if (body.failed)
		return -ENOMEM;
	return http_start(s->rt->http,
			  &(struct http_request){
				  .socket = s->path,
				  .path = sandbox ? "/runtime.v1.RuntimeService/PodSandboxStatus"
						  : "/runtime.v1.RuntimeService/ContainerStatus",
				  .body = strbuf_str(&body),
				  .on_end = on_answer,
				  .ctx = p });
}

static int ask_docker(struct socket *s, struct step *p)
{
	char path[160];

	snprintf(path, sizeof(path), "/containers/%s/json", p->l->full_id);
	return http_start(s->rt->http,
			  &(struct http_request){
				  .socket = s->path, .path = path, .on_end = on_answer, .ctx = p });
}

static void ask(struct lookup *l, struct socket *s)
{
	struct step *p = calloc(1, sizeof(*p));

	if (!p)
		return;
	*p = (struct step){ .l = l, .s = s };
	l->running++;
	int r = s->kind == RUNTIME_CRI ? ask_cri(s, p, false, str_of(l->full_id))
				       : ask_docker(s, p);
	if (r < 0) {
		l->running--;
		free(p);
	}
}

static void ask_all(struct lookup *l)
{
	uint64_t now = clock_boot_ns();

	l->tries++;
	l->next_ns = UINT64_MAX;
	l->running++; /* keeps it while requests begin */
	bool any = false;

	for (size_t i = 0; i < l->rt->nsockets; i++) {
		if (usable(&l->rt->sockets[i], now)) {
			any = true;
			ask(l, &l->rt->sockets[i]);
		}
	}
	if (!any)
		answer_unknown(l); /* nobody to wait for */
	l->running--;
	round_over(l);
}

/* Ids become part of a path: only what runtimes make. */
static bool good_id(struct str id)
{
	for (size_t i = 0; i < id.len; i++) {
		char c = id.ptr[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      c == '-' || c == '_' || (c == '.' && i)))
			return false;
	}
	return id.len > 0 && id.len < sizeof(((struct lookup *)0)->id);
}

/* What is unknown and was told so makes room first. */
static bool make_room(struct runtime *rt)
{
	struct str key;
	void *value;

	if (rt->lookups.count < LIMIT_RUNTIME_REQUESTS)
		return true;
	for (size_t at = 0; strmap_next(&rt->lookups, &at, &key, &value);) {
		struct lookup *l = value;

		if (l->answered && !l->running) {
			lookup_free(l);
			return true;
		}
	}
	return false;
}

static struct lookup *lookup_get(struct runtime *rt, struct str id, struct str full_id)
{
	struct lookup *l = strmap_find(&rt->lookups, id);

	if (l || !good_id(id) || !good_id(full_id) || !make_room(rt))
		return l;
	l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->rt = rt;
	snprintf(l->id, sizeof(l->id), STR_FMT, STR_ARG(id));
	snprintf(l->full_id, sizeof(l->full_id), STR_FMT, STR_ARG(full_id));
	l->arena.limit = 4 * LIMIT_RUNTIME_ANSWER;
	l->next_ns = UINT64_MAX;
	l->deadline_ns = clock_boot_ns() + rt->o.wait_ns * 9 / 10;
	if (strmap_put(&rt->lookups, str_of(l->id), l) < 0) {
		free(l);
		return NULL;
	}
	return l;
}

static void take_questions(struct runtime *rt)
{
	struct question *q;

	while ((q = queue_pop(rt->questions))) {
		struct str id = str_of(q->id);
		struct lookup *l = strmap_find(&rt->lookups, id);

		count(&rt->asked);
		if (!l) {
			l = lookup_get(rt, id, str_of(q->full_id));
			if (l)
				ask_all(l);
			else
				emit(rt, id, STR("{}"));
		} else if (l->answered) {
			emit(rt, id, STR("{}"));
		}
		free(q);
	}
}

/* ---- events ---- */

static void heard_of(struct socket *s, struct str full_id, const struct info *partial)
{
	struct str id = str_cut(full_id, 12);
	struct lookup *l = lookup_get(s->rt, id, full_id);

	if (!l)
		return;
	if (partial) {
		_cleanup_(strbuf_done) struct strbuf json = { 0 };
		struct info copy;

		info_print(partial, &json);
		if (!json.failed && !l->has_partial &&
		    info_parse(strbuf_str(&json), &l->arena, &copy) == 0) {
			l->partial = copy;
			l->partial_type = s->type;
			l->has_partial = true;
		}
	}
	if (!l->running)
		ask_all(l);
}

static bool on_docker_events(void *ctx, struct str *data)
{
	struct socket *s = ctx;
	struct answer_limits limits = { s->rt->o.label_max_len };

	for (size_t end; (end = str_chr(*data, '\n')) < data->len;) {
		struct arena a = { .limit = LIMIT_RUNTIME_ANSWER };
		struct info info;
		struct str id;

		if (docker_read_event(str_cut(*data, end), &limits, &a, &id, &info))
			heard_of(s, id, &info);
		arena_done(&a);
		*data = str_skip(*data, end + 1);
	}
	return true;
}

static bool on_cri_events(void *ctx, struct str *data)
{
	struct socket *s = ctx;
	struct str message;
	int r;

	while (cri_next_message(data, &message, &r)) {
		struct arena a = { .limit = LIMIT_RUNTIME_ANSWER };
		struct str id;

		if (cri_read_event(message, &a, &id))
			heard_of(s, id, NULL);
		arena_done(&a);
	}
	return r == 0;
}

static void on_events_end(void *ctx, enum http_outcome outcome, struct str body)
{
	struct socket *s = ctx;

	s->streaming = false;
	if (outcome == HTTP_NOT_OFFERED || outcome == HTTP_NOT_FOUND)
		s->no_events = true;
	else if (s->there)
		socket_failed(s);
}

static void subscribe(struct socket *s)
{
	_cleanup_(strbuf_done) struct strbuf body = { 0 };
	struct http_request r = {
		.socket = s->path,
		.path = "/events?filters=%7B%22type%22%3A%5B%22container%22%5D%7D",
		.stream = true,
		.on_data = on_docker_events,
		.on_end = on_events_end,
		.ctx = s,
	};

	if (s->kind == RUNTIME_CRI) {
		cri_write_events(&body);
		r.path = "/runtime.v1.RuntimeService/GetContainerEvents";
		r.body = strbuf_str(&body);
		r.on_data = on_cri_events;
	}
	s->streaming = !body.failed && http_start(s->rt->http, &r) == 0;
}

/* ---- sockets ---- */

static void on_version(void *ctx, enum http_outcome outcome, struct str body)
{
	struct socket *s = ctx;
	struct arena a = { 0 };
	struct str message, name;
	int r;

	if (outcome == HTTP_OK && cri_next_message(&body, &message, &r) &&
	    cri_read_version(message, &a, &name) == 0) {
		bool known = str_eqz(name, "containerd") || str_eqz(name, "cri-o");

		snprintf(s->type, sizeof(s->type), STR_FMT, STR_ARG(known ? name : STR("cri")));
	}
	arena_done(&a);
}

static void ask_version(struct socket *s)
{
	_cleanup_(strbuf_done) struct strbuf body = { 0 };

	cri_write_version(&body);
	if (!body.failed)
		http_start(s->rt->http,
			   &(struct http_request){ .socket = s->path,
						   .path = "/runtime.v1.RuntimeService/Version",
						   .body = strbuf_str(&body),
						   .on_end = on_version,
						   .ctx = s });
}

static void socket_appeared(struct socket *s)
{
	struct str key;
	void *value;

	log_info("container runtime at %s", s->path);
	s->failures = 0;
	s->not_before_ns = 0;
	s->no_events = false;
	if (s->kind == RUNTIME_CRI)
		ask_version(s);
	for (size_t at = 0; strmap_next(&s->rt->lookups, &at, &key, &value);) {
		struct lookup *l = value;

		if (!l->running)
			l->next_ns = 0;
	}
}

static void look_at(struct socket *s, uint64_t now)
{
	struct stat st;
	bool there = stat(s->path, &st) == 0 && S_ISSOCK(st.st_mode);
	bool news = there && (!s->there || st.st_ino != s->ino);

	s->there = there;
	s->ino = there ? st.st_ino : 0;
	if (news)
		socket_appeared(s);
	if (there && !s->streaming && !s->no_events && now >= s->not_before_ns)
		subscribe(s);
}

static void add_socket(struct runtime *rt, enum runtime_kind kind, const char *path)
{
	static const char *const types[] = { "docker", "podman", "cri" };

	for (size_t i = 0; i < rt->nsockets; i++)
		if (str_eqz(str_of(rt->sockets[i].path), path))
			return;
	if (rt->nsockets == SOCKETS_MAX)
		return;
	struct socket *s = &rt->sockets[rt->nsockets++];

	*s = (struct socket){ .rt = rt, .kind = kind };
	snprintf(s->path, sizeof(s->path), "%s", path);
	snprintf(s->type, sizeof(s->type), "%s", types[kind]);
}

static void look(struct runtime *rt, uint64_t now)
{
	for (size_t i = 0; i < rt->o.nsockets; i++) {
		char pattern[256];
		glob_t found = { 0 };

		if (snprintf(pattern, sizeof(pattern), "%s%s", rt->host_root,
			     rt->patterns[i].path) >= (int)sizeof(pattern))
			continue;
		if (glob(pattern, 0, NULL, &found) == 0)
			for (size_t k = 0; k < found.gl_pathc; k++)
				add_socket(rt, rt->patterns[i].kind, found.gl_pathv[k]);
		globfree(&found);
	}
	for (size_t i = 0; i < rt->nsockets; i++)
		look_at(&rt->sockets[i], now);
	rt->next_look_ns = now + LOOK_MS * MS;
}

/* One that is due; asking may free it, so the walk begins anew. */
static struct lookup *due(struct runtime *rt, uint64_t now, uint64_t *ret_next)
{
	struct str key;
	void *value;

	for (size_t at = 0; strmap_next(&rt->lookups, &at, &key, &value);) {
		struct lookup *l = value;

		if (!l->answered && now >= l->deadline_ns)
			answer_unknown(l);
		if (!l->running && l->next_ns <= now)
			return l;
		uint64_t next = l->answered || l->deadline_ns > l->next_ns ? l->next_ns
									   : l->deadline_ns;
		if (next < *ret_next)
			*ret_next = next;
	}
	return NULL;
}

static void *run(void *arg)
{
	struct runtime *rt = arg;

	while (!atomic_load(&rt->stop)) {
		uint64_t now = clock_boot_ns(), next;
		struct lookup *l;

		if (now >= rt->next_look_ns)
			look(rt, now);
		take_questions(rt);
		next = rt->next_look_ns;
		while ((l = due(rt, now, &next)))
			ask_all(l);
		now = clock_boot_ns();
		http_run(rt->http, next > now ? (unsigned)((next - now) / MS) + 1 : 0);
	}
	return NULL;
}

/* ---- passwd files ---- */

static void take_account(const struct rec_hdr *rec, void *ctx)
{
	struct runtime *rt = ctx;

	push_record(rt, rt->passwd_answers, rec);
}

static void *read_passwds(void *arg)
{
	struct runtime *rt = arg;
	_cleanup_(freep) struct record_builder *b = malloc(sizeof(*b));
	eventfd_t n;

	if (!b)
		return NULL;

	while (!atomic_load(&rt->stop)) {
		struct question *q = queue_pop(rt->passwd_jobs);
		char root[320];

		if (!q) {
			eventfd_read(rt->passwd_wake, &n);
			continue;
		}
		if (snprintf(root, sizeof(root), "%s/proc/%u/root", rt->host_root, q->pid) <
		    (int)sizeof(root))
			scan_users(root, str_of(q->id), take_account, rt);
		record_begin(b, EV_CONTAINER_INFO, 0, NULL);
		record_str(b, str_of(q->id));
		record_param(b, NULL, 0);
		push_record(rt, rt->passwd_answers, record_end(b));
		free(q);
	}
	return NULL;
}

/* ---- from outside ---- */

static void drain(struct queue *q)
{
	void *item;

	while (q && (item = queue_pop(q)))
		free(item);
	queue_free(q);
}

static struct runtime *destroy(struct runtime *rt)
{
	struct str key;
	void *value;

	rt->http = http_free(rt->http);
	for (size_t at = 0; strmap_next(&rt->lookups, &at, &key, &value);) {
		struct lookup *l = value;

		arena_done(&l->arena);
		free(l);
	}
	strmap_done(&rt->lookups);
	drain(rt->questions);
	drain(rt->answers);
	drain(rt->passwd_jobs);
	drain(rt->passwd_answers);
	closep(&rt->passwd_wake);
	for (size_t i = 0; rt->patterns && i < rt->o.nsockets; i++)
		free((char *)(uintptr_t)rt->patterns[i].path);
	free(rt->patterns);
	free(rt->host_root);
	free(rt->builder);
	free(rt);
	return NULL;
}

static int copy_options(struct runtime *rt, const struct runtime_options *o)
{
	rt->o = *o;
	rt->host_root = strdup(o->host_root ? o->host_root : "");
	rt->patterns = calloc(o->nsockets + 1, sizeof(*rt->patterns));
	if (!rt->host_root || !rt->patterns)
		return -ENOMEM;
	for (size_t i = 0; i < o->nsockets; i++) {
		rt->patterns[i] = (struct runtime_socket){ o->sockets[i].kind,
							   strdup(o->sockets[i].path) };
		if (!rt->patterns[i].path)
			return -ENOMEM;
	}
	return 0;
}

int runtime_start(const struct runtime_options *o, struct runtime **ret)
{
	struct runtime *rt = calloc(1, sizeof(*rt));

	if (!rt)
		return -ENOMEM;
	rt->passwd_wake = eventfd(0, EFD_CLOEXEC);
	rt->http = http_new();
	rt->builder = malloc(sizeof(*rt->builder));
	rt->questions = queue_new(LIMIT_RUNTIME_REQUESTS);
	rt->answers = queue_new(LIMIT_RUNTIME_REQUESTS);
	rt->passwd_jobs = queue_new(LIMIT_RUNTIME_REQUESTS);
	rt->passwd_answers = queue_new(LIMIT_RUNTIME_REQUESTS);
	int r = copy_options(rt, o);

	if (r < 0 || rt->passwd_wake < 0 || !rt->http || !rt->builder || !rt->questions ||
	    !rt->answers || !rt->passwd_jobs || !rt->passwd_answers) {
		destroy(rt);
		return -ENOMEM;
	}
	r = -pthread_create(&rt->thread, NULL, run, rt);
	if (r < 0) {
		destroy(rt);
		return r;
	}
	r = -pthread_create(&rt->passwd_thread, NULL, read_passwds, rt);
	if (r < 0) {
		atomic_store(&rt->stop, true);
		http_wake(rt->http);
		pthread_join(rt->thread, NULL);
		destroy(rt);
		return r;
	}
	*ret = rt;
	return 0;
}

void runtime_stop(struct runtime *rt)
{
	struct timespec soon;

	if (!rt)
		return;
	atomic_store(&rt->stop, true);
	http_wake(rt->http);
	eventfd_write(rt->passwd_wake, 1);
	pthread_join(rt->thread, NULL);
	/* A file system made to hang holds its reader, not us: what it may still touch stays. */
	clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_sec += 2;
	rt->passwd_hangs = pthread_timedjoin_np(rt->passwd_thread, NULL, &soon) != 0;
}

struct runtime *runtime_free(struct runtime *rt)
{
	return rt && !rt->passwd_hangs ? destroy(rt) : NULL;
}

static bool hand(struct queue *q, const struct question *question)
{
	struct question *copy = malloc(sizeof(*copy));

	if (!copy)
		return false;
	*copy = *question;
	if (queue_push(q, copy))
		return true;
	free(copy);
	return false;
}

static bool fill(struct question *q, struct str id, struct str full_id, uint32_t pid)
{
	if (id.len >= sizeof(q->id) || full_id.len >= sizeof(q->full_id))
		return false;
	*q = (struct question){ .pid = pid };
	snprintf(q->id, sizeof(q->id), STR_FMT, STR_ARG(id));
	snprintf(q->full_id, sizeof(q->full_id), STR_FMT, STR_ARG(full_id.len ? full_id : id));
	return true;
}

bool runtime_ask(struct runtime *rt, struct str id, struct str full_id)
{
	struct question q;

	if (!fill(&q, id, full_id, 0) || !hand(rt->questions, &q)) {
		count(&rt->refused);
		return false;
	}
	http_wake(rt->http);
	return true;
}

bool runtime_ask_accounts(struct runtime *rt, struct str id, uint32_t pid)
{
	struct question q;

	if (!fill(&q, id, id, pid) || !hand(rt->passwd_jobs, &q)) {
		count(&rt->refused);
		return false;
	}
	eventfd_write(rt->passwd_wake, 1);
	return true;
}

struct rec_hdr *runtime_take(struct runtime *rt)
{
	struct rec_hdr *rec = queue_pop(rt->passwd_answers);

	return rec ? rec : queue_pop(rt->answers);
}

void runtime_counters(const struct runtime *rt, struct runtime_counters *ret)
{
	*ret = (struct runtime_counters){
		.asked = atomic_load_explicit(&rt->asked, memory_order_relaxed),
		.found = atomic_load_explicit(&rt->found, memory_order_relaxed),
		.unknown = atomic_load_explicit(&rt->unknown, memory_order_relaxed),
		.failures = atomic_load_explicit(&rt->failures, memory_order_relaxed),
		.refused = atomic_load_explicit(&rt->refused, memory_order_relaxed),
	};
}
