/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmicrohttpd with its sockets in one epoll descriptor, which the loop watches. It bounds connections, their
 * idle time and their memory; we only make the four answers.
 */
#include "web/web.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "web/metrics.h"

enum {
	CONNECTION_SECONDS = 15,
	CONNECTION_BYTES = 32 << 10,
};

struct web {
	struct MHD_Daemon *daemon;
	const struct stats *stats;
	struct web_settings settings; /* its texts are ours */
	struct strbuf texts, text;
	uv_poll_t poll;
	uv_timer_t timer;
	unsigned open; /* handles */
	uint64_t requests;
};

typedef enum MHD_Result answer_result;

static answer_result answer(struct MHD_Connection *c, unsigned status, const char *type,
			    struct str body)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(
		body.len, (void *)(uintptr_t)body.ptr, MHD_RESPMEM_MUST_COPY);

	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	answer_result rc = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return rc;
}

/*
 * Healthy: the engine lives and, where self-tests are made, an event of ours came through the kernel a moment
 * ago. Which of the two is missing is said in the answer.
 */
static answer_result health(struct web *w, struct MHD_Connection *c)
{
	uint64_t now = clock_boot_ns(), limit = LIMIT_SILENCE_SECONDS * NS_PER_SEC;
	uint64_t engine = stats_get(w->stats, STAT_ENGINE_TIME);
	uint64_t event = stats_get(w->stats, STAT_HEARTBEAT);
	const char *why = NULL;

	if (engine && engine + limit < now)
		why = "the engine does not answer";
	else if (event && event + limit < now)
		why = "no event comes from the kernel";
	if (!why)
		return answer(c, MHD_HTTP_OK, "application/json", STR("{\"status\": \"ok\"}"));
	strbuf_clear(&w->text);
	strbuf_printf(&w->text, "{\"status\": \"unhealthy\", \"reason\": \"%s\"}", why);
	return answer(c, MHD_HTTP_SERVICE_UNAVAILABLE, "application/json", strbuf_str(&w->text));
}

static answer_result metrics(struct web *w, struct MHD_Connection *c)
{
	strbuf_clear(&w->text);
	metrics_print(w->stats, w->settings.groups, &w->text);
	if (strbuf_check(&w->text) < 0)
		return answer(c, MHD_HTTP_INTERNAL_SERVER_ERROR, "text/plain",
			      STR("out of memory\n"));
	return answer(c, MHD_HTTP_OK, "text/plain; version=0.0.4", strbuf_str(&w->text));
}

static answer_result on_request(void *arg, struct MHD_Connection *c, const char *url,
				const char *method, const char *version, const char *upload,
				size_t *upload_size, void **state)
{
	struct web *w = arg;

	/* The first call comes with the header alone; a body is read and thrown away. */
	if (!*state) {
		*state = w;
		w->requests++;
		return MHD_YES;
	}
	if (*upload_size) {
		*upload_size = 0;
		return MHD_YES;
	}
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return answer(c, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain",
			      STR("GET and HEAD only\n"));
	if (!strcmp(url, w->settings.health_path.ptr))
		return health(w, c);
	if (!strcmp(url, "/versions"))
		return answer(c, MHD_HTTP_OK, "application/json", w->settings.versions);
	if (w->settings.metrics && !strcmp(url, "/metrics"))
		return metrics(w, c);
	return answer(c, MHD_HTTP_NOT_FOUND, "text/plain", STR("not found\n"));
}

static void on_message(void *arg, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static void on_message(void *arg, const char *format, va_list args)
{
	char line[512];
	int n = vsnprintf(line, sizeof(line), format, args);

	if (n > 0)
		log_debug("web: %.*s", (int)strcspn(line, "\n"), line);
}

static void on_timer(uv_timer_t *t);

static void run(struct web *w)
{
	MHD_UNSIGNED_LONG_LONG ms;

	MHD_run(w->daemon);
	if (MHD_get_timeout(w->daemon, &ms) == MHD_YES)
		uv_timer_start(&w->timer, on_timer, ms, 0);
	else
		uv_timer_stop(&w->timer);
}

static void on_timer(uv_timer_t *t)
{
	run(t->data);
}

static void on_poll(uv_poll_t *p, int status, int events)
{
	run(p->data);
}

static int parse_address(const struct web_settings *s, struct sockaddr_storage *ret)
{
	char text[INET6_ADDRSTRLEN + 1];
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)ret;

	*ret = (struct sockaddr_storage){ 0 };
	if (s->address.len >= sizeof(text))
		return -EINVAL;
	snprintf(text, sizeof(text), STR_FMT, STR_ARG(s->address));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(s->port);
		return 0;
	}
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(s->port);
		return 0;
	}
	return -EINVAL;
}

/* listener: a socket that listens already, or MHD_INVALID_SOCKET. */
static int start_daemon(struct web *w, const struct sockaddr_storage *address, MHD_socket listener)
{
	unsigned flags = MHD_USE_EPOLL | MHD_USE_ERROR_LOG;
	void *pem = (void *)(uintptr_t)w->settings.pem.ptr;
	struct MHD_OptionItem more[] = {
		{ MHD_OPTION_LISTEN_SOCKET, listener, NULL },
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, pem },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, pem },
		{ MHD_OPTION_END, 0, NULL },
	};

	if (address->ss_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	if (w->settings.pem.len)
		flags |= MHD_USE_TLS;
	else
		more[1].option = MHD_OPTION_END;
	errno = 0;
	w->daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, on_request, w, MHD_OPTION_EXTERNAL_LOGGER, on_message, w,
		MHD_OPTION_SOCK_ADDR, address, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)LIMIT_WEB_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)CONNECTION_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_BYTES, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_ARRAY,
		more, MHD_OPTION_END);
	return w->daemon ? 0 : errno ? -errno : -EINVAL;
}

