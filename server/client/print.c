/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An alert holds what an attacker chose: file names and arguments with escape sequences in them must not reach
 * a terminal, nor pass for a second line.
 */
#include "client/print.h"

#include <inttypes.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "rule/ruleset.h"

static const char *const colors[] = {
	[PRIORITY_EMERGENCY] = "1;37;41", [PRIORITY_ALERT] = "1;37;41",
	[PRIORITY_CRITICAL] = "1;31",	  [PRIORITY_ERROR] = "31",
	[PRIORITY_WARNING] = "33",	  [PRIORITY_NOTICE] = "36",
	[PRIORITY_INFORMATIONAL] = "32",  [PRIORITY_DEBUG] = "2",
};

static const char *const reasons[] = {
	[FALCO__OUTPUTS__LOSS__CAUSE__UNSPECIFIED] = "UNSPECIFIED",
	[FALCO__OUTPUTS__LOSS__CAUSE__EXPIRED] = "EXPIRED",
	[FALCO__OUTPUTS__LOSS__CAUSE__OVERRUN] = "OVERRUN",
	[FALCO__OUTPUTS__LOSS__CAUSE__RESTART] = "RESTART",
	[FALCO__OUTPUTS__LOSS__CAUSE__DISK] = "DISK",
	[FALCO__OUTPUTS__LOSS__CAUSE__EPOCH] = "EPOCH",
};

static const char *const why[] = {
	[FALCO__OUTPUTS__LOSS__CAUSE__UNSPECIFIED] = "they are missing",
	[FALCO__OUTPUTS__LOSS__CAUSE__EXPIRED] = "the server keeps them no longer",
	[FALCO__OUTPUTS__LOSS__CAUSE__OVERRUN] = "they came faster than they could be kept",
	[FALCO__OUTPUTS__LOSS__CAUSE__RESTART] = "the server ended uncleanly",
	[FALCO__OUTPUTS__LOSS__CAUSE__DISK] = "the server's disk was full or failed",
	[FALCO__OUTPUTS__LOSS__CAUSE__EPOCH] = "the server's numbering is a new one",
};

void print_safe(struct str text, struct strbuf *out)
{
	while (text.len) {
		unsigned n = utf8_sequence(text);
		unsigned char c = (unsigned char)text.ptr[0];
		/* U+0080 to U+009F are control characters as well. */
		bool control = n == 2 && c == 0xc2 && (unsigned char)text.ptr[1] < 0xa0;

		if (n > 1 && !control) {
			strbuf_add(out, str_cut(text, n));
		} else if (n == 1 && c >= 0x20 && c != 0x7f) {
			strbuf_addc(out, (char)c);
		} else {
			n = n ? n : 1;
			for (unsigned i = 0; i < n; i++)
				strbuf_printf(out, "\\x%02x", (unsigned char)text.ptr[i]);
		}
		text = str_skip(text, n);
	}
}

static void paint(struct strbuf *out, bool color, const char *how)
{
	if (color)
		strbuf_printf(out, "\033[%sm", how);
}

void print_time(const Google__Protobuf__Timestamp *t, struct strbuf *out)
{
	time_t seconds = t ? (time_t)t->seconds : 0;
	struct tm tm;
	char text[32];

	if (!localtime_r(&seconds, &tm))
		return;
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	strbuf_printf(out, "%s.%03d", text, t ? t->nanos / 1000000 : 0);
}

void print_alert_text(const Falco__Outputs__Response *m, bool color, struct strbuf *out)
{
	enum priority p = (unsigned)m->priority < ARRAY_SIZE(colors) ? (enum priority)m->priority
								     : PRIORITY_DEBUG;

	paint(out, color, "2");
	print_time(m->time, out);
	paint(out, color, "0");
	strbuf_addc(out, ' ');
	paint(out, color, colors[p]);
	strbuf_printf(out, "%-13s", priority_name(p));
	paint(out, color, "0");
	strbuf_addc(out, ' ');
	paint(out, color, "1");
	print_safe(str_of(m->rule), out);
	paint(out, color, "0");
	strbuf_addz(out, ": ");
	print_safe(str_trim(str_of(*m->message ? m->message : m->output)), out);
	strbuf_addc(out, '\n');
}

