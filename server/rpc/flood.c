/* SPDX-License-Identifier: Apache-2.0 */
/* Counts begin anew every second. A connection is shut down, not closed: the number stays gRPC's. */
#include "rpc/flood.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "rpc/inflow.h"

enum { FLOOD_PEERS = 4096 };

struct count {
	uint32_t calls;
	char peer[];
};

struct flood {
	struct strmap counts;
	uint64_t since_ns;
	uint64_t cut; /* connections */
};

struct flood *flood_new(void)
{
	return calloc(1, sizeof(struct flood));
}

static void forget(struct flood *f)
{
	size_t at = 0;
	struct str key;
	void *p;

	while (strmap_next(&f->counts, &at, &key, &p))
		free(p);
	strmap_done(&f->counts);
	f->counts = (struct strmap){ 0 };
}

struct flood *flood_free(struct flood *f)
{
	if (f)
		forget(f);
	free(f);
	return NULL;
}

static struct count *count_of(struct flood *f, const char *peer)
{
	struct count *c = strmap_find(&f->counts, str_of(peer));
	size_t len = strlen(peer);

	if (c || f->counts.count >= FLOOD_PEERS)
		return c;
	c = calloc(1, sizeof(*c) + len + 1);
	if (!c)
		return NULL;
	memcpy(c->peer, peer, len);
	if (strmap_put(&f->counts, str_of(c->peer), c) < 0) {
		free(c);
		return NULL;
	}
	return c;
}

bool flood_call(struct flood *f, const char *peer)
{
	uint64_t now = clock_boot_ns();

	if (now - f->since_ns > NS_PER_SEC) {
		forget(f);
		f->since_ns = now;
	}
	struct count *c = count_of(f, peer);
	if (!c || ++c->calls < FLOOD_CALLS)
		return false;
	if (c->calls > FLOOD_CALLS)
		return true; /* what was on its way */
	int fd = inflow_find(peer);
	if (fd >= 0)
		shutdown(fd, SHUT_RDWR);
	if (f->cut++ == 0)
		log_warning("grpc: a client opened %d calls within a second and was cut off: %s",
			    FLOOD_CALLS, peer);
	return true;
}
