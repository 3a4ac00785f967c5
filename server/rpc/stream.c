/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Going on with a stream. Alerts come from memory where they are there, else from the journal by the page. A
 * jump in the numbers is a loss, which is told before the alert behind it; jumps in a row are one.
 *
 * A completed write has reached the peer's buffers, not its program, and a legacy client cannot say what it
 * has read. When such a stream is cut off, its identity therefore resumes some seconds back: what is repeated
 * can be told by its time, what is missing cannot. New clients resume with a cursor or an ack.
 */
#include "rpc/stream.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "rpc/backlog.h"
#include "rpc/call.h"
#include "rpc/cursors.h"
#include "rpc/message.h"
#include "rpc/method.h"
#include "rpc/select.h"

#define STREAM_UNREAD_NS (5 * NS_PER_SEC)
/* Times are not quite in order: an alert this much later than `until` ends a stream, not the first later one. */
#define STREAM_UNTIL_NS (2 * NS_PER_SEC)

/* The next alert, wherever it came from; borrowed until something is read or written. */
struct item {
	uint64_t seq, time_ns;
	struct str message;
	const grpc_slice *slice; /* in memory; NULL: entry */
	struct entry *entry;
};

enum next { NEXT_NONE, NEXT_ITEM, NEXT_WAIT };

static void page_drop(struct stream *s)
{
	if (!s->page)
		return;
	while (s->page_at < s->page->n)
		entry_unref(s->page->entries[s->page_at++]);
	free(TAKE(s->page));
	s->page_at = 0;
}

struct stream *stream_free(struct stream *s)
{
	if (!s)
		return NULL;
	page_drop(s);
	select_free(s->select);
	free(s->sent);
	free(s->key);
	free(s);
	return NULL;
}

static void page_came(struct journal_page *p)
{
	struct rpc_call *call = p->owner;
	struct stream *s = call->stream;

	s->reading = false;
	s->page = p;
	s->page_at = 0;
	if (call->ended || !p->n) {
		/* Nothing there, or it cannot be read: go on with what comes behind. */
		s->disk_end = p->next > s->next_seq ? p->next : s->next_seq + 1;
		page_drop(s);
	}
	if (!call->ended)
		stream_alerts(call);
	rpc_call_let_go(call);
}

static enum next read_page(struct rpc_call *call)
{
	struct stream *s = call->stream;
	struct journal_page *p = calloc(1, sizeof(*p));

	if (!p)
		return NEXT_WAIT; /* tried again when something comes */
	*p = (struct journal_page){ .from = s->next_seq, .done = page_came, .owner = call };
	if (journal_read(call->shared->journal, p) < 0) {
		free(p);
		return NEXT_WAIT;
	}
	s->reading = true;
	rpc_call_hold(call);
	return NEXT_WAIT;
}

static bool holds(const struct backlog *b, uint64_t place, uint64_t seq)
{
	return place >= b->first && place < b->end && backlog_get(b, place)->seq == seq;
}

static enum next from_memory(const struct backlog *b, struct stream *s, struct item *ret)
{
	/* Mostly it is where the last one was, or the one behind it. */
	if (holds(b, s->place + 1, s->next_seq))
		s->place++;
	else if (!holds(b, s->place, s->next_seq))
		s->place = backlog_find(b, s->next_seq);
	if (s->place >= b->shown)
		return NEXT_NONE;
	const struct backlog_entry *e = backlog_get(b, s->place);
	*ret = (struct item){
		.seq = e->seq,
		.time_ns = e->time_ns,
		.message = { (const char *)GRPC_SLICE_START_PTR(e->message),
			     GRPC_SLICE_LENGTH(e->message) },
		.slice = &e->message,
	};
	return NEXT_ITEM;
}

static enum next from_page(struct stream *s, struct item *ret)
{
	while (s->page && s->page_at < s->page->n &&
	       s->page->entries[s->page_at]->seq < s->next_seq)
		entry_unref(s->page->entries[s->page_at++]);
	if (!s->page || s->page_at == s->page->n) {
		page_drop(s);
		return NEXT_NONE;
	}
	struct entry *e = s->page->entries[s->page_at];
	*ret = (struct item){
		.seq = e->seq, .time_ns = e->time_ns, .message = entry_message(e), .entry = e
	};
	return NEXT_ITEM;
}

static enum next next_item(struct rpc_call *call, struct item *ret)
{
	struct stream *s = call->stream;
	const struct backlog *b = call->shared->backlog;
	uint64_t oldest, newest;

