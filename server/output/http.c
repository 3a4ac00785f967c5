/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alerts as HTTP(S) POST requests, one each or several together, in order. A receiver that cannot be reached, is too busy
 * or has an error of its own is worth another try, which is the channel's affair. What the receiver refuses for what it
 * is, is lost and counted. Keys and certificates are given as
 * PEM, because the process that sends them has no right to read the files.
 */
#include "output/http.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <curl/curl.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "base/io.h"

enum {
	CONNECT_MS = 5000,
	REQUEST_MS = 15000,
	ECHO_BYTES = 64 << 10, /* of an answer; the rest is not printed */
	GZIP_WINDOW = 15 + 16, /* zlib's way to ask for the gzip format */
};

struct output {
	struct http_settings s;
	struct strbuf texts; /* what the settings' texts point into */
	CURL *curl;
	struct curl_slist *headers;
	struct strbuf lines, body, answer;
	size_t nlines;
	bool packed; /* the body is that of the lines */
	struct output_tally *tally;
	char error[CURL_ERROR_SIZE];
	char why[CURL_ERROR_SIZE + 256];
};

static void http_close(struct output *o)
{
	if (o->curl)
		curl_easy_cleanup(o->curl);
	curl_slist_free_all(o->headers);
	if (o->texts.ptr)
		explicit_bzero(o->texts.ptr, o->texts.cap);
	strbuf_done(&o->texts);
	strbuf_done(&o->lines);
	strbuf_done(&o->body);
	strbuf_done(&o->answer);
	free(o);
}

/* Copies the texts one behind the other, each terminated. */
static int keep_texts(struct output *o, const struct http_settings *from)
{
	struct str *const to[] = { &o->s.url,	  &o->s.user_agent, &o->s.ca_pem,
				   &o->s.ca_path, &o->s.cert_pem,   &o->s.key_pem };

	o->s = *from;
	for (size_t i = 0; i < ARRAY_SIZE(to); i++) {
		strbuf_add(&o->texts, *to[i]);
		strbuf_addc(&o->texts, '\0');
	}
	if (strbuf_check(&o->texts) < 0)
		return -ENOMEM;
	const char *at = o->texts.ptr;
	for (size_t i = 0; i < ARRAY_SIZE(to); i++) {
		to[i]->ptr = at;
		at += to[i]->len + 1;
	}
	return 0;
}

static size_t on_answer(char *data, size_t size, size_t n, void *ctx)
{
	struct output *o = ctx;
	struct str s = { data, size * n };

	if (o->s.echo && o->answer.len < ECHO_BYTES)
		strbuf_add(&o->answer, str_cut(s, ECHO_BYTES - o->answer.len));
	return s.len;
}

static struct curl_blob blob(struct str s)
{
	return (struct curl_blob){ .data = (void *)(uintptr_t)s.ptr,
				   .len = s.len,
				   .flags = CURL_BLOB_NOCOPY };
}

