/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alerts over a catalogue of a few fields, one of each kind. The lines are compared with the files in
 * tests/golden (UPDATE_GOLDEN=1 writes them anew); JSON is parsed, messages are taken apart again.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "alert/alert.h"
#include "alert/value_json.h"
#include "base/cleanup.h"
#include "base/limits.h"
#include "outputs.pb-c.h"
#include "parsed.h"
#include "tests/unit/golden.h"

enum { FIELDS = 12 };

static const uint64_t wall_ns = UINT64_C(1700000000123456789);

static const struct field_def defs[FIELDS] = {
	{ .name = "evt.buffer", .type = VT_BYTES, .id = 0 },
	{ .name = "evt.time", .type = VT_STRING, .id = 1 },
	{ .name = "fd.cip", .type = VT_IPADDR, .id = 2 },
	{ .name = "fd.dev", .type = VT_INT32, .print = PRINT_HEX, .id = 3 },
	{ .name = "fd.ip", .type = VT_IPADDR, .flags = FIELD_FILTER_ONLY, .id = 4 },
	{ .name = "fd.sport", .type = VT_PORT, .id = 5 },
	{ .name = "fd.types", .type = VT_STRING, .flags = FIELD_LIST, .id = 6 },
	{ .name = "proc.aname", .type = VT_STRING, .arg = ARG_INDEX, .id = 7 },
	{ .name = "proc.fdusage", .type = VT_DOUBLE, .id = 8 },
	{ .name = "proc.is_exe_writable", .type = VT_BOOL, .id = 9 },
	{ .name = "proc.name", .type = VT_STRING, .id = 10 },
	{ .name = "proc.pid", .type = VT_INT64, .id = 11 },
};

static int bind(const struct catalogue *c, struct field_ref *ref, struct arena *a, struct str *why)
{
	ref->index = -1;
	if (ref->def->arg & ARG_INDEX) {
		if (ref->has_arg)
			return str_to_i64(ref->arg, &ref->index);
		ref->match = MATCH_ANCESTORS;
	}
	return 0;
}

struct world {
	const struct value *values[FIELDS];
	struct str ancestors[3];
};

static bool extract(const struct catalogue *c, void *event, const struct field_ref *ref,
		    bool resolved, struct arena *a, struct value *ret)
{
	const struct world *w = event;

	if (ref->index >= 0) {
		if (ref->index >= 3 || !w->ancestors[ref->index].ptr)
			return false;
		*ret = (struct value){ .s = w->ancestors[ref->index] };
		return true;
	}
	if (!w->values[ref->def->id])
		return false;
	*ret = *w->values[ref->def->id];
	return true;
}

static bool events_named(const struct catalogue *c, struct str name, struct bitset *ret)
{
	return false;
}

static const struct catalogue catalogue = {
	.fields = defs,
	.nfields = FIELDS,
	.bind = bind,
	.extract = extract,
	.nevents = 1,
	.events_named = events_named,
};

#define V(...) (&(const struct value){ __VA_ARGS__ })

static char big_control[64 << 10], big_plain[64 << 10];
static const struct value types[] = { { .s = { "file", 4 } }, { .s = { "a\"b", 3 } } };
static const struct value names[] = { { .s = { "sh", 2 } }, { .s = { "sshd", 4 } } };

static const struct world full = {
	.values = {
		V(.s = { "a\0b\xff", 4 }),
		V(.s = { "22:13:20.123456789", 18 }),
		V(.ip = { 4, { 10, 0, 0, 1 } }),
		V(.i = 0xfd01),
		V(.ip = { 4, { 10, 0, 0, 2 } }),
		V(.u = 443),
		V(.list = { types, 2 }),
		V(.list = { names, 2 }),
		V(.d = 0.1),
		V(.b = true),
		V(.s = { "cat", 3 }),
		V(.i = -1),
	},
	.ancestors = { { "cat", 3 }, { "sh", 2 } },
};
static const struct world nothing = { 0 };
static const struct world hostile = {
	.values = {
		[8] = V(.d = 5.0),
		[10] = V(.s = { "a\"b\\\n\t\x01\x7f\xc3\xa9\xc3\xff\xed\xa0\x80", 15 }),
	},
	.ancestors = { { "", 0 } },
};
static const struct world control = {
	.values = { [10] = V(.s = { big_control, sizeof(big_control) }) }
};
static const struct world plain = { .values = { [10] = V(.s = { big_plain, sizeof(big_plain) }) } };

