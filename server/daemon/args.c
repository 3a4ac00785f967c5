/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table of options. A row either sets something, or belongs to an older Falco and is translated to a
 * configuration override or answered with a warning that names the replacement.
 */
#include "daemon/args.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/suggest.h"

enum effect {
	E_ACTION, /* value is the action */
	E_TEXT,	  /* member at offset value */
	E_FLAG,	  /* bool at offset value */
	E_LIST,	  /* args_list at offset value */
	E_SECONDS,
	E_VALIDATE,
	E_DESCRIBE_ALL,
	E_DESCRIBE_ONE,
	E_LIST_FIELDS,
	E_PLUGIN_INFO,
	E_PRINT,
	E_FORMAT,
	/* Of older versions; not in the help. */
	E_REPLAY,
	E_ONLY_TAG,
	E_OVERRIDE, /* text is a configuration override with %s for the value */
	E_WARN,	    /* accepted without effect; text names the replacement, NULL: nothing to say */
};

struct option_row {
	int letter;	  /* 0: none */
	const char *name; /* NULL: letter only */
	int arg;	  /* no_argument ... */
	enum effect effect;
	size_t value;
	const char *text; /* help, pattern or replacement */
};

#define AT(member) offsetof(struct args, member)

static const struct option_row rows[] = {
	{ 'h', "help", no_argument, E_ACTION, ACT_HELP, "print this help" },
	{ 'c', NULL, required_argument, E_TEXT, AT(config), "configuration file" },
	{ 'o', "option", required_argument, E_LIST, AT(overrides),
	  "override a setting: key=value" },
	{ 'r', NULL, required_argument, E_LIST, AT(rules), "rules file or directory; repeatable" },
	{ 'V', "validate", required_argument, E_VALIDATE, 0, "check a rules file and exit" },
	{ 'L', NULL, no_argument, E_DESCRIBE_ALL, 0, "describe all rules" },
	{ 'l', NULL, required_argument, E_DESCRIBE_ONE, 0, "describe one rule" },
	{ 0, "list", optional_argument, E_LIST_FIELDS, 0, "list the fields" },
	{ 0, "list-events", no_argument, E_ACTION, ACT_LIST_EVENTS, "list the events" },
	{ 'N', NULL, no_argument, E_FLAG, AT(names_only), "with --list: names only" },
	{ 0, "markdown", no_argument, E_FLAG, AT(markdown), "listings as Markdown" },
	{ 0, "format", required_argument, E_FORMAT, 0, "listings as text, markdown or json" },
	{ 'v', NULL, no_argument, E_FLAG, AT(verbose), "more detail" },
	{ 'M', NULL, required_argument, E_SECONDS, 0, "stop after that many seconds" },
	{ 'p', "print", required_argument, E_PRINT, 0, "append to every output" },
	{ 'P', "pidfile", required_argument, E_TEXT, AT(pidfile), "write the process id there" },
	{ 'U', "unbuffered", no_argument, E_FLAG, AT(unbuffered),
	  "flush every line; they always are" },
	{ 0, "dry-run", no_argument, E_ACTION, ACT_DRY_RUN, "everything but the events" },
	{ 0, "version", no_argument, E_ACTION, ACT_VERSION, "print the version" },
	{ 0, "config-schema", no_argument, E_ACTION, ACT_CONFIG_SCHEMA,
	  "print the JSON schema of the configuration" },
	{ 0, "rule-schema", no_argument, E_ACTION, ACT_RULE_SCHEMA,
	  "print the JSON schema of rules files" },
	{ 0, "page-size", no_argument, E_ACTION, ACT_PAGE_SIZE, "print the page size" },
	{ 0, "json", no_argument, E_FLAG, AT(json), "results as JSON (test, explain, list)" },
	{ 0, "syntax-only", no_argument, E_FLAG, AT(syntax_only), "explain: look no names up" },
	{ 0, "output", no_argument, E_FLAG, AT(output_format), "explain: an output format" },
	{ 0, "kernel", no_argument, E_FLAG, AT(kernel), "explain: what the kernel can decide" },
	{ 'i', NULL, no_argument, E_ACTION, ACT_LIST_IGNORED,
	  "list the system calls that are watched only if a rule names them" },
	{ 0, "list-plugins", no_argument, E_ACTION, ACT_LIST_PLUGINS, "list the plugins" },
	{ 0, "plugin-info", required_argument, E_PLUGIN_INFO, 0, "describe a plugin" },
	{ 0, "support", no_argument, E_ACTION, ACT_SUPPORT,
	  "print what a report about a fault should have" },
	{ 0, "enable-source", required_argument, E_LIST, AT(enabled_sources),
	  "a source of events to use, and no others; repeatable" },
	{ 0, "disable-source", required_argument, E_LIST, AT(disabled_sources),
	  "a source of events not to use; repeatable" },
	{ 0, "gvisor-generate-config", optional_argument, E_ACTION, ACT_GVISOR, NULL },
	/* Of older versions (falco-compat.md 2.2). */
	{ 0, "list-syscall-events", no_argument, E_ACTION, ACT_LIST_EVENTS, NULL },
	{ 'A', NULL, no_argument, E_OVERRIDE, 0, "base_syscalls.all=true%s" },
	{ 'b', "print-base64", no_argument, E_OVERRIDE, 0, "buffer_format_base64=true%s" },
	{ 'S', "snaplen", required_argument, E_OVERRIDE, 0, "falco_libs.snaplen=%s" },
	{ 'e', NULL, required_argument, E_REPLAY, 0, "engine.replay.capture_file=%s" },
	{ 0, "modern-bpf", no_argument, E_OVERRIDE, 0, "engine.kind=modern_ebpf%s" },
	{ 0, "nodriver", no_argument, E_OVERRIDE, 0, "engine.kind=nodriver%s" },
	{ 'D', NULL, required_argument, E_OVERRIDE, 0, "rules[].disable.rule=*%s*" },
	{ 't', NULL, required_argument, E_ONLY_TAG, 0, "rules[].enable.tag=%s" },
	{ 'T', NULL, required_argument, E_OVERRIDE, 0, "rules[].disable.tag=%s" },
	{ 0, "cri", required_argument, E_OVERRIDE, 0, "container_engines.cri.sockets[]=%s" },
	{ 0, "disable-cri-async", no_argument, E_WARN, 0, "events wait for metadata anyway" },
	{ 'k', "k8s-api", required_argument, E_WARN, 0, "pod metadata comes from the runtime" },
	{ 'K', "k8s-api-cert", required_argument, E_WARN, 0,
	  "pod metadata comes from the runtime" },
	{ 0, "k8s-node", required_argument, E_WARN, 0, "pod metadata comes from the runtime" },
	{ 'm', "mesos-api", required_argument, E_WARN, 0, "nothing" },
	{ 'd', "daemon", no_argument, E_WARN, 0, "a service manager" },
	{ 's', NULL, required_argument, E_WARN, 0, "metrics.output_file" },
	{ 0, "stats-interval", required_argument, E_WARN, 0, "metrics.interval" },
	{ 0, "stats_interval", required_argument, E_WARN, 0, "metrics.interval" },
	{ 'u', "userspace", no_argument, E_WARN, 0, "nothing" },
	{ 'w', "writefile", required_argument, E_WARN, 0, "tiercel record" },
	{ 'F', NULL, no_argument, E_WARN, 0, "nothing" },
	{ 'g', "gvisor-config", required_argument, E_WARN, 0, "nothing" },
	{ 0, "gvisor-root", required_argument, E_WARN, 0, "nothing" },
};

