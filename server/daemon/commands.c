/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subcommands. A command that only prints needs no configuration to exist; one that is broken stops it all
 * the same, because its settings decide the form of the output (falco-compat.md 2.1).
 */
#include "daemon/commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/json.h"
#include "base/log.h"
#include "base/suggest.h"
#include "client/certs.h"
#include "client/client.h"
#include "config/describe.h"
#include "daemon/about.h"
#include "daemon/replay.h"
#include "daemon/rules.h"
#include "daemon/sensor.h"
#include "daemon/settings.h"
#include "daemon/testfiles.h"
#include "daemon/validate.h"
#include "fields/catalogue.h"
#include "fields/list.h"
#include "rpc/network.h"
#include "prefilter/explain.h"
#include "rule/explain.h"
#include "rule/ruletest.h"
#include "rule/schema.h"
#include "web/metrics.h"

static int out(struct strbuf *text)
{
	int r = strbuf_check(text);

	if (r == 0)
		r = io_write_all(STDOUT_FILENO, strbuf_str(text));
	strbuf_done(text);
	return r == 0 ? 0 : 1;
}

static int fail(const struct diag *d)
{
	_cleanup_(strbuf_done) struct strbuf text = { 0 };

	strbuf_addz(&text, "Error: ");
	diag_print(d, &text);
	strbuf_addc(&text, '\n');
	io_write_all(STDERR_FILENO, strbuf_str(&text));
	return 1;
}

static void show_report(struct config_report *report)
{
	for (size_t i = 0; i < report->nwarnings; i++) {
		_cleanup_(strbuf_done) struct strbuf text = { 0 };

		diag_print(&report->warnings[i], &text);
		log_warning("%s", strbuf_z(&text) ? text.ptr : "");
	}
	if (report->unshown)
		log_warning("%zu more warnings about the configuration", report->unshown);
}

/* 0 with the configuration, or the exit status. */
static int load_config(const struct args *args, struct config **ret)
{
	struct config_report report = { 0 };
	int r = config_load(args->config, args->overrides.items, args->overrides.n, ret, &report);

	if (r == 0)
		settings_log(*ret);
	for (size_t i = 0; i < args->warnings.n; i++)
		log_warning("%s", args->warnings.items[i]);
	show_report(&report);
	int status = r == 0 ? 0 : r == CONFIG_E_INVALID ? fail(&report.error) : 1;
	config_report_done(&report);
	return status;
}

static int cmd_help(const struct args *args)
{
	struct strbuf text = { 0 };

	args_help(args, &text);
	return out(&text);
}

enum { DESC_COLUMN = 51, DESC_LINE = 110 };

/* The rules in two columns; 1 when the one that is asked for is not there. */
static int describe_text(const struct args *args, const struct ruleset *rs, struct strbuf *text)
{
	size_t n, shown = 0;
	const struct rule *const *rules = ruleset_rules(rs, &n);

	strbuf_printf(text, "%-50s %s\n%-50s %s\n", "Rule", "Description", "----", "-----------");
	for (size_t i = 0; i < n; i++) {
		if (args->describe && !str_eqz(rules[i]->name, args->describe))
			continue;
		shown++;
		strbuf_printf(text, "%-50.*s ", STR_ARG(rules[i]->name));
		strbuf_add_wrapped(text, str_trim(rules[i]->desc), DESC_COLUMN, DESC_LINE);
		strbuf_addc(text, '\n');
	}
	return args->describe && !shown ? 1 : 0;
}

static int not_loaded(const struct args *args)
{
	struct diag diag = { 0 };

	diag_set(&diag, "rule \"%s\" is not loaded", args->describe);
	return fail(&diag);
}

/* What -V prints; rs: NULL when a file has errors. */
static void print_results(const struct loader *l, const struct args *args, bool json,
			  const struct ruleset *rs, struct strbuf *text)
{
	struct json j = json_to(text);
	bool describe = rs && args->describing;

	if (!json) {
		loader_print(l, args->verbose, text);
		if (describe) {
			strbuf_addc(text, '\n');
			describe_text(args, rs, text);
		}
		return;
	}
	json_open(&j, '{');
	if (describe) {
		json_key(&j, STR("falco_describe_results"));
		loader_describe(l, str_of(args->describe), &j);
	}
	json_key(&j, STR("falco_load_results"));
	loader_json(l, &j);
	json_close(&j, '}');
	strbuf_addc(text, '\n');
}

