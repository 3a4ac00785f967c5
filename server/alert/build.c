/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event that matched becomes a block: the line (falco-compat.md 3.1, 3.2; rules-language.md 4.2, 4.3) and
 * the gRPC message beside it. The fields are walked once for both. Event texts are an attacker's: all of
 * them are escaped or cleaned here, and a too long alert is built again with its texts cut.
 */
#include <stdlib.h>
#include <string.h>

#include "alert/builder.h"
#include "base/clock.h"
#include "base/limits.h"

enum {
	/* Together with 6 bytes for each escaped one these stay below LIMIT_ALERT_BYTES. */
	CUT_MESSAGE = 4096,
	CUT_VALUE = 256,
	SCRATCH_LIMIT = 4 << 20,
};

struct alert_builder *alert_builder_new(const struct alert_settings *settings)
{
	struct alert_builder *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->settings = *settings;
	struct strbuf *all[] = { &b->message, &b->prefixed, &b->line, &b->proto,
				 &b->scratch, &b->clean,    &b->typed };
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		all[i]->limit = SCRATCH_LIMIT;
	return b;
}

struct alert_builder *alert_builder_free(struct alert_builder *b)
{
	if (!b)
		return NULL;
	strbuf_done(&b->message);
	strbuf_done(&b->prefixed);
	strbuf_done(&b->line);
	strbuf_done(&b->proto);
	strbuf_done(&b->typed);
	strbuf_done(&b->scratch);
	strbuf_done(&b->clean);
	arena_done(&b->arena);
	free(b);
	return NULL;
}

void builder_begin(struct alert_builder *b)
{
	strbuf_clear(&b->message);
	strbuf_clear(&b->prefixed);
	strbuf_clear(&b->line);
	strbuf_clear(&b->proto);
	strbuf_clear(&b->typed);
	strbuf_clear(&b->scratch);
	strbuf_clear(&b->clean);
	b->longest = SIZE_MAX;
}

static size_t block_size(const struct alert_builder *b)
{
	return (sizeof(struct alert_wire) + b->line.len + b->proto.len + 7) / 8 * 8;
}

bool builder_too_long(const struct alert_builder *b)
{
	return b->line.failed || b->proto.failed || b->message.failed || b->prefixed.failed ||
	       b->scratch.failed || b->clean.failed || b->typed.failed ||
	       block_size(b) > LIMIT_ALERT_BYTES;
}

struct alert *builder_finish(struct alert_builder *b, const struct alert_head *h, uint64_t boot_ns)
{
	if (builder_too_long(b))
		return NULL;
	size_t size = block_size(b), used = sizeof(struct alert_wire) + b->line.len + b->proto.len;
	struct alert *a = malloc(offsetof(struct alert, wire) + size);
	if (!a)
		return NULL;
	*a = (struct alert){
		.refs = 1,
		.wire = {
			.len = (uint32_t)size,
			.line_len = (uint32_t)b->line.len,
			.proto_len = (uint32_t)b->proto.len,
			.priority = (uint32_t)h->priority,
			.time_ns = h->wall_ns,
			.event_boot_ns = boot_ns,
		},
	};
	char *to = (char *)&a->wire + sizeof(a->wire);
	if (b->line.len)
		memcpy(to, b->line.ptr, b->line.len);
	if (b->proto.len)
		memcpy(to + b->line.len, b->proto.ptr, b->proto.len);
	memset((char *)&a->wire + used, 0, size - used);
	return a;
}

static struct str cut_message(const struct alert_builder *b)
{
	return str_cut(strbuf_str(&b->message), b->longest == SIZE_MAX ? SIZE_MAX : CUT_MESSAGE);
}

/* TIME: PRIORITY in front of the message. */
static void add_prefix(struct alert_builder *b, const struct alert_head *h)
{
	if (b->settings.time_format_iso_8601)
		clock_print_iso(&b->prefixed, h->wall_ns, "+0000");
	else
		clock_print_local(&b->prefixed, h->wall_ns);
	strbuf_addz(&b->prefixed, ": ");
	strbuf_addz(&b->prefixed, priority_name(h->priority));
	strbuf_addc(&b->prefixed, ' ');
	strbuf_add(&b->prefixed, cut_message(b));
}

