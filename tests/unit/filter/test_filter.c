/* SPDX-License-Identifier: Apache-2.0 */
/* Compiling, evaluating, explaining and rendering on a small catalogue. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <errno.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "filter/filter.h"
#include "filter/format.h"
#include "filter/guard.h"
#include "filter/parser.h"
#include "small_catalogue.h"

struct made {
	struct arena load, event;
	struct program *program;
	struct ast *tree;
	struct cond *cond;
	struct filter_warnings warnings;
	struct diag diag;
	int r;
};

static void make(struct made *m, const char *text)
{
	*m = (struct made){ .program = program_new(&small_catalogue) };
	if (parse_condition(str_of(text), LIMIT_CONDITION_DEPTH, &m->load, &m->tree, &m->diag) != 0)
		fail_msg("%s: %s", text, m->diag.text);
	m->r = filter_compile(m->program, m->tree, &m->cond, &m->warnings, &m->diag);
}

static void unmake(struct made *m)
{
	program_free(m->program);
	arena_done(&m->load);
	arena_done(&m->event);
}

static void conditions_decide(void **state)
{
	static const struct {
		const char *text;
		bool result;
	} rows[] = {
		{ "a.str = /usr/Bin/cat", true },
		{ "a.str = /usr/bin/cat", false },
		{ "a.str != x", true },
		{ "a.str contains Bin and a.str icontains bIN", true },
		{ "a.str startswith /usr and a.str endswith cat", true },
		{ "a.str contains \"\"", true },
		{ "a.str glob /usr/*", true },
		{ "a.str glob /usr/?", false },
		{ "a.str iglob \"*/BIN/*\"", true },
		{ "a.str regex \".*/(cat|dog)\"", true },
		{ "a.str regex cat", false },
		{ "a.str pmatch (/etc, usr//Bin/)", true },
		{ "a.str pmatch (/usr/*/cat)", true },
		{ "a.str pmatch (/usr/b*)", false },
		{ "a.str pmatch (/)", true },
		{ "a.str pmatch ()", false },
		{ "a.str in (x, /usr/Bin/cat)", true },
		{ "a.str in ()", false },
		{ "a.str intersects (/usr/Bin/cat)", true },
		{ "a.str > 0", false },
		{ "a.str < 1", true },
		{ "a.num = -7 and a.num < 0 and a.num <= -7", true },
		{ "a.num >= 0", false },
		{ "a.num in (1, -7)", true },
		{ "a.small = 456", true },
		{ "a.float = 2", true },
		{ "a.bool = true", true },
		{ "a.bytes = \"a\\x00\\xffb\"", true },
		{ "a.bytes bcontains 00ff", true },
		{ "a.bytes bstartswith 00", false },
		{ "a.port = 443 and a.port = 65979", true },
		{ "a.ip = 10.0.0.1", true },
		{ "a.ip = ::1", false },
		{ "a.ip != ::1", true },
		{ "a.ip in (10.0.0.1, ::1)", true },
		{ "a.net = 10.0.0.0/8", true },
		{ "a.net = 0.0.0.0/0", true },
		{ "a.net in (192.168.0.0/16, 10.0.0.0/31)", true },
		{ "a.net = 10.0.0.2/31", false },
		{ "a.pair = 192.168.1.2", true },
		{ "a.pair != 192.168.1.2", false },
		{ "a.pair != 1.1.1.1", true },
		{ "a.pair in (1.1.1.1, 10.0.0.1)", true },
		{ "a.pair = anyof (1.1.1.1, 10.0.0.1)", true },
		{ "a.anc = sshd", true },
		{ "a.anc != sshd", true },
		{ "a.anc in (init)", false },
		{ "a.anc[1] = sshd", true },
		{ "a.anc[2] exists", false },
		{ "a.anc[2] != x", false },
		{ "not a.anc[2] = x", true },
		{ "a.list in (x, y, z)", true },
		{ "a.list in (x)", false },
		{ "a.list intersects (y)", true },
		{ "a.list exists", true },
		{ "a.gone exists or a.gone = x or a.gone != x or a.gone in ()", false },
		{ "not a.gone exists", true },
		{ "a.str = anyof (x, /usr/Bin/cat)", true },
		{ "a.str = oneof (/usr/Bin/cat, /usr/Bin/cat)", false },
		{ "a.str != allof (x, y)", true },
		{ "a.str != allof ()", false },
		{ "a.str startswith allof (/, /usr)", true },
		{ "a.str = val(a.str)", true },
		{ "a.str contains basename(a.str)", true },
		{ "a.str = val(a.gone)", false },
		{ "a.keyed[\"k e y\"] = \"k e y\"", true },
		{ "a.dot.one = one", true },
		{ "toupper(basename(a.str)) = CAT", true },
		{ "len(a.str) = 12 and len(a.list) = 2", true },
		{ "b64(\"YWI\") = ab", true },
		{ "b64(\"Y\") exists", false },
		{ "join(\",\", (a.num, \"k\")) = \"-7,k\"", true },
		{ "join(\"\", a.list) = xy", true },
		{ "concat(a.str, a.gone) exists", false },
		{ "getopt((\"-v\", \"-o\", \"f\"), \"vo:\")[o] = f", true },
		{ "getopt((\"-v\"), \"vo:\") intersects (v)", true },
		{ "getopt((\"-v\"), \"vo:\")[o] exists", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct small_event event = { .type = "open" };
		struct made m;

		make(&m, rows[i].text);
		if (m.r != 0)
			fail_msg("%s: %s", rows[i].text, m.diag.text);
		assert_int_equal(program_seal(m.program), 0);
		struct eval *e = eval_new(m.program);

		eval_begin(e, &event, &m.event);
		if (eval_cond(e, m.cond) != rows[i].result)
			fail_msg("%s: not %d", rows[i].text, rows[i].result);
		eval_free(e);
		unmake(&m);
	}
}

