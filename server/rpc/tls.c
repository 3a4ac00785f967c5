/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fetcher runs inside gRPC, on any thread, and only copies texts out of the set it finds. So a set that was
 * replaced is not freed at once but a minute later, which no fetcher outlasts, or at the end: no count, no lock.
 *
 * Revocation is looked at per peer and not in the handshake, because gRPC takes lists only as a directory, lets
 * everybody in when one is missing and nobody when one has expired. Here a list that has expired still revokes
 * what is in it; that it is old is the business of who loads it.
 */
#include "rpc/tls.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define TLS_KEEP_NS (60 * NS_PER_SEC) /* a replaced set */

struct tls_set {
	struct tls_set *older;
	uint64_t number;
	uint64_t replaced_ns; /* 0: in force */
	char *cert, *key, *ca;
	X509_STORE *store;
};

/* What a port has given to gRPC; used under a lock of gRPC's. */
struct tls_port {
	struct tls_port *next;
	struct tls *tls;
	uint64_t number;
};

struct tls_known {
	uint64_t number; /* of the set that verified it; 0: none */
	int64_t expires;
	unsigned char shown[SHA256_DIGEST_LENGTH];
};

enum { TLS_KNOWN = 256 }; /* places; the first byte of the hash tells which */

struct tls {
	struct tls_known known[TLS_KNOWN];
	_Atomic(struct tls_set *) set;
	struct tls_port *ports; /* one for each try to bind as well */
};

static void x509p(X509 **x)
{
	X509_free(*x);
}

static void biop(BIO **b)
{
	BIO_free(*b);
}

static void storep(X509_STORE **s)
{
	X509_STORE_free(*s);
}

static void ctxp(X509_STORE_CTX **c)
{
	X509_STORE_CTX_free(*c);
}

static void stackp(STACK_OF(X509) * *s)
{
	sk_X509_pop_free(*s, X509_free);
}

static BIO *bio_of(struct str pem)
{
	return BIO_new_mem_buf(pem.ptr ? pem.ptr : "", pem.len > INT_MAX ? INT_MAX : (int)pem.len);
}

static struct tls_set *set_free(struct tls_set *s)
{
	if (!s)
		return NULL;
	if (s->key)
		explicit_bzero(s->key, strlen(s->key));
	free(s->key);
	free(s->cert);
	free(s->ca);
	X509_STORE_free(s->store);
	free(s);
	return NULL;
}

/* Frees those behind s that were replaced long enough ago. */
static void sets_trim(struct tls_set *s, uint64_t now)
{
	while (s && s->older) {
		struct tls_set *old = s->older;

		if (now - old->replaced_ns < TLS_KEEP_NS) {
			s = old;
			continue;
		}
		s->older = old->older;
		set_free(old);
	}
}

/* The error is not remembered by OpenSSL for whoever asks next. */
static int bad(int r)
{
	ERR_clear_error();
	return r;
}

static int add_trusted(X509_STORE *store, struct str pem)
{
	_cleanup_(biop) BIO *bio = bio_of(pem);

	for (;;) {
		_cleanup_(x509p) X509 *x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
		if (!x)
			return bad(bio ? 0 : -ENOMEM);
		if (!X509_STORE_add_cert(store, x))
			return bad(-ENOMEM);
	}
}

static int add_revoked(X509_STORE *store, struct str pem)
{
	_cleanup_(biop) BIO *bio = bio_of(pem);

	for (;;) {
		X509_CRL *crl = bio ? PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL) : NULL;
		if (!crl)
			return bad(bio ? 0 : -ENOMEM);
		int ok = X509_STORE_add_crl(store, crl);
		X509_CRL_free(crl);
		if (!ok)
			return bad(-ENOMEM);
	}
}

/* No list for an issuer, or one past its time, is no reason to turn a peer away; see above. */
static int allow_gaps(int ok, X509_STORE_CTX *ctx)
{
	switch (X509_STORE_CTX_get_error(ctx)) {
	case X509_V_ERR_UNABLE_TO_GET_CRL:
	case X509_V_ERR_CRL_HAS_EXPIRED:
	case X509_V_ERR_CRL_NOT_YET_VALID: X509_STORE_CTX_set_error(ctx, X509_V_OK); return 1;
	default: return ok;
	}
}

static X509_STORE *store_new(const struct certs_pem *pem)
{
	_cleanup_(storep) X509_STORE *store = X509_STORE_new();

	if (!store || add_trusted(store, pem->ca) < 0 || add_revoked(store, pem->crl) < 0)
		return NULL;
	X509_STORE_set_verify_cb(store, allow_gaps);
	if (pem->crl.len)
		X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	return TAKE(store);
}

struct tls *tls_new(void)
{
	return calloc(1, sizeof(struct tls));
}

struct tls *tls_free(struct tls *t)
{
	if (!t)
		return NULL;
	for (struct tls_set *s = t->set, *older; s; s = older) {
		older = s->older;
		set_free(s);
	}
	while (t->ports) {
		struct tls_port *port = t->ports;

		t->ports = port->next;
		free(port);
	}
	free(t);
	return NULL;
}

