/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of settings as a whole: every row is described, refuses what is not of its kind, and is in the schema;
 * docs/configuration.md ends with the table (UPDATE_GOLDEN=1 writes it).
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "config/describe.h"
#include "config/settings.h"

static char file[] = "/tmp/config-rows-XXXXXX";

static void rows_are_described(void **state)
{
	for (size_t i = 0; i < settings_nrows; i++) {
		const struct setting *s = &settings_rows[i];

		assert_non_null(s->kind);
		assert_non_null(s->about);
		if (!str_ends(str_of(s->about), STR(".")) || strchr(s->about, '|'))
			fail_msg("%s: \"%s\" is not a sentence", s->path, s->about);
		assert_false(s->missed && !s->idle);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(s->path, settings_rows[k].path);
	}
}

/* path: value as a line of YAML, one map in another. */
static void nest(const char *path, const char *value, struct strbuf *out)
{
	struct str rest = str_of(path), part;
	size_t open = 0;

	strbuf_clear(out);
	while (str_split(&rest, '.', &part) && !str_eqz(part, "*")) {
		strbuf_printf(out, "%s" STR_FMT ": ", open++ ? "{" : "", STR_ARG(part));
	}
	strbuf_addz(out, value);
	while (open-- > 1)
		strbuf_addc(out, '}');
	strbuf_addz(out, "\nstdout_output: {enabled: true}\n");
}

static int load(const char *path, const char *value, struct strbuf *ret_told)
{
	_cleanup_(strbuf_done) struct strbuf text = { 0 };
	struct config_report report = { 0 };
	struct config *c = NULL;
	FILE *f = fopen(file, "we");

	nest(path, value, &text);
	assert_non_null(f);
	fputs(strbuf_z(&text), f);
	fclose(f);
	int r = config_load(file, NULL, 0, &c, &report);
	strbuf_clear(ret_told);
	if (r)
		diag_print(&report.error, ret_told);
	config_report_done(&report);
	config_unref(c);
	return r;
}

static void refuse(const struct setting *s, const char *value, bool names_key)
{
	_cleanup_(strbuf_done) struct strbuf told = { 0 };
	const char *key = strrchr(s->path, '.');
	char place[64];
	int r = load(s->path, value, &told);

	snprintf(place, sizeof(place), "%s:1:", file);
	key = key ? key + 1 : s->path;
	if (r != CONFIG_E_INVALID || !strstr(strbuf_z(&told), place) ||
	    (names_key && !strstr(strbuf_z(&told), key)))
		fail_msg("%s: %s gives %d, \"%s\"", s->path, value, r, strbuf_z(&told));
}

static void rows_refuse_other_kinds(void **state)
{
	static const struct {
		const struct setting_kind *kind;
		const char *values[8];
	} wrong[] = {
		{ &setting_flag_kind, { "maybe", "2", "''", "[true]", "{a: true}" } },
		{ &setting_int_kind, { "x", "1.5", "0x10", "''", "[1]", "{a: 1}" } },
		{ &setting_double_kind, { "x", "nan", "inf", "''", "[1]", "{a: 1}" } },
		{ &setting_text_kind, { "[a]", "{a: b}" } },
		{ &setting_texts_kind, { "{a: b}", "[[a]]", "[{a: b}]", "[~]" } },
		{ &setting_choice_kind, { "zzz", "''", "7", "[debug]", "{a: b}" } },
		{ &setting_size_kind, { "3Q", "-1", "3M", "M", "[1M]", "{a: 1M}" } },
		{ &setting_duration_kind, { "5", "1x", "-1s", "''", "[1s]", "{a: 1s}" } },
		{ &setting_address_kind, { "localhost", "1.2.3", "''", "[1.2.3.4]", "{a: b}" } },
		{ &setting_url_kind, { "[a]", "{a: b}" } },
		{ &setting_scope_kind, { "pid:x", "pid:0", "cgroup:a", "''", "[none]" } },
		{ &setting_socket_mode_kind,
		  { "rw", "0668", "01000", "0444", "''", "[a]", "{a: b}" } },
		{ &setting_socket_group_kind, { "no such group", "-1", "[a]", "{a: b}" } },
		{ &setting_elsewhere_kind,
		  { "{a: b}", "[[a]]", "[{strategy: append}]", "[{path: a, strategy: b}]" } },
		{ &setting_selections_kind,
		  { "x", "[x]", "[{enable: x}]", "[{enable: {}}]", "[{enable: {rule: [a]}}]",
		    "[{enabled: {tag: a}}]" } },
		{ &setting_append_output_kind,
		  { "x", "[x]", "[{match: x}]", "[{extra_fields: {a: b}}]",
		    "[{suggested_output: maybe}]", "[{extra_output: [a]}]",
		    "[{match: {tags: {a: b}}}]" } },
		{ &setting_plugins_kind, { "x", "[x]", "[{}]", "[{name: [a]}]" } },
		{ &setting_load_plugins_kind, { "{a: b}", "[[a]]", "[no_such_plugin]" } },
		{ &setting_static_fields_kind, { "x", "[a]", "{a: [b]}" } },
		{ &setting_drop_actions_kind, { "{a: b}", "[shout]", "[[log]]", "[ignore, log]" } },
		{ &setting_outputs_kind,
		  { "x", "[x]", "{a: b}", "[{name: a}]", "[{name: a, type: stdout}]",
		    "[{name: a, type: file}]", "[{name: a, type: http, url: u, batch: x}]" } },
		{ &setting_engines_kind,
		  { "x", "[a]", "{docker: x}", "{docker: {enabled: maybe}}",
		    "{podman: {sockets: {a: b}}}" } },
	};

	for (size_t i = 0; i < settings_nrows; i++) {
		const struct setting *s = &settings_rows[i];
		size_t k = 0;

		if (s->kind == &setting_gone_kind)
			continue;
		while (k < ARRAY_SIZE(wrong) && wrong[k].kind != s->kind)
			k++;
		if (k == ARRAY_SIZE(wrong))
			fail_msg("%s: no wrong values for %s", s->path, s->kind->name);
		for (size_t v = 0; v < ARRAY_SIZE(wrong[k].values) && wrong[k].values[v]; v++)
			refuse(s, wrong[k].values[v], s->offset);
	}
}

