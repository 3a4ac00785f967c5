/* SPDX-License-Identifier: Apache-2.0 */
/* One table of options; each says which of the commands has it. */
#include "client/options.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/strbuf.h"
#include "base/suggest.h"
#include "config/config.h"
#include "rule/ruleset.h"

enum effect { E_FLAG, E_TEXT, E_LIST, E_NUMBER, E_LAST, E_TIME, E_PRIORITY, E_COLOR };

enum { TAIL = 1, STATUS = 2, BOTH = TAIL | STATUS };

struct option_row {
	int letter;
	const char *name; /* NULL: letter only */
	const char *argument;
	int commands;
	enum effect effect;
	size_t offset;
	const char *help;
};

#define AT(member) offsetof(struct client_options, member)

static const struct option_row rows[] = {
	{ 'f', "follow", NULL, TAIL, E_FLAG, AT(follow), "go on with what comes" },
	{ 'n', "last", "N", TAIL, E_LAST, AT(last),
	  "begin with the last N that are kept; 10 if no beginning is given" },
	{ 0, "since", "TIME", TAIL, E_TIME, AT(since_ns),
	  "begin then: an age (90s, 1h30m, 2d) or a date (2026-11-28, 2026-11-28T07:00:00Z)" },
	{ 0, "until", "TIME", TAIL, E_TIME, AT(until_ns), "end then" },
	{ 0, "count", "N", TAIL, E_NUMBER, AT(count), "end after N alerts" },
	{ 'p', "priority", "WORD", TAIL, E_PRIORITY, AT(priority), "this urgent or more" },
	{ 0, "rule", "PATTERN", TAIL, E_LIST, AT(rules), "only of these rules" },
	{ 0, "source", "NAME", TAIL, E_LIST, AT(sources), "only of these sources" },
	{ 0, "tag", "NAME", TAIL, E_LIST, AT(tags), "only with any of these tags" },
	{ 0, "hostname", "PATTERN", TAIL, E_LIST, AT(hostnames), "only of these hosts" },
	{ 0, "field", "NAME=PATTERN", TAIL, E_LIST, AT(fields), "only with these fields" },
	{ 0, "condition", "TEXT", TAIL, E_TEXT, AT(condition),
	  "only those it is true for (fields of the alert, alert.rule, ...)" },
	{ 0, "not-rule", "PATTERN", TAIL, E_LIST, AT(not_rules), "none of these rules" },
	{ 0, "not-tag", "NAME", TAIL, E_LIST, AT(not_tags), "none with these tags" },
	{ 0, "show", "FIELD", TAIL, E_LIST, AT(show), "of the fields, only these" },
	{ 0, "color", "WHEN", TAIL, E_COLOR, AT(color), "auto, always or never" },
	{ 0, "json", NULL, BOTH, E_FLAG, AT(json), "JSON; alerts one a line" },
	{ 'c', NULL, "FILE", BOTH, E_TEXT, AT(config),
	  "the server's configuration, which says where it listens" },
	{ 'o', "option", "KEY=VALUE", BOTH, E_LIST, AT(overrides), "override a setting of it" },
	{ 0, "unix", "PATH", BOTH, E_TEXT, AT(unix_path), "the server's unix socket" },
	{ 0, "address", "HOST:PORT", BOTH, E_TEXT, AT(address), "the server, by mutual TLS" },
	{ 0, "ca", "FILE", BOTH, E_TEXT, AT(ca), "who signed the server's certificate" },
	{ 0, "cert", "FILE", BOTH, E_TEXT, AT(cert), "our certificate; client.crt beside the CA" },
	{ 0, "key", "FILE", BOTH, E_TEXT, AT(key), "and its key; client.key beside the CA" },
	{ 0, "server-name", "NAME", BOTH, E_TEXT, AT(server_name),
	  "the name in the server's certificate, if it is not HOST" },
	{ 'h', "help", NULL, BOTH, E_FLAG, AT(help), "print this help" },
};

enum { LONG_BASE = 1000 };

static bool has(const struct option_row *row, const char *command)
{
	return row->commands & (strcmp(command, "tail") == 0 ? TAIL : STATUS);
}

/* A date, perhaps with a time and a zone; local without one. */
static int parse_date(const char *text, uint64_t *ret)
{
	static const char *const forms[] = { "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S",
					     "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d" };

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		struct tm tm = { .tm_isdst = -1 }, zone = { 0 };
		const char *rest = strptime(text, forms[i], &tm);
		time_t t = -1;

		if (!rest)
			continue;
		if (!*rest)
			t = mktime(&tm);
		else if (strptime(rest, "%z", &zone) && strptime(rest, "%z", &zone)[0] == 0)
			t = timegm(&tm) - zone.tm_gmtoff;
		if (t <= 0)
			continue;
		*ret = (uint64_t)t * NS_PER_SEC;
		return 0;
	}
	return -EINVAL;
}

static int parse_time(const char *text, uint64_t *ret)
{
	uint64_t now = clock_wall_ns(), ms;

	if (config_duration_ms(str_of(text), &ms) < 0)
		return parse_date(text, ret);
	*ret = ms < now / NS_PER_MS ? now - ms * NS_PER_MS : 1;
	return 0;
}

