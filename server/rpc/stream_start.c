/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first request of a stream: what it selects, where it begins, whose durable position it moves. Everything
 * wrong in it is found before anything is sent.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "rpc/access.h"
#include "rpc/backlog.h"
#include "rpc/call.h"
#include "rpc/cursors.h"
#include "rpc/method.h"
#include "rpc/select.h"
#include "rpc/stream.h"

static const char legacy_prefix[] = "legacy:";

static int wrong(struct diag *d, const char *text)
{
	diag_set(d, "%s", text);
	return -EINVAL;
}

/* Nothing but `follow`: a client of Falco's (or grpcurl without any wish). */
static bool is_legacy(const Falco__Outputs__Request *q)
{
	return !q->n_tags && q->start_case == FALCO__OUTPUTS__REQUEST__START__NOT_SET &&
	       !q->until && !q->n_allow && !q->n_deny && !q->n_fields && !q->heartbeat &&
	       !q->control && !q->consumer[0] && !q->ack && !q->max_outstanding && !q->condition[0];
}

/* A protobuf time as nanoseconds; what lies before 1970 is 1970, what is too far is the end. */
static int read_time(const Google__Protobuf__Timestamp *t, const char *place, uint64_t *ret,
		     struct diag *d)
{
	if (t->nanos < 0 || t->nanos >= (int32_t)NS_PER_SEC) {
		diag_set(d, "%s: nanos must be 0 to 999999999", place);
		return -EINVAL;
	}
	if (t->seconds < 0)
		*ret = 0;
	else if ((uint64_t)t->seconds >= UINT64_MAX / NS_PER_SEC - 1)
		*ret = UINT64_MAX - 1;
	else
		*ret = (uint64_t)t->seconds * NS_PER_SEC + (uint64_t)t->nanos;
	return 0;
}

static int read_heartbeat(struct stream *s, const Falco__Outputs__Request *q, struct diag *d)
{
	const Google__Protobuf__Duration *h = q->heartbeat;

	if (!h)
		return 0;
	if (!q->control)
		return wrong(d, "heartbeat: needs control");
	if (h->seconds < 0 || h->nanos < 0 || h->nanos >= (int32_t)NS_PER_SEC ||
	    (!h->seconds && !h->nanos))
		return wrong(d, "heartbeat: must be longer than nothing");
	uint64_t seconds = (uint64_t)h->seconds < 86400 ? (uint64_t)h->seconds : 86400;

	s->heartbeat_ns = seconds * NS_PER_SEC + (uint64_t)h->nanos;
	if (s->heartbeat_ns < STREAM_HEARTBEAT_MS * NS_PER_MS)
		s->heartbeat_ns = STREAM_HEARTBEAT_MS * NS_PER_MS;
	return 0;
}

static int read_outstanding(struct stream *s, const Falco__Outputs__Request *q, struct diag *d)
{
	if (!q->max_outstanding)
		return 0;
	s->max_outstanding = q->max_outstanding < STREAM_OUTSTANDING ? q->max_outstanding
								     : STREAM_OUTSTANDING;
	s->sent = calloc(s->max_outstanding, sizeof(*s->sent));
	return s->sent ? 0 : -ENOMEM;
}

/* The length in front keeps an identity from posing as another one with a longer name. */
static int read_consumer(struct rpc_call *call, const Falco__Outputs__Request *q, struct diag *d)
{
	size_t len = strlen(q->consumer);

	if (!len)
		return 0;
	if (len > STREAM_CONSUMER)
		return wrong(d, "consumer: at most 200 bytes");
	if (!call->shared->journal)
		return wrong(d, "consumer: this server has no journal (tiercel.journal)");
	_cleanup_(strbuf_done) struct strbuf key = { 0 };
	strbuf_printf(&key, "consumer:%zu:%s:%s", strlen(call->identity), call->identity,
		      q->consumer);
	call->stream->key = strbuf_take(&key);
	return call->stream->key ? 0 : -ENOMEM;
}

/* A consumer has one stream: the one that came last, whose client is surely alive. */
static void take_over(struct rpc_call *call)
{
	struct rpc_call *other;

	LIST_FOREACH(other, &call->shared->calls, link)
	{
		if (other == call || other->ended || !other->stream || !other->stream->key ||
		    strcmp(other->stream->key, call->stream->key) != 0)
			continue;
		other->stream->taken = true;
		if (!rpc_call_writing(other))
			rpc_call_finish(other, GRPC_STATUS_ABORTED,
					"another stream of this consumer took over");
	}
}

