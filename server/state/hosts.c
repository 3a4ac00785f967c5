/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules name few hosts, and only sockets that rules look at are compared with them: a list that is walked is
 * enough. An entry is one block: the struct, the name, the addresses.
 */
#include "state/hosts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

struct host {
	size_t name_len, naddresses;
	char bytes[];
};

static struct str name_of(const struct host *h)
{
	return (struct str){ h->bytes, h->name_len };
}

static const char *addresses_of(const struct host *h)
{
	return h->bytes + h->name_len;
}

void hosts_done(struct hosts *h)
{
	for (size_t i = 0; i < h->list.n; i++)
		free(h->list.items[i]);
	vec_done(&h->list);
}

static struct host *host_new(struct str name, struct str addresses)
{
	size_t n = addresses.len / HOST_ADDRESS;

	if (n > LIMIT_HOST_ADDRESSES)
		n = LIMIT_HOST_ADDRESSES;
	struct host *host = malloc(sizeof(*host) + name.len + n * HOST_ADDRESS);

	if (!host)
		return NULL;
	*host = (struct host){ .name_len = name.len, .naddresses = n };
	memcpy(host->bytes, name.ptr, name.len);
	if (n)
		memcpy(host->bytes + name.len, addresses.ptr, n * HOST_ADDRESS);
	return host;
}

int hosts_take(struct hosts *h, const struct event *e)
{
	struct str name = e->params[0];

	if (!name.len)
		return 0;
	struct host *host = host_new(name, e->params[1]);

	if (!host)
		return -ENOMEM;
	for (size_t i = 0; i < h->list.n; i++) {
		if (!str_eq(name_of(h->list.items[i]), name))
			continue;
		free(h->list.items[i]);
		h->list.items[i] = host;
		return 0;
	}
	int r = h->list.n < LIMIT_HOST_NAMES ? vec_push(&h->list, host) : 0;

	if (r < 0 || h->list.n == 0 || h->list.items[h->list.n - 1] != host)
		free(host);
	return r;
}

struct str hosts_next(const struct hosts *h, const void *address, size_t *at)
{
	while (*at < h->list.n) {
		const struct host *host = h->list.items[(*at)++];

		for (size_t i = 0; i < host->naddresses; i++) {
			if (memcmp(addresses_of(host) + i * HOST_ADDRESS, address, HOST_ADDRESS) ==
			    0)
				return name_of(host);
		}
	}
	return (struct str){ 0 };
}

int hosts_snapshot(const struct hosts *h, uint64_t now_ns, struct record_builder *b,
		   int (*emit)(const struct rec_hdr *rec, void *ctx), void *ctx)
{
	int r = 0;

	for (size_t i = 0; i < h->list.n && r >= 0; i++) {
		const struct host *host = h->list.items[i];

		record_begin(b, EV_HOST_NAME, now_ns, NULL);
		record_str(b, name_of(host));
		record_param(b, addresses_of(host), host->naddresses * HOST_ADDRESS);
		r = emit(record_end(b), ctx);
	}
	return r < 0 ? r : 0;
}
