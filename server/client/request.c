/* SPDX-License-Identifier: Apache-2.0 */
/* Bookmarks are asked for, so that a filter which lets nothing pass does not keep the position back. */
#include "client/request.h"

#include <errno.h>

#include "base/arena.h"
#include "base/clock.h"
#include "link/pack.h"
#include "rpc/times.h"

enum { REQUEST_HEARTBEAT_S = 1 };

static char **texts(const struct client_list *l, size_t *ret_n)
{
	*ret_n = l->n;
	return (char **)(uintptr_t)l->items;
}

static int set_fields(const struct client_list *l, struct arena *a, Falco__Outputs__Filter *f)
{
	f->field_glob = arena_array(a, l->n + 1, sizeof(*f->field_glob));
	if (!f->field_glob)
		return -ENOMEM;
	for (size_t i = 0; i < l->n; i++) {
		Falco__Outputs__Filter__FieldGlobEntry *e =
			arena_new(a, Falco__Outputs__Filter__FieldGlobEntry);
		struct str text = str_of(l->items[i]);
		size_t equals = str_chr(text, '=');
		struct str key = arena_dup(a, str_cut(text, equals));

		if (!e || !key.ptr)
			return -ENOMEM;
		falco__outputs__filter__field_glob_entry__init(e);
		e->key = (char *)(uintptr_t)key.ptr;
		e->value = (char *)(uintptr_t)(text.ptr + equals + 1);
		f->field_glob[f->n_field_glob++] = e;
	}
	return 0;
}

static bool wants_filter(const struct client_options *o)
{
	return o->priority >= 0 || o->rules.n || o->sources.n || o->tags.n || o->hostnames.n ||
	       o->fields.n;
}

static int set_allow(const struct client_options *o, struct arena *a, Falco__Outputs__Filter *f)
{
	falco__outputs__filter__init(f);
	if (o->priority >= 0) {
		f->threshold_case = FALCO__OUTPUTS__FILTER__THRESHOLD_MIN_PRIORITY;
		f->min_priority = (Falco__Schema__Priority)o->priority;
	}
	f->rule = texts(&o->rules, &f->n_rule);
	f->source = texts(&o->sources, &f->n_source);
	f->tags = texts(&o->tags, &f->n_tags);
	f->hostname = texts(&o->hostnames, &f->n_hostname);
	return set_fields(&o->fields, a, f);
}

/* An alert is denied when either applies: two filters, since all of one must. */
static size_t set_deny(const struct client_options *o, Falco__Outputs__Filter f[2])
{
	size_t n = 0;

	if (o->not_rules.n) {
		falco__outputs__filter__init(&f[n]);
		f[n].rule = texts(&o->not_rules, &f[n].n_rule);
		n++;
	}
	if (o->not_tags.n) {
		falco__outputs__filter__init(&f[n]);
		f[n].tags = texts(&o->not_tags, &f[n].n_tags);
		n++;
	}
	return n;
}

static void set_start(const struct client_options *o, const Falco__Outputs__Cursor *after,
		      Google__Protobuf__Timestamp *since, Falco__Outputs__Request *q)
{
	if (after) {
		q->start_case = FALCO__OUTPUTS__REQUEST__START_AFTER;
		q->after = (Falco__Outputs__Cursor *)(uintptr_t)after;
	} else if (o->since_ns) {
		*since = timestamp_of(o->since_ns);
		q->start_case = FALCO__OUTPUTS__REQUEST__START_SINCE;
		q->since = since;
	} else {
		q->start_case = FALCO__OUTPUTS__REQUEST__START_LAST;
		q->last = o->has_last ? o->last : REQUEST_LAST;
	}
}

bool request_is_ours(const struct client_options *o)
{
	return wants_filter(o) || o->not_rules.n || o->not_tags.n || o->condition || o->since_ns ||
	       o->until_ns || o->has_last || o->show.n;
}

int request_pack(const struct client_options *o, const Falco__Outputs__Cursor *after,
		 struct strbuf *out)
{
	Falco__Outputs__Request q = FALCO__OUTPUTS__REQUEST__INIT;
	Falco__Outputs__Filter allow, deny[2];
	Falco__Outputs__Filter *allowed[] = { &allow }, *denied[] = { &deny[0], &deny[1] };
	Google__Protobuf__Timestamp since, until;
	Google__Protobuf__Duration heartbeat = GOOGLE__PROTOBUF__DURATION__INIT;
	struct arena a;

	arena_init(&a, 0);
	int r = set_allow(o, &a, &allow);
	q.allow = allowed;
	q.n_allow = wants_filter(o);
	q.deny = denied;
	q.n_deny = set_deny(o, deny);
	q.fields = texts(&o->show, &q.n_fields);
	q.condition = (char *)(uintptr_t)(o->condition ? o->condition : "");
	set_start(o, after, &since, &q);
	if (o->until_ns) {
		until = timestamp_of(o->until_ns);
		q.until = &until;
	}
	heartbeat.seconds = REQUEST_HEARTBEAT_S;
	q.heartbeat = &heartbeat;
	q.control = true;
	q.follow = o->follow;
	strbuf_clear(out);
	if (r == 0)
		r = pack_message(&q.base, out);
	arena_done(&a);
	return r;
}