static void ranges_hold_at_both_ends(void **state)
{
	_cleanup_(strbuf_done) struct strbuf told = { 0 };
	size_t ranges = 0;

	for (size_t i = 0; i < settings_nrows; i++) {
		const struct setting *s = &settings_rows[i];
		char value[32];

		if (s->kind != &setting_int_kind && s->kind != &setting_double_kind)
			continue;
		ranges++;
		snprintf(value, sizeof(value), "%lld", (long long)s->min - 1);
		refuse(s, value, true);
		snprintf(value, sizeof(value), "%lld", (long long)s->max + 1);
		refuse(s, value, true);
		snprintf(value, sizeof(value), "%lld", (long long)s->min);
		assert_int_equal(load(s->path, value, &told), 0);
		snprintf(value, sizeof(value), "%lld", (long long)s->max);
		assert_int_equal(load(s->path, value, &told), 0);
	}
	assert_true(ranges > 20);
}

static void rows_are_in_the_schema(void **state)
{
	_cleanup_(strbuf_done) struct strbuf text = { 0 };

	settings_schema(&text);
	json_t *root = json_loads(strbuf_z(&text), JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	for (size_t i = 0; i < settings_nrows; i++) {
		struct str rest = str_of(settings_rows[i].path), part;
		json_t *at = root;

		while (str_split(&rest, '.', &part) && !str_eqz(part, "*"))
			at = json_object_getn(json_object_get(at, "properties"), part.ptr,
					      part.len);
		assert_string_equal(json_string_value(json_object_get(at, "description")),
				    settings_rows[i].about);
	}
	json_decref(root);
}

static void docs_are_up_to_date(void **state)
{
	_cleanup_(strbuf_done) struct strbuf now = { 0 }, docs = { 0 };
	const char *root = getenv("TIERCEL_SOURCE_ROOT"), *table;
	char path[1024];

	assert_non_null(root);
	snprintf(path, sizeof(path), "%s/docs/configuration.md", root);
	settings_list(true, &now);
	assert_int_equal(io_read_file(path, 1 << 20, &docs), 0);
	table = strstr(strbuf_z(&docs), "## All keys\n");
	assert_non_null(table);
	if (getenv("UPDATE_GOLDEN")) {
		_cleanup_(fclosep) FILE *f = fopen(path, "we");

		assert_non_null(f);
		fwrite(docs.ptr, 1, (size_t)(table - docs.ptr), f);
		fwrite(now.ptr, 1, now.len, f);
		return;
	}
	assert_string_equal(table, strbuf_z(&now));
}

static int set_up(void **state)
{
	int fd = mkstemp(file);

	return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state)
{
	return unlink(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_described),
		cmocka_unit_test(rows_refuse_other_kinds),
		cmocka_unit_test(ranges_hold_at_both_ends),
		cmocka_unit_test(rows_are_in_the_schema),
		cmocka_unit_test(docs_are_up_to_date),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