static uint64_t clamp_oldest(struct rpc_call *call, uint64_t next)
{
	uint64_t oldest = rpc_oldest(call->shared);

	return next < oldest ? oldest : next;
}

static void seek(struct rpc_call *call, enum journal_find find, uint64_t from, uint64_t time_ns);

static void start_after(struct rpc_call *call, const Falco__Outputs__Cursor *after)
{
	struct stream *s = call->stream;
	const struct rpc_shared *shared = call->shared;

	if (after->epoch == rpc_epoch(shared) &&
	    (after->seq <= shared->backlog->shown_seq || after->seq < shared->first_seq)) {
		s->next_seq = after->seq + 1;
		return;
	}
	s->lost = (struct gap){ .reason = LOSS_EPOCH };
	s->next_seq = clamp_oldest(call, 1);
}

static void start_since(struct rpc_call *call)
{
	struct stream *s = call->stream;
	const struct backlog *b = call->shared->backlog;

	if (call->shared->journal &&
	    (b->first >= b->shown || backlog_get(b, b->first)->time_ns >= s->since_ns)) {
		/* A clock may have stepped back a little: look from a moment earlier. */
		seek(call, JOURNAL_TIME, 0,
		     s->since_ns > NS_PER_SEC ? s->since_ns - NS_PER_SEC : 0);
		return;
	}
	uint64_t place = backlog_find_time(b,
					   s->since_ns > NS_PER_SEC ? s->since_ns - NS_PER_SEC : 0);
	s->next_seq = place < b->end ? backlog_get(b, place)->seq : b->shown_seq + 1;
}

static void start_last(struct rpc_call *call, uint64_t n)
{
	struct stream *s = call->stream;
	const struct backlog *b = call->shared->backlog;
	uint64_t shown = b->shown > b->first ? b->shown - b->first : 0;

	if (!n)
		s->next_seq = b->shown_seq + 1;
	else if (n <= shown)
		s->next_seq = backlog_get(b, b->shown - n)->seq;
	else if (call->shared->journal)
		seek(call, JOURNAL_LAST, n, 0);
	else
		s->next_seq = clamp_oldest(call, 1);
}

static void start_asked(struct rpc_call *call, const Falco__Outputs__Request *q)
{
	struct stream *s = call->stream;

	switch (q->start_case) {
	case FALCO__OUTPUTS__REQUEST__START_AFTER: start_after(call, q->after); break;
	case FALCO__OUTPUTS__REQUEST__START_SINCE: start_since(call); break;
	case FALCO__OUTPUTS__REQUEST__START_LAST: start_last(call, q->last); break;
	case FALCO__OUTPUTS__REQUEST__START_NOW:
		s->next_seq = call->shared->backlog->shown_seq + 1;
		break;
	default: s->next_seq = clamp_oldest(call, call->shared->first_seq); break;
	}
}

static void found(struct journal_page *p)
{
	struct rpc_call *call = p->owner;

	if (!call->ended)
		stream_found(call, p);
	free(p);
	rpc_call_let_go(call);
}

static void seek(struct rpc_call *call, enum journal_find find, uint64_t from, uint64_t time_ns)
{
	struct journal_page *p = calloc(1, sizeof(*p));

	call->stream->next_seq = clamp_oldest(call, 1);
	if (!p)
		return;
	*p = (struct journal_page){
		.find = find, .from = from, .time_ns = time_ns, .done = found, .owner = call
	};
	if (journal_read(call->shared->journal, p) < 0) {
		free(p); /* from the oldest on, then; since_ns still holds */
		return;
	}
	call->stream->seeking = true;
	rpc_call_hold(call);
}

void stream_found(struct rpc_call *call, const struct journal_page *p)
{
	struct stream *s = call->stream;

	s->seeking = false;
	if (!p->error)
		s->next_seq = clamp_oldest(call, p->next);
	if (s->key && !journal_mark(call->shared->journal, str_of(s->key)))
		(void)journal_set_mark(call->shared->journal, str_of(s->key), s->next_seq);
	stream_alerts(call);
}

static int start_consumer(struct rpc_call *call, const Falco__Outputs__Request *q, struct diag *d)
{
	struct stream *s = call->stream;
	struct journal *j = call->shared->journal;
	uint64_t next = journal_mark(j, str_of(s->key));

	take_over(call);
	s->confirmed = q->ack != NULL;
	if (next) {
		s->next_seq = next;
	} else {
		start_asked(call, q);
		if (!s->seeking && journal_set_mark(j, str_of(s->key), s->next_seq) < 0)
			return -ENOMEM;
	}
	return stream_ack(call, q, d);
}

