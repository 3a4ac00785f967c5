/* SPDX-License-Identifier: Apache-2.0 */
/* See receivers.h. A channel's thread cannot wake the loop, so a timer looks whether a queue has room again. */
#include "rpc/receivers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alert/alert.h"
#include "base/cleanup.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/log.h"
#include "output/channel.h"
#include "output/http.h"
#include "rpc/message.h"

enum {
	WINDOW = 2048, /* alerts in a queue */
	TICK_MS = 20,
	MARK_TICKS = 10, /* between writes of the marks */
	STOP_MS = 500,	 /* for what is queued when all ends */
};

#define MARK_PREFIX "http:"

struct receiver {
	struct receivers *set;
	struct strbuf texts; /* of the settings, for the name and to start again */
	struct control_http c;
	uint64_t fingerprint;
	struct channel *channel; /* NULL: not begun */
	uint64_t next;		 /* number of the next alert to be queued */
	uint64_t marked;	 /* the place that was last written down */
	uint64_t dropped;
	struct journal_page *page; /* NULL, or with alerts from page_at on */
	size_t page_at;
	bool reading, leaving;
};

struct receivers {
	struct receivers_options o;
	struct receiver *now[LIMIT_RECEIVERS], *wanted[LIMIT_RECEIVERS];
	size_t nnow, nwanted;
	struct journal *journal;
	uint64_t first_seq;
	bool begun;
	uv_timer_t timer;
	unsigned ticks;
};

static void page_drop(struct receiver *v)
{
	while (v->page && v->page_at < v->page->n)
		entry_unref(v->page->entries[v->page_at++]);
	free(TAKE(v->page));
	v->page_at = 0;
}

static void receiver_free(struct receiver *v)
{
	page_drop(v);
	if (v->texts.ptr)
		explicit_bzero(v->texts.ptr, v->texts.cap);
	strbuf_done(&v->texts);
	free(v);
}

static void mark_key(const struct receiver *v, struct strbuf *out)
{
	strbuf_addz(out, MARK_PREFIX);
	strbuf_add(out, v->c.name);
}

/* Texts one behind the other; and what all settings together are known by. */
static int keep(struct receiver *v, const struct control_http *c)
{
	struct str *const to[] = { &v->c.name,	  &v->c.url,	  &v->c.user_agent, &v->c.ca_pem,
				   &v->c.ca_path, &v->c.cert_pem, &v->c.key_pem };
	const uint64_t numbers[] = { c->insecure, c->echo,  c->compress, c->keep_alive,
				     c->json,	  c->batch, c->spool,	 c->give_up_ms };

	v->c = *c;
	for (size_t i = 0; i < ARRAY_SIZE(to); i++) {
		strbuf_add(&v->texts, *to[i]);
		strbuf_addc(&v->texts, '\0');
	}
	if (strbuf_check(&v->texts) < 0)
		return -ENOMEM;
	const char *at = v->texts.ptr;
	for (size_t i = 0; i < ARRAY_SIZE(to); i++) {
		to[i]->ptr = at;
		at += to[i]->len + 1;
	}
	v->fingerprint = hash_str(strbuf_str(&v->texts)) ^ hash_bytes(numbers, sizeof(numbers));
	return 0;
}

/* Where it goes on: where it was, or with the first alert of this run. */
static uint64_t starting_place(const struct receivers *r, const struct receiver *v)
{
	_cleanup_(strbuf_done) struct strbuf key = { 0 };
	uint64_t next = 0;

	mark_key(v, &key);
	if (v->c.spool && r->journal && strbuf_check(&key) == 0)
		next = journal_mark(r->journal, strbuf_str(&key));
	if (!next && v->c.after)
		next = v->c.after + 1;
	return next ? next : r->first_seq;
}

static void write_mark(struct receiver *v, uint64_t next)
{
	_cleanup_(strbuf_done) struct strbuf key = { 0 };

	v->marked = next;
	mark_key(v, &key);
	if (v->set->journal && v->c.spool && strbuf_check(&key) == 0)
		(void)journal_set_mark(v->set->journal, strbuf_str(&key), next);
}

static int begin(struct receivers *r, struct receiver *v)
{
	const struct http_settings http = {
		.url = v->c.url,
		.user_agent = v->c.user_agent,
		.ca_pem = v->c.ca_pem,
		.ca_path = v->c.ca_path,
		.cert_pem = v->c.cert_pem,
		.key_pem = v->c.key_pem,
		.insecure = v->c.insecure,
		.echo = v->c.echo,
		.compress = v->c.compress,
		.keep_alive = v->c.keep_alive,
		.json = v->c.json,
		.lines = v->c.batch > 1,
	};

	if (!v->next)
		v->next = starting_place(r, v);
	write_mark(v, v->next); /* one that never gets anything has missed all from here on */
	v->channel = channel_start(&(struct output_settings){
		.ops = &output_http,
		.name = v->c.name.ptr,
		.http = &http,
		.capacity = WINDOW,
		.batch = v->c.batch ? (size_t)v->c.batch : 1,
		.retry_ms = v->c.give_up_ms ? (unsigned)v->c.give_up_ms : OUTPUT_FOREVER });
	return v->channel ? 0 : -ENOMEM;
}