/* getopt returns this plus the row for options without a letter. */
enum { LONG_BASE = 1000 };

static int push(struct args_list *l, const char *item)
{
	if (l->n == ARGS_MAX)
		return -E2BIG;
	l->items[l->n++] = item;
	return 0;
}

/* Takes over the text, NULL for out of memory. */
static int push_owned(struct args *a, struct args_list *l, char *text)
{
	int r = text ? push(&a->owned, text) : -ENOMEM;

	if (r < 0) {
		free(text);
		return r;
	}
	return push(l, text);
}

static int warn_of(struct args *a, const struct option_row *row, const char *instead)
{
	char name[64];
	char *text = NULL;

	if (!instead)
		return 0;
	if (row->letter)
		snprintf(name, sizeof(name), "-%c", row->letter);
	else
		snprintf(name, sizeof(name), "--%s", row->name);
	if (asprintf(&text, "option %s belongs to an older version; instead: %s", name, instead) <
	    0)
		return -ENOMEM;
	return push_owned(a, &a->warnings, text);
}

/* The row's text with the value in place of its "%s". */
static int translate(struct args *a, const struct option_row *row, const char *value)
{
	struct str before = str_cut(str_of(row->text), str_chr(str_of(row->text), '%'));
	const char *after = row->text + before.len + 2;
	char *text = NULL;

	if (asprintf(&text, STR_FMT "%s%s", STR_ARG(before), value ? value : "", after) < 0)
		return -ENOMEM;
	int r = push_owned(a, &a->overrides, text);
	return r < 0 ? r : warn_of(a, row, text);
}