static int parse_color(const char *text, enum client_color *ret)
{
	static const char *const words[] = {
		[COLOR_AUTO] = "auto", [COLOR_ALWAYS] = "always", [COLOR_NEVER] = "never"
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(text, words[i]) == 0) {
			*ret = (enum client_color)i;
			return 0;
		}
	return -EINVAL;
}

static int parse_priority(const char *text, int *ret)
{
	enum priority p;
	int r = priority_parse(str_of(text), &p);

	if (r == 0)
		*ret = (int)p;
	return r;
}

static int push(struct client_list *l, const char *text)
{
	if (l->n == CLIENT_LIST)
		return -E2BIG;
	l->items[l->n++] = text;
	return 0;
}

static int apply(struct client_options *o, const struct option_row *row, const char *value)
{
	char *at = (char *)o + row->offset;

	switch (row->effect) {
	case E_FLAG: *(bool *)at = true; return 0;
	case E_TEXT: *(const char **)(void *)at = value; return 0;
	case E_LIST: return push((struct client_list *)(void *)at, value);
	case E_LAST: o->has_last = true; return str_to_u64(str_of(value), (uint64_t *)(void *)at);
	case E_NUMBER: return str_to_u64(str_of(value), (uint64_t *)(void *)at);
	case E_TIME: return parse_time(value, (uint64_t *)(void *)at);
	case E_PRIORITY: return parse_priority(value, (int *)(void *)at);
	case E_COLOR: return parse_color(value, (enum client_color *)(void *)at);
	}
	return -EINVAL;
}

static const struct option_row *row_of(int code, const char *command)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (has(&rows[i], command) &&
		    (code == LONG_BASE + (int)i || (code < LONG_BASE && rows[i].letter == code)))
			return &rows[i];
	return NULL;
}

static void unknown(const char *command, const char *word, struct diag *diag)
{
	struct suggest s = suggest_for(str_skip(str_of(word), 2));

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].name && has(&rows[i], command))
			suggest_offer(&s, str_of(rows[i].name));
	if (s.best.ptr)
		diag_set(diag, "unknown option %s; did you mean --%s?", word, s.best.ptr);
	else
		diag_set(diag, "unknown option %s, or its argument is missing; --help lists them",
			 word);
}

static int check(const struct client_options *o, struct diag *diag)
{
	if (o->unix_path && o->address)
		diag_set(diag, "--unix and --address exclude each other");
	else if (o->has_last && o->since_ns)
		diag_set(diag, "--last and --since exclude each other");
	for (size_t i = 0; i < o->fields.n; i++)
		if (!strchr(o->fields.items[i], '='))
			diag_set(diag, "--field: expected NAME=PATTERN, not %s",
				 o->fields.items[i]);
	return diag->text[0] ? -EINVAL : 0;
}

int client_options_parse(int argc, char **argv, struct client_options *ret, struct diag *diag)
{
	struct option longs[ARRAY_SIZE(rows) + 1] = { 0 };
	char shorts[2 * ARRAY_SIZE(rows) + 2] = ":";
	size_t nlong = 0, at = 1;
	struct client_options o = { .command = argv[0], .priority = -1 };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int arg = rows[i].argument ? required_argument : no_argument;

		if (!has(&rows[i], o.command))
			continue;
		if (rows[i].name)
			longs[nlong++] = (struct option){ rows[i].name, arg, NULL,
							  LONG_BASE + (int)i };
		if (rows[i].letter) {
			shorts[at++] = (char)rows[i].letter;
			if (rows[i].argument)
				shorts[at++] = ':';
		}
	}
	optind = 0;
	opterr = 0;
	for (;;) {
		int before = optind ? optind : 1;
		int code = getopt_long(argc, argv, shorts, longs, NULL);

		if (code == -1)
			break;
		const struct option_row *row = row_of(code, o.command);
		if (!row) {
			unknown(o.command, argv[before < argc ? before : argc - 1], diag);
			return -EINVAL;
		}
		if (apply(&o, row, optarg) < 0) {
			diag_set(diag, "option %s: the value %s is not usable",
				 argv[before < argc ? before : argc - 1], optarg);
			return -EINVAL;
		}
	}
	if (optind < argc) {
		diag_set(diag, "%s takes no operands: %s", o.command, argv[optind]);
		return -EINVAL;
	}
	if (check(&o, diag) < 0)
		return -EINVAL;
	*ret = o;
	return 0;
}

void client_options_help(const char *command, struct strbuf *out)
{
	strbuf_printf(out, "usage: tiercel %s [options]\n\n", command);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct option_row *row = &rows[i];
		char name[48] = "    ";

		if (!has(row, command))
			continue;
		if (row->letter)
			snprintf(name, sizeof(name), "-%c%s", row->letter, row->name ? ", " : "");
		size_t n = strlen(name);
		snprintf(name + n, sizeof(name) - n, "%s%s %s", row->name ? "--" : "",
			 row->name ? row->name : "", row->argument ? row->argument : "");
		strbuf_printf(out, "  %-26s %s\n", name, row->help);
	}
}