/* All files are tried, those behind a bad one too. */
static int check_files(const struct args *args, const struct args_list *files, bool json)
{
	struct config *config = NULL;
	struct strbuf text = { 0 };
	struct diag diag = { 0 };
	int status = 0;

	if (args->config || args->overrides.n)
		status = load_config(args, &config);
	if (status)
		return status;
	struct loader *l = rules_loader(config, args);

	for (size_t i = 0; l && i < files->n; i++)
		loader_add_file(l, files->items[i]);
	struct ruleset *rs = l ? loader_finish(l, &diag) : NULL;

	json = json || (config && config->json_output);
	if (!l)
		diag_set(&diag, "out of memory");
	else
		print_results(l, args, json, rs, &text);
	status = out(&text);
	if (l && loader_errors(l)) {
		strbuf_addz(&text, "Error: ");
		loader_print(l, args->verbose, &text);
		io_write_all(STDERR_FILENO, strbuf_str(&text));
		strbuf_done(&text);
		status = 1;
	} else if (!rs) {
		status = fail(&diag);
	} else if (loader_warnings(l) && !json && !args->verbose) {
		/* The headline goes to stdout, what it is about to the log. */
		loader_print(l, true, &text);
		io_write_all(STDERR_FILENO, strbuf_str(&text));
		strbuf_done(&text);
	}
	ruleset_unref(rs);
	loader_free(l);
	config_unref(config);
	return status;
}

static int cmd_check(const struct args *args)
{
	if (!args->rest.n) {
		struct diag d = { 0 };

		diag_set(&d, "check needs at least one rules file");
		return fail(&d);
	}
	return check_files(args, &args->rest, args->json);
}

static int cmd_test(const struct args *args)
{
	struct test_files files = { 0 };
	struct strbuf text = { 0 };
	struct diag d = { 0 };
	size_t failed = 0, n;
	const struct loaded_plugin *plugins = rules_plugins(&n);
	int r = 0;

	for (size_t i = 0; r == 0 && i < args->rest.n; i++) {
		r = test_files_add(&files, args->rest.items[i]);
		if (r < 0)
			diag_set(&d, "%s: %s", args->rest.items[i], strerror(-r));
	}
	if (r == 0 && !files.paths.n)
		diag_set(&d, "no rule tests are here: test needs files, or directories with "
			     "*_test.yaml in them");
	if (!d.text[0])
		r = ruletest_run(fields_catalogue(), plugins, n,
				 (const char *const *)files.paths.items, files.paths.n, args->json,
				 &text, &failed);
	test_files_done(&files);
	return d.text[0] ? fail(&d) : out(&text) || r || failed ? 1 : 0;
}

static int cmd_explain(const struct args *args)
{
	struct str what = str_of(args->rest.n ? args->rest.items[0] : "");
	const struct catalogue *c = fields_catalogue();
	struct strbuf text = { 0 };
	int status = 1;

	if (args->kernel)
		status = kernel_explain(c, what, args->json, &text);
	if (status) /* also says what is wrong */
		status = explain_condition(c, what, args->json, args->syntax_only,
					   args->output_format, &text);
	return out(&text) ? 1 : status;
}

static int cmd_describe(const struct args *args)
{
	struct config *config = NULL;
	struct loader *l = NULL;
	struct ruleset *rs = NULL;
	struct strbuf text = { 0 };
	struct diag diag = { 0 };
	int status = load_config(args, &config);

	if (status)
		return status;
	int r = rules_load(config, args, &l, &rs, &diag);
	if (r) {
		if (!diag.text[0] && l)
			rules_error(l, &diag);
		status = fail(&diag);
	} else if (config->json_output || args->json) {
		struct json j = json_to(&text);

		loader_describe(l, str_of(args->describe), &j);
		strbuf_addc(&text, '\n');
		status = out(&text);
	} else {
		int missing = describe_text(args, rs, &text);

		status = out(&text);
		if (missing)
			status = not_loaded(args);
	}
	ruleset_unref(rs);
	loader_free(l);
	config_unref(config);
	return status;
}

static int cmd_list(const struct args *args)
{
	const char *what = args->rest.n ? args->rest.items[0] : "fields";
	struct list_options options = {
		.names = args->names_only,
		.types = args->verbose,
		.format = args->json	   ? LIST_JSON
			  : args->markdown ? LIST_MARKDOWN
					   : LIST_TEXT,
		.source = str_of(args->list_source),
	};
	struct strbuf text = { 0 };
	struct diag d = { 0 };

	if (!strcmp(what, "rules"))
		return cmd_describe(args);
	if (args->list_source && strcmp(args->list_source, "syscall")) {
		diag_set(&d, "unknown event source %s; there is syscall", args->list_source);
		return fail(&d);
	}
	if (!strcmp(what, "events")) {
		list_events(&options, &text);
		return out(&text);
	}
	if (!strcmp(what, "settings")) {
		settings_list(args->markdown, &text);
		return out(&text);
	}
	if (!strcmp(what, "metrics")) {
		metrics_list(&text);
		return out(&text);
	}
	if (!strcmp(what, "fields")) {
		list_fields(fields_catalogue(), &options, &text);
		return out(&text);
	}
	diag_set(&d, "list knows fields, events, rules, settings and metrics, not %s", what);
	return fail(&d);
}