/* Before 0.41 these put the container into every output, and since then nothing has; users expect it. */
static int print_option(struct args *a, const struct option_row *row, const char *value)
{
	static const struct {
		const char *word, *more;
	} presets[] = {
		{ "c", NULL },
		{ "container", NULL },
		{ "k", NULL },
		{ "kubernetes", NULL },
		{ "m", NULL },
		{ "mesos", NULL },
		{ "cg", "vpid=%proc.vpid vtid=%thread.vtid" },
		{ "container-gvisor", "vpid=%proc.vpid vtid=%thread.vtid" },
		{ "kg", "vpid=%proc.vpid vtid=%thread.vtid" },
		{ "kubernetes-gvisor", "vpid=%proc.vpid vtid=%thread.vtid" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(presets); i++) {
		if (!str_eqz(str_of(value), presets[i].word))
			continue;
		a->container_output = true;
		a->print = presets[i].more ? presets[i].more : a->print;
		return warn_of(a, row, "append_output with suggested_output: true");
	}
	a->print = value;
	return warn_of(a, row, "append_output with extra_output");
}

static int replay(struct args *a, const struct option_row *row, const char *value)
{
	int r = push(&a->overrides, "engine.kind=replay");

	return r < 0 ? r : translate(a, row, value);
}

/* The first of them turns everything else off. */
static int only_tag(struct args *a, const struct option_row *row, const char *value)
{
	int r = a->only_tags ? 0 : push(&a->overrides, "rules[].disable.rule=*");

	a->only_tags = true;
	return r < 0 ? r : translate(a, row, value);
}

static void act(struct args *a, enum args_action action)
{
	if (action < a->action)
		a->action = action;
}

static int format(struct args *a, struct str value)
{
	a->markdown = str_eqz(value, "markdown");
	a->json = str_eqz(value, "json");
	return a->markdown || a->json || str_eqz(value, "text") ? 0 : -EINVAL;
}

static int set_text(const char **to, const char *value)
{
	*to = value;
	return 0;
}

static int apply(struct args *a, const struct option_row *row, char *value)
{
	char *base = (char *)a;

	switch (row->effect) {
	case E_ACTION: act(a, (enum args_action)row->value); return 0;
	case E_TEXT: *(const char **)(void *)(base + row->value) = value; return 0;
	case E_FLAG: *(bool *)(void *)(base + row->value) = true; return 0;
	case E_LIST: return push((struct args_list *)(void *)(base + row->value), value);
	case E_SECONDS: return str_to_u64(str_of(value), &a->seconds);
	case E_VALIDATE: act(a, ACT_CHECK); return push(&a->check, value);
	case E_DESCRIBE_ALL:
	case E_DESCRIBE_ONE:
		act(a, ACT_DESCRIBE);
		a->describing = true;
		return value ? set_text(&a->describe, value) : 0;
	case E_LIST_FIELDS: act(a, ACT_LIST_FIELDS); return set_text(&a->list_source, value);
	case E_PLUGIN_INFO: act(a, ACT_PLUGIN_INFO); return set_text(&a->plugin, value);
	case E_PRINT: return print_option(a, row, value);
	case E_FORMAT: return format(a, str_of(value));
	case E_REPLAY: return replay(a, row, value);
	case E_ONLY_TAG: return only_tag(a, row, value);
	case E_OVERRIDE: return translate(a, row, value);
	case E_WARN: return warn_of(a, row, row->text);
	}
	return -EINVAL;
}

static const struct option_row *row_of(int opt)
{
	if (opt >= LONG_BASE)
		return &rows[opt - LONG_BASE];
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].letter == opt)
			return &rows[i];
	}
	return NULL;
}

