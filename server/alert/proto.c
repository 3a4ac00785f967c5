/* SPDX-License-Identifier: Apache-2.0 */
/* The falco.outputs.response message (falco-compat.md 3.5): field numbers are a frozen contract. */
#include "alert/builder.h"

#include "alert/wire.h"

enum {
	FIELD_TIME = 1,
	FIELD_PRIORITY = 2,
	FIELD_SOURCE_DEPRECATED = 3,
	FIELD_RULE = 4,
	FIELD_OUTPUT = 5,
	FIELD_OUTPUT_FIELDS = 6,
	FIELD_HOSTNAME = 7,
	FIELD_TAGS = 8,
	FIELD_SOURCE = 9,
	FIELD_FIELDS_JSON = 103,
	FIELD_MESSAGE = 104,
};

/* The old enumeration of sources; what it does not know is a plugin. */
static uint64_t source_number(struct str source)
{
	return str_eqz(source, "syscall")     ? 0
	       : str_eqz(source, "k8s_audit") ? 1
	       : str_eqz(source, "internal")  ? 2
					      : 3;
}

struct str builder_clean(struct alert_builder *b, struct str s)
{
	size_t i = 0;

	while (i < s.len && (unsigned char)s.ptr[i] < 0x80)
		i++;
	if (i == s.len)
		return s;
	strbuf_clear(&b->clean);
	utf8_clean(&b->clean, s);
	return strbuf_str(&b->clean);
}

void proto_head(struct alert_builder *b, const struct alert_head *h)
{
	struct strbuf *out = &b->proto;

	wire_time(out, FIELD_TIME, h->wall_ns);
	wire_uint(out, FIELD_PRIORITY, h->priority);
	wire_uint(out, FIELD_SOURCE_DEPRECATED, source_number(h->source));
	wire_text(out, FIELD_RULE, builder_clean(b, h->rule));
	wire_text(out, FIELD_OUTPUT, strbuf_str(&b->line));
	wire_text(out, FIELD_HOSTNAME, builder_clean(b, str_of(b->settings.hostname)));
	for (size_t i = 0; i < h->ntags; i++)
		wire_element(out, FIELD_TAGS, builder_clean(b, h->tags[i]));
	wire_text(out, FIELD_SOURCE, builder_clean(b, h->source));
}

void proto_tail(struct alert_builder *b, struct str message)
{
	if (b->typed.len)
		wire_text(&b->proto, FIELD_FIELDS_JSON, strbuf_str(&b->typed));
	strbuf_clear(&b->scratch);
	json_escape(&b->scratch, message);
	wire_text(&b->proto, FIELD_MESSAGE, strbuf_str(&b->scratch));
}

void proto_field(struct alert_builder *b, struct str key, struct str value)
{
	wire_pair(&b->proto, FIELD_OUTPUT_FIELDS, key, builder_clean(b, value));
}
