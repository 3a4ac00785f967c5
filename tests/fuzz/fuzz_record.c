/* SPDX-License-Identifier: Apache-2.0 */
/* Records one after the other, as from a ring: decoded, printed, and taken into a small state. */
#include <stdlib.h>
#include <string.h>

#include "event/text.h"
#include "fuzz.h"
#include "state/state.h"

static struct state *state;

static struct str comm_of(void *ctx, int64_t tid)
{
	const struct proc *p = tid > 0 && tid < UINT32_MAX ? state_thread(state, (uint32_t)tid)
							   : NULL;

	return p ? p->comm : (struct str){ 0 };
}

static struct str cwd_of(void *ctx, const struct event *e)
{
	const struct proc *p = e->proc;

	return p ? p->cwd : (struct str){ 0 };
}

static int count(const struct rec_hdr *rec, void *ctx)
{
	struct event e;

	/* What we write ourselves can always be read. */
	if (!rec || event_decode(rec, rec->len, &e) < 0)
		abort();
	return 0;
}

static void take(struct event *e)
{
	static const struct param_text_host host = { .comm = comm_of, .cwd = cwd_of };
	struct strbuf out = { 0 };

	state_before(state, e);
	event_print_args(e, &host, &out);
	if (e->fd)
		fd_print_name(e, &out);
	unsigned steps = 0;

	for (const struct proc *p = e->proc; p; p = p->parent)
		if (++steps > 100000)
			abort();
	state_after(state, e);
	strbuf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = aligned_alloc(8, size / 8 * 8 + 8);

	state = state_new(16);
	if (!copy || !state)
		abort();
	memcpy(copy, data, size);
	for (size_t at = 0; at < size;) {
		struct event e;

		if (event_decode(copy + at, size - at, &e) < 0)
			break;
		take(&e);
		at += e.hdr->len;
	}
	if (state_snapshot(state, 0, count, NULL) < 0)
		abort();
	state = state_free(state);
	free(copy);
	return 0;
}
