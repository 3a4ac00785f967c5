/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pair is written as key first, certificate second, each to a temporary file that is then renamed, so that
 * a reader never sees half a file. Lifetimes are long because this is for trying out and for small sites; who
 * rotates certificates has a CA.
 */
#include "client/certs.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/strbuf.h"

enum { CERT_DAYS_CA = 3650, CERT_DAYS = 825, CERT_SKEW_S = 300 };

struct pair {
	X509 *cert;
	EVP_PKEY *key;
};

struct extension {
	int nid;
	const char *value;
};

static void pair_done(struct pair *p)
{
	X509_free(p->cert);
	EVP_PKEY_free(p->key);
	*p = (struct pair){ 0 };
}

static int fault(struct diag *d, const char *file, int error, const char *what)
{
	*d = (struct diag){ 0 };
	diag_file(d, file);
	diag_set(d, "%s: %s", what, strerror(error));
	ERR_clear_error();
	return -error;
}

static int extensions_add(X509 *cert, X509 *issuer, const struct extension *rows, size_t n)
{
	X509V3_CTX ctx;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	for (size_t i = 0; i < n; i++) {
		X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, rows[i].nid, rows[i].value);
		int ok = e && X509_add_ext(cert, e, -1);

		X509_EXTENSION_free(e);
		if (!ok)
			return -EINVAL;
	}
	return 0;
}

static int serial_set(X509 *cert)
{
	unsigned char bytes[16];
	BIGNUM *n;
	int ok;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return -EIO;
	bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40);
	n = BN_bin2bn(bytes, sizeof(bytes), NULL);
	ok = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert));
	BN_free(n);
	return ok ? 0 : -ENOMEM;
}

/* A new key and a certificate for it; issuer NULL: signed by itself. */
static int pair_make(const char *name, const struct pair *issuer, int days,
		     const struct extension *rows, size_t n, struct pair *ret)
{
	_cleanup_(pair_done) struct pair p = { .cert = X509_new(), .key = EVP_EC_gen("P-256") };

	if (!p.cert || !p.key || serial_set(p.cert) < 0)
		return -ENOMEM;
	X509_NAME *subject = X509_get_subject_name(p.cert);
	X509 *by = issuer ? issuer->cert : p.cert;
	if (!X509_set_version(p.cert, 2) || !X509_set_pubkey(p.cert, p.key) ||
	    !X509_gmtime_adj(X509_getm_notBefore(p.cert), -CERT_SKEW_S) ||
	    !X509_time_adj_ex(X509_getm_notAfter(p.cert), days, 0, NULL) ||
	    !X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_ASC,
					(const unsigned char *)"Tiercel", -1, -1, 0) ||
	    !X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name,
					-1, -1, 0) ||
	    !X509_set_issuer_name(p.cert, X509_get_subject_name(by)) ||
	    extensions_add(p.cert, by, rows, n) < 0 ||
	    !X509_sign(p.cert, issuer ? issuer->key : p.key, EVP_sha256()))
		return -EINVAL;
	*ret = p;
	p = (struct pair){ 0 };
	return 0;
}

static void bio_freep(BIO **b)
{
	BIO_free(*b);
}

static int file_write(const char *path, BIO *text, mode_t mode, struct diag *d)
{
	char *ptr, temp[4200];
	long len = BIO_get_mem_data(text, &ptr);

	snprintf(temp, sizeof(temp), "%s.new", path);
	unlink(temp);
	_cleanup_(closep) int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return fault(d, path, errno, "cannot be written");
	int r = io_write_all(fd, (struct str){ ptr, (size_t)len });
	if (r == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0 || rename(temp, path) < 0))
		r = -errno;
	if (r < 0) {
		unlink(temp);
		return fault(d, path, -r, "cannot be written");
	}
	return 0;
}

static void file_name(char *out, size_t size, const char *dir, const char *base, const char *end)
{
	snprintf(out, size, "%s/%s.%s", dir, base, end);
}

static int pair_write(const char *dir, const char *base, const struct pair *p, struct diag *d)
{
	char path[4096];
	_cleanup_(bio_freep) BIO *key = BIO_new(BIO_s_mem());
	_cleanup_(bio_freep) BIO *cert = BIO_new(BIO_s_mem());

	file_name(path, sizeof(path), dir, base, "key");
	if (!key || !cert ||
	    !PEM_write_bio_PKCS8PrivateKey(key, p->key, NULL, NULL, 0, NULL, NULL) ||
	    !PEM_write_bio_X509(cert, p->cert))
		return fault(d, path, ENOMEM, "cannot be encoded");
	int r = file_write(path, key, 0600, d);
	if (r < 0)
		return r;
	file_name(path, sizeof(path), dir, base, "crt");
	return file_write(path, cert, 0644, d);
}

