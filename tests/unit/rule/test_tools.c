/* SPDX-License-Identifier: Apache-2.0 */
/* `tiercel test` and `tiercel explain`: what they print, row by row. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/strbuf.h"
#include "fields/catalogue.h"
#include "rule/explain.h"
#include "rule/ruletest.h"

static void explanations(void **state)
{
	static const struct {
		const char *text;
		bool syntax, output;
		int status;
		const char *wanted;
	} rows[] = {
		{ "evt.type in (open,openat) and fd.name startswith /etc", false, false, 0,
		  "{\"valid\":true,\"canonical\":\"(evt.type in (open, openat) and fd.name startswith "
		  "/etc)\",\"fields\":[\"evt.type\",\"fd.name\"],\"operators\":[\"in\",\"startswith\"],"
		  "\"events\":[\"open\",\"openat\"]}\n" },
		{ "a.b=1", true, false, 0,
		  "{\"valid\":true,\"canonical\":\"a.b = 1\",\"fields\":[\"a.b\"],\"operators\":[\"=\"],"
		  "\"events\":[]}\n" },
		{ "%proc.name and %fd.name", false, true, 0,
		  "{\"valid\":true,\"canonical\":\"%proc.name and %fd.name\",\"fields\":[\"fd.name\","
		  "\"proc.name\"],\"operators\":[],\"events\":[]}\n" },
		{ "%a.b x", true, true, 0,
		  "{\"valid\":true,\"canonical\":\"%a.b x\",\"fields\":[\"a.b\"],\"operators\":[],"
		  "\"events\":[]}\n" },
		{ "evt.type=nosuch", false, false, 1, NULL },
		{ "proc.nam=x", false, false, 1, NULL },
		{ "proc.name=", false, false, 1, NULL },
		{ "spawned_process", false, false, 1, NULL },
		{ "", false, false, 1, NULL },
		{ "%proc.nam", false, true, 1, NULL },
		{ "%", true, true, 1, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct strbuf out = { 0 }, text = { 0 };

		assert_int_equal(explain_condition(fields_catalogue(), str_of(rows[i].text), true,
						   rows[i].syntax, rows[i].output, &out),
				 rows[i].status);
		assert_int_equal(explain_condition(fields_catalogue(), str_of(rows[i].text), false,
						   rows[i].syntax, rows[i].output, &text),
				 rows[i].status);
		if (rows[i].wanted)
			assert_string_equal(strbuf_z(&out), rows[i].wanted);
		else
			assert_true(str_starts(strbuf_str(&out),
					       STR("{\"valid\":false,\"error\":{\"message\":\"")));
		strbuf_done(&out);
		strbuf_done(&text);
	}
}

static void run(const char *content, bool json, const char *wanted, size_t failed)
{
	char path[] = "/tmp/ruletestXXXXXX";
	int fd = mkstemp(path);
	const char *paths[] = { path };
	struct strbuf out = { 0 };
	size_t n = 99;

	assert_true(fd >= 0);
	assert_int_equal(io_write_all(fd, str_of(content)), 0);
	close(fd);
	assert_int_equal(ruletest_run(fields_catalogue(), NULL, 0, paths, 1, json, &out, &n), 0);
	unlink(path);
	if (!strstr(strbuf_z(&out), wanted))
		print_message("%s\nhas no\n%s\n", strbuf_z(&out), wanted);
	assert_non_null(strstr(strbuf_z(&out), wanted));
	assert_int_equal(n, failed);
	strbuf_done(&out);
}

static void tests_of_rules(void **state)
{
	static const char shadow[] =
		"- test: t\n  condition: evt.type in (open, openat) and fd.name = /etc/shadow\n"
		"  event: {evt.type: openat, fd.name: /etc/shadow, fd.num: 3, evt.is_open_read: true}\n"
		"  expect: ";
	static const struct {
		const char *more, *wanted;
		size_t failed;
	} rows[] = {
		{ "true\n",
		  "{\"passed\":1,\"failed\":0,\"tests\":[{\"test\":\"t\",\"ok\":true,\"got\":true}]}",
		  0 },
		{ "false\n",
		  "{\"passed\":0,\"failed\":1,\"tests\":[{\"test\":\"t\",\"ok\":false,\"got\":true}]}",
		  1 },
		{ "error\n", "\"ok\":false,\"got\":true", 1 },
		{ "maybe\n", "\"ok\":false,\"got\":\"error\"", 1 },
		{ "true\n- test: u\n  condition: proc.nam = x\n  expect: error\n",
		  "{\"test\":\"u\",\"ok\":true,\"got\":\"error\"}", 0 },
		{ "true\n- test: u\n  condition: proc.name exists\n  event: {proc.name: null}\n"
		  "  expect: false\n",
		  "{\"test\":\"u\",\"ok\":true,\"got\":false}", 0 },
		{ "true\n- test: u\n  condition: proc.pid = 0x10\n  expect: error\n",
		  "{\"test\":\"u\",\"ok\":true,\"got\":\"error\"}", 0 },
		{ "true\n- test: u\n  condition: proc.aname = sshd\n"
		  "  event: {proc.aname: [bash, sshd]}\n  expect: true\n",
		  "{\"test\":\"u\",\"ok\":true,\"got\":true}", 0 },
		{ "true\n- test: u\n  condition: fd.ip = 10.0.0.1\n"
		  "  event: {fd.ip: [192.168.0.1, 10.0.0.1]}\n  expect: true\n",
		  "{\"test\":\"u\",\"ok\":true,\"got\":true}", 0 },
		{ "true\n- test: u\n  condition: evt.arg.flags contains O_CREAT and evt.arg[1] = x\n"
		  "  event: {evt.arg.flags: O_CREAT|O_RDWR, \"evt.arg[1]\": x}\n  expect: true\n",
		  "{\"test\":\"u\",\"ok\":true,\"got\":true}", 0 },
		{ "true\n- test: u\n  condition: proc.pid > 3\n  event: {proc.pid: many}\n  expect: true\n",
		  "{\"test\":\"u\",\"ok\":false,\"got\":\"error\"}", 1 },
		{ "true\n- test: u\n  rule: none\n  expect: true\n",
		  "{\"test\":\"u\",\"ok\":false,\"got\":\"error\"}", 1 },
		{ "true\n- rules: [/nonexistent.yaml]\n- test: u\n  rule: none\n  expect: true\n",
		  "\"passed\":1,\"failed\":2", 2 },
		{ "true\n- what: ever\n", "\"passed\":1,\"failed\":1", 1 },
		{ "[\n", "\"passed\":0,\"failed\":1", 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct strbuf b = { 0 };

		strbuf_addz(&b, shadow);
		strbuf_addz(&b, rows[i].more);
		run(strbuf_z(&b), true, rows[i].wanted, rows[i].failed);
		strbuf_done(&b);
	}
}

static void failures_name_what_decided(void **state)
{
	static const struct {
		const char *condition, *event, *expect, *wanted;
	} rows[] = {
		{ "evt.type = open and fd.name = /a", "evt.type: open, fd.name: /b", "true",
		  "expected true, got false\n  decided by: fd.name = /a\n" },
		/* The first of several that are false. */
		{ "evt.type = open and fd.name = /a and proc.name = x", "evt.type: open", "true",
		  "expected true, got false\n  decided by: fd.name = /a\n" },
		/* The first alternative that held; all of them when none did. */
		{ "proc.name = a or proc.name = b or fd.num > 1", "proc.name: b, fd.num: 7",
		  "false", "expected false, got true\n  decided by: proc.name = b\n" },
		{ "evt.type = open and (fd.name = /a or fd.name startswith /b)",
		  "evt.type: open, fd.name: /c", "true",
		  "decided by: (fd.name = /a or fd.name startswith /b)\n" },
		/* A conjunction that held was decided by all of it. */
		{ "evt.type = open and fd.num in (1, 2)", "evt.type: open, fd.num: 2", "false",
		  "decided by: (evt.type = open and fd.num in (1, 2))\n" },
		/* A negated check stays together; a negated group is looked into. */
		{ "evt.type = open and not proc.name in (cat, less)",
		  "evt.type: open, proc.name: less", "true",
		  "decided by: not proc.name in (cat, less)\n" },
		{ "not (evt.type = open and (proc.name exists or fd.num = 1))",
		  "evt.type: open, fd.num: 1", "true",
		  "expected true, got false\n  decided by: "
		  "(evt.type = open and (proc.name exists or fd.num = 1))\n" },
		{ "not (evt.type = open and (proc.name exists or fd.num = 1))", "evt.type: open",
		  "false", "decided by: (proc.name exists or fd.num = 1)\n" },
		/* No value: false, whatever the operator. */
		{ "proc.name != x", "fd.num: 1", "true",
		  "expected true, got false\n  decided by: proc.name != x\n" },
		{ "toupper(proc.name) = CAT and fd.num > val(proc.pid)",
		  "proc.name: cat, fd.num: 1, proc.pid: 2", "true",
		  "decided by: fd.num > val(proc.pid)\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct strbuf b = { 0 };

		strbuf_printf(&b, "- test: t\n  condition: %s\n  event: {%s}\n  expect: %s\n",
			      rows[i].condition, rows[i].event, rows[i].expect);
		run(strbuf_z(&b), false, rows[i].wanted, 1);
		strbuf_done(&b);
	}
}