static void faults_are_found(void **state)
{
	static const struct {
		const char *text;
		int outcome;
		uint32_t offset;
		const char *says;
	} rows[] = {
		{ "a.bool = true and a.strr = x", FILTER_E_UNKNOWN_FIELD, 18, "a.str" },
		{ "a.str[1] = x", FILTER_E_INVALID, 0, "no argument" },
		{ "a.anc[x] = x", FILTER_E_INVALID, 0, "number" },
		{ "a.keyed = x", FILTER_E_INVALID, 0, "needs an argument" },
		{ "a.dot = x", FILTER_E_INVALID, 0, "needs an argument" },
		{ "a.dot.three = x", FILTER_E_INVALID, 0, "one or two" },
		{ "a.num contains 1", FILTER_E_INVALID, 0, "does not work" },
		{ "a.bool < 1", FILTER_E_INVALID, 0, "does not work" },
		{ "a.bytes icontains x", FILTER_E_INVALID, 0, "does not work" },
		{ "a.list = x", FILTER_E_INVALID, 0, "lists" },
		{ "a.num = 0x10", FILTER_E_INVALID, 8, "decimal" },
		{ "a.num = 1.5", FILTER_E_INVALID, 8, "decimal" },
		{ "a.num = ''", FILTER_E_INVALID, 8, "decimal" },
		{ "a.bool = yes", FILTER_E_INVALID, 9, "true or false" },
		{ "a.port = nosuchservice", FILTER_E_INVALID, 9, "service" },
		{ "a.port = 99999999999999999999", FILTER_E_INVALID, 9, "service" },
		{ "a.ip = 10.0.0.0/8", FILTER_E_INVALID, 7, "address" },
		{ "a.net = 10.0.0.0", FILTER_E_INVALID, 8, "block" },
		{ "a.net = ::/0", FILTER_E_INVALID, 8, "block" },
		{ "a.str = \"\\x00\"", FILTER_E_INVALID, 8, "NUL" },
		{ "a.str regex \"(\"", FILTER_E_INVALID, 12, "regular expression" },
		{ "a.bytes bcontains abc", FILTER_E_INVALID, 18, "hexadecimal" },
		{ "a.str = val(a.num)", FILTER_E_INVALID, 8, "agree" },
		{ "a.str = val(a.anc)", FILTER_E_INVALID, 8, "right side" },
		{ "a.anc = val(a.str)", FILTER_E_INVALID, 8, "right side" },
		{ "a.str regex val(a.str)", FILTER_E_INVALID, 12, "right side" },
		{ "a.str = val(a.str)[x]", FILTER_E_INVALID, 8, "val()" },
		{ "toupper(a.num) = x", FILTER_E_INVALID, 0, "one string" },
		{ "toupper(a.anc) = x", FILTER_E_INVALID, 8, "transformer" },
		{ "toupper(a.str)[x] = x", FILTER_E_INVALID, 0, "brackets" },
		{ "join(\"-\", (a.bool)) = x", FILTER_E_INVALID, 11, "a list holds" },
		{ "getopt(a.list, \"x\")[\"\"] = x", FILTER_E_INVALID, 0, "one letter" },
		{ "evt.type = opem", FILTER_E_UNKNOWN_EVENT, 11, "opem" },
		{ "evt.type startswith op", FILTER_E_UNKNOWN_EVENT, 20, "op" },
		{ "a.bool = true and macro", FILTER_E_INVALID, 18, "macro" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct made m;

		make(&m, rows[i].text);
		if (m.r != rows[i].outcome)
			fail_msg("%s: outcome %d: %s", rows[i].text, m.r, m.diag.text);
		if (m.diag.offset != rows[i].offset || !strstr(m.diag.text, rows[i].says))
			fail_msg("%s: at %u: %s", rows[i].text, m.diag.offset, m.diag.text);
		unmake(&m);
	}
}

static void doubts_are_voiced(void **state)
{
	static const struct {
		const char *text;
		uint32_t warnings;
	} rows[] = {
		{ "a.str = a.gone", 1 },
		{ "a.str in (\" a.gone \", x, a.ip)", 2 },
		{ "a.str = 'tolower(a.gone)'", 1 },
		{ "a.str = 'tolow(a.gone)'", 0 },
		{ "a.str regex ^x$", 1 },
		{ "a.str regex .*x.+", 1 },
		{ "a.str regex [x]", 0 },
		{ "a.str = ^x$", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct made m;

		make(&m, rows[i].text);
		assert_int_equal(m.r, 0);
		if (m.warnings.n != rows[i].warnings)
			fail_msg("%s: %u warnings", rows[i].text, m.warnings.n);
		unmake(&m);
	}
}

static struct cond *compile_into(struct program *p, const char *text)
{
	struct arena load = { 0 };
	struct ast *tree;
	struct cond *cond = NULL;
	struct diag diag = { 0 };

	assert_int_equal(parse_condition(str_of(text), 100, &load, &tree, &diag), 0);
	assert_int_equal(filter_compile(p, tree, &cond, NULL, &diag), 0);
	arena_done(&load);
	return cond;
}

static void work_is_shared(void **state)
{
	struct program *p = program_new(&small_catalogue);
	struct cond *a = compile_into(p, "a.str = x or (a.num = 1 or a.name = /real)");
	struct cond *b = compile_into(p, "a.str = y or (a.num = 1 or a.name = /real)");
	struct cond *c = compile_into(p, "a.str = x or (a.num = 1 or a.name = /real)");
	struct small_event event = { .type = "open" };
	struct arena arena = { 0 };

	assert_ptr_equal(a, c);
	assert_ptr_not_equal(a, b);
	assert_int_equal(program_slots(p), 3);
	assert_int_equal(program_seal(p), 0);
	struct eval *e = eval_new(p);

	eval_begin(e, &event, &arena);
	assert_false(eval_cond(e, a));
	assert_false(eval_cond(e, b));
	assert_int_equal(event.extracted, 3);
	/* Other names: only what depends on them is looked at again. */
	eval_names(e, true);
	assert_true(eval_cond(e, a));
	assert_true(eval_cond(e, b));
	assert_int_equal(event.extracted, 4);
	assert_int_equal(event.extracted_names, 2);
	eval_names(e, false);
	assert_false(eval_cond(e, a));
	eval_begin(e, &event, &arena);
	assert_false(eval_cond(e, a));
	assert_int_equal(event.extracted, 8);
	eval_free(e);
	program_free(p);
	arena_done(&arena);
}

static void decisions_are_explained(void **state)
{
	static const struct {
		const char *text, *decider;
		bool result;
	} rows[] = {
		{ "a.str = x", "a.str = x", false },
		{ "a.bool = true and (a.num = 1 and a.gone exists)", "a.num = 1", false },
		{ "a.num = 1 or a.bool = true or a.str exists", "a.bool = true", true },
		{ "a.num = 1 or a.str = x", "(a.num = 1 or a.str = x)", false },
		{ "a.bool = true and not a.num = -7", "not a.num = -7", false },
		{ "not (a.num = 1 or a.bool = true)", "a.bool = true", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct small_event event = { .type = "open" };
		struct strbuf out = { 0 };
		struct made m;

		make(&m, rows[i].text);
		assert_int_equal(m.r, 0);
		program_seal(m.program);
		struct eval *e = eval_new(m.program);

		eval_begin(e, &event, &m.event);
		assert_int_equal(eval_explain(e, m.cond, &out), rows[i].result);
		assert_string_equal(strbuf_z(&out), rows[i].decider);
		strbuf_done(&out);
		eval_free(e);
		unmake(&m);
	}
}

static void event_sets_are_derived(void **state)
{
	enum { OPEN = 3, CLOSE = 12, READ = 48, ALL = 63, BAD = -1 };
	static const struct {
		const char *text;
		int set;
	} rows[] = {
		{ "evt.type = open", OPEN },
		{ "evt.type != open", CLOSE | READ },
		{ "not evt.type in (open, close)", READ },
		{ "evt.type in ()", 0 },
		{ "not evt.type exists", 0 },
		{ "evt.type = open and a.str = x", OPEN },
		{ "evt.type = open or a.str = x", ALL },
		{ "not (evt.type = open or a.str = x)", CLOSE | READ },
		{ "not (evt.type = open and a.str = x)", ALL },
		{ "evt.type glob open", ALL },
		{ "evt.type = anyof (open)", ALL },
		{ "evt.num = 0", 0 },
		{ "evt.num in (0, 0)", 0 },
		{ "not evt.num >= 1", 0 },
		{ "not evt.num = 1", ALL },
		{ "evt.type = open and evt.num > 0", OPEN },
		{ "toupper(evt.type) = X", BAD },
		{ "evt.type = val(a.str)", BAD },
		{ "evt.type = nope", BAD },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct arena load = { 0 };
		struct ast *tree;
		struct diag diag = { 0 };
		struct bitset got = { 0 };

		assert_int_equal(parse_condition(str_of(rows[i].text), 100, &load, &tree, &diag),
				 0);
		int r = filter_events(&small_catalogue, tree, &got, &diag);

		if ((r != 0) != (rows[i].set == BAD) || (!r && got.w[0] != (uint64_t)rows[i].set))
			fail_msg("%s: %d, %llx", rows[i].text, r, (unsigned long long)got.w[0]);
		arena_done(&load);
	}
}

static void formats_render(void **state)
{
	static const struct {
		const char *format, *output;
		bool complete;
	} rows[] = {
		{ "plain", "plain", true },
		{ "*", "", true },
		{ "<%a.str>", "</usr/Bin/cat>", true },
		{ "%a.strX %a.str.more", "/usr/Bin/catX /usr/Bin/cat.more", true },
		{ "%a.num|%a.hex|%a.bool|%a.float|%a.bytes", "-7|BEEF|true|2.0|a..b", true },
		{ "%a.ip %a.port %a.list %a.list[1] %a.anc", "10.0.0.1 443 (x,y) y bash sshd",
		  true },
		{ "%4a.str|%14a.str|", "/usr|/usr/Bin/cat  |", true },
		{ "%toupper(basename(a.str)).", "CAT.", true },
		{ "%3toupper(a.str)[x]", "/US[x]", true },
		{ "%len(a.str)%join(\"+\",(a.num,a.str))", "12-7+/usr/Bin/cat", true },
		{ "a %a.gone b", "a ", false },
		{ "*a %a.gone %6a.gone| %a.only", "a <NA> <NA>  | <NA>", true },
		{ "%a.keyed[\"k y\"]", "k y", true },
		{ "%a.dot.oneX", "oneX", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct program *p = program_new(&small_catalogue);
		struct small_event event = { .type = "open" };
		struct arena arena = { 0 };
		struct strbuf out = { 0 };
		struct format *f;
		struct diag d = { 0 };

		if (format_compile(p, str_of(rows[i].format), &f, &d) != 0)
			fail_msg("%s: %s", rows[i].format, d.text);
		program_seal(p);
		struct eval *e = eval_new(p);

		eval_begin(e, &event, &arena);
		assert_int_equal(format_render(f, e, false, &out), rows[i].complete);
		assert_string_equal(strbuf_z(&out), rows[i].output);
		eval_free(e);
		strbuf_done(&out);
		arena_done(&arena);
		program_free(p);
	}
}

static void bad_formats_are_refused(void **state)
{
	static const struct {
		const char *format;
		int outcome;
		uint32_t offset;
	} rows[] = {
		{ "", FILTER_E_INVALID, 0 },
		{ "100%", FILTER_E_UNKNOWN_FIELD, 4 },
		{ "%%a.str", FILTER_E_UNKNOWN_FIELD, 1 },
		{ "x %no.such", FILTER_E_UNKNOWN_FIELD, 3 },
		{ "%a.dot.three", FILTER_E_INVALID, 1 },
		{ "%toupper(a.num)", FILTER_E_INVALID, 1 },
		{ "%toupper(a.str", FILTER_E_UNKNOWN_FIELD, 1 },
		{ "%99999999999a.str", FILTER_E_INVALID, 5 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct program *p = program_new(&small_catalogue);
		struct format *f;
		struct diag d = { 0 };

		assert_int_equal(format_compile(p, str_of(rows[i].format), &f, &d),
				 rows[i].outcome);
		assert_int_equal(d.offset, rows[i].offset);
		assert_int_not_equal(d.text[0], 0);
		program_free(p);
	}
}

static void format_fields_are_listed_once(void **state)
{
	struct program *p = program_new(&small_catalogue);
	struct format *f;
	struct diag d = { 0 };
	size_t n;

	assert_int_equal(format_compile(p,
					STR("*%a.str %len(a.str) %a.anc[\"1\"] "
					    "%join(\"\",(a.num,a.str))"),
					&f, &d),
			 0);
	const struct format_field *fields = format_fields(f, &n);

	assert_int_equal(n, 3);
	assert_true(str_eqz(fields[0].key, "a.str"));
	assert_true(str_eqz(fields[1].key, "a.anc[\"1\"]"));
	assert_true(str_eqz(fields[2].key, "a.num"));
	assert_true(str_starts(format_text(f), STR("%a.str %len")));
	program_free(p);
}

struct keys {
	const struct program *program;
	struct strbuf out;
};

static int add_key(const struct guard_key *key, void *ctx)
{
	static const char kinds[] = { '=', '^', '$', '~' };
	struct keys *k = ctx;

	strbuf_printf(&k->out, "%s%s%c" STR_FMT, k->out.len ? " " : "",
		      program_slot_ref(k->program, key->slot)->def->name, kinds[key->kind],
		      STR_ARG(key->text));
	return 0;
}

/* Long texts are rare, and a value is rarer than a part of one. */
static uint64_t by_length(const struct guard_key *key, void *ctx)
{
	return 1000 - 2 * key->text.len + (key->kind != GUARD_EQUAL);
}

static void guards_are_found(void **state)
{
	static const struct {
		const char *text, *keys; /* NULL: no guard */
	} rows[] = {
		{ "a.str = x", "a.str=x" },
		{ "a.str != x", NULL },
		{ "not a.str = x", NULL },
		{ "a.str in (x, y)", "a.str=x a.str=y" },
		{ "a.str in ()", "" },
		{ "a.str intersects (x, y)", "a.str=x a.str=y" },
		{ "a.str startswith ab", "a.str^ab" },
		{ "a.str startswith ''", NULL },
		{ "a.str = ''", "a.str=" },
		{ "a.str endswith ab", "a.str$ab" },
		{ "a.str contains ab", "a.str~ab" },
		{ "a.str icontains ab", NULL },
		{ "a.str regex ab", NULL },
		{ "a.str < 1", NULL },
		{ "a.str exists", NULL },
		{ "a.str glob ab*", "a.str^ab" },
		{ "a.str glob 'a*bcd?e'", "a.str~bcd" },
		{ "a.str glob '*ab'", "a.str~ab" },
		{ "a.str glob 'a[bcd]efg'", "a.str^a" },
		{ "a.str glob '[bcd]efg'", NULL },
		{ "a.str glob '*'", NULL },
		{ "a.str iglob ab*", NULL },
		{ "a.str pmatch (/a//bc/d?ef, /g)", "a.str~bc a.str~g" },
		{ "a.str pmatch (/a, /)", NULL },
		{ "a.str pmatch (/a*)", NULL },
		{ "a.str startswith anyof (a, b)", "a.str^a a.str^b" },
		{ "a.str != allof (a, b)", NULL },
		{ "a.anc = x", "a.anc=x" },
		{ "a.anc contains x", "a.anc~x" },
		{ "a.list intersects (x)", "a.list=x" },
		{ "a.list in (x)", NULL },
		{ "a.list[1] in (x)", "a.list=x" },
		{ "a.bool = true", NULL },
		{ "a.float = 1", NULL },
		{ "a.net = 10.0.0.0/8", NULL },
		{ "a.port > 1", NULL },
		{ "a.bytes bcontains 6162", "a.bytes~ab" },
		{ "a.bytes bstartswith 6162", "a.bytes^ab" },
		{ "a.str = val(a.name)", NULL },
		{ "tolower(a.str) = x", NULL },
		{ "a.str = x and a.name = yy", "a.name=yy" },
		{ "a.str = x or a.name = yy", "a.str=x a.name=yy" },
		{ "a.str = x or a.bool = true", NULL },
		{ "a.str = x and (a.name = yy or not a.num = 1)", "a.str=x" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct made m;

		make(&m, rows[i].text);
		struct keys k = { .program = m.program };
		int r = guard_best(m.cond, by_length, add_key, &k);

		if ((r == 0) != (rows[i].keys != NULL) ||
		    (r == 0 && strcmp(strbuf_z(&k.out), rows[i].keys)))
			fail_msg("%s: %d %s", rows[i].text, r, strbuf_z(&k.out));
		strbuf_done(&k.out);
		unmake(&m);
	}
}

static int add_part(const struct cond *part, void *ctx)
{
	strbuf_printf(ctx, " %u", cond_id(part));
	return 0;
}

static void parts_are_conjuncts(void **state)
{
	static const struct {
		const char *text;
		unsigned n;
	} rows[] = {
		{ "a.str = x", 1 },
		{ "a.str = x or a.num = 1", 1 },
		{ "a.str = x and (a.num = 1 and not a.num = 2)", 3 },
		{ "evt.type = open", 0 },
		{ "evt.type in (open, close) and a.num = 1", 1 },
		{ "(evt.type = open or a.num = 1) and a.num = 2", 2 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct strbuf out = { 0 };
		struct made m;
		unsigned n = 0;

		make(&m, rows[i].text);
		assert_int_equal(guard_parts(m.program, m.cond, add_part, &out), 0);
		for (const char *p = strbuf_z(&out); *p; p++)
			n += *p == ' ';
		assert_int_equal(n, rows[i].n);
		assert_true(cond_id(m.cond) < program_conds(m.program));
		strbuf_done(&out);
		unmake(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions_decide),
		cmocka_unit_test(faults_are_found),
		cmocka_unit_test(doubts_are_voiced),
		cmocka_unit_test(work_is_shared),
		cmocka_unit_test(decisions_are_explained),
		cmocka_unit_test(event_sets_are_derived),
		cmocka_unit_test(formats_render),
		cmocka_unit_test(bad_formats_are_refused),
		cmocka_unit_test(format_fields_are_listed_once),
		cmocka_unit_test(guards_are_found),
		cmocka_unit_test(parts_are_conjuncts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
