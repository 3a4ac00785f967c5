/* SPDX-License-Identifier: Apache-2.0 */
/* All names of a question at once, by the threads of the loop; the last that is done answers. */
#include "rpc/names.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/strbuf.h"

struct lookup;

struct request {
	uv_getaddrinfo_t uv; /* first: what the loop gives back */
	struct lookup *lookup;
	char *name;
};

struct lookup {
	names_fn fn;
	void *ctx;
	struct strbuf text;
	size_t left, n;
	struct request requests[];
};

static void lookup_free(struct lookup *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->requests[i].name);
	strbuf_done(&l->text);
	free(l);
}

static void finish(struct lookup *l)
{
	if (--l->left)
		return;
	l->fn(strbuf_check(&l->text) == 0 ? strbuf_str(&l->text) : STR(""), l->ctx);
	lookup_free(l);
}

static void add_address(const struct addrinfo *a, struct strbuf *out)
{
	char text[INET6_ADDRSTRLEN];
	const void *bytes =
		a->ai_family == AF_INET
			? (const void *)&((const struct sockaddr_in *)(void *)a->ai_addr)->sin_addr
			: &((const struct sockaddr_in6 *)(void *)a->ai_addr)->sin6_addr;

	if ((a->ai_family != AF_INET && a->ai_family != AF_INET6) ||
	    !inet_ntop(a->ai_family, bytes, text, sizeof(text)))
		return;
	strbuf_addc(out, ' ');
	strbuf_addz(out, text);
}

static void on_found(uv_getaddrinfo_t *uv, int status, struct addrinfo *found)
{
	struct request *r = (struct request *)(void *)uv;
	struct lookup *l = r->lookup;

	if (found)
		strbuf_addz(&l->text, r->name);
	for (const struct addrinfo *a = found; a; a = a->ai_next)
		add_address(a, &l->text);
	if (found)
		strbuf_addc(&l->text, '\n');
	uv_freeaddrinfo(found);
	finish(l);
}

static bool start(uv_loop_t *loop, struct lookup *l, struct str name)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct request *r = &l->requests[l->n];

	r->lookup = l;
	r->name = str_dupz(name);
	if (!r->name)
		return false;
	l->n++;
	l->left++;
	if (uv_getaddrinfo(loop, &r->uv, on_found, r->name, NULL, &hints) < 0)
		l->left--;
	return true;
}

int names_look_up(uv_loop_t *loop, struct str names, names_fn fn, void *ctx)
{
	struct lookup *l = calloc(1, sizeof(*l) + LIMIT_HOST_NAMES * sizeof(struct request));
	struct str name;

	if (!l)
		return -ENOMEM;
	*l = (struct lookup){ .fn = fn, .ctx = ctx, .left = 1 };
	while (l->n < LIMIT_HOST_NAMES && names.len && str_split(&names, '\n', &name)) {
		if (name.len && !start(loop, l, name))
			break;
	}
	finish(l);
	return 0;
}
