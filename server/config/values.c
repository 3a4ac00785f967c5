/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How single values are read, and how each kind describes itself to others: one struct setting_kind per kind.
 * Settings with a shape of their own have theirs in lists.c and containers.c. See settings.h.
 */
#include "config/settings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"

#define AT(c, s, type)	 ((type *)((char *)(c)->base + (s)->offset))
#define SEEN(c, s, type) ((const type *)((const char *)(c) + (s)->offset))

int setting_wrong(struct setting_ctx *c, const struct tree *t, const char *expected)
{
	struct str shown = str_cut(t->text, 60);

	if (t->kind == TREE_TEXT)
		return tree_fail(c->report, t, STR_FMT ": expected %s, found \"" STR_FMT "\"",
				 STR_ARG(t->key), expected, STR_ARG(shown));
	return tree_fail(c->report, t, STR_FMT ": expected %s, found %s", STR_ARG(t->key), expected,
			 tree_kind_name(t));
}

int setting_text(struct setting_ctx *c, const struct tree *t, struct str *ret)
{
	if (t->kind != TREE_TEXT && t->kind != TREE_NULL)
		return setting_wrong(c, t, "a text");
	*ret = arena_dup(c->arena, t->text);
	return ret->ptr ? 0 : -ENOMEM;
}

