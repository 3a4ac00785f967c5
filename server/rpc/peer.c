/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A name with a control character in it is passed over: some reader of logs, or a C string, would take it for
 * another one.
 */
#include "rpc/peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>
#include <openssl/sha.h>

#include "base/cleanup.h"
#include "rpc/tls.h"
#include "rpc/unix.h"

static struct str property(grpc_auth_context *auth, const char *name)
{
	grpc_auth_property_iterator it = grpc_auth_context_find_properties_by_name(auth, name);
	const grpc_auth_property *p = grpc_auth_property_iterator_next(&it);

	return p ? (struct str){ p->value, p->value_length } : (struct str){ 0 };
}

static bool usable(struct str name)
{
	for (size_t i = 0; i < name.len; i++)
		if ((unsigned char)name.ptr[i] < 0x20 || name.ptr[i] == 0x7f)
			return false;
	return name.len && name.len <= PEER_NAME;
}

static char *print(const char *kind, struct str text)
{
	char *name;

	return asprintf(&name, "%s:" STR_FMT, kind, STR_ARG(text)) < 0 ? NULL : name;
}

/* Of the PEM text: the same certificate is always shown in the same form by gRPC. */
static char *fingerprint(struct str pem)
{
	unsigned char hash[SHA256_DIGEST_LENGTH];
	char hex[2 * sizeof(hash) + 1];

	SHA256((const unsigned char *)pem.ptr, pem.len, hash);
	for (size_t i = 0; i < sizeof(hash); i++)
		snprintf(hex + 2 * i, 3, "%02x", hash[i]);
	return print("cert", str_of(hex));
}

static char *certificate_name(grpc_auth_context *auth, bool common_names)
{
	static const struct {
		const char *property, *kind;
		bool common;
	} rows[] = {
		{ GRPC_PEER_SPIFFE_ID_PROPERTY_NAME, "spiffe", false },
		{ GRPC_PEER_DNS_PROPERTY_NAME, "dns", false },
		{ GRPC_X509_CN_PROPERTY_NAME, "cn", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct str text = property(auth, rows[i].property);

		if (usable(text) && (common_names || !rows[i].common))
			return print(rows[i].kind, text);
	}
	return fingerprint(property(auth, GRPC_X509_PEM_CERT_PROPERTY_NAME));
}

static int check(struct peer *p, grpc_auth_context *auth, struct tls *tls, const char **ret_why)
{
	if (!auth || !tls) {
		*ret_why = "the peer is not known";
		return -EACCES;
	}
	return tls_verify(tls, property(auth, GRPC_X509_PEM_CERT_PROPERTY_NAME),
			  property(auth, GRPC_X509_PEM_CERT_CHAIN_PROPERTY_NAME), &p->expires_s,
			  ret_why);
}

int peer_check(struct peer *p, grpc_call *call, struct tls *tls, const char **ret_why)
{
	if (p->slot >= 0)
		return 0;
	grpc_auth_context *auth = grpc_call_auth_context(call);
	int r = check(p, auth, tls, ret_why);
	if (auth)
		grpc_auth_context_release(auth);
	return r;
}

int peer_init(struct peer *ret, grpc_call *call, struct tls *tls, bool common_names,
	      const char **ret_why)
{
	struct peer p = { .expires_s = INT64_MAX };
	char *address = grpc_call_get_peer(call);
	char number[16];
	int r = 0;

	p.slot = unix_call_begin(address);
	gpr_free(address);
	if (p.slot >= 0) {
		snprintf(number, sizeof(number), "%u", (unsigned)unix_peer(p.slot)->uid);
		p.name = print("uid", str_of(number));
	} else {
		grpc_auth_context *auth = grpc_call_auth_context(call);

		p.name = auth ? certificate_name(auth, common_names) : strdup("unknown");
		r = check(&p, auth, tls, ret_why);
		if (auth)
			grpc_auth_context_release(auth);
	}
	if (!p.name || r == -ENOMEM) {
		peer_done(&p);
		*ret = p;
		return -ENOMEM;
	}
	*ret = p;
	return r;
}

void peer_done(struct peer *p)
{
	if (p->slot >= 0)
		unix_call_end(p->slot);
	free(p->name);
	*p = (struct peer){ .slot = -1 };
}
