/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines as users type them: what each sets, translates, warns about or refuses. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "daemon/args.h"

/* Splits at blanks. */
static int parse(const char *line, char *store, size_t size, struct args *args, struct diag *diag)
{
	char *argv[32] = { store };
	int argc = 0;

	snprintf(store, size, "tiercel %s", line);
	for (char *word = store, *save; (word = strtok_r(argc ? NULL : word, " ", &save));)
		argv[argc++] = word;
	return args_parse(argc, argv, args, diag);
}

static void old_options_become_overrides(void **state)
{
	static const struct {
		const char *line;
		const char *override; /* the last one; NULL: none */
		size_t warnings;
	} rows[] = {
		{ "-o a=b", "a=b", 0 },
		{ "-A", "base_syscalls.all=true", 1 },
		{ "-b", "buffer_format_base64=true", 1 },
		{ "-S 128", "falco_libs.snaplen=128", 1 },
		{ "-e x.cap", "engine.replay.capture_file=x.cap", 1 },
		{ "-D shell", "rules[].disable.rule=*shell*", 1 },
		{ "-t net", "rules[].enable.tag=net", 1 },
		{ "-T net", "rules[].disable.tag=net", 1 },
		{ "--modern-bpf", "engine.kind=modern_ebpf", 1 },
		{ "--cri /run/x.sock", "container_engines.cri.sockets[]=/run/x.sock", 1 },
		{ "-K token -k https://host -pk", NULL, 3 },
		{ "--disable-cri-async", NULL, 1 },
		{ "-U", NULL, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char store[256];
		struct args a;
		struct diag d = { 0 };

		assert_int_equal(parse(rows[i].line, store, sizeof(store), &a, &d), 0);
		assert_int_equal(a.warnings.n, rows[i].warnings);
		if (rows[i].override)
			assert_string_equal(a.overrides.items[a.overrides.n - 1], rows[i].override);
		else
			assert_int_equal(a.overrides.n, 0);
		args_done(&a);
		args_done(&a);
	}
}

static void commands_take_operands(void **state)
{
	char store[256];
	struct args a;
	struct diag d = { 0 };

	assert_int_equal(parse("check --json a.yaml b.yaml", store, sizeof(store), &a, &d), 0);
	assert_string_equal(a.command, "check");
	assert_int_equal(a.rest.n, 2);
	assert_true(a.json);
	args_done(&a);
	assert_int_equal(parse("-c f.yaml -r x -r y -M 5 -V v.yaml", store, sizeof(store), &a, &d),
			 0);
	assert_string_equal(a.command, "run");
	assert_string_equal(a.config, "f.yaml");
	assert_int_equal(a.rules.n, 2);
	assert_int_equal(a.seconds, 5);
	assert_int_equal(a.action, ACT_CHECK);
	args_done(&a);
	assert_int_equal(parse("--list=syscall -N", store, sizeof(store), &a, &d), 0);
	assert_int_equal(a.action, ACT_LIST_FIELDS);
	assert_string_equal(a.list_source, "syscall");
	assert_true(a.names_only);
	args_done(&a);
	assert_int_equal(parse("--list-events --format json", store, sizeof(store), &a, &d), 0);
	assert_true(a.json && !a.markdown);
	args_done(&a);
	assert_int_equal(parse("--list --format=markdown", store, sizeof(store), &a, &d), 0);
	assert_true(a.markdown && !a.json);
	args_done(&a);
	assert_int_equal(parse("--list --format=html", store, sizeof(store), &a, &d), -EINVAL);
	assert_string_equal(d.text, "option --format: the value html is not usable");
}

static void presets_and_sources(void **state)
{
	char store[256];
	struct args a;
	struct diag d = { 0 };

	assert_int_equal(
		parse("-pcg -e x.cap --enable-source syscall", store, sizeof(store), &a, &d), 0);
	assert_true(a.container_output);
	assert_string_equal(a.print, "vpid=%proc.vpid vtid=%thread.vtid");
	assert_int_equal(a.overrides.n, 2);
	assert_string_equal(a.overrides.items[0], "engine.kind=replay");
	assert_int_equal(a.enabled_sources.n, 1);
	args_done(&a);
	assert_int_equal(parse("-p %proc.name -t a -t b", store, sizeof(store), &a, &d), 0);
	assert_false(a.container_output);
	assert_string_equal(a.print, "%proc.name");
	assert_int_equal(a.overrides.n, 3);
	assert_string_equal(a.overrides.items[0], "rules[].disable.rule=*");
	args_done(&a);
}

/* Of several requests the one that comes first in Falco's order counts, wherever it stands. */
static void the_earliest_action_counts(void **state)
{
	static const struct {
		const char *line;
		enum args_action action;
	} rows[] = {
		{ "--version --help", ACT_HELP },
		{ "--support -V x --version", ACT_VERSION },
		{ "-L -V x", ACT_CHECK },
		{ "--list -i", ACT_LIST_IGNORED },
		{ "--list-syscall-events", ACT_LIST_EVENTS },
		{ "--dry-run -M 3", ACT_DRY_RUN },
		{ "-M 3", ACT_RUN },
		{ "--rule-schema --list-plugins --plugin-info a", ACT_RULE_SCHEMA },
		{ "--gvisor-generate-config", ACT_GVISOR },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char store[256];
		struct args a;
		struct diag d = { 0 };

		assert_int_equal(parse(rows[i].line, store, sizeof(store), &a, &d), 0);
		assert_int_equal(a.action, rows[i].action);
		assert_false(a.as_falco);
		args_done(&a);
	}
	struct args a;
	struct diag d = { 0 };
	char *argv[] = { (char[]){ "/usr/bin/falco" }, NULL };

	assert_int_equal(args_parse(1, argv, &a, &d), 0);
	assert_true(a.as_falco);
	args_done(&a);
}

static void faults_name_the_option(void **state)
{
	static const char *const rows[][2] = {
		{ "--verison", "did you mean --version?" },
		{ "-c", "-c" },
		{ "-M soon", "soon" },
		{ "--nothing-like-it", "--help" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char store[256];
		struct args a;
		struct diag d = { 0 };

		assert_true(parse(rows[i][0], store, sizeof(store), &a, &d) < 0);
		assert_non_null(strstr(d.text, rows[i][1]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(old_options_become_overrides),
		cmocka_unit_test(commands_take_operands),
		cmocka_unit_test(presets_and_sources),
		cmocka_unit_test(the_earliest_action_counts),
		cmocka_unit_test(faults_name_the_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