static void start_legacy(struct rpc_call *call)
{
	uint64_t next = cursors_take(call->shared->cursors, call->identity);

	call->stream->next_seq = next ? next : clamp_oldest(call, call->shared->first_seq);
}

static int read_all(struct rpc_call *call, const Falco__Outputs__Request *q, struct diag *d)
{
	struct stream *s = call->stream;
	const Falco__Outputs__Filter *permitted = access_filter(call);
	int r = select_new(q, &s->select, d);

	if (r == 0 && permitted)
		r = select_require(&s->select, permitted, d);
	if (r == 0)
		r = read_heartbeat(s, q, d);
	if (r == 0)
		r = read_outstanding(s, q, d);
	if (r == 0)
		r = read_consumer(call, q, d);
	s->until_ns = UINT64_MAX;
	if (r == 0 && q->until)
		r = read_time(q->until, "until", &s->until_ns, d);
	if (r == 0 && q->start_case == FALCO__OUTPUTS__REQUEST__START_SINCE)
		r = read_time(q->since, "since", &s->since_ns, d);
	if (r == 0 && q->ack && !s->key && !s->max_outstanding)
		r = wrong(d, "ack: needs consumer or max_outstanding");
	return r;
}

int stream_begin(struct rpc_call *call, const Falco__Outputs__Request *q, struct diag *d)
{
	struct stream *s = calloc(1, sizeof(*s));

	*d = (struct diag){ 0 };
	if (!s)
		return -ENOMEM;
	call->stream = s;
	s->legacy = is_legacy(q);
	s->control = q->control;
	s->follow = q->follow;
	s->target = UINT64_MAX;
	int r = read_all(call, q, d);
	if (r < 0)
		return r;
	if (s->legacy)
		start_legacy(call);
	else if (s->key)
		r = start_consumer(call, q, d);
	else
		start_asked(call, q);
	if (r < 0)
		return r;
	if (!s->next_seq)
		s->next_seq = 1;
	s->mark_ns = s->told_ns = clock_boot_ns();
	s->mark_seq = s->old_seq = s->next_seq;
	s->begun = true;
	return 0;
}

int stream_ack(struct rpc_call *call, const Falco__Outputs__Request *q, struct diag *d)
{
	struct stream *s = call->stream;
	const struct rpc_shared *shared = call->shared;

	/* Of a numbering that is gone: there is nothing left to acknowledge. */
	if (!q->ack || q->ack->epoch != rpc_epoch(shared))
		return 0;
	if (q->ack->seq > shared->backlog->shown_seq && q->ack->seq >= shared->first_seq)
		return wrong(d, "ack: there is no such alert yet");
	while (s->sent_n && s->sent[s->sent_first] <= q->ack->seq) {
		s->sent_first = (s->sent_first + 1) % s->max_outstanding;
		s->sent_n--;
	}
	if (!s->key)
		return 0;
	if (s->next_seq <= q->ack->seq && !s->begun)
		s->next_seq = q->ack->seq + 1;
	if (q->ack->seq + 1 <= journal_mark(shared->journal, str_of(s->key)))
		return 0;
	int r = journal_set_mark(shared->journal, str_of(s->key), q->ack->seq + 1);
	return r < 0 ? -ENOMEM : 0;
}

static void save_one(const char *identity, uint64_t next, void *ctx)
{
	char key[JOURNAL_KEY_BYTES];

	snprintf(key, sizeof(key), "%s%s", legacy_prefix, identity);
	(void)journal_set_mark(ctx, str_of(key), next);
}

void streams_save(struct rpc_shared *shared)
{
	struct rpc_call *call;

	if (!shared->journal)
		return;
	cursors_save_begin(shared->cursors);
	LIST_FOREACH(call, &shared->calls, link)
	{
		if (call->stream && call->stream->begun && call->stream->legacy && !call->ended)
			cursors_save_live(shared->cursors, call->identity, call->stream->old_seq);
	}
	cursors_save_end(shared->cursors, save_one, shared->journal);
}

void streams_load(struct rpc_shared *shared)
{
	struct str key;
	uint64_t next;
	size_t at = 0;

	while (shared->journal &&
	       journal_next_mark(shared->journal, str_of(legacy_prefix), &at, &key, &next)) {
		_cleanup_(freep) char *identity =
			str_dupz(str_skip(key, sizeof(legacy_prefix) - 1));

		if (identity)
			(void)cursors_load(shared->cursors, identity, next);
	}
}