int tls_set(struct tls *t, const struct certs_pem *pem, struct diag *d)
{
	int r = certs_check(pem, d);
	if (r < 0)
		return r;
	struct tls_set *s = calloc(1, sizeof(*s)), *old = t->set;
	if (s) {
		s->cert = str_dupz(pem->cert);
		s->key = str_dupz(pem->key);
		s->ca = str_dupz(pem->ca);
		s->store = store_new(pem);
	}
	if (!s || !s->cert || !s->key || !s->ca || !s->store) {
		set_free(s);
		return -ENOMEM;
	}
	s->older = old;
	s->number = old ? old->number + 1 : 1;
	if (old)
		old->replaced_ns = clock_boot_ns();
	atomic_store_explicit(&t->set, s, memory_order_release);
	sets_trim(s, clock_boot_ns());
	return 0;
}

bool tls_ready(const struct tls *t)
{
	return t->set != NULL;
}

static grpc_ssl_certificate_config_reload_status fetch(void *arg,
						       grpc_ssl_server_certificate_config **ret)
{
	struct tls_port *port = arg;
	const struct tls_set *s = atomic_load_explicit(&port->tls->set, memory_order_acquire);

	if (s->number == port->number)
		return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
	grpc_ssl_pem_key_cert_pair pair = { .private_key = s->key, .cert_chain = s->cert };
	*ret = grpc_ssl_server_certificate_config_create(s->ca, &pair, 1);
	if (!*ret)
		return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_FAIL;
	port->number = s->number;
	return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
}

grpc_server_credentials *tls_credentials(struct tls *t)
{
	struct tls_port *port = t->set ? calloc(1, sizeof(*port)) : NULL;

	if (!port)
		return NULL;
	*port = (struct tls_port){ .next = t->ports, .tls = t };
	t->ports = port;
	return grpc_ssl_server_credentials_create_with_options(
		grpc_ssl_server_credentials_create_options_using_config_fetcher(
			GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY, fetch, port));
}

static int64_t end_of(const X509 *x)
{
	struct tm tm;

	/* Before 1970, or nonsense: it has ended. */
	if (!ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm))
		return 0;
	return (int64_t)timegm(&tm);
}

static int verify(struct tls_set *s, X509 *leaf, STACK_OF(X509) * chain, int64_t *ret_expires,
		  const char **ret_why)
{
	_cleanup_(ctxp) X509_STORE_CTX *ctx = X509_STORE_CTX_new();

	if (!ctx || !X509_STORE_CTX_init(ctx, s->store, leaf, chain) ||
	    !X509_STORE_CTX_set_default(ctx, "ssl_client"))
		return bad(-ENOMEM);
	if (X509_verify_cert(ctx) != 1) {
		*ret_why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx));
		return bad(-EACCES);
	}
	int64_t expires = INT64_MAX;
	const STACK_OF(X509) *found = X509_STORE_CTX_get0_chain(ctx);
	for (int i = 0; i < sk_X509_num(found); i++) {
		int64_t end = end_of(sk_X509_value(found, i));

		if (end < expires)
			expires = end;
	}
	*ret_expires = expires;
	return 0;
}

static int verify_texts(struct tls *t, struct str leaf, struct str chain, int64_t *ret_expires,
			const char **ret_why)
{
	_cleanup_(biop) BIO *bio = bio_of(leaf), *rest = bio_of(chain);
	_cleanup_(x509p) X509 *x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	_cleanup_(stackp) STACK_OF(X509) *others = sk_X509_new_null();

	if (!bio || !rest || !others)
		return bad(-ENOMEM);
	if (!x || !t->set) {
		*ret_why = "no certificate was shown";
		return bad(-EACCES);
	}
	for (X509 *other; (other = PEM_read_bio_X509(rest, NULL, NULL, NULL));)
		if (!sk_X509_push(others, other)) {
			X509_free(other);
			return bad(-ENOMEM);
		}
	return bad(verify(t->set, x, others, ret_expires, ret_why));
}

static void hash_texts(struct str leaf, struct str chain, unsigned char ret[SHA256_DIGEST_LENGTH])
{
	unsigned char both[2 * SHA256_DIGEST_LENGTH];

	SHA256((const unsigned char *)leaf.ptr, leaf.len, both);
	SHA256((const unsigned char *)chain.ptr, chain.len, both + SHA256_DIGEST_LENGTH);
	SHA256(both, sizeof(both), ret);
}

int tls_verify(struct tls *t, struct str leaf, struct str chain, int64_t *ret_expires,
	       const char **ret_why)
{
	const struct tls_set *set = t->set;
	struct tls_known now = { .number = set ? set->number : 0 };

	hash_texts(leaf, chain, now.shown);
	struct tls_known *known = &t->known[now.shown[0]];
	if (now.number && known->number == now.number &&
	    memcmp(known->shown, now.shown, sizeof(now.shown)) == 0 &&
	    known->expires > (int64_t)(clock_wall_ns() / NS_PER_SEC)) {
		*ret_expires = known->expires;
		return 0;
	}
	int r = verify_texts(t, leaf, chain, &now.expires, ret_why);
	if (r == 0) {
		*known = now;
		*ret_expires = now.expires;
	}
	return r;
}