static const char *text_of(const char *const *texts, Falco__Outputs__Loss__Cause cause)
{
	return texts[(unsigned)cause < ARRAY_SIZE(reasons) ? cause : 0];
}

void print_loss_text(const Falco__Outputs__Loss *lost, bool color, struct strbuf *out)
{
	bool bound = lost->reason == FALCO__OUTPUTS__LOSS__CAUSE__RESTART;

	paint(out, color, "1;35");
	if (!lost->first || !lost->last)
		strbuf_addz(out, "-- alerts may be missing");
	else
		strbuf_printf(
			out, "-- %s%" PRIu64 " alerts are missing (%" PRIu64 " to %" PRIu64 ")",
			bound ? "up to " : "", lost->count, lost->first->seq, lost->last->seq);
	strbuf_printf(out, ": %s", text_of(why, lost->reason));
	paint(out, color, "0");
	strbuf_addc(out, '\n');
}

void print_time_json(const Google__Protobuf__Timestamp *t, struct json *j)
{
	_cleanup_(strbuf_done) struct strbuf text = { 0 };

	if (!t || t->seconds < 0 || t->nanos < 0) {
		json_null(j);
		return;
	}
	clock_print_iso(&text, (uint64_t)t->seconds * NS_PER_SEC + (uint64_t)t->nanos, "Z");
	json_text(j, strbuf_str(&text));
}

static void cursor_json(struct json *j, struct str key, const Falco__Outputs__Cursor *c)
{
	if (!c)
		return;
	json_key(j, key);
	json_open(j, '{');
	json_key(j, STR("epoch"));
	json_u64(j, c->epoch);
	json_key(j, STR("seq"));
	json_u64(j, c->seq);
	json_close(j, '}');
}

static void fields_json(const Falco__Outputs__Response *m, struct json *j)
{
	json_key(j, STR("output_fields"));
	if (*m->output_fields_json) {
		json_raw(j, str_of(m->output_fields_json));
		return;
	}
	json_open(j, '{');
	for (size_t i = 0; i < m->n_output_fields; i++) {
		json_key(j, str_of(m->output_fields[i]->key));
		json_text(j, str_of(m->output_fields[i]->value));
	}
	json_close(j, '}');
}

void print_alert_json(const Falco__Outputs__Response *m, struct strbuf *out)
{
	struct json j = json_to(out);

	json_open(&j, '{');
	json_key(&j, STR("time"));
	print_time_json(m->time, &j);
	json_key_text(&j, "priority", str_of(priority_name((enum priority)(m->priority & 7))));
	json_key_text(&j, "rule", str_of(m->rule));
	json_key_text(&j, "source", str_of(m->source));
	json_key_text(&j, "hostname", str_of(m->hostname));
	json_key(&j, STR("tags"));
	json_open(&j, '[');
	for (size_t i = 0; i < m->n_tags; i++)
		json_text(&j, str_of(m->tags[i]));
	json_close(&j, ']');
	json_key_text(&j, "output", str_of(*m->message ? m->message : m->output));
	fields_json(m, &j);
	cursor_json(&j, STR("position"), m->position);
	json_close(&j, '}');
	strbuf_addc(out, '\n');
}

void print_loss_json(const Falco__Outputs__Loss *lost, struct strbuf *out)
{
	struct json j = json_to(out);

	json_open(&j, '{');
	json_key(&j, STR("lost"));
	json_open(&j, '{');
	json_key(&j, STR("count"));
	json_u64(&j, lost->count);
	json_key_text(&j, "reason", str_of(text_of(reasons, lost->reason)));
	cursor_json(&j, STR("first"), lost->first);
	cursor_json(&j, STR("last"), lost->last);
	json_close(&j, '}');
	json_close(&j, '}');
	strbuf_addc(out, '\n');
}