static int cmd_certs(const struct args *args)
{
	struct utsname name;
	struct diag d = { 0 };

	if (args->rest.n < 1) {
		diag_set(&d, "certs needs a directory to write to");
		return fail(&d);
	}
	const char *dir = args->rest.items[0], *names[ARGS_MAX];
	size_t n = 0;
	uname(&name); /* which may be nothing that a certificate can say */
	if (certs_name_is_usable(name.nodename))
		names[n++] = name.nodename;
	for (size_t i = 1; i < args->rest.n; i++)
		names[n++] = args->rest.items[i];
	return certs_make(dir, names, n, &d) ? fail(&d) : 0;
}

/* The sensor's other half; the descriptors are inherited from it (daemon/netproc.c). */
static int cmd_network(const struct args *args)
{
	int64_t fd[5];

	for (size_t i = 0; i < ARRAY_SIZE(fd); i++) {
		if (args->rest.n != ARRAY_SIZE(fd) ||
		    str_to_i64(str_of(args->rest.items[i]), &fd[i]) < 0)
			return 1;
	}
	return network_main(&(struct network_fds){
		.ring = (int)fd[0],
		.event = (int)fd[1],
		.control = (int)fd[2],
		.stats = { (int)fd[3], (int)fd[4] },
	});
}

/* Started by the sensor, with its configuration (daemon/validator.c). */
static int cmd_validate(const struct args *args)
{
	struct config *config = NULL;
	int status = load_config(args, &config);

	if (status)
		return VALIDATE_FAILED;
	status = validate_main(config, args);
	config_unref(config);
	return status;
}

/* System calls are the one source there is. */
static int check_sources(const struct args *args, struct diag *d)
{
	const struct args_list *const lists[] = { &args->enabled_sources, &args->disabled_sources };

	for (size_t l = 0; l < ARRAY_SIZE(lists); l++) {
		for (size_t i = 0; i < lists[l]->n; i++) {
			if (strcmp(lists[l]->items[i], "syscall") == 0)
				continue;
			diag_set(d, "unknown event source %s; there is syscall",
				 lists[l]->items[i]);
			return -EINVAL;
		}
	}
	if (args->enabled_sources.n && args->disabled_sources.n) {
		diag_set(d, "--enable-source and --disable-source exclude each other");
		return -EINVAL;
	}
	if (args->disabled_sources.n) {
		diag_set(d, "no event source is left enabled");
		return -EINVAL;
	}
	return 0;
}

static int cmd_run(const struct args *args)
{
	struct config *config = NULL;
	struct diag d = { 0 };
	int status = load_config(args, &config);

	if (status)
		return status;
	if (check_sources(args, &d) < 0) {
		config_unref(config);
		return fail(&d);
	}
	if (config->engine.kind == CONFIG_ENGINE_REPLAY)
		status = replay_run(config, args, config->engine.capture_file, &d);
	else
		status = sensor_run(config, args, NULL, &d);
	if (status && d.text[0])
		fail(&d);
	config_unref(config);
	return status;
}

static int with_file(const struct args *args, bool record)
{
	struct config *config = NULL;
	struct diag d = { 0 };

	if (args->rest.n != 1) {
		diag_set(&d, "%s needs a capture file", args->command);
		return fail(&d);
	}
	int status = load_config(args, &config);
	if (status)
		return status;
	status = record ? sensor_run(config, args, args->rest.items[0], &d)
			: replay_run(config, args, args->rest.items[0], &d);
	if (status && d.text[0])
		fail(&d);
	config_unref(config);
	return status;
}

static int cmd_record(const struct args *args)
{
	return with_file(args, true);
}

static int cmd_replay(const struct args *args)
{
	return with_file(args, false);
}

/* A fault in the configuration does not keep anybody from asking for the version. */
static int cmd_version(const struct args *args)
{
	struct config *config = NULL;
	struct config_report report = { 0 };
	struct strbuf text = { 0 };
	int r = config_load(args->config, args->overrides.items, args->overrides.n, &config,
			    &report);

	about_version(args, args->json || (r == 0 && config->json_output), &text);
	config_report_done(&report);
	config_unref(config);
	return out(&text);
}

static int cmd_schema(const struct args *args)
{
	struct strbuf text = { 0 };

	if (args->action == ACT_RULE_SCHEMA)
		schema_write(&text);
	else
		settings_schema(&text);
	return out(&text);
}