/* The line travels as an alert without anything else. */
static bool put(struct receiver *v, uint64_t seq, uint64_t time_ns, struct str bytes)
{
	struct message m;

	message_read(bytes, &m);
	size_t len = (sizeof(struct alert_wire) + m.output.len + 7) & ~(size_t)7;
	struct alert *a = calloc(1, offsetof(struct alert, wire) + len);

	if (!a)
		return false;
	a->refs = 1;
	a->wire = (struct alert_wire){ .len = (uint32_t)len,
				       .line_len = (uint32_t)m.output.len,
				       .priority = (uint32_t)m.priority,
				       .seq = seq,
				       .time_ns = time_ns };
	if (m.output.len)
		memcpy(a + 1, m.output.ptr, m.output.len);
	bool taken = channel_put(v->channel, a);
	alert_unref(a);
	if (taken)
		v->next = seq + 1;
	return taken;
}

static void feed(struct receiver *v);

static void page_came(struct journal_page *p)
{
	struct receiver *v = p->owner;

	v->reading = false;
	v->page = p;
	v->page_at = 0;
	if (v->leaving) {
		receiver_free(v);
		return;
	}
	if (p->error || !p->n) {
		if (!p->error && p->next > v->next)
			v->next = p->next;
		page_drop(v);
		return; /* the timer tries again */
	}
	feed(v);
}

static void read_page(struct receiver *v)
{
	struct journal_page *p = calloc(1, sizeof(*p));

	if (!p)
		return;
	*p = (struct journal_page){ .from = v->next, .done = page_came, .owner = v };
	v->reading = journal_read(v->set->journal, p) == 0;
	if (!v->reading)
		free(p);
}

/* True: the page is used up. */
static bool from_page(struct receiver *v)
{
	while (v->page && v->page_at < v->page->n) {
		struct entry *e = v->page->entries[v->page_at];

		if (e->seq >= v->next && !put(v, e->seq, e->time_ns, entry_message(e)))
			return false;
		entry_unref(e);
		v->page_at++;
	}
	page_drop(v);
	return true;
}

static void from_memory(struct receiver *v)
{
	const struct backlog *b = v->set->o.backlog;

	for (uint64_t at = backlog_find(b, v->next); at < b->shown; at++) {
		const struct backlog_entry *e = backlog_get(b, at);
		struct str bytes = { (const char *)GRPC_SLICE_START_PTR(e->message),
				     GRPC_SLICE_LENGTH(e->message) };

		if (channel_counters(v->channel).queued >= WINDOW ||
		    !put(v, e->seq, e->time_ns, bytes))
			return;
	}
}

static bool in_memory(const struct receiver *v)
{
	const struct backlog *b = v->set->o.backlog;

	return b->first == b->end || backlog_get(b, b->first)->seq <= v->next;
}

/* Neither memory nor journal has the next ones: they are lost for this receiver. */
static void skip_to_memory(struct receiver *v)
{
	const struct backlog *b = v->set->o.backlog;
	uint64_t first = backlog_get(b, b->first)->seq;

	log_error("output %s: %llu alerts are no longer there and not sent", v->c.name.ptr,
		  (unsigned long long)(first - v->next));
	v->dropped += first - v->next;
	v->next = first;
}

static void feed(struct receiver *v)
{
	uint64_t oldest = 0, newest = 0;

	if (!v->channel || v->reading || !from_page(v) ||
	    channel_counters(v->channel).queued > WINDOW / 2)
		return;
	if (in_memory(v)) {
		from_memory(v);
		return;
	}
	if (v->set->journal && v->c.spool)
		journal_range(v->set->journal, &oldest, &newest);
	if (newest >= v->next)
		read_page(v);
	else
		skip_to_memory(v);
}

static void mark(struct receiver *v)
{
	struct receivers *r = v->set;
	uint64_t seq = v->channel ? channel_counters(v->channel).last_seq : 0;

	if (!seq || seq + 1 <= v->marked)
		return;
	write_mark(v, seq + 1);
	r->o.at(v->c.name, seq, r->o.ctx);
}

static void on_timer(uv_timer_t *t)
{
	struct receivers *r = t->data;

	for (size_t i = 0; i < r->nnow; i++)
		feed(r->now[i]);
	if (r->ticks++ % MARK_TICKS)
		return;
	for (size_t i = 0; i < r->nnow; i++)
		mark(r->now[i]);
}