static void misspelt_names_get_a_suggestion(void **state)
{
	static const struct {
		const char *text, *wanted; /* in the message */
	} rows[] = {
		{ "proc.nam = x", "did you mean \"proc.name\"?" },
		{ "evt.type = opnat", "did you mean \"openat\"?" },
		{ "evt.type in (open, conect)", "did you mean \"connect\"?" },
		{ "evt.arg.flgas = 1", "perhaps \"flags\"" },
		{ "fd.name startwith /etc", "expected \"startswith\" or another operator" },
		{ "fd.name ??", "expected an operator" },
		{ "toloer(proc.name) = x", "expected \"tolower\" in front" },
		{ "nothinglikethis(proc.name) = x", "there is no \"nothinglikethis\"" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct strbuf out = { 0 };

		assert_int_equal(explain_condition(fields_catalogue(), str_of(rows[i].text), false,
						   false, false, &out),
				 1);
		if (!strstr(strbuf_z(&out), rows[i].wanted))
			fail_msg("%s: %s", rows[i].text, out.ptr);
		strbuf_done(&out);
	}
}

/* A rule is explained by its condition with macros and lists expanded, and stands in the loaded file. */
static void failures_of_rules_and_outputs(void **state)
{
	char path[] = "/tmp/ruletestXXXXXX";
	int fd = mkstemp(path);
	struct strbuf b = { 0 };

	assert_true(fd >= 0);
	assert_int_equal(
		io_write_all(fd,
			     STR("- list: readers\n  items: [cat, less]\n"
				 "- macro: reads\n  condition: evt.type = open and fd.num >= 0\n"
				 "- rule: R\n  desc: d\n  priority: INFO\n"
				 "  condition: reads and proc.name in (readers)\n"
				 "  output: read %fd.name by %proc.name\n")),
		0);
	close(fd);
	strbuf_printf(&b,
		      "- rules: [%s]\n"
		      "- test: by vi\n  rule: R\n  expect: true\n"
		      "  event: {evt.type: open, fd.num: 3, proc.name: vi}\n"
		      "- test: said so\n  rule: R\n  expect: true\n"
		      "  event: {evt.type: open, fd.num: 3, proc.name: cat, fd.name: /x}\n"
		      "  output: read /y by cat\n",
		      path);
	run(strbuf_z(&b), false,
	    ":2:3: FAILED: by vi\n  expected true, got false\n"
	    "  decided by: proc.name in (cat, less)\n",
	    2);
	run(strbuf_z(&b), false,
	    "  expected output: read /y by cat\n  got output:      read /x by cat\n", 2);
	unlink(path);
	strbuf_done(&b);
}

static void the_default_policy_passes(void **state)
{
	const char *root = getenv("TIERCEL_SOURCE_ROOT");
	char pattern[4096];
	struct strbuf out = { 0 };
	size_t failed = 99;
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/rules/tests/*_test.yaml", root ? root : ".");
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	assert_int_equal(ruletest_run(fields_catalogue(), NULL, 0,
				      (const char *const *)found.gl_pathv, found.gl_pathc, false,
				      &out, &failed),
			 0);
	globfree(&found);
	if (failed)
		print_message("%s", strbuf_z(&out));
	strbuf_done(&out);
	assert_int_equal(failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(misspelt_names_get_a_suggestion),
		cmocka_unit_test(explanations),
		cmocka_unit_test(tests_of_rules),
		cmocka_unit_test(failures_name_what_decided),
		cmocka_unit_test(failures_of_rules_and_outputs),
		cmocka_unit_test(the_default_policy_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