static int cmd_ignored(const struct args *args)
{
	struct strbuf text = { 0 };

	about_ignored(&text);
	return out(&text);
}

static int cmd_gvisor(const struct args *args)
{
	struct diag d = { 0 };

	diag_set(&d, "gVisor is not a source of events here");
	return fail(&d);
}

static int cmd_page_size(const struct args *args)
{
	log_info("Your system page size is: %ld bytes", sysconf(_SC_PAGESIZE));
	return 0;
}

static int plugin_info(const struct config *config, const struct args *args, struct strbuf *text,
		       struct diag *d)
{
	int r = about_plugin(args->plugin, text);

	if (r)
		diag_set(d, "there is no plugin %s; --list-plugins lists them", args->plugin);
	return r;
}

static int list_plugins(const struct config *config, const struct args *args, struct strbuf *text,
			struct diag *d)
{
	about_plugins(config, text);
	return 0;
}

static int support(const struct config *config, const struct args *args, struct strbuf *text,
		   struct diag *d)
{
	return about_support(config, args, text);
}

typedef int (*about_fn)(const struct config *config, const struct args *args, struct strbuf *text,
			struct diag *d);

/* What only prints, but needs the configuration. */
static int with_config(const struct args *args, about_fn fn)
{
	struct config *config = NULL;
	struct strbuf text = { 0 };
	struct diag d = { 0 };
	int status = load_config(args, &config);

	if (status)
		return status;
	int r = fn(config, args, &text, &d);
	config_unref(config);
	if (r == 0)
		return out(&text);
	strbuf_done(&text);
	return d.text[0] ? fail(&d) : 1;
}

static int cmd_config(const struct args *args)
{
	struct config_report report = { 0 };
	struct strbuf text = { 0 };
	struct diag d = { 0 };

	if (args->rest.n != 1 || strcmp(args->rest.items[0], "dump") != 0) {
		diag_set(&d, "config knows dump");
		return fail(&d);
	}
	int r = config_dump(args->config, args->overrides.items, args->overrides.n, args->json,
			    &text, &report);

	show_report(&report);
	int status = r == 0 ? out(&text) : r == CONFIG_E_INVALID ? fail(&report.error) : 1;
	config_report_done(&report);
	return status;
}

static int by_action(const struct args *args)
{
	struct args listing = *args;

	switch (args->action) {
	case ACT_HELP: return cmd_help(args);
	case ACT_CONFIG_SCHEMA:
	case ACT_RULE_SCHEMA: return cmd_schema(args);
	case ACT_GVISOR: return cmd_gvisor(args);
	case ACT_LIST_IGNORED: return cmd_ignored(args);
	case ACT_VERSION: return cmd_version(args);
	case ACT_PAGE_SIZE: return cmd_page_size(args);
	case ACT_PLUGIN_INFO: return with_config(args, plugin_info);
	case ACT_LIST_PLUGINS: return with_config(args, list_plugins);
	case ACT_SUPPORT: return with_config(args, support);
	case ACT_CHECK: return check_files(args, &args->check, args->json);
	case ACT_DESCRIBE: return cmd_describe(args);
	case ACT_LIST_FIELDS:
	case ACT_LIST_EVENTS:
		listing.rest = (struct args_list){
			.items = { args->action == ACT_LIST_EVENTS ? "events" : "fields" }, .n = 1
		};
		return cmd_list(&listing);
	case ACT_RUN:
	case ACT_DRY_RUN: break;
	}
	return cmd_run(args);
}

static const struct {
	const char *name;
	int (*fn)(const struct args *args);
} commands[] = {
	{ "run", by_action },	      { "check", cmd_check },	  { "test", cmd_test },
	{ "list", cmd_list },	      { "explain", cmd_explain }, { "record", cmd_record },
	{ "replay", cmd_replay },     { "certs", cmd_certs },	  { "network", cmd_network },
	{ "validate", cmd_validate }, { "help", cmd_help },	  { "config", cmd_config },
};

int command_run(const struct args *args)
{
	struct suggest s = suggest_for(str_of(args->command));
	struct diag d = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(commands[i].name, args->command))
			return args->action == ACT_HELP ? cmd_help(args) : commands[i].fn(args);
		suggest_offer(&s, str_of(commands[i].name));
	}
	for (size_t i = 0; client_commands[i]; i++)
		suggest_offer(&s, str_of(client_commands[i]));
	diag_set(&d, "unknown command %s%s%s; --help lists them", args->command,
		 s.best.ptr ? "; did you mean " : "", s.best.ptr ? s.best.ptr : "");
	return fail(&d);
}