	if (from_page(s, ret) == NEXT_ITEM)
		return NEXT_ITEM;
	if (s->next_seq > b->shown_seq)
		return NEXT_NONE;
	if (!call->shared->journal || s->next_seq < s->disk_end ||
	    (b->first < b->shown && backlog_get(b, b->first)->seq <= s->next_seq))
		return from_memory(b, s, ret);
	journal_range(call->shared->journal, &oldest, &newest);
	return newest >= s->next_seq ? read_page(call) : from_memory(b, s, ret);
}

static void note_loss(struct rpc_call *call, uint64_t first, uint64_t last)
{
	struct stream *s = call->stream;
	struct gap lost = { first, last, LOSS_OVERRUN };

	if (call->shared->journal) {
		const struct gap *gap = gaps_find(journal_gaps(call->shared->journal), first, last);
		lost.reason = gap ? gap->reason : LOSS_EXPIRED;
	}
	s->lost = lost;
}

static bool full(const struct stream *s)
{
	return s->max_outstanding && s->sent_n == s->max_outstanding;
}

static bool wanted(struct stream *s, const struct item *it)
{
	return it->time_ns >= s->since_ns && it->time_ns <= s->until_ns &&
	       select_pass(s->select, it->message);
}

/* Whether another alert is sure to follow at once, so that the transport may put both into one packet. */
static bool more_follows(const struct rpc_call *call, const struct item *it)
{
	const struct stream *s = call->stream;
	bool there = it->slice ? s->place + 1 < call->shared->backlog->shown
			       : s->page_at + 1 < s->page->n;

	return there && it->seq < s->target && !s->select && !s->taken &&
	       !(s->max_outstanding && s->sent_n + 1 >= s->max_outstanding);
}

static void write_item(struct rpc_call *call, const struct item *it)
{
	struct stream *s = call->stream;
	grpc_slice slices[2];
	size_t n = 1;

	if (select_packs(s->select)) {
		struct strbuf packed = { 0 };

		select_pack(s->select, it->message, &packed);
		struct str text = strbuf_str(&packed);
		slices[0] = grpc_slice_from_copied_buffer(text.ptr, text.len);
		strbuf_done(&packed);
	} else {
		slices[0] = it->slice ? grpc_slice_ref(*it->slice) : backlog_slice(it->entry);
	}
	if (s->legacy) {
		grpc_slice whole = slices[0];

		slices[0] = grpc_slice_sub(whole, 0, message_legacy_len(it->message));
		grpc_slice_unref(whole);
	} else {
		uint8_t position[POSITION_BYTES];
		size_t len = pack_position(rpc_epoch(call->shared), it->seq, position);

		slices[n++] = grpc_slice_from_copied_buffer((const char *)position, len);
		s->told_ns = clock_boot_ns();
	}
	s->writing = WRITE_ALERT;
	s->next_seq = it->seq;
	rpc_call_write(call, slices, n, more_follows(call, it));
}

/* A mark of ours is durable: the client may want to know. */
static void look_at_acks(struct rpc_call *call)
{
	struct stream *s = call->stream;

	if (!s->key || !s->control)
		return;
	uint64_t kept = journal_marked(call->shared->journal, str_of(s->key));
	if (!kept || kept == s->acked_told)
		return;
	s->ack_due = s->acked_told != 0 || s->confirmed;
	s->acked_told = kept;
	s->confirmed = true;
}

/* Nothing more to send for now. */
static void at_the_end(struct rpc_call *call)
{
	struct stream *s = call->stream;
	uint64_t wall = s->until_ns != UINT64_MAX ? clock_wall_ns() : 0;
	bool over = s->until_ns != UINT64_MAX && wall > s->until_ns &&
		    wall - s->until_ns > STREAM_UNTIL_NS;

	if (s->next_seq > s->target || over)
		rpc_call_finish(call, GRPC_STATUS_OK, "");
	else if (s->ack_due)
		tell_bookmark(call);
}

/* One alert further, without a write. True: go on. */
static bool pass_over(struct rpc_call *call, const struct item *it)
{
	struct stream *s = call->stream;

	s->next_seq = it->seq + 1;
	if (s->until_ns == UINT64_MAX || it->time_ns < s->until_ns ||
	    it->time_ns - s->until_ns <= STREAM_UNTIL_NS)
		return true;
	rpc_call_finish(call, GRPC_STATUS_OK, "");
	return false;
}

static bool ready(const struct rpc_call *call)
{
	const struct stream *s = call->stream;

	return s && s->begun && !call->ended && !rpc_call_writing(call) && !s->reading &&
	       !s->seeking;
}