/* A single value counts as a list of one. */
int setting_texts(struct setting_ctx *c, const struct tree *t, struct config_texts *ret)
{
	if (t->kind == TREE_MAP)
		return setting_wrong(c, t, "a list of texts");
	size_t n = t->kind == TREE_TEXT ? 1 : tree_count(t);
	struct str *items = arena_array(c->arena, n ? n : 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	const struct tree *at = t->kind == TREE_TEXT ? t : t->first;
	size_t kept = 0;
	for (; kept < n; at = at->next) {
		if (at->kind != TREE_TEXT)
			return tree_fail(c->report, at,
					 STR_FMT ": expected a list of texts, found %s in it",
					 STR_ARG(t->key), tree_kind_name(at));
		int r = setting_text(c, at, &items[kept++]);
		if (r)
			return r;
	}
	*ret = (struct config_texts){ .items = items, .n = n };
	return 0;
}

int setting_bool(struct setting_ctx *c, const struct tree *t, bool *ret)
{
	static const char *const words[] = { "false", "true", "no", "yes", "off", "on", "n", "y" };

	for (size_t i = 0; t->kind == TREE_TEXT && i < ARRAY_SIZE(words); i++) {
		if (str_ieq(t->text, str_of(words[i]))) {
			*ret = i % 2;
			return 0;
		}
	}
	return setting_wrong(c, t, "true or false");
}

static int set_bool(struct setting_ctx *c, const struct setting *s, const struct tree *t)
{
	return setting_bool(c, t, AT(c, s, bool));
}

static void show_bool(const struct config *c, const struct setting *s, struct json *j)
{
	json_bool(j, *SEEN(c, s, bool));
}

static int set_int(struct setting_ctx *c, const struct setting *s, const struct tree *t)
{
	char expected[96];
	int64_t v;

	snprintf(expected, sizeof(expected), "a whole number from %lld to %lld", (long long)s->min,
		 (long long)s->max);
	if (t->kind != TREE_TEXT || str_to_i64(t->text, &v) < 0 || v < s->min || v > s->max)
		return setting_wrong(c, t, expected);
	*AT(c, s, int) = (int)v;
	return 0;
}

static void show_int(const struct config *c, const struct setting *s, struct json *j)
{
	json_i64(j, *SEEN(c, s, int));
}

static int set_double(struct setting_ctx *c, const struct setting *s, const struct tree *t)
{
	char expected[96];
	double v;

	snprintf(expected, sizeof(expected), "a number from %lld to %lld", (long long)s->min,
		 (long long)s->max);
	if (t->kind != TREE_TEXT || str_to_double(t->text, &v) < 0 || !(v >= (double)s->min) ||
	    !(v <= (double)s->max))
		return setting_wrong(c, t, expected);
	*AT(c, s, double) = v;
	return 0;
}

static void show_double(const struct config *c, const struct setting *s, struct json *j)
{
	json_double(j, *SEEN(c, s, double));
}

static int set_text(struct setting_ctx *c, const struct setting *s, const struct tree *t)
{
	struct str v = { 0 };
	int r = setting_text(c, t, &v);

	if (r == 0)
		*AT(c, s, const char *) = v.ptr;
	return r;
}

static void show_text(const struct config *c, const struct setting *s, struct json *j)
{
	json_text(j, str_of(*SEEN(c, s, char *)));
}

static int set_texts(struct setting_ctx *c, const struct setting *s, const struct tree *t)
{
	return setting_texts(c, t, AT(c, s, struct config_texts));
}

static void show_texts(const struct config *c, const struct setting *s, struct json *j)
{
	const struct config_texts *texts = SEEN(c, s, struct config_texts);

	json_open(j, '[');
	for (size_t i = 0; i < texts->n; i++)
		json_text(j, texts->items[i]);
	json_close(j, ']');
}

static int set_choice(struct setting_ctx *c, const struct setting *s, const struct tree *t)
{
	struct strbuf words = { 0 };

	for (const struct choice *o = s->choices; o->word; o++) {
		if (t->kind == TREE_TEXT && str_ieq(t->text, str_of(o->word))) {
			strbuf_done(&words);
			*AT(c, s, int) = o->value;
			return 0;
		}
		strbuf_printf(&words, "%s%s", o == s->choices ? "one of " : ", ", o->word);
	}
	const char *expected = strbuf_z(&words);
	int r = setting_wrong(c, t, expected ? expected : "another word");
	strbuf_done(&words);
	return r;
}

static void show_choice(const struct config *c, const struct setting *s, struct json *j)
{
	const struct choice *o = s->choices;

	while (o->word && o->value != *SEEN(c, s, int))
		o++;
	json_text(j, str_of(o->word ? o->word : ""));
}

/* Bytes, with K, M or G behind the number. */
static int set_size(struct setting_ctx *c, const struct setting *s, const struct tree *t)
{
	static const char units[] = "KMG";
	struct str digits = t->text;
	const char *unit = digits.len ? strchr(units, digits.ptr[digits.len - 1]) : NULL;
	unsigned shift = unit && *unit ? (unsigned)(unit - units + 1) * 10 : 0;
	uint64_t v = 0;

	if (shift)
		digits.len--;
	bool power = (s->max & 1) == 0; /* rows with an even maximum want a power of two */
	if (t->kind != TREE_TEXT || str_to_u64(digits, &v) < 0 || v > UINT64_C(1) << 33 ||
	    (v << shift) < (uint64_t)s->min || (v << shift) > (uint64_t)s->max ||
	    (power && ((v << shift) & ((v << shift) - 1))))
		return setting_wrong(c, t, "a power of two as a size such as 8M, within its range");
	*AT(c, s, uint64_t) = v << shift;
	return 0;
}

static void show_size(const struct config *c, const struct setting *s, struct json *j)
{
	json_u64(j, *SEEN(c, s, uint64_t));
}

/* Literal addresses only, so that nothing is looked up in the network. */
static int set_address(struct setting_ctx *c, const struct setting *s, const struct tree *t)
{
	unsigned char any[16];

	if (t->kind != TREE_TEXT || (inet_pton(AF_INET, t->text.ptr, any) != 1 &&
				     inet_pton(AF_INET6, t->text.ptr, any) != 1))
		return setting_wrong(c, t, "an IP address");
	return set_text(c, s, t);
}

static int set_scope(struct setting_ctx *c, const struct setting *s, const struct tree *t)
{
	int64_t pid = 0;

	c->config->tiercel.scope_cgroup = "";
	if (t->kind == TREE_TEXT && str_eqz(t->text, "none")) {
		c->config->tiercel.scope = CONFIG_SCOPE_NONE;
	} else if (t->kind == TREE_TEXT && str_starts(t->text, STR("pid:")) &&
		   str_to_i64(str_skip(t->text, 4), &pid) == 0 && pid > 0 && pid <= INT32_MAX) {
		c->config->tiercel.scope = CONFIG_SCOPE_PID;
	} else if (t->kind == TREE_TEXT && str_starts(t->text, STR("cgroup:/"))) {
		struct str path = arena_dup(c->arena, str_skip(t->text, strlen("cgroup:")));
		if (!path.ptr)
			return -ENOMEM;
		c->config->tiercel.scope = CONFIG_SCOPE_CGROUP;
		c->config->tiercel.scope_cgroup = path.ptr;
	} else {
		return setting_wrong(c, t, "none, pid:NUMBER or cgroup:/PATH");
	}
	c->config->tiercel.scope_pid = (int)pid;
	return 0;
}

static int set_duration(struct setting_ctx *c, const struct setting *s, const struct tree *t)
{
	uint64_t ms = 0;

	if (t->kind != TREE_TEXT ||
	    (!str_eqz(t->text, "0") && config_duration_ms(t->text, &ms) < 0))
		return setting_wrong(c, t, "a duration such as 12h or 7d, or 0");
	*AT(c, s, uint64_t) = ms;
	return 0;
}

/* One pair of quotes around the whole is dropped (falco-compat.md 1.4). */
static int set_url(struct setting_ctx *c, const struct setting *s, const struct tree *t)
{
	struct tree inner = *t;
	char q = t->text.len >= 2 ? t->text.ptr[0] : 0;

	if ((q == '"' || q == '\'') && t->text.ptr[t->text.len - 1] == q)
		inner.text = (struct str){ t->text.ptr + 1, t->text.len - 2 };
	return set_text(c, s, &inner);
}

static int set_nothing(struct setting_ctx *c, const struct setting *s, const struct tree *t)
{
	return 0;
}

const struct choice setting_priorities[] = {
	{ "emergency", 0 }, { "alert", 1 },  { "critical", 2 }, { "error", 3 },
	{ "warning", 4 },   { "notice", 5 }, { "info", 6 },	{ "informational", 6 },
	{ "debug", 7 },	    { NULL },
};

int config_priority(struct str word, int *ret)
{
	for (const struct choice *o = setting_priorities; o->word; o++) {
		if (str_ieq(word, str_of(o->word))) {
			*ret = o->value;
			return 0;
		}
	}
	return -EINVAL;
}

const struct setting_kind
	setting_flag_kind = { "true or false", set_bool, "\"type\":\"boolean\"", show_bool },
	setting_int_kind = { "whole number", set_int, "\"type\":\"integer\"", show_int },
	setting_double_kind = { "number", set_double, "\"type\":\"number\"", show_double },
	setting_text_kind = { "text", set_text, "\"type\":[\"string\",\"null\"]", show_text },
	setting_texts_kind = { "list of texts", set_texts,
			       "\"type\":[\"array\",\"string\",\"null\"],"
			       "\"items\":{\"type\":[\"string\",\"number\",\"boolean\"]}",
			       show_texts },
	setting_choice_kind = { "word", set_choice, NULL, show_choice },
	setting_size_kind = { "size", set_size,
			      "\"type\":[\"string\",\"integer\"],\"pattern\":\"^[0-9]+[KMG]?$\"",
			      show_size },
	setting_duration_kind = { "duration", set_duration,
				  "\"type\":[\"string\",\"integer\"],"
				  "\"pattern\":\"^([0-9]+(ms|[smhdwy]))+$|^0$\"" },
	setting_address_kind = { "IP address", set_address, "\"type\":\"string\"", show_text },
	setting_url_kind = { "URL", set_url, "\"type\":\"string\"", show_text },
	setting_scope_kind = { "none, pid:N or cgroup:/PATH", set_scope,
			       "\"type\":\"string\","
			       "\"pattern\":\"^(none|pid:[0-9]+|cgroup:/.*)$\"" },
	setting_elsewhere_kind = { "list of files", set_nothing,
				   "\"type\":[\"array\",\"string\",\"null\"],\"items\":"
				   "{\"type\":[\"string\",\"object\"],\"properties\":{\"path\":"
				   "{\"type\":\"string\"},\"strategy\":{\"enum\":"
				   "[\"append\",\"override\",\"add-only\"]}}}" },
	setting_gone_kind = { "anything", set_nothing, "" };