static const struct alert_settings text_settings = { .hostname = "host\xff" };
static const struct alert_settings json_settings = {
	.json_output = true,
	.json_include_output_property = true,
	.json_include_output_fields_property = true,
	.json_include_tags_property = true,
	.hostname = "node-1",
};

#define ALL                                                                                        \
	"%evt.buffer %fd.cip %fd.dev %fd.ip %fd.sport %fd.types %proc.aname %proc.aname[1] "       \
	"%proc.aname[2] %proc.fdusage %proc.is_exe_writable %proc.pid %proc.name"

struct setup {
	struct program *program;
	struct eval *eval;
	struct alert_builder *builder;
	struct arena arena;
	struct rule rule;
	struct event ev;
	struct rec_hdr hdr;
};

static void set_up_form(struct setup *s, const struct alert_settings *settings, const char *output,
			const struct world *w, bool base64)
{
	static const struct str tags[] = { { "alpha", 5 }, { "b\"eta", 5 } };
	struct diag d = { 0 };

	*s = (struct setup){
		.rule = { .name = STR("Read a \"secret\""),
			  .source = STR("syscall"),
			  .priority = PRIORITY_INFORMATIONAL,
			  .tags = tags,
			  .ntags = 2 },
		.hdr = { .ts_ns = 77 },
	};
	s->ev = (struct event){ .hdr = &s->hdr, .wall_ns = wall_ns };
	s->program = program_new(&catalogue);
	assert_non_null(s->program);
	if (base64)
		program_base64(s->program);
	int r = format_compile(s->program, str_of(output), &s->rule.format, &d);
	if (r)
		print_error("%s: %s\n", output, d.text);
	assert_int_equal(r, 0);
	assert_int_equal(program_seal(s->program), 0);
	s->eval = eval_new(s->program);
	s->builder = alert_builder_new(settings);
	assert_non_null(s->eval);
	assert_non_null(s->builder);
	eval_begin(s->eval, (void *)w, &s->arena);
}

static void set_up(struct setup *s, const struct alert_settings *settings, const char *output,
		   const struct world *w)
{
	set_up_form(s, settings, output, w, false);
}

static void tear_down(struct setup *s)
{
	alert_builder_free(s->builder);
	eval_free(s->eval);
	program_free(s->program);
	arena_done(&s->arena);
}

static void assert_json(struct str line)
{
	const char *error;
	bool valid = parsed_valid(line.ptr, line.len, &error);

	if (!valid)
		print_error("%s: " STR_FMT "\n", error, STR_ARG(line));
	assert_true(valid);
}

static void assert_one_line(struct str line)
{
	for (size_t i = 0; i < line.len; i++)
		assert_true((unsigned char)line.ptr[i] >= 0x20);
	for (size_t i = 0; i < line.len;) {
		unsigned n = utf8_sequence(str_skip(line, i));
		assert_int_not_equal(n, 0);
		i += n;
	}
}

