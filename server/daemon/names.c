/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer replaces what was known of the names in it; a name that the resolver knows nothing of keeps what it
 * had, as a resolver that is gone for a minute must not blind a rule.
 */
#include "daemon/names.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "daemon/engine.h"
#include "daemon/netproc.h"
#include "event/event.h"
#include "state/state.h"

enum { FIRST_MS = 1, AGAIN_MS = 1000, EVERY_MS = 30000 };

struct names {
	struct netproc *net;
	struct engine *engine;
	struct strbuf list; /* one a line */
	uint64_t asked;	    /* id of the last question */
	uv_timer_t timer;
	struct record_builder builder;
};

static size_t put_address(struct str s, char *at)
{
	char text[INET6_ADDRSTRLEN];

	if (!s.len || s.len >= sizeof(text))
		return 0;
	memcpy(text, s.ptr, s.len);
	text[s.len] = '\0';
	memset(at, 0, HOST_ADDRESS);
	at[0] = str_chr(s, ':') == s.len ? 4 : 6;
	return inet_pton(at[0] == 4 ? AF_INET : AF_INET6, text, at + 1) == 1 ? HOST_ADDRESS : 0;
}

/* NAME ADDRESS ... */
static void take_line(struct names *n, struct str line)
{
	char addresses[LIMIT_HOST_ADDRESSES * HOST_ADDRESS];
	struct str name, one;
	size_t len = 0;

	if (!str_split(&line, ' ', &name) || !name.len)
		return;
	while (len < sizeof(addresses) && line.len && str_split(&line, ' ', &one))
		len += put_address(one, addresses + len);
	record_begin(&n->builder, EV_HOST_NAME, clock_boot_ns(), NULL);
	record_str(&n->builder, name);
	record_param(&n->builder, addresses, len);
	const struct rec_hdr *rec = record_end(&n->builder);
	int r = rec ? engine_record(n->engine, rec) : -EMSGSIZE;

	if (r < 0)
		log_warning("the addresses of " STR_FMT " are lost: %s", STR_ARG(name),
			    strerror(-r));
}

static void answered(const struct control_answer *a, void *ctx)
{
	struct names *n = ctx;
	struct str rest = a->text, line;

	if (a->id != n->asked || a->outcome != ANSWER_OK)
		return;
	while (rest.len && str_split(&rest, '\n', &line))
		take_line(n, line);
}

static void ask(uv_timer_t *t)
{
	struct names *n = t->data;
	const struct control_ask question = { .id = ++n->asked,
					      .what = ASK_NAMES,
					      .text = strbuf_str(&n->list) };
	int r = netproc_ask(n->net, &question);

	uv_timer_start(t, ask, r < 0 ? AGAIN_MS : EVERY_MS, 0);
}

void names_rules(struct names *n, const struct ruleset *rs)
{
	size_t count;
	const struct str *names = ruleset_host_names(rs, &count);

	if (!n)
		return;
	strbuf_clear(&n->list);
	for (size_t i = 0; i < count; i++) {
		strbuf_add(&n->list, names[i]);
		strbuf_addc(&n->list, '\n');
	}
	if (!count || strbuf_check(&n->list) < 0) {
		uv_timer_stop(&n->timer);
		return;
	}
	if (n->net)
		uv_timer_start(&n->timer, ask, FIRST_MS, 0);
	else
		log_warning("rules compare with names of hosts (" STR_FMT
			    " ...), which nobody looks up: no output needs the network process",
			    STR_ARG(names[0]));
}

struct names *names_start(uv_loop_t *loop, struct netproc *net, struct engine *engine)
{
	struct names *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->net = net;
	n->engine = engine;
	n->timer.data = n;
	uv_timer_init(loop, &n->timer);
	netproc_answers(net, answered, n);
	return n;
}

static void closed(uv_handle_t *h)
{
	struct names *n = h->data;

	strbuf_done(&n->list);
	free(n);
}

struct names *names_stop(struct names *n)
{
	if (!n)
		return NULL;
	netproc_answers(n->net, NULL, NULL);
	uv_close((uv_handle_t *)&n->timer, closed);
	return NULL;
}