static void unknown(const char *word, struct diag *diag)
{
	struct suggest s = suggest_for(str_skip(str_of(word), 2));

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].name)
			suggest_offer(&s, str_of(rows[i].name));
	}
	if (s.best.ptr)
		diag_set(diag, "unknown option %s; did you mean --%s?", word, s.best.ptr);
	else
		diag_set(diag, "unknown option %s, or its argument is missing; --help lists them",
			 word);
}

static bool called_falco(const char *name)
{
	const char *slash = name ? strrchr(name, '/') : NULL;

	return name && !strcmp(slash ? slash + 1 : name, "falco");
}

int args_parse(int argc, char **argv, struct args *ret, struct diag *diag)
{
	struct option longs[ARRAY_SIZE(rows) + 1] = { 0 };
	char shorts[3 * ARRAY_SIZE(rows) + 2] = ":";
	size_t nlong = 0, at = 1;
	struct args a = { .command = "run", .action = ACT_RUN, .as_falco = called_falco(argv[0]) };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int code = rows[i].letter ? rows[i].letter : LONG_BASE + (int)i;

		if (rows[i].name)
			longs[nlong++] = (struct option){ rows[i].name, rows[i].arg, NULL, code };
		if (rows[i].letter) {
			shorts[at++] = (char)rows[i].letter;
			if (rows[i].arg == required_argument)
				shorts[at++] = ':';
		}
	}
	if (argc > 1 && argv[1][0] != '-' && argv[1][0]) {
		a.command = argv[1];
		argc--;
		argv++;
	}
	optind = 0;
	opterr = 0;
	for (;;) {
		int before = optind ? optind : 1;
		int opt = getopt_long(argc, argv, shorts, longs, NULL);

		if (opt == -1)
			break;
		const struct option_row *row = opt == '?' || opt == ':' ? NULL : row_of(opt);
		if (!row) {
			unknown(argv[before < argc ? before : argc - 1], diag);
			args_done(&a);
			return -EINVAL;
		}
		if (apply(&a, row, optarg) < 0) {
			diag_set(diag, "option -%c%s: the value %s is not usable",
				 row->letter ? row->letter : '-', row->letter ? "" : row->name,
				 optarg ? optarg : "");
			args_done(&a);
			return -EINVAL;
		}
	}
	for (int i = optind; i < argc; i++) {
		if (push(&a.rest, argv[i]) < 0) {
			diag_set(diag, "more than %d operands", ARGS_MAX);
			args_done(&a);
			return -EINVAL;
		}
	}
	*ret = a;
	return 0;
}

void args_done(struct args *a)
{
	for (size_t i = 0; i < a->owned.n; i++)
		free((char *)(uintptr_t)a->owned.items[i]);
	a->owned.n = a->warnings.n = a->overrides.n = 0;
}

void args_help(const struct args *args, struct strbuf *out)
{
	if (args->as_falco)
		strbuf_addz(out, "Usage:\n  falco [OPTION...]\n\n");
	else
		strbuf_addz(
			out,
			"usage: tiercel [run] [options]\n"
			"       tiercel check FILE...            check rules files\n"
			"       tiercel test FILE...             run rule tests\n"
			"       tiercel explain CONDITION        what a condition means\n"
			"       tiercel list fields|events|rules|settings\n"
			"       tiercel config dump              the settings in force, and whence each came\n"
			"       tiercel record FILE | replay FILE\n"
			"       tiercel tail [--follow]          show the alerts of a running server\n"
			"       tiercel status                   how a running server is\n"
			"       tiercel certs DIR [NAME...]      make a CA, a server and a client pair\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].effect >= E_REPLAY || !rows[i].text)
			continue;
		char name[40] = "    ";
		if (rows[i].letter)
			snprintf(name, sizeof(name), "-%c%s", rows[i].letter,
				 rows[i].name ? ", " : "");
		strbuf_printf(out, "  %s%s%-*s%s\n", name, rows[i].name ? "--" : "",
			      (int)(24 - strlen(name) - (rows[i].name ? 2 : 0)),
			      rows[i].name ? rows[i].name : "", rows[i].text);
	}
}
