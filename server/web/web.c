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
	struct web_settings settings;
	char *health_path, *versions, *pem;
	struct strbuf text;
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
	if (!strcmp(url, w->health_path))
		return health(w, c);
	if (!strcmp(url, "/versions"))
		return answer(c, MHD_HTTP_OK, "application/json", str_of(w->versions));
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

static int start_daemon(struct web *w, const struct sockaddr_storage *address)
{
	unsigned flags = MHD_USE_EPOLL | MHD_USE_ERROR_LOG;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, w->pem },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, w->pem },
		{ MHD_OPTION_END, 0, NULL },
	};

	if (address->ss_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	if (w->pem)
		flags |= MHD_USE_TLS;
	else
		tls[0].option = MHD_OPTION_END;
	errno = 0;
	w->daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, on_request, w, MHD_OPTION_EXTERNAL_LOGGER, on_message, w,
		MHD_OPTION_SOCK_ADDR, address, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)LIMIT_WEB_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)CONNECTION_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_BYTES, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_ARRAY,
		tls, MHD_OPTION_END);
	return w->daemon ? 0 : errno ? -errno : -EINVAL;
}

static void web_free(struct web *w)
{
	if (w->daemon)
		MHD_stop_daemon(w->daemon);
	strbuf_done(&w->text);
	if (w->pem)
		explicit_bzero(w->pem, strlen(w->pem));
	free(w->health_path);
	free(w->versions);
	free(w->pem);
	free(w);
}

int web_start(uv_loop_t *loop, const struct web_settings *settings, const struct stats *stats,
	      struct web **ret, struct diag *d)
{
	struct web *w = calloc(1, sizeof(*w));
	struct sockaddr_storage address;

	if (!w)
		return -ENOMEM;
	w->settings = *settings;
	w->stats = stats;
	w->health_path = str_dupz(settings->health_path);
	w->versions = str_dupz(settings->versions);
	w->pem = settings->pem.len ? str_dupz(settings->pem) : NULL;
	int r = w->health_path && w->versions && (w->pem || !settings->pem.len) ? 0 : -ENOMEM;
	if (r == 0)
		r = parse_address(settings, &address);
	if (r == 0)
		r = start_daemon(w, &address);
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

static void on_closed(uv_handle_t *h)
{
	struct web *w = h->data;

	if (--w->open == 0)
		web_free(w);
}

struct web *web_stop(struct web *w)
{
	if (!w)
		return NULL;
	uv_close((uv_handle_t *)&w->poll, on_closed);
	uv_close((uv_handle_t *)&w->timer, on_closed);
	return NULL;
}