static void set_tls(struct output *o)
{
	struct curl_blob ca = blob(o->s.ca_pem), cert = blob(o->s.cert_pem),
			 key = blob(o->s.key_pem);

	if (o->s.insecure) {
		curl_easy_setopt(o->curl, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(o->curl, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (ca.len)
		curl_easy_setopt(o->curl, CURLOPT_CAINFO_BLOB, &ca);
	else if (o->s.ca_path.len)
		curl_easy_setopt(o->curl, CURLOPT_CAPATH, o->s.ca_path.ptr);
	if (cert.len && key.len) {
		curl_easy_setopt(o->curl, CURLOPT_SSLCERT_BLOB, &cert);
		curl_easy_setopt(o->curl, CURLOPT_SSLKEY_BLOB, &key);
	}
}

static int set_headers(struct output *o)
{
	const char *const lines[] = {
		!o->s.json   ? "Content-Type: text/plain"
		: o->s.lines ? "Content-Type: application/x-ndjson"
			     : "Content-Type: application/json",
		"Expect:", /* no waiting for a go-ahead */
		o->s.compress ? "Content-Encoding: gzip" : NULL,
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines) && lines[i]; i++) {
		struct curl_slist *more = curl_slist_append(o->headers, lines[i]);

		if (!more)
			return -ENOMEM;
		o->headers = more;
	}
	return 0;
}

static struct output *http_open(const struct output_settings *settings)
{
	struct output *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->curl = curl_easy_init();
	if (!o->curl || keep_texts(o, settings->http) < 0 || set_headers(o) < 0) {
		http_close(o);
		return NULL;
	}
	o->tally = settings->tally;
	curl_easy_setopt(o->curl, CURLOPT_URL, o->s.url.ptr);
	curl_easy_setopt(o->curl, CURLOPT_USERAGENT, o->s.user_agent.ptr);
	curl_easy_setopt(o->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(o->curl, CURLOPT_HTTPHEADER, o->headers);
	curl_easy_setopt(o->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(o->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(o->curl, CURLOPT_TIMEOUT_MS, (long)REQUEST_MS);
	curl_easy_setopt(o->curl, CURLOPT_ERRORBUFFER, o->error);
	curl_easy_setopt(o->curl, CURLOPT_WRITEFUNCTION, on_answer);
	curl_easy_setopt(o->curl, CURLOPT_WRITEDATA, o);
	curl_easy_setopt(o->curl, CURLOPT_TCP_KEEPALIVE, o->s.keep_alive ? 1L : 0L);
	set_tls(o);
	return o;
}

static int compress_into(struct strbuf *out, struct str line)
{
	z_stream z = { 0 };

	if (line.len > UINT32_MAX || deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED,
						  GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	size_t bound = deflateBound(&z, line.len);
	char *to = strbuf_room(out, bound);
	if (to) {
		z.next_in = (Bytef *)(uintptr_t)line.ptr;
		z.avail_in = (uInt)line.len;
		z.next_out = (Bytef *)to;
		z.avail_out = (uInt)bound;
		int r = deflate(&z, Z_FINISH);
		out->len += r == Z_STREAM_END ? z.total_out : 0;
		out->failed = out->failed || r != Z_STREAM_END;
	}
	deflateEnd(&z);
	return strbuf_check(out);
}

/* 0: it has the alert. -EAGAIN: worth another try. -EBADMSG: it does not want this one. */
static int post(struct output *o)
{
	long status = 0;

	strbuf_clear(&o->answer);
	o->error[0] = '\0';
	curl_easy_setopt(o->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)o->body.len);
	curl_easy_setopt(o->curl, CURLOPT_POSTFIELDS, o->body.ptr ? o->body.ptr : "");
	CURLcode r = curl_easy_perform(o->curl);
	if (r != CURLE_OK) {
		if (!o->error[0])
			snprintf(o->error, sizeof(o->error), "%s", curl_easy_strerror(r));
		snprintf(o->why, sizeof(o->why), "%s: %s", o->s.url.ptr, o->error);
		return -EAGAIN;
	}
	curl_easy_getinfo(o->curl, CURLINFO_RESPONSE_CODE, &status);
	if (o->s.echo && o->answer.len)
		io_write_all(STDOUT_FILENO, strbuf_str(&o->answer));
	if (status < 300)
		return 0;
	snprintf(o->why, sizeof(o->why), "%s: the receiver answered with status %ld", o->s.url.ptr,
		 status);
	return status >= 500 || status == 408 || status == 429 ? -EAGAIN : -EBADMSG;
}

static int http_write(struct output *o, struct str line, int priority)
{
	size_t before = o->lines.len;

	o->packed = false;
	strbuf_add(&o->lines, line);
	if (o->s.lines)
		strbuf_addc(&o->lines, '\n');
	if (!o->lines.failed) {
		o->nlines++;
		return 0;
	}
	o->lines.len = before;
	o->lines.failed = false;
	return -ENOMEM;
}

static size_t http_forget(struct output *o)
{
	size_t n = o->nlines;

	strbuf_clear(&o->lines);
	o->nlines = 0;
	return n;
}

static int pack(struct output *o)
{
	if (o->packed)
		return 0;
	strbuf_clear(&o->body);
	if (!o->s.compress)
		strbuf_add(&o->body, strbuf_str(&o->lines));
	else if (compress_into(&o->body, strbuf_str(&o->lines)) < 0)
		return -ENOMEM;
	o->packed = true;
	return strbuf_check(&o->body);
}

static int http_flush(struct output *o)
{
	int r = pack(o);

	if (r == 0)
		r = post(o);
	if (r == 0) {
		atomic_fetch_add_explicit(&o->tally->bytes, o->body.len, memory_order_relaxed);
		http_forget(o);
	}
	return r;
}

static const char *http_why(const struct output *o)
{
	return o->why;
}

const struct output_ops output_http = {
	.name = "http",
	.open = http_open,
	.write = http_write,
	.flush = http_flush,
	.forget = http_forget,
	.why = http_why,
	.close = http_close,
};