static void stop_daemon(struct web *w)
{
	if (w->daemon)
		MHD_stop_daemon(w->daemon);
	w->daemon = NULL;
}

static void wipe(struct strbuf *texts)
{
	if (texts->ptr)
		explicit_bzero(texts->ptr, texts->cap);
	strbuf_done(texts);
}

static void web_free(struct web *w)
{
	stop_daemon(w);
	wipe(&w->texts);
	strbuf_done(&w->text);
	free(w);
}

/* The settings with their texts copied, each terminated. -ENOMEM: nothing has changed. */
static int keep_settings(struct web *w, const struct web_settings *from)
{
	struct web_settings s = *from;
	struct str *const to[] = { &s.address, &s.health_path, &s.versions, &s.pem };
	struct strbuf texts = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(to); i++) {
		strbuf_add(&texts, *to[i]);
		strbuf_addc(&texts, '\0');
	}
	if (strbuf_check(&texts) < 0) {
		wipe(&texts);
		return -ENOMEM;
	}
	const char *at = texts.ptr;
	for (size_t i = 0; i < ARRAY_SIZE(to); i++) {
		to[i]->ptr = at;
		at += to[i]->len + 1;
	}
	wipe(&w->texts);
	w->texts = texts;
	w->settings = s;
	return 0;
}

static void on_closed(uv_handle_t *h)
{
	struct web *w = h->data;

	if (--w->open == 0)
		web_free(w);
}

static int start(uv_loop_t *loop, const struct web_settings *settings, const struct stats *stats,
		 MHD_socket listener, struct web **ret, struct diag *d)
{
	struct web *w = calloc(1, sizeof(*w));
	struct sockaddr_storage address;

	if (!w)
		return -ENOMEM;
	w->stats = stats;
	int r = keep_settings(w, settings);
	if (r == 0)
		r = parse_address(settings, &address);
	if (r == 0)
		r = start_daemon(w, &address, listener);
	const union MHD_DaemonInfo *info =
		r == 0 ? MHD_get_daemon_info(w->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (r == 0 && !info)
		r = -ENOTSUP;
	if (r == 0)
		r = uv_poll_init(loop, &w->poll, info->epoll_fd);
	if (r < 0) {
		diag_set(d, "webserver: cannot listen on " STR_FMT " port %u: %s",
			 STR_ARG(settings->address), settings->port, strerror(-r));
		web_free(w);
		return r;
	}
	uv_timer_init(loop, &w->timer);
	w->poll.data = w->timer.data = w;
	w->open = 2;
	uv_poll_start(&w->poll, UV_READABLE, on_poll);
	*ret = w;
	return 0;
}

int web_start(uv_loop_t *loop, const struct web_settings *settings, const struct stats *stats,
	      struct web **ret, struct diag *d)
{
	return start(loop, settings, stats, MHD_INVALID_SOCKET, ret, d);
}

/*
 * Another certificate, which the sensor has looked at: a daemon has its own for life, so another one takes over the
 * listening socket, which need not be bound again.
 */
static int change_certificate(struct web **web, const struct web_settings *settings, struct diag *d)
{
	struct web *old = *web;
	MHD_socket listener = MHD_quiesce_daemon(old->daemon);

	if (listener == MHD_INVALID_SOCKET) {
		diag_set(d, "webserver: the certificate cannot be exchanged");
		return -ENOTSUP;
	}
	int r = start(old->poll.loop, settings, old->stats, listener, web, d);
	if (r < 0)
		return r;
	(*web)->requests = old->requests;
	web_stop(old);
	return 0;
}

int web_change(struct web **web, const struct web_settings *settings, struct diag *d)
{
	struct web *old = *web;

	if (!str_eq(settings->address, old->settings.address) ||
	    settings->port != old->settings.port) {
		int r = start(old->poll.loop, settings, old->stats, MHD_INVALID_SOCKET, web, d);

		if (r == 0)
			(*web)->requests = old->requests;
		if (r == 0)
			web_stop(old);
		return r;
	}
	if (!str_eq(settings->pem, old->settings.pem))
		return change_certificate(web, settings, d);
	int r = keep_settings(old, settings);
	if (r < 0)
		diag_set(d, "webserver: %s", strerror(-r));
	return r;
}

uint16_t web_port(const struct web *w)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(w->daemon,
							       MHD_DAEMON_INFO_BIND_PORT);

	return info ? info->port : 0;
}

uint64_t web_requests(const struct web *w)
{
	return w->requests;
}

struct web *web_stop(struct web *w)
{
	if (!w)
		return NULL;
	uv_close((uv_handle_t *)&w->poll, on_closed);
	uv_close((uv_handle_t *)&w->timer, on_closed);
	/* Now, not when the handles are gone: the address is free for another. */
	stop_daemon(w);
	return NULL;
}