static int pem_open(const char *path, BIO **ret)
{
	_cleanup_(strbuf_done) struct strbuf text = { 0 };

	int r = io_read_file(path, 1 << 20, &text);
	if (r < 0)
		return r;
	BIO *bio = BIO_new(BIO_s_mem());
	if (!bio || BIO_write(bio, text.ptr, (int)text.len) != (int)text.len) {
		BIO_free(bio);
		return -ENOMEM;
	}
	*ret = bio;
	return 0;
}

/* The CA of dir: 0; 1: there is none; negative: there is something that cannot be used. */
static int ca_read(const char *dir, struct pair *ret, struct diag *d)
{
	char crt[4096], key[4096];
	_cleanup_(bio_freep) BIO *cert_bio = NULL;
	_cleanup_(bio_freep) BIO *key_bio = NULL;
	_cleanup_(pair_done) struct pair p = { 0 };

	file_name(crt, sizeof(crt), dir, "ca", "crt");
	file_name(key, sizeof(key), dir, "ca", "key");
	int rc = pem_open(crt, &cert_bio), rk = pem_open(key, &key_bio);
	if (rc == -ENOENT && rk == -ENOENT)
		return 1;
	if (rc < 0)
		return fault(d, crt, -rc, "the CA cannot be read");
	if (rk < 0)
		return fault(d, key, -rk, "the CA cannot be read");
	p.cert = PEM_read_bio_X509(cert_bio, NULL, NULL, NULL);
	p.key = PEM_read_bio_PrivateKey(key_bio, NULL, NULL, NULL);
	if (!p.cert || X509_cmp_current_time(X509_get0_notAfter(p.cert)) < 0)
		return fault(d, crt, EINVAL, "is no CA certificate that is valid now");
	if (!p.key || X509_check_private_key(p.cert, p.key) != 1)
		return fault(d, key, EINVAL, "is not the key of the CA certificate");
	*ret = p;
	p = (struct pair){ 0 };
	return 0;
}

/* A name that may stand in a subjectAltName without changing its meaning. */
bool certs_name_is_usable(const char *name)
{
	struct str s = str_of(name);

	if (!s.len || s.len > 253)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '-' || c == '.' || c == '_'))
			return false;
	}
	return true;
}

static int leaf_make(const char *dir, const char *base, const char *name, const char *usage,
		     const char *san, const struct pair *ca, struct diag *d)
{
	const struct extension rows[] = {
		{ NID_basic_constraints, "critical,CA:FALSE" },
		{ NID_key_usage, "critical,digitalSignature" },
		{ NID_ext_key_usage, usage },
		{ NID_subject_key_identifier, "hash" },
		{ NID_authority_key_identifier, "keyid" },
		{ NID_subject_alt_name, san },
	};
	_cleanup_(pair_done) struct pair p = { 0 };

	if (pair_make(name, ca, CERT_DAYS, rows, ARRAY_SIZE(rows), &p) < 0)
		return fault(d, base, EIO, "making the certificate");
	return pair_write(dir, base, &p, d);
}

static int ca_make(const char *dir, struct pair *ret, struct diag *d)
{
	static const struct extension rows[] = {
		{ NID_basic_constraints, "critical,CA:TRUE,pathlen:0" },
		{ NID_key_usage, "critical,keyCertSign,cRLSign" },
		{ NID_subject_key_identifier, "hash" },
	};

	if (pair_make("Tiercel CA", NULL, CERT_DAYS_CA, rows, ARRAY_SIZE(rows), ret) < 0)
		return fault(d, "ca", EIO, "making the certificate");
	return pair_write(dir, "ca", ret, d);
}

static int server_names(const char *const *names, size_t n, struct strbuf *ret, struct diag *d)
{
	strbuf_addz(ret, "DNS:localhost,IP:127.0.0.1,IP:::1");
	for (size_t i = 0; i < n; i++) {
		if (!certs_name_is_usable(names[i]))
			return fault(d, "server", EINVAL, names[i]);
		strbuf_printf(ret, ",DNS:%s", names[i]);
	}
	return strbuf_check(ret);
}

int certs_make(const char *dir, const char *const *names, size_t nnames, struct diag *d)
{
	_cleanup_(pair_done) struct pair ca = { 0 };
	_cleanup_(strbuf_done) struct strbuf san = { 0 };

	if (strlen(dir) > 3800)
		return fault(d, "", ENAMETOOLONG, "the directory");
	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return fault(d, dir, errno, "cannot be created");
	int r = server_names(names, nnames, &san, d);
	if (r == 0)
		r = ca_read(dir, &ca, d);
	if (r == 1)
		r = ca_make(dir, &ca, d);
	if (r < 0)
		return r;
	r = leaf_make(dir, "server", "server", "serverAuth", san.ptr, &ca, d);
	if (r < 0)
		return r;
	return leaf_make(dir, "client", "client", "clientAuth", "DNS:client", &ca, d);
}
