/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index of a ruleset never changes what matches: made-up rules over the recorded events of the demo, all in one
 * ruleset, which is indexed, against the same rules a few at a time, which are not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include "daemon/pipeline.h"
#include "fields/catalogue.h"
#include "rule/load.h"
#include "source/capture.h"

enum { RULES = 1600, FEW = 8, DEPTH = 3 };

static uint64_t seed = 1;

static unsigned draw(unsigned n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(seed >> 33) % n;
}

static const char *pick(const char *const *from, size_t n)
{
	return from[draw((unsigned)n)];
}
#define PICK(a) pick((a), ARRAY_SIZE(a))

/* Values that occur in the recording, nearly occur, or do not. */
static void add_check(struct strbuf *b)
{
	static const char *const fields[] = { "fd.name",    "proc.name",    "proc.exepath",
					      "proc.pname", "fd.directory", "proc.cmdline",
					      "user.name",  "fd.nameraw",   "container.id" };
	static const char *const ops[] = { "=",	       "startswith", "endswith", "glob",
					   "contains", "!=",	     "icontains" };
	static const char *const modified[] = { "startswith", "endswith", "contains", "glob" };
	static const char *const modifiers[] = { "anyof", "oneof", "allof" };
	static const char *const values[] = {
		"/etc/shadow",
		"/etc/",
		"/etc",
		"shadow",
		"cat",
		"bash",
		"sh",
		"/usr/bin/cat",
		"/usr/bin",
		"root",
		"host",
		"'/etc/*'",
		"'*sh'",
		"'/usr/*/cat'",
		"python3",
		"s",
		"/",
		"/tmp",
		"/proc/self/root/etc/shadow",
		"curl",
		"'*/s?ado*'",
		"'*[s]h'",
		"'/usr//bin/*'",
		"'*a*/*t*'",
	};
	static const char *const others[] = {
		"proc.aname = bash",
		"proc.aname in (sh, make, python3)",
		"proc.aexepath contains bin/",
		"proc.aname != sh",
		"fd.num = 3",
		"fd.num in (-1, 4, 5)",
		"fd.num > 3",
		"user.uid = 0",
		"proc.vpid = 1",
		"fd.port = 80",
		"fd.port in (53, 443)",
		"fd.types intersects (file, pipe)",
		"fd.types in (file)",
		"evt.is_open_read = true",
		"evt.arg.flags contains O_RDONLY",
	};

	switch (draw(10)) {
	case 9:
		strbuf_printf(b, "%s pmatch (%s, %s)", PICK(fields), PICK(values), PICK(values));
		break;
	case 7:
	case 8: strbuf_addz(b, PICK(others)); break;
	case 0:
		strbuf_printf(b, "%s in (%s, %s, %s)", PICK(fields), PICK(values), PICK(values),
			      PICK(values));
		break;
	case 6: strbuf_addz(b, draw(2) ? "evt.type in (open, openat)" : "evt.type=execve"); break;
	case 1: strbuf_printf(b, "%s exists", PICK(fields)); break;
	case 2:
		strbuf_printf(b, "%s %s %s (%s, %s)", PICK(fields), PICK(modified), PICK(modifiers),
			      PICK(values), PICK(values));
		break;
	default: strbuf_printf(b, "%s %s %s", PICK(fields), PICK(ops), PICK(values)); break;
	}
}

/* Some checks come again and again, and so do some whole conditions. */
static void add_condition(struct strbuf *b, unsigned depth)
{
	static const char *const common[] = {
		"(evt.type in (open, openat) and fd.num >= 0)",
		"(evt.type = execve and proc.name != sshd)",
		"not proc.name in (cron, sshd)",
		"(container.id = host)",
	};

	if (depth == DEPTH && draw(6) == 0) {
		strbuf_addz(b, PICK(common));
		return;
	}
	unsigned kind = depth ? draw(4) : 3;

	if (kind == 3) {
		add_check(b);
		return;
	}
	strbuf_addz(b, kind == 2 ? "not (" : "(");
	if (draw(3) == 0)
		strbuf_addz(b, PICK(common));
	else
		add_condition(b, depth - 1);
	for (unsigned i = kind == 2 ? 0 : 1 + draw(2); i; i--) {
		strbuf_addz(b, kind ? " and " : " or ");
		add_condition(b, depth - 1);
	}
	strbuf_addc(b, ')');
}

/* How often each rule matched, and the sum of the numbers of the events. */
struct tally {
	uint64_t n[RULES], sum[RULES];
	uint64_t event;
};

static void tally(struct alert *alert, const struct rule *rule, void *ctx)
{
	struct tally *t = ctx;
	uint64_t i;

	assert_int_equal(str_to_u64(rule->name, &i), 0);
	t->n[i]++;
	t->sum[i] += t->event;
	alert_unref(alert);
}

static void run(struct str yaml, struct tally *t)
{
	struct diag diag = { 0 };
	struct capture_reader *reader;
	struct alert_settings alert = { 0 };
	const struct rec_hdr *rec;
	_cleanup_(strbuf_done) struct strbuf path = { 0 };
	struct loader *l = loader_new(&(struct load_options){ .catalogue = fields_catalogue(),
							      .min_priority = PRIORITY_DEBUG });

	assert_non_null(l);
	if (loader_add(l, "made up", yaml) != 0) {
		_cleanup_(strbuf_done) struct strbuf why = { 0 };

		loader_first_error(l, &why);
		fail_msg("%s", strbuf_z(&why));
	}
	struct ruleset *rs = loader_finish(l, &diag);
	assert_non_null(rs);
	struct pipeline *p = pipeline_new(&(struct pipeline_options){ .alert = &alert,
								      .hostname = "test",
								      .first_seq = 1,
								      .match_all = true,
								      .publish = tally,
								      .publish_ctx = t },
					  rs);
	assert_non_null(p);
	strbuf_printf(&path, "%s/docs/demo.tcap", getenv("TIERCEL_SOURCE_ROOT"));
	assert_int_equal(capture_reader_open(strbuf_z(&path), &reader, &diag), 0);
	for (t->event = 0; capture_reader_next(reader, &rec, &diag) == 0; t->event++)
		pipeline_feed(rec, p);
	capture_reader_close(reader);
	pipeline_free(p);
	ruleset_unref(rs);
	loader_free(l);
}

static void test_index_changes_nothing(void **state)
{
	struct strbuf all = { 0 };
	struct tally *indexed = calloc(1, sizeof(*indexed)), *plain = calloc(1, sizeof(*plain));
	uint64_t matches = 0, silent = 0;

	for (unsigned i = 0; i < RULES;) {
		struct strbuf few = { 0 };

		for (unsigned k = 0; k < FEW; k++, i++) {
			strbuf_printf(&few, "- rule: \"%u\"\n  desc: d\n  condition: >\n    ", i);
			add_condition(&few, DEPTH);
			strbuf_addz(&few, "\n  output: o\n  priority: INFO\n");
		}
		run(strbuf_str(&few), plain);
		strbuf_add(&all, strbuf_str(&few));
		strbuf_done(&few);
	}
	run(strbuf_str(&all), indexed);
	for (size_t i = 0; i < RULES; i++) {
		assert_int_equal(indexed->n[i], plain->n[i]);
		assert_int_equal(indexed->sum[i], plain->sum[i]);
		matches += plain->n[i];
		silent += plain->n[i] == 0;
	}
	/* Both kinds of rules are there in numbers. */
	assert_true(matches > 10000 && silent > RULES / 10 && silent < RULES * 9 / 10);
	strbuf_done(&all);
	free(indexed);
	free(plain);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_index_changes_nothing) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