static void lines_are_golden(void **state)
{
	static const struct {
		const char *name;
		struct alert_settings change; /* or-ed to the base; hostname unused */
		const char *output;
		const struct world *world;
		bool base64;
	} rows[] = {
		{ "full", { 0 }, ALL, &full },
		{ "nothing", { 0 }, ALL, &nothing },
		{ "hostile", { 0 }, "x=%proc.name %proc.fdusage %proc.aname[0].", &hostile },
		{ "no fields", { 0 }, "just text", &full },
		{ "iso", { .time_format_iso_8601 = true }, "%proc.name", &full },
		{ "base64", { 0 }, "%evt.buffer %5evt.buffer|", &full, true },
		{ "message", { .json_include_message_property = true }, "%proc.name", &full },
		{ "time", { 0 }, "at %evt.time", &full },
		{ "transformed", { 0 }, "%toupper(proc.name) %5proc.name|", &full },
	};
	struct strbuf text = { 0 }, json = { 0 };

	for (size_t i = 0; i < 2 * ARRAY_SIZE(rows); i++) {
		bool as_json = i >= ARRAY_SIZE(rows);
		size_t k = i % ARRAY_SIZE(rows);
		struct alert_settings settings = as_json ? json_settings : text_settings;
		struct strbuf *out = as_json ? &json : &text;
		struct setup s;

		settings.time_format_iso_8601 = rows[k].change.time_format_iso_8601;
		settings.json_include_message_property =
			rows[k].change.json_include_message_property;
		set_up_form(&s, &settings, rows[k].output, rows[k].world, rows[k].base64);
		struct alert *a = alert_build(s.builder, &s.rule, s.eval, &s.ev);
		assert_non_null(a);
		assert_one_line(alert_line(&a->wire));
		if (as_json)
			assert_json(alert_line(&a->wire));
		assert_int_equal(a->wire.len % 8, 0);
		assert_int_equal(a->wire.event_boot_ns, 77);
		strbuf_printf(out, "%s\n", rows[k].name);
		strbuf_add(out, alert_line(&a->wire));
		strbuf_addc(out, '\n');
		alert_unref(a);
		tear_down(&s);
	}
	assert_golden("alert_text.txt", strbuf_str(&text));
	assert_golden("alert_json.txt", strbuf_str(&json));
	strbuf_done(&text);
	strbuf_done(&json);
}

static void flags_drop_exactly_their_key(void **state)
{
	static const struct {
		size_t offset;
		const char *key;
	} rows[] = {
		{ offsetof(struct alert_settings, json_include_output_property), "output" },
		{ offsetof(struct alert_settings, json_include_output_fields_property),
		  "output_fields" },
		{ offsetof(struct alert_settings, json_include_tags_property), "tags" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct alert_settings settings = json_settings;
		struct setup s;

		*((bool *)((char *)&settings + rows[i].offset)) = false;
		set_up(&s, &settings, "%proc.name", &full);
		struct alert *a = alert_build(s.builder, &s.rule, s.eval, &s.ev);
		struct str line = alert_line(&a->wire);
		assert_int_equal(parsed_keys(line.ptr, line.len), 7);
		assert_false(parsed_has(line.ptr, line.len, rows[i].key));
		alert_unref(a);
		tear_down(&s);
	}
}

/* A reader of its own for the message: number, text or value of each field in order. */
struct part {
	unsigned field;
	uint64_t number;
	struct str text;
};

static uint64_t varint(struct str *s)
{
	uint64_t v = 0;

	for (unsigned shift = 0; s->len && shift < 64; shift += 7) {
		uint8_t c = (uint8_t)s->ptr[0];
		*s = str_skip(*s, 1);
		v |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80))
			break;
	}
	return v;
}

static bool next_part(struct str *s, struct part *p)
{
	if (!s->len)
		return false;
	uint64_t tag = varint(s);
	*p = (struct part){ .field = (unsigned)(tag >> 3), .number = varint(s) };
	if ((tag & 7) == 2) {
		assert_true(p->number <= s->len);
		p->text = str_cut(*s, p->number);
		*s = str_skip(*s, p->number);
	}
	return true;
}

static struct str map_value(struct str message, const char *key)
{
	struct part p, k, v;

	while (next_part(&message, &p)) {
		if (p.field != 6)
			continue;
		assert_true(next_part(&p.text, &k) && next_part(&p.text, &v));
		if (str_eqz(k.text, key))
			return v.text;
	}
	return (struct str){ 0 };
}

