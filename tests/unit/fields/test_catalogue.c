/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue itself: its order, and which arguments its fields take. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "fields/catalogue.h"

static const struct field_def *find(const char *name)
{
	const struct catalogue *c = fields_catalogue();

	for (size_t i = 0; i < c->nfields; i++)
		if (str_eqz(str_of(c->fields[i].name), name))
			return &c->fields[i];
	return NULL;
}

static void test_sorted(void **state)
{
	const struct catalogue *c = fields_catalogue();

	assert_int_equal(c->nfields, 320);
	for (size_t i = 0; i < c->nfields; i++) {
		assert_int_equal(c->fields[i].id, i);
		assert_true(c->fields[i].desc[0]);
		if (i)
			assert_true(strcmp(c->fields[i - 1].name, c->fields[i].name) < 0);
	}
}

static void test_bind(void **state)
{
	static const struct {
		const char *field, *arg; /* arg NULL: none */
		int r;
		enum value_type type;
		uint8_t match;
		int64_t index;
	} rows[] = {
		{ "proc.name", NULL, 0, VT_STRING, MATCH_ONE, -1 },
		{ "proc.name", "1", -EINVAL, 0, 0, 0 },
		{ "proc.aname", NULL, 0, VT_STRING, MATCH_ANCESTORS, -1 },
		{ "proc.aname", "2", 0, VT_STRING, MATCH_ONE, 2 },
		{ "proc.aname", "x", -EINVAL, 0, 0, 0 },
		{ "proc.aname", "-1", -EINVAL, 0, 0, 0 },
		{ "proc.apid", NULL, 0, VT_INT64, MATCH_ANCESTORS, -1 },
		{ "proc.aargs", NULL, 0, VT_STRING, MATCH_ONE, -1 },
		{ "proc.aenv", "HOME", 0, VT_STRING, MATCH_ONE, -1 },
		{ "proc.aenv", "2", 0, VT_STRING, MATCH_ONE, 2 },
		{ "proc.env", "HOME", 0, VT_STRING, MATCH_ONE, -1 },
		{ "evt.arg", NULL, -EINVAL, 0, 0, 0 },
		{ "evt.arg", "flags", 0, VT_STRING, MATCH_ONE, -1 },
		{ "evt.arg", "nope", -EINVAL, 0, 0, 0 },
		{ "evt.arg", "99", 0, VT_STRING, MATCH_ONE, 99 },
		{ "evt.rawarg", "res", 0, VT_INT64, MATCH_ONE, -1 },
		{ "evt.rawarg", "flags", 0, VT_UINT32, MATCH_ONE, -1 },
		{ "evt.rawarg", "size", 0, VT_INT64, MATCH_ONE, -1 },
		{ "static", "site", 0, VT_STRING, MATCH_ONE, -1 },
		{ "evt.rawarg", "name", 0, VT_STRING, MATCH_ONE, -1 },
		{ "evt.rawarg", "addr", 0, VT_BYTES, MATCH_ONE, -1 },
		{ "evt.rawarg", "tuple", 0, VT_BYTES, MATCH_ONE, -1 },
		{ "evt.type.is", "open", 0, VT_UINT32, MATCH_ONE, -1 },
		{ "evt.type.is", "nope", -EINVAL, 0, 0, 0 },
		{ "evt.type.is", NULL, -EINVAL, 0, 0, 0 },
		{ "evt.around", "1404996934793590564", 0, VT_UINT64, MATCH_ONE,
		  1404996934793590564 },
		{ "evt.abspath", "src", 0, VT_STRING, MATCH_ONE, -1 },
		{ "evt.abspath", "up", -EINVAL, 0, 0, 0 },
		{ "thread.cgroup", "cpu", 0, VT_STRING, MATCH_ONE, -1 },
		{ "thread.cgroup", NULL, -EINVAL, 0, 0, 0 },
		{ "container.label", NULL, -EINVAL, 0, 0, 0 },
		{ "container.label", "a", 0, VT_STRING, MATCH_ONE, -1 },
		{ "container.mount", "0", 0, VT_STRING, MATCH_ONE, 0 },
		{ "fd.ip", NULL, 0, VT_IPADDR, MATCH_PAIR, -1 },
		{ "fd.net", NULL, 0, VT_IPNET, MATCH_PAIR, -1 },
		{ "fd.snet", NULL, 0, VT_IPNET, MATCH_ONE, -1 },
		{ "fd.port", NULL, 0, VT_PORT, MATCH_PAIR, -1 },
		{ "fd.types", "1", 0, VT_STRING, MATCH_ONE, 1 },
	};
	const struct catalogue *c = fields_catalogue();

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct field_ref ref = { .def = find(rows[i].field) };
		struct str why = { 0 };

		print_message("%s[%s]\n", rows[i].field, rows[i].arg ? rows[i].arg : "");
		assert_non_null(ref.def);
		ref.has_arg = rows[i].arg;
		ref.arg = str_of(rows[i].arg);
		assert_int_equal(c->bind(c, &ref, NULL, &why), rows[i].r);
		if (rows[i].r) {
			assert_true(why.len > 0);
			continue;
		}
		assert_int_equal(ref.type, rows[i].type);
		assert_int_equal(ref.match, rows[i].match);
		assert_int_equal(ref.index, rows[i].index);
	}
}

/* Undeclared, the name is one of no field; declared, it is there whatever happens to the texts. */
static void test_static(void **state)
{
	char name[] = "site", value[] = "north";
	struct static_field site = { str_of(name), str_of(value) };
	struct field_ref ref = { .def = find("static"), .has_arg = true, .arg = STR("site") };
	const struct catalogue *c = fields_catalogue();
	struct event ev = { 0 };
	struct fields_event fe = { .ev = &ev };
	struct str why = { 0 };
	struct value v;

	assert_int_equal(c->bind(c, &ref, NULL, &why), -ENOENT);
	assert_int_equal(fields_declare_static(NULL, 0), 0);
	assert_int_equal(fields_declare_static(&site, 1), 0);
	memset(name, 'x', sizeof(name) - 1);
	memset(value, 'x', sizeof(value) - 1);
	assert_int_equal(c->bind(c, &ref, NULL, &why), 0);
	assert_true(c->extract(c, &fe, &ref, false, NULL, &v));
	assert_true(str_eqz(v.s, "north"));
	assert_int_equal(fields_declare_static(&(struct static_field){ STR("b"), STR("c") }, 1), 0);
	ref.arg = STR("b");
	assert_int_equal(c->bind(c, &ref, NULL, &why), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sorted),
		cmocka_unit_test(test_static),
		cmocka_unit_test(test_bind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