int receivers_new(const struct receivers_options *options, struct receivers **ret)
{
	struct receivers *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->o = *options;
	uv_timer_init(r->o.loop, &r->timer);
	r->timer.data = r;
	*ret = r;
	return 0;
}

int receivers_want(struct receivers *r, const struct control_http *c)
{
	if (r->nwanted == LIMIT_RECEIVERS)
		return -ENOSPC;
	struct receiver *v = calloc(1, sizeof(*v));
	if (!v || keep(v, c) < 0) {
		if (v)
			receiver_free(v);
		return -ENOMEM;
	}
	v->set = r;
	r->wanted[r->nwanted++] = v;
	return 0;
}

/* A page under way frees it when it comes. replaced: what is queued is another's now. */
static void leave(struct receiver *v, bool replaced)
{
	if (!replaced)
		mark(v);
	if (v->channel && replaced)
		channel_abandon(v->channel);
	else if (v->channel)
		channel_retire(v->channel);
	v->channel = NULL;
	v->leaving = true;
	if (!v->reading)
		receiver_free(v);
}

static struct receiver *find(struct receivers *r, struct str name)
{
	for (size_t i = 0; i < r->nnow; i++) {
		if (str_eq(r->now[i]->c.name, name))
			return r->now[i];
	}
	return NULL;
}

/* Where one that takes another's place goes on. */
static uint64_t done_before(const struct receiver *v)
{
	uint64_t seq = v->channel ? channel_counters(v->channel).last_seq : 0;

	return seq ? seq + 1 : v->marked;
}

int receivers_commit(struct receivers *r)
{
	struct receiver *before[LIMIT_RECEIVERS];
	size_t nbefore = r->nnow;
	int rc = 0;

	memcpy(before, r->now, sizeof(before));
	for (size_t i = 0; i < r->nwanted; i++) {
		struct receiver *v = r->wanted[i], *old = find(r, v->c.name);

		if (old && old->fingerprint == v->fingerprint) {
			receiver_free(v);
			r->wanted[i] = old;
			continue;
		}
		v->next = old ? done_before(old) : 0;
		if (r->begun && begin(r, v) < 0)
			rc = -ENOMEM;
	}
	memcpy(r->now, r->wanted, sizeof(r->now));
	r->nnow = r->nwanted;
	r->nwanted = 0;
	for (size_t i = 0; i < nbefore; i++) {
		struct receiver *still = find(r, before[i]->c.name);

		if (still != before[i])
			leave(before[i], still != NULL);
	}
	return rc;
}

int receivers_begin(struct receivers *r, struct journal *j, uint64_t first_seq)
{
	r->journal = j;
	r->first_seq = first_seq;
	r->begun = true;
	for (size_t i = 0; i < r->nnow; i++) {
		if (begin(r, r->now[i]) < 0)
			return -ENOMEM;
	}
	uv_timer_start(&r->timer, on_timer, TICK_MS, TICK_MS);
	return 0;
}

void receivers_alerts(struct receivers *r)
{
	for (size_t i = 0; i < r->nnow; i++)
		feed(r->now[i]);
}

size_t receivers_count(const struct receivers *r)
{
	return r->nnow + r->nwanted;
}

void receivers_measure(struct receivers *r)
{
	for (size_t i = 0; i < r->nnow; i++) {
		const struct receiver *v = r->now[i];
		_cleanup_(strbuf_done) struct strbuf labels = { 0 };

		if (!v->channel)
			continue;
		struct channel_counters c = channel_counters(v->channel);
		const struct {
			enum stat_id id;
			uint64_t value;
		} rows[] = {
			{ STAT_HTTP_DELIVERED, c.delivered }, { STAT_HTTP_REJECTED, c.failed },
			{ STAT_HTTP_DROPPED, v->dropped },    { STAT_HTTP_RETRIES, c.retries },
			{ STAT_HTTP_BYTES, c.bytes },	      { STAT_HTTP_QUEUED, c.queued },
		};

		stats_label(&labels, STR("receiver"), v->c.name);
		for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
			stats_cell_set(stats_series(r->o.stats, rows[k].id, strbuf_str(&labels)),
				       rows[k].value);
	}
}

static void on_closed(uv_handle_t *h)
{
	free(h->data);
}

struct receivers *receivers_stop(struct receivers *r)
{
	if (!r)
		return NULL;
	while (r->nwanted)
		receiver_free(r->wanted[--r->nwanted]);
	for (size_t i = 0; i < r->nnow; i++) {
		struct receiver *v = r->now[i];

		if (v->channel)
			channel_drain(v->channel, STOP_MS);
		leave(v, false);
	}
	r->nnow = 0;
	uv_close((uv_handle_t *)&r->timer, on_closed);
	return NULL;
}