static void messages_can_be_read(void **state)
{
	static const struct {
		const char *key, *wanted; /* NULL: no such entry */
	} rows[] = {
		{ "evt.time", NULL },
		{ "fd.cip", "10.0.0.1" },
		{ "fd.dev", "FD01" },
		{ "fd.ip", "<NA>" },
		{ "fd.sport", "443" },
		{ "fd.types", "(file,a\"b)" },
		{ "proc.aname", "sh sshd" },
		{ "proc.aname[1]", "sh" },
		{ "proc.aname[2]", "<NA>" },
		{ "proc.fdusage", "0.1" },
		{ "proc.is_exe_writable", "true" },
		{ "proc.pid", "-1" },
		{ "proc.name", "cat" },
	};
	struct setup s;
	struct part p;
	unsigned seen[16] = { 0 }, ours = 0;

	set_up(&s, &text_settings, ALL, &full);
	struct alert *a = alert_build(s.builder, &s.rule, s.eval, &s.ev);
	struct str m = alert_proto(&a->wire);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct str got = map_value(m, rows[i].key);
		if (rows[i].wanted && !str_eqz(got, rows[i].wanted))
			print_error("%s: " STR_FMT "\n", rows[i].key, STR_ARG(got));
		assert_true(rows[i].wanted ? str_eqz(got, rows[i].wanted) : !got.ptr);
	}
	while (next_part(&m, &p)) {
		ours += p.field >= 100;
		assert_true(!ours || p.field == 103 || p.field == 104);
		if (ours)
			continue;
		assert_true(p.field < 16);
		seen[p.field]++;
		assert_true(p.field != 2 || p.number == PRIORITY_INFORMATIONAL);
		assert_true(p.field != 4 || str_eq(p.text, s.rule.name));
		assert_true(p.field != 5 || str_eq(p.text, alert_line(&a->wire)));
		assert_true(p.field != 7 || str_eqz(p.text, "host\xef\xbf\xbd"));
		assert_true(p.field != 9 || str_eqz(p.text, "syscall"));
	}
	assert_true(seen[1] == 1 && seen[2] == 1 && seen[3] == 0 && seen[4] == 1 && seen[5] == 1);
	assert_int_equal(ours, 2); /* and behind all others */
	assert_true(seen[6] == 13 && seen[7] == 1 && seen[8] == 2 && seen[9] == 1);
	alert_unref(a);
	tear_down(&s);
}

/* The generated reader of the contract agrees. */
static void messages_are_those_of_the_contract(void **state)
{
	static const struct {
		const char *source;
		enum priority priority;
		Falco__Schema__Source number;
	} rows[] = {
		{ "syscall", PRIORITY_EMERGENCY, FALCO__SCHEMA__SOURCE__SYSCALL },
		{ "k8s_audit", PRIORITY_DEBUG, FALCO__SCHEMA__SOURCE__K8S_AUDIT },
		{ "cloudtrail", PRIORITY_WARNING, FALCO__SCHEMA__SOURCE__PLUGIN },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct setup s;

		set_up(&s, &json_settings, ALL, i == 1 ? &hostile : &full);
		s.rule.source = str_of(rows[i].source);
		s.rule.priority = rows[i].priority;
		struct alert *a = alert_build(s.builder, &s.rule, s.eval, &s.ev);
		struct str m = alert_proto(&a->wire), line = alert_line(&a->wire);
		Falco__Outputs__Response *r =
			falco__outputs__response__unpack(NULL, m.len, (const uint8_t *)m.ptr);
		assert_non_null(r);
		assert_int_equal(r->time->seconds, 1700000000);
		assert_int_equal(r->time->nanos, 123456789);
		assert_int_equal(r->priority, rows[i].priority);
		assert_int_equal(r->source_deprecated, rows[i].number);
		assert_string_equal(r->source, rows[i].source);
		assert_string_equal(r->rule, "Read a \"secret\"");
		assert_true(str_eqz(line, r->output));
		/* The same fields twice: as texts, and with their types. */
		assert_json(str_of(r->output_fields_json));
		for (size_t f = 0; f < r->n_output_fields; f++) {
			struct strbuf key = { 0 };

			strbuf_printf(&key, "\"%s\":", r->output_fields[f]->key);
			assert_non_null(strstr(r->output_fields_json, strbuf_z(&key)));
			strbuf_done(&key);
		}
		assert_non_null(strstr(r->output_fields_json, "\"proc.pid\":"));
		assert_null(strchr(r->message, '\n'));
		assert_null(strstr(r->message, "2023-"));
		assert_string_equal(r->hostname, "node-1");
		assert_int_equal(r->n_tags, 2);
		assert_string_equal(r->tags[1], "b\"eta");
		assert_int_equal(r->n_output_fields, 13);
		assert_int_equal(r->base.n_unknown_fields, 0);
		falco__outputs__response__free_unpacked(r, NULL);
		alert_unref(a);
		tear_down(&s);
	}
}

