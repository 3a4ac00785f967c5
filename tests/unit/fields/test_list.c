/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listings: docs/fields.md and docs/events.md are the Markdown ones and must be up to date (UPDATE_GOLDEN=1
 * writes them); lines
 * of the others by row.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "fields/catalogue.h"
#include "fields/list.h"

static void print(bool events, const struct list_options *o, struct strbuf *out)
{
	if (events)
		list_events(o, out);
	else
		list_fields(fields_catalogue(), o, out);
	assert_int_equal(strbuf_check(out), 0);
}

static void read_file(const char *path, struct strbuf *out)
{
	_cleanup_(fclosep) FILE *f = fopen(path, "re");
	char buf[4096];
	size_t n;

	while (f && (n = fread(buf, 1, sizeof(buf), f)) > 0)
		strbuf_add(out, (struct str){ buf, n });
}

/* A document is one listing under a headline. */
static void check_document(const char *name, const char *head, bool events)
{
	const struct list_options o = { .format = LIST_MARKDOWN };
	const char *root = getenv("TIERCEL_SOURCE_ROOT");
	_cleanup_(strbuf_done) struct strbuf now = { 0 }, path = { 0 }, docs = { 0 };

	assert_non_null(root);
	strbuf_addz(&now, head);
	print(events, &o, &now);
	strbuf_printf(&path, "%s/docs/%s", root, name);
	if (getenv("UPDATE_GOLDEN")) {
		_cleanup_(fclosep) FILE *f = fopen(strbuf_z(&path), "we");

		assert_non_null(f);
		assert_int_equal(fwrite(now.ptr, 1, now.len, f), now.len);
		return;
	}
	read_file(strbuf_z(&path), &docs);
	assert_true(str_eq(strbuf_str(&docs), strbuf_str(&now)));
}

static void test_docs(void **state)
{
	check_document("fields.md", "# Fields\n\nMade by `tiercel list fields --markdown`.\n\n",
		       false);
	check_document("events.md", "# Events\n\nMade by `tiercel list events --markdown`.\n\n",
		       true);
}

static void test_lines(void **state)
{
	static const struct {
		bool events;
		struct list_options o;
		const char *has; /* a line or part of it */
		bool want;
	} rows[] = {
		{ false, { 0 }, "Field Class:                  evt\n", true },
		{ false, { 0 }, "\nevt.num                       Position of the event", true },
		{ false, { 0 }, "\nfd.ip                         (FILTER ONLY) Address", true },
		{ false, { 0 }, "Type:", false },
		{ false, { 0 }, "evt.infra", false },
		{ false,
		  { .types = true },
		  "\nfd.num                        (Type: INT64) ",
		  true },
		{ false, { .types = true }, "(Type: LIST(CHARBUF)) (LIST) Kinds", true },
		{ false, { .names = true }, "\nproc.name\n", true },
		{ false, { .names = true }, "\nevt.dir\n", false },
		{ false, { .names = true }, "Field Class", false },
		{ false, { .source = { "syscall", 7 } }, "\nproc.name ", true },
		{ false, { .source = { "other", 5 } }, "proc.name", false },
		{ false, { .format = LIST_MARKDOWN }, "\n`proc.tty` | UINT32 | Device", true },
		{ false, { .format = LIST_MARKDOWN }, "\n## Field Class: fs.path\n", true },
		{ true, { 0 }, "\n< openat(FD fd, FD dirfd, FSRELPATH name, ", true },
		{ true, { 0 }, "\n> open", false },
		{ true, { 0 }, "\n> procexit(", true },
		{ true, { 0 }, "task_fork", false },
		{ true,
		  { .format = LIST_MARKDOWN },
		  "\nYes | `<` | `close` | (ERRNO res, FD fd)\n",
		  true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(strbuf_done) struct strbuf out = { 0 };

		print(rows[i].events, &rows[i].o, &out);
		if (str_contains(strbuf_str(&out), str_of(rows[i].has)) != rows[i].want)
			fail_msg("row %zu: %s", i, rows[i].has);
	}
}

static void test_width(void **state)
{
	const struct list_options o = { .types = true };
	_cleanup_(strbuf_done) struct strbuf out = { 0 };

	print(false, &o, &out);
	struct str rest = strbuf_str(&out), line;

	while (str_split(&rest, '\n', &line))
		assert_true(line.len <= 120);
}

static void test_json(void **state)
{
	const struct list_options o = { .format = LIST_JSON };

	for (unsigned events = 0; events < 2; events++) {
		_cleanup_(strbuf_done) struct strbuf out = { 0 };

		print(events, &o, &out);
		json_t *j = json_loadb(out.ptr, out.len, 0, NULL);

		assert_non_null(j);
		assert_true(json_array_size(json_object_get(j, events ? "events" : "classes")) > 5);
		json_decref(j);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_docs),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_width),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
