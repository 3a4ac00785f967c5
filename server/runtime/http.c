/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See http.h. A transfer is one easy handle; all of them are on one multi handle. Each has a connection of its
 * own: where libcurl 7.88 keeps them, it queues a request behind an event stream (it believes that all sockets
 * speak one version of HTTP, as the host has one name), and fails the second call on an HTTP/2 connection.
 */
#include "runtime/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/limits.h"

enum { CONNECT_MS = 1000, TIMEOUT_MS = 5000, CONNECTIONS = 512 };
enum {
	GRPC_NONE = -1,
	GRPC_OK = 0,
	GRPC_NOT_FOUND = 5,
	GRPC_UNIMPLEMENTED = 12,
	GRPC_UNAVAILABLE = 14,
};

struct transfer {
	struct transfer *next, **prev;
	struct http_request r;
	CURL *easy;
	struct curl_slist *headers;
	char *socket, *url, *body;
	struct strbuf data;
	int grpc_status;
	bool added;
};

struct http {
	CURLM *multi;
	struct transfer *first;
};

struct http *http_new(void)
{
	struct http *h = calloc(1, sizeof(*h));

	if (h && curl_global_init(CURL_GLOBAL_DEFAULT) == 0)
		h->multi = curl_multi_init();
	if (!h || !h->multi) {
		free(h);
		return NULL;
	}
	curl_multi_setopt(h->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)CONNECTIONS);
	return h;
}

static void transfer_free(struct http *h, struct transfer *t)
{
	if (t->prev) {
		*t->prev = t->next;
		if (t->next)
			t->next->prev = t->prev;
	}
	if (t->added)
		curl_multi_remove_handle(h->multi, t->easy);
	curl_easy_cleanup(t->easy);
	curl_slist_free_all(t->headers);
	strbuf_done(&t->data);
	free(t->socket);
	free(t->url);
	free(t->body);
	free(t);
}

struct http *http_free(struct http *h)
{
	if (!h)
		return NULL;
	while (h->first) {
		struct transfer *t = h->first;

		t->r.on_end(t->r.ctx, HTTP_STOPPED, (struct str){ 0 });
		transfer_free(h, t);
	}
	curl_multi_cleanup(h->multi);
	free(h);
	return NULL;
}

static size_t on_write(char *ptr, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;

	strbuf_add(&t->data, (struct str){ ptr, n });
	if (t->data.failed)
		return 0;
	if (!t->r.stream)
		return n;
	struct str left = strbuf_str(&t->data);

	if (!t->r.on_data(t->r.ctx, &left))
		return 0;
	if (left.len)
		memmove(t->data.ptr, left.ptr, left.len);
	t->data.len = left.len;
	return n;
}

static size_t on_header(char *ptr, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;
	struct str line = { ptr, n }, name = STR("grpc-status:");
	int64_t status;

	if (str_ieq(str_cut(line, name.len), name) &&
	    str_to_i64(str_trim(str_skip(line, name.len)), &status) == 0)
		t->grpc_status = status >= 0 && status < 64 ? (int)status : GRPC_NONE;
	return n;
}

static void set_call(struct transfer *t)
{
	t->headers = curl_slist_append(t->headers, "Content-Type: application/grpc");
	t->headers = curl_slist_append(t->headers, "TE: trailers");
	t->headers = curl_slist_append(t->headers, "Expect:");
	if (t->r.header)
		t->headers = curl_slist_append(t->headers, t->r.header);
	curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
	curl_easy_setopt(t->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
	curl_easy_setopt(t->easy, CURLOPT_POST, 1L);
	curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, t->body);
	curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE, (long)t->r.body.len);
}

static int set_up(struct transfer *t)
{
	if (asprintf(&t->url, "http://localhost%s", t->r.path) < 0)
		t->url = NULL;
	t->socket = strdup(t->r.socket);
	t->easy = curl_easy_init();
	if (!t->url || !t->socket || !t->easy)
		return -ENOMEM;
	curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
	curl_easy_setopt(t->easy, CURLOPT_URL, t->url);
	curl_easy_setopt(t->easy, CURLOPT_UNIX_SOCKET_PATH, t->socket);
	curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(t->easy, CURLOPT_PROXY, "");
	curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(t->easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, t->r.stream ? 0L : (long)TIMEOUT_MS);
	curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_write);
	curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
	if (!t->r.body.ptr)
		return 0;
	t->body = malloc(t->r.body.len + 1);
	if (!t->body)
		return -ENOMEM;
	memcpy(t->body, t->r.body.ptr, t->r.body.len);
	set_call(t);
	return 0;
}

int http_start(struct http *h, const struct http_request *r)
{
	struct transfer *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->r = *r;
	t->grpc_status = GRPC_NONE;
	t->data.limit = LIMIT_RUNTIME_ANSWER;
	if (set_up(t) < 0) {
		transfer_free(h, t);
		return -ENOMEM;
	}
	t->prev = &h->first;
	t->next = h->first;
	if (t->next)
		t->next->prev = &t->next;
	h->first = t;
	return 0;
}

static enum http_outcome outcome_of(const struct transfer *t, CURLcode code)
{
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (t->r.body.ptr) {
		switch (t->grpc_status) {
		case GRPC_OK: return code == CURLE_OK ? HTTP_OK : HTTP_FAILED;
		case GRPC_NOT_FOUND: return HTTP_NOT_FOUND;
		case GRPC_UNIMPLEMENTED: return HTTP_NOT_OFFERED;
		case GRPC_NONE:
		case GRPC_UNAVAILABLE: return HTTP_FAILED;
		default: return HTTP_ERROR;
		}
	}
	if (code != CURLE_OK)
		return HTTP_FAILED;
	return status == 200 ? HTTP_OK : status == 404 ? HTTP_NOT_FOUND : HTTP_ERROR;
}

/* Here and not in http_start, which is called from inside of callbacks: libcurl refuses new handles there. */
static void add_new(struct http *h)
{
	for (struct transfer *t = h->first; t && !t->added; t = t->next) {
		if (curl_multi_add_handle(h->multi, t->easy) != CURLM_OK)
			break; /* out of memory: once more next time */
		t->added = true;
	}
}

void http_run(struct http *h, unsigned timeout_ms)
{
	int running, left;
	CURLMsg *m;

	add_new(h);
	curl_multi_perform(h->multi, &running);
	curl_multi_poll(h->multi, NULL, 0, (int)timeout_ms, NULL);
	curl_multi_perform(h->multi, &running);
	while ((m = curl_multi_info_read(h->multi, &left))) {
		struct transfer *t = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		enum http_outcome outcome;
		CURLcode code = m->data.result;

		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t);
		outcome = outcome_of(t, code);
		t->r.on_end(t->r.ctx, outcome, strbuf_str(&t->data));
		transfer_free(h, t);
	}
}

void http_wake(struct http *h)
{
	curl_multi_wakeup(h->multi);
}