static void extras_are_added(void **state)
{
	struct setup s;
	struct diag d;
	struct format *f;
	struct field_ref ref = { .def = &defs[11], .type = VT_INT64, .index = -1 };
	uint32_t slot;
	struct program *p = program_new(&catalogue);

	set_up(&s, &json_settings, "%proc.name", &full);
	eval_free(s.eval);
	program_free(s.program);
	assert_int_equal(format_compile(p, STR("%proc.name"), &s.rule.format, &d), 0);
	assert_int_equal(format_compile(p, STR("<%proc.name>"), &f, &d), 0);
	assert_int_equal(program_slot(p, &ref, &slot), 0);
	assert_int_equal(program_seal(p), 0);
	struct extra_field extras[] = {
		{ .key = STR("a.pid"), .slot = slot },
		{ .key = STR("z"), .format = f },
		{ .key = STR("proc.name"), .format = f },
	};
	s.rule.extras = extras;
	s.rule.nextras = ARRAY_SIZE(extras);
	s.program = p;
	s.eval = eval_new(p);
	assert_int_equal(alert_builder_rules(s.builder, p, 1), 0);
	eval_begin(s.eval, (void *)&full, &s.arena);
	struct alert *a = alert_build(s.builder, &s.rule, s.eval, &s.ev);
	assert_non_null(a);
	assert_json(alert_line(&a->wire));
	assert_true(
		str_contains(alert_line(&a->wire),
			     STR("\"output_fields\":{\"a.pid\":-1,\"evt.time\":1700000000123456789,"
				 "\"proc.name\":\"<cat>\",\"z\":\"<cat>\"}")));
	assert_true(str_eqz(map_value(alert_proto(&a->wire), "z"), "<cat>"));
	assert_true(str_eqz(map_value(alert_proto(&a->wire), "a.pid"), "-1"));
	alert_unref(a);
	tear_down(&s);
}

static void long_texts_do_not_suppress_an_alert(void **state)
{
	static const struct {
		const struct alert_settings *settings;
		const struct world *world;
		const char *output;
		bool cut;
	} rows[] = {
		{ &text_settings, &plain, "%proc.name", false },
		{ &text_settings, &control, "%proc.name", true },
		{ &json_settings, &plain, "%proc.name", true },
		{ &json_settings, &control, "%proc.name%proc.name%proc.name", true },
	};

	memset(big_control, 1, sizeof(big_control));
	memset(big_plain, 'x', sizeof(big_plain));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct setup s;

		set_up(&s, rows[i].settings, rows[i].output, rows[i].world);
		struct alert *a = alert_build(s.builder, &s.rule, s.eval, &s.ev);
		assert_non_null(a);
		assert_true(a->wire.len <= LIMIT_ALERT_BYTES);
		assert_one_line(alert_line(&a->wire));
		assert_int_equal(map_value(alert_proto(&a->wire), "proc.name").len <
					 sizeof(big_plain),
				 rows[i].cut);
		if (rows[i].settings->json_output)
			assert_json(alert_line(&a->wire));
		alert_unref(a);
		/* The next one is whole again. */
		eval_begin(s.eval, (void *)&full, &s.arena);
		a = alert_build(s.builder, &s.rule, s.eval, &s.ev);
		assert_true(str_eqz(map_value(alert_proto(&a->wire), "proc.name"), "cat"));
		alert_unref(a);
		tear_down(&s);
	}
}