static void advance(struct rpc_call *call)
{
	struct stream *s = call->stream;
	struct item it;

	if (!ready(call))
		return;
	if (s->taken) {
		rpc_call_finish(call, GRPC_STATUS_ABORTED,
				"another stream of this consumer took over");
		return;
	}
	look_at_acks(call);
	for (unsigned looked = 0; looked < STREAM_SCAN; looked++) {
		if (s->lost.reason) {
			tell_loss(call);
			return;
		}
		if (s->next_seq > s->target || full(s)) {
			at_the_end(call);
			return;
		}
		enum next next = next_item(call, &it);
		if (next == NEXT_NONE)
			at_the_end(call);
		if (next != NEXT_ITEM)
			return;
		if (it.seq > s->next_seq) {
			note_loss(call, s->next_seq, it.seq - 1);
			s->next_seq = it.seq;
		} else if (wanted(s, &it)) {
			write_item(call, &it);
			return;
		} else if (!pass_over(call, &it)) {
			return;
		}
	}
	call->shared->again(call); /* others first */
}

static void refuse(struct rpc_call *call, int r, const struct diag *d)
{
	if (r == -EINVAL)
		rpc_call_abort(call, GRPC_STATUS_INVALID_ARGUMENT, d->text);
	else
		rpc_call_abort(call, GRPC_STATUS_RESOURCE_EXHAUSTED, "out of memory");
}

/* Later requests of a legacy client are its polling and change nothing. */
void stream_request_sub(struct rpc_call *call, const ProtobufCMessage *message)
{
	const Falco__Outputs__Request *request = (const Falco__Outputs__Request *)message;
	struct diag d = { 0 };
	int r = call->stream ? stream_ack(call, request, &d) : stream_begin(call, request, &d);

	if (r < 0)
		refuse(call, r, &d);
	else
		advance(call);
}

/* The newest number there is, shown or about to be. */
static uint64_t newest(const struct rpc_call *call)
{
	const struct backlog *b = call->shared->backlog;
	uint64_t in_memory = b->first < b->end ? backlog_get(b, b->end - 1)->seq : 0;

	return in_memory > b->shown_seq ? in_memory : b->shown_seq;
}

/* What is there now, then the end; `until` ahead of us lasts until then. */
static void aim_at_end(struct rpc_call *call)
{
	struct stream *s = call->stream;

	if (!s->follow && (s->until_ns == UINT64_MAX || s->until_ns < clock_wall_ns()))
		s->target = newest(call);
}

void stream_request_get(struct rpc_call *call, const ProtobufCMessage *message)
{
	struct diag d = { 0 };
	int r = stream_begin(call, (const Falco__Outputs__Request *)message, &d);

	if (r < 0) {
		refuse(call, r, &d);
		return;
	}
	aim_at_end(call);
	advance(call);
}

void stream_half_closed(struct rpc_call *call)
{
	if (!call->stream) {
		rpc_call_finish(call, GRPC_STATUS_OK, "");
		return;
	}
	aim_at_end(call);
	advance(call);
}

static void note_sent(struct stream *s)
{
	if (s->max_outstanding)
		s->sent[(s->sent_first + s->sent_n++) % s->max_outstanding] = s->next_seq;
	s->next_seq++;
	s->nsent++;
}

void stream_written(struct rpc_call *call)
{
	struct stream *s = call->stream;

	if (s->writing == WRITE_ALERT)
		note_sent(s);
	if (s->legacy) {
		uint64_t now = clock_boot_ns();

		if (now - s->mark_ns > STREAM_UNREAD_NS) {
			s->old_seq = s->mark_seq;
			s->mark_seq = s->next_seq;
			s->mark_ns = now;
		}
	}
	if (s->ack_due)
		tell_bookmark(call);
	else
		advance(call);
}

void stream_alerts(struct rpc_call *call)
{
	advance(call);
}

void stream_tick(struct rpc_call *call)
{
	struct stream *s = call->stream;

	if (!ready(call))
		return;
	if (s->heartbeat_ns &&
	    clock_boot_ns() - s->told_ns + RPC_TICK_MS * NS_PER_MS >= s->heartbeat_ns)
		tell_bookmark(call);
	else if (s->until_ns != UINT64_MAX)
		advance(call);
}

void stream_gone(struct rpc_call *call)
{
	struct stream *s = call->stream;

	if (s && s->begun && s->legacy)
		cursors_release(call->shared->cursors, call->identity,
				call->clean ? s->next_seq : s->old_seq);
}
