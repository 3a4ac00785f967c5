/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looked at twice a second instead of watched by inotify: five stat calls cost nothing, and they see through the
 * symbolic links that Kubernetes swaps. A key and a certificate are never replaced in one step, so a fault counts
 * only when the files have stayed the same until the next look.
 */
#include "daemon/accessfiles.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/limits.h"
#include "rpc/certs.h"
#include "rpc/policy.h"

enum {
	ACCESS_LOOK_MS = 400,
	ACCESS_BYTES = 512 << 10, /* of one file */
	ACCESS_REST = 64 << 10,	  /* for names and numbers in the message */
};

struct access_watch {
	struct access_watch_options o;
	uv_timer_t timer;
	struct access_texts texts; /* the last good ones */
	uint64_t good, seen,
		told; /* fingerprints: of the texts, at the last look, of a fault told */
};

struct file_row {
	const char *path;
	struct strbuf *text;
};

enum { FILES = 5 };

static void rows_make(const struct access_paths *p, struct access_texts *t,
		      struct file_row ret[FILES])
{
	bool tls = p->cert && *p->cert;
	struct file_row rows[FILES] = {
		{ tls ? p->cert : NULL, &t->cert }, { tls ? p->key : NULL, &t->key },
		{ tls ? p->ca : NULL, &t->ca },	    { tls ? p->crl : NULL, &t->crl },
		{ p->policy, &t->policy },
	};

	memcpy(ret, rows, sizeof(rows));
}

uint64_t access_fingerprint(const struct access_paths *paths)
{
	struct access_texts none;
	struct file_row rows[FILES];
	uint64_t h = 1;

	rows_make(paths, &none, rows);
	for (size_t i = 0; i < FILES; i++) {
		struct stat st = { 0 };

		if (!rows[i].path || !*rows[i].path || stat(rows[i].path, &st) < 0) {
			h = hash_u64(h + 1);
			continue;
		}
		const uint64_t parts[] = { h,
					   st.st_dev,
					   st.st_ino,
					   (uint64_t)st.st_size,
					   (uint64_t)st.st_mtim.tv_sec,
					   (uint64_t)st.st_mtim.tv_nsec,
					   (uint64_t)st.st_ctim.tv_nsec };
		h = hash_bytes(parts, sizeof(parts));
	}
	return h;
}

static int read_one(const struct file_row *row, struct diag *d)
{
	if (!row->path || !*row->path)
		return 0;
	int r = io_read_file(row->path, ACCESS_BYTES, row->text);
	if (r == 0 && row->text->len)
		return 0;
	if (r == -ENOMEM)
		return r;
	diag_file(d, row->path);
	diag_set(d, "%s", r ? strerror(-r) : "is empty");
	return -EINVAL;
}

static int check_certs(const struct access_paths *p, const struct access_texts *t, struct diag *d)
{
	if (!p->cert || !*p->cert)
		return 0;
	return certs_check(
		&(struct certs_pem){
			.cert = strbuf_str(&t->cert),
			.key = strbuf_str(&t->key),
			.ca = strbuf_str(&t->ca),
			.crl = strbuf_str(&t->crl),
			.cert_name = p->cert,
			.key_name = p->key,
			.ca_name = p->ca,
			.crl_name = p->crl,
		},
		d);
}

static int check_policy(const struct access_paths *p, const struct access_texts *t, struct diag *d)
{
	struct policy *policy = NULL;

	if (!p->policy || !*p->policy)
		return 0;
	int r = policy_new(p->policy, strbuf_str(&t->policy), &policy, d);
	policy_free(policy);
	return r;
}

static size_t texts_size(const struct access_texts *t)
{
	return t->cert.len + t->key.len + t->ca.len + t->crl.len + t->policy.len;
}

int access_read(const struct access_paths *paths, struct access_texts *ret, struct diag *d)
{
	struct file_row rows[FILES];
	int r = 0;

	*ret = (struct access_texts){ 0 };
	*d = (struct diag){ 0 };
	rows_make(paths, ret, rows);
	for (size_t i = 0; i < FILES && r == 0; i++)
		r = read_one(&rows[i], d);
	if (r == 0 && texts_size(ret) > LIMIT_CONTROL_BYTES - ACCESS_REST) {
		diag_set(d, "certificates, revocation list and policy are too large together");
		r = -EINVAL;
	}
	if (r == 0)
		r = check_certs(paths, ret, d);
	return r == 0 ? check_policy(paths, ret, d) : r;
}

void access_fill(const struct access_paths *paths, const struct access_texts *texts,
		 struct control_access *ret)
{
	if (paths->cert && *paths->cert) {
		ret->cert_name = str_of(paths->cert);
		ret->key_name = str_of(paths->key);
		ret->ca_name = str_of(paths->ca);
		ret->crl_name = str_of(paths->crl ? paths->crl : "");
		ret->cert_pem = strbuf_str(&texts->cert);
		ret->key_pem = strbuf_str(&texts->key);
		ret->ca_pem = strbuf_str(&texts->ca);
		ret->crl_pem = strbuf_str(&texts->crl);
	}
	if (paths->policy && *paths->policy) {
		ret->policy_name = str_of(paths->policy);
		ret->policy = strbuf_str(&texts->policy);
	}
}

void access_texts_done(struct access_texts *t)
{
	if (t->key.ptr)
		explicit_bzero(t->key.ptr, t->key.cap);
	strbuf_done(&t->cert);
	strbuf_done(&t->key);
	strbuf_done(&t->ca);
	strbuf_done(&t->crl);
	strbuf_done(&t->policy);
}

static void tell_fault(struct access_watch *w, uint64_t now, const struct diag *d)
{
	_cleanup_(strbuf_done) struct strbuf text = { 0 };

	w->told = now;
	diag_print(d, &text);
	if (strbuf_check(&text) == 0)
		w->o.faulty(strbuf_str(&text), w->o.ctx);
}

static void look(uv_timer_t *timer)
{
	struct access_watch *w = timer->data;
	uint64_t now = access_fingerprint(&w->o.paths);
	bool settled = now == w->seen;
	struct diag d;

	w->seen = now;
	if (now == w->good || now == w->told)
		return;
	struct access_texts texts;
	int r = access_read(&w->o.paths, &texts, &d);
	if (r == 0) {
		access_texts_done(&w->texts);
		w->texts = texts;
		w->good = now;
		w->told = 0;
		w->o.changed(&w->texts, w->o.ctx);
		return;
	}
	access_texts_done(&texts);
	if (r == -EINVAL && settled)
		tell_fault(w, now, &d);
}

int access_watch_start(const struct access_watch_options *options, struct access_watch **ret,
		       struct diag *d)
{
	struct access_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->o = *options;
	w->good = w->seen = access_fingerprint(&w->o.paths);
	int r = access_read(&w->o.paths, &w->texts, d);
	if (r < 0) {
		access_texts_done(&w->texts);
		free(w);
		return r;
	}
	uv_timer_init(w->o.loop, &w->timer);
	w->timer.data = w;
	uv_timer_start(&w->timer, look, ACCESS_LOOK_MS, ACCESS_LOOK_MS);
	uv_unref((uv_handle_t *)&w->timer);
	*ret = w;
	return 0;
}

const struct access_texts *access_watch_texts(const struct access_watch *w)
{
	return &w->texts;
}

static void on_closed(uv_handle_t *handle)
{
	struct access_watch *w = handle->data;

	access_texts_done(&w->texts);
	free(w);
}

struct access_watch *access_watch_stop(struct access_watch *w)
{
	if (w)
		uv_close((uv_handle_t *)&w->timer, on_closed);
	return NULL;
}
