/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alerts about the program itself (falco-compat.md 3.6). They differ from those of rules in small ways that
 * consumers know: the JSON form has no tags and a bare message, the text form local time and JSON values.
 */
#include <stdlib.h>

#include "alert/builder.h"
#include "base/clock.h"

static int by_key(const void *a, const void *b)
{
	const struct alert_pair *const *x = a, *const *y = b;

	return str_cmp(str_of((*x)->key), str_of((*y)->key));
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* What claims to be a number but is none for JSON would break the line. */
static bool is_number(struct str s)
{
	double d;

	for (size_t i = 0; i < s.len; i++) {
		if (!is_digit(s.ptr[i]) && s.ptr[i] != '.' && s.ptr[i] != '-' && s.ptr[i] != 'e')
			return false;
	}
	struct str body = s.len && s.ptr[0] == '-' ? str_skip(s, 1) : s;
	return body.len && is_digit(body.ptr[0]) && is_digit(body.ptr[body.len - 1]) &&
	       !(body.len > 1 && body.ptr[0] == '0' && is_digit(body.ptr[1])) &&
	       !str_contains(body, STR(".e")) && str_to_double(s, &d) == 0;
}

static void pair_value(struct json *j, const struct alert_pair *p)
{
	if (p->numeric && is_number(p->value))
		json_raw(j, p->value);
	else
		json_text(j, p->value);
}

static void text_line(struct alert_builder *b, const struct alert_head *h, struct str message,
		      const struct alert_pair **pairs, size_t npairs)
{
	struct strbuf *out = &b->line;

	clock_print_local(out, h->wall_ns);
	strbuf_addz(out, ": ");
	strbuf_addz(out, priority_name(h->priority));
	strbuf_addc(out, ' ');
	json_escape(out, message);
	strbuf_addz(out, " (");
	for (size_t i = 0; i < npairs; i++) {
		struct json j = json_to(out);

		if (i)
			strbuf_addc(out, ' ');
		strbuf_addz(out, pairs[i]->key);
		strbuf_addc(out, '=');
		pair_value(&j, pairs[i]);
	}
	strbuf_addc(out, ')');
}

static void pairs_json(struct json *j, const struct alert_pair **pairs, size_t npairs)
{
	json_open(j, '{');
	for (size_t i = 0; i < npairs; i++) {
		json_key(j, str_of(pairs[i]->key));
		pair_value(j, pairs[i]);
	}
	json_close(j, '}');
}

static void typed_fields(struct alert_builder *b, const struct alert_pair **pairs, size_t npairs)
{
	struct json j = json_to(&b->typed);

	pairs_json(&j, pairs, npairs);
}

static void json_line(struct alert_builder *b, const struct alert_head *h, struct str message,
		      const struct alert_pair **pairs, size_t npairs)
{
	struct json j = json_to(&b->line);

	json_open(&j, '{');
	json_key_text(&j, "hostname", str_of(b->settings.hostname));
	json_key_text(&j, "output", message);
	json_key(&j, STR("output_fields"));
	pairs_json(&j, pairs, npairs);
	json_key_text(&j, "priority", str_of(priority_name(h->priority)));
	json_key_text(&j, "rule", h->rule);
	json_key_text(&j, "source", h->source);
	clock_print_iso(&b->scratch, h->wall_ns, "Z");
	json_key_text(&j, "time", strbuf_str(&b->scratch));
	json_close(&j, '}');
}

struct alert *alert_build_internal(struct alert_builder *b, const char *rule,
				   enum priority priority, struct str message,
				   const struct alert_pair *pairs, size_t npairs, uint64_t wall_ns)
{
	struct alert_head h = { .wall_ns = wall_ns,
				.priority = priority,
				.rule = str_of(rule),
				.source = STR("internal") };
	const struct alert_pair **sorted = calloc(npairs + 1, sizeof(*sorted));

	if (!sorted)
		return NULL;
	for (size_t i = 0; i < npairs; i++)
		sorted[i] = &pairs[i];
	qsort(sorted, npairs, sizeof(*sorted), by_key);
	builder_begin(b);
	if (b->settings.json_output)
		json_line(b, &h, message, sorted, npairs);
	else
		text_line(b, &h, message, sorted, npairs);
	proto_head(b, &h);
	for (size_t i = 0; i < npairs; i++)
		proto_field(b, str_of(sorted[i]->key), sorted[i]->value);
	size_t without = b->proto.len;
	typed_fields(b, sorted, npairs);
	proto_tail(b, message);
	if (builder_too_long(b))
		b->proto.len = without;
	free(sorted);
	return builder_finish(b, &h, 0);
}