static void internal_alerts_are_golden(void **state)
{
	static const struct alert_pair pairs[] = {
		{ "n_evts", STR("12"), false }, { "a.count", STR("5"), true },
		{ "ratio", STR("0.5"), true },	{ "bad", STR("nan"), true },
		{ "worse", STR("01"), true },	{ "text", STR("a\"b\n\xff"), false },
		{ "empty", STR(""), true },	{ "neg", STR("-3"), true },
	};
	static const struct {
		bool json, iso;
		size_t npairs;
		struct str message;
	} rows[] = {
		{ false, false, ARRAY_SIZE(pairs), STR("Events were dropped") },
		{ false, true, 1, STR("line\nbreak \"q\"") },
		{ false, false, 0, STR("none") },
		{ true, false, ARRAY_SIZE(pairs), STR("Events were dropped") },
		{ true, true, 0, STR("line\nbreak \"q\"") },
	};
	struct strbuf out = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct alert_settings settings = { .json_output = rows[i].json,
						   .time_format_iso_8601 = rows[i].iso,
						   .hostname = "node-1" };
		struct alert_builder *b = alert_builder_new(&settings);
		struct alert *a = alert_build_internal(b, "Falco internal: test", PRIORITY_CRITICAL,
						       rows[i].message, pairs, rows[i].npairs,
						       wall_ns);
		assert_non_null(a);
		assert_one_line(alert_line(&a->wire));
		if (rows[i].json)
			assert_json(alert_line(&a->wire));
		strbuf_add(&out, alert_line(&a->wire));
		strbuf_addc(&out, '\n');
		struct str m = alert_proto(&a->wire);
		if (rows[i].npairs)
			assert_true(str_eqz(map_value(m, "n_evts"), "12"));
		struct part p;
		while (next_part(&m, &p)) {
			assert_true(p.field != 3 || p.number == 2);
			assert_true(p.field != 8);
			assert_true(p.field != 9 || str_eqz(p.text, "internal"));
		}
		alert_unref(a);
		alert_builder_free(b);
	}
	assert_golden("alert_internal.txt", strbuf_str(&out));
	strbuf_done(&out);
}

static void numbers_are_shortest(void **state)
{
	static const struct {
		double d;
		const char *wanted;
	} rows[] = {
		{ 0, "0.0" },
		{ 0.1, "0.1" },
		{ -5, "-5.0" },
		{ 1.0 / 3, "0.3333333333333333" },
		{ 1e300, "1e+300" },
		{ 2.5, "2.5" },
		{ 0.1 + 0.2, "0.30000000000000004" },
	};
	struct field_ref ref = { .def = &defs[8], .type = VT_DOUBLE };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct strbuf b = { 0 }, scratch = { 0 };
		struct json j = json_to(&b);

		value_json(&j, &ref, V(.d = rows[i].d), SIZE_MAX, &scratch);
		assert_string_equal(strbuf_z(&b), rows[i].wanted);
		strbuf_done(&b);
		strbuf_done(&scratch);
	}
}

static void rules_of_any_number_are_planned(void **state)
{
	static const uint32_t rows[] = { 0, 1000, 63, 64, 1000, 0 };
	struct setup s;

	set_up(&s, &json_settings, "%proc.name", &full);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		s.rule.index = rows[i];
		struct alert *a = alert_build(s.builder, &s.rule, s.eval, &s.ev);
		assert_non_null(a);
		assert_true(str_contains(alert_line(&a->wire), STR("\"proc.name\":\"cat\"")));
		alert_unref(a);
	}
	tear_down(&s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_golden),
		cmocka_unit_test(flags_drop_exactly_their_key),
		cmocka_unit_test(messages_can_be_read),
		cmocka_unit_test(messages_are_those_of_the_contract),
		cmocka_unit_test(extras_are_added),
		cmocka_unit_test(long_texts_do_not_suppress_an_alert),
		cmocka_unit_test(internal_alerts_are_golden),
		cmocka_unit_test(numbers_are_shortest),
		cmocka_unit_test(rules_of_any_number_are_planned),
	};

	setenv("TZ", "IST-5:30", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
