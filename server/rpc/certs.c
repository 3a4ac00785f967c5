/* SPDX-License-Identifier: Apache-2.0 */
/* Each text is read with OpenSSL as gRPC will read it; the first fault is the one reported. */
#include "rpc/certs.h"

#include <errno.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/cleanup.h"

static void biop(BIO **b)
{
	BIO_free(*b);
}

static void x509p(X509 **x)
{
	X509_free(*x);
}

static void pkeyp(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
}

static BIO *bio_of(struct str pem)
{
	return BIO_new_mem_buf(pem.ptr ? pem.ptr : "", pem.len > INT_MAX ? INT_MAX : (int)pem.len);
}

static int fault(struct diag *d, const char *name, const char *text)
{
	*d = (struct diag){ 0 };
	diag_file(d, name);
	diag_set(d, "%s", text);
	ERR_clear_error();
	return -EINVAL;
}

static int no_password(char *buf, int size, int writing, void *arg)
{
	*(bool *)arg = true;
	return -1;
}

static const char *time_fault(X509 *x)
{
	if (X509_cmp_current_time(X509_get0_notAfter(x)) < 0)
		return "the certificate has expired";
	if (X509_cmp_current_time(X509_get0_notBefore(x)) > 0)
		return "the certificate is not valid yet";
	return NULL;
}

/* All certificates of the text parse and are valid now; the first one is handed out if asked for. */
static int check_all(struct str pem, const char *name, X509 **ret_first, struct diag *d)
{
	_cleanup_(biop) BIO *bio = bio_of(pem);
	size_t n = 0;

	if (!bio)
		return -ENOMEM;
	if (!pem.len)
		return fault(d, name, "is empty, expected a PEM certificate");
	for (;; n++) {
		_cleanup_(x509p) X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
		if (!x)
			break;
		const char *why = time_fault(x);
		if (why)
			return fault(d, name, why);
		if (n == 0 && ret_first)
			*ret_first = TAKE(x);
	}
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return fault(d, name, "has a damaged PEM certificate");
	ERR_clear_error();
	if (n == 0)
		return fault(d, name, "has no certificate, expected -----BEGIN CERTIFICATE-----");
	return 0;
}

/* Every list of the text parses. *ret_stale: one is past its time. */
static int check_lists(struct str pem, const char *name, bool *ret_stale, struct diag *d)
{
	_cleanup_(biop) BIO *bio = bio_of(pem);
	size_t n = 0;

	if (!bio)
		return -ENOMEM;
	*ret_stale = false;
	for (;; n++) {
		X509_CRL *crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);
		if (!crl)
			break;
		const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
		*ret_stale = *ret_stale || (next && X509_cmp_current_time(next) < 0);
		X509_CRL_free(crl);
	}
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return fault(d, name, "has a damaged PEM revocation list");
	ERR_clear_error();
	if (n == 0)
		return fault(d, name, "has no revocation list, expected -----BEGIN X509 CRL-----");
	return 0;
}

bool certs_stale(struct str crl)
{
	struct diag d = { 0 };
	bool stale = false;

	return crl.len && check_lists(crl, "", &stale, &d) == 0 && stale;
}

/* The key is usable and belongs to the certificate. */
static int check_key(const struct certs_pem *pem, X509 *cert, struct diag *d)
{
	bool encrypted = false;
	_cleanup_(biop) BIO *bio = bio_of(pem->key);
	_cleanup_(pkeyp) EVP_PKEY *key =
		bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, &encrypted) : NULL;
	if (encrypted)
		return fault(d, pem->key_name,
			     "the key is encrypted, expected one without a password");
	if (!key)
		return fault(d, pem->key_name,
			     pem->key.len ? "has no usable PEM private key"
					  : "is empty, expected a PEM private key");
	if (X509_check_private_key(cert, key) != 1) {
		char text[400];

		snprintf(text, sizeof(text), "the key does not belong to the certificate in %s",
			 pem->cert_name);
		return fault(d, pem->key_name, text);
	}
	return 0;
}

int certs_check_pair(const struct certs_pem *pem, struct diag *d)
{
	_cleanup_(biop) BIO *bio = bio_of(pem->cert);
	_cleanup_(x509p) X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

	if (!cert)
		return fault(d, pem->cert_name, "has no usable PEM certificate");
	return check_key(pem, cert, d);
}

int certs_check(const struct certs_pem *pem, struct diag *d)
{
	_cleanup_(x509p) X509 *cert = NULL;

	ERR_clear_error();
	int r = check_all(pem->cert, pem->cert_name, &cert, d);
	if (r < 0)
		return r;
	r = check_key(pem, cert, d);
	if (r < 0)
		return r;
	r = check_all(pem->ca, pem->ca_name, NULL, d);
	if (r < 0 || !pem->crl.len)
		return r;
	bool stale;
	return check_lists(pem->crl, pem->crl_name, &stale, d);
}
