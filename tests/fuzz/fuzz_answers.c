/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What container runtimes say: the first byte chooses of which kind it is, the rest is it. Whatever is taken from
 * it can be told on: its text fits into a record, is read again, and is then printed the same.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "fuzz.h"
#include "runtime/answer.h"

enum kind {
	INSPECT,
	DOCKER_EVENT,
	INFO,
	STATUS,
	SANDBOX,
	ALONE,
	VERSION,
	CRI_EVENT,
	EVENT,
	CONTAINER,
	KINDS
};

static void tell(const struct info *in)
{
	_cleanup_(strbuf_done) struct strbuf first = { 0 }, second = { 0 };
	struct arena a = { 0 };
	struct info again;

	info_print(in, &first);
	if (first.failed || first.len > INFO_BYTES_MAX ||
	    info_parse(strbuf_str(&first), &a, &again) < 0)
		abort();
	info_print(&again, &second);
	if (second.len > INFO_BYTES_MAX)
		abort();
	arena_done(&a);
}

static void news_of(bool is, const struct peer_news *news)
{
	if (!is)
		return;
	if (!news->full_id.len || news->full_id.len > INFO_TEXT_MAX)
		abort();
	if (news->partial)
		tell(news->partial);
}

static int take(enum kind kind, struct str s, struct arena *a)
{
	const struct answer_limits limits = { 100 };
	struct peer_news news;
	struct info in = { 0 };
	struct str name;
	int r = -1;

	switch (kind) {
	case INSPECT: r = docker_read_inspect(s, &limits, a, &in); break;
	case DOCKER_EVENT: news_of(docker_read_event(s, &limits, a, &news, &in), &news); break;
	case INFO: r = info_parse(s, a, &in); break;
	case STATUS: r = cri_read_status(s, &limits, a, &in); break;
	case SANDBOX: r = cri_read_sandbox(s, &limits, false, a, &in); break;
	case ALONE: r = cri_read_sandbox(s, &limits, true, a, &in); break;
	case VERSION: (void)cri_read_version(s, a, &name); break;
	case CRI_EVENT: news_of(cri_read_event(s, a, &news), &news); break;
	case EVENT: news_of(containerd_read_event(s, a, &news), &news); break;
	default: r = containerd_read_container(s, &limits, a, &in);
	}
	if (r == 0)
		tell(&in);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = { .limit = LIMIT_RUNTIME_ANSWER };
	struct str rest = { (const char *)data + 1, size - 1 }, message;
	int r;

	if (!size)
		return 0;
	(void)take((enum kind)(data[0] % KINDS), rest, &a);
	/* The same as a stream of framed messages. */
	while (cri_next_message(&rest, &message, &r))
		(void)take((enum kind)(data[0] % KINDS), message, &a);
	arena_done(&a);
	return 0;
}