static struct str rendered(struct alert_builder *b, const struct format *f, struct eval *e)
{
	strbuf_clear(&b->scratch);
	format_render(f, e, true, &b->scratch);
	return str_cut(strbuf_str(&b->scratch), b->longest);
}

/* prefix: with the time of the line's prefix, which is no field of the gRPC message. */
static void fields_json(struct alert_builder *b, const struct plan *plan, struct eval *e,
			const struct alert_head *h, bool prefix, struct json *j)
{
	json_open(j, '{');
	for (size_t i = 0; i < plan->nfields; i++) {
		const struct plan_field *f = &plan->fields[i];

		if (f->prefix && !prefix)
			continue;
		json_raw(j, f->json_key);
		j->comma = false; /* its value follows */
		if (f->time)
			json_u64(j, h->wall_ns);
		else if (f->format)
			json_text(j, rendered(b, f->format, e));
		else
			value_json(j, f->ref, eval_slot(e, f->slot), b->longest, &b->scratch);
	}
	json_close(j, '}');
}

static void line_json(struct alert_builder *b, const struct plan *plan, struct eval *e,
		      const struct alert_head *h)
{
	const struct alert_settings *s = &b->settings;
	struct json j = json_to(&b->line);

	json_open(&j, '{');
	json_raw(&j, plan->head);
	if (s->json_include_message_property) {
		json_key_text(&j, "message", cut_message(b));
	}
	if (s->json_include_output_property)
		json_key_text(&j, "output", strbuf_str(&b->prefixed));
	if (s->json_include_output_fields_property) {
		json_key(&j, STR("output_fields"));
		fields_json(b, plan, e, h, true, &j);
	}
	json_raw(&j, plan->tail);
	strbuf_clear(&b->scratch);
	clock_print_iso(&b->scratch, h->wall_ns, "Z");
	json_key_text(&j, "time", strbuf_str(&b->scratch));
	json_close(&j, '}');
}

static void fields_proto(struct alert_builder *b, const struct plan *plan, struct eval *e)
{
	for (size_t i = 0; i < plan->nfields; i++) {
		const struct plan_field *f = &plan->fields[i];

		if (f->format)
			proto_field(b, f->key, rendered(b, f->format, e));
		else if (!f->prefix)
			proto_field(
				b, f->key,
				value_text(f->ref, eval_slot(e, f->slot), b->longest, &b->scratch));
	}
}

/* tail: with what clients of Falco do not know, which an alert can do without when it gets too long. */
static void build(struct alert_builder *b, const struct rule *rule, const struct plan *plan,
		  struct eval *e, const struct alert_head *h, bool tail)
{
	format_render(rule->format, e, true, &b->message);
	add_prefix(b, h);
	if (b->settings.json_output)
		line_json(b, plan, e, h);
	else
		json_escape(&b->line, strbuf_str(&b->prefixed));
	proto_head(b, h);
	fields_proto(b, plan, e);
	if (tail) {
		struct json j = json_to(&b->typed);

		fields_json(b, plan, e, h, false, &j);
		proto_tail(b, cut_message(b));
	}
}

struct alert *alert_build(struct alert_builder *b, const struct rule *rule, struct eval *e,
			  const struct event *ev)
{
	const struct plan *plan = plan_of(b, rule, eval_program(e));
	struct alert_head h = { .wall_ns = ev->wall_ns,
				.priority = rule->priority,
				.rule = rule->name,
				.source = rule->source,
				.tags = rule->tags,
				.ntags = rule->ntags };

	if (!plan)
		return NULL;
	builder_begin(b);
	build(b, rule, plan, e, &h, true);
	if (builder_too_long(b)) {
		builder_begin(b);
		build(b, rule, plan, e, &h, false);
	}
	if (builder_too_long(b)) {
		builder_begin(b);
		b->longest = CUT_VALUE;
		build(b, rule, plan, e, &h, true);
	}
	return builder_finish(b, &h, ev->hdr->ts_ns);
}
