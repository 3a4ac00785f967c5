/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptions of the settings, all of them made from their rows; see describe.h. */
#include "config/describe.h"

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/json.h"
#include "config/settings.h"

/* What a schema can show as it stands; anything else is a text. */
static bool is_literal(const struct setting *s)
{
	return s->kind == &setting_flag_kind || s->kind == &setting_int_kind ||
	       s->kind == &setting_double_kind || s->fallback[0] == '[';
}

static void schema_choices(const struct setting *s, struct json *j)
{
	json_key(j, STR("enum"));
	json_open(j, '[');
	for (const struct choice *o = s->choices; o->word; o++)
		json_text(j, str_of(o->word));
	json_close(j, ']');
}

static void schema_value(const struct setting *s, struct json *j)
{
	json_open(j, '{');
	json_key_text(j, "description", str_of(s->about));
	if (s->kind->schema && s->kind->schema[0])
		json_raw(j, str_of(s->kind->schema));
	if (s->choices)
		schema_choices(s, j);
	if (s->kind == &setting_int_kind || s->kind == &setting_double_kind) {
		json_key(j, STR("minimum"));
		json_i64(j, s->min);
		json_key(j, STR("maximum"));
		json_i64(j, s->max);
	}
	if (s->fallback) {
		json_key(j, STR("default"));
		if (is_literal(s))
			json_raw(j, str_of(s->fallback));
		else
			json_text(j, str_of(s->fallback));
	}
	json_close(j, '}');
}

/* Has an earlier row the same beginning? Then it is written already. */
static bool seen_before(size_t row, struct str beginning)
{
	for (size_t i = 0; i < row; i++) {
		struct str path = str_of(settings_rows[i].path);

		if (str_starts(path, beginning) &&
		    (path.len == beginning.len || path.ptr[beginning.len] == '.'))
			return true;
	}
	return false;
}

static void schema_section(struct str prefix, struct json *j);

/* The depth is that of the table's paths. */
static void schema_members(struct str prefix, struct json *j)
{
	json_key_text(j, "type", STR("object"));
	json_key(j, STR("additionalProperties"));
	json_bool(j, false);
	json_key(j, STR("properties"));
	json_open(j, '{');
	for (size_t i = 0; i < settings_nrows; i++) {
		struct str path = str_of(settings_rows[i].path);
		struct str part = str_skip(path, prefix.len);
		size_t end = str_chr(part, '.');
		struct str upto = str_cut(path, prefix.len + end);

		if (!str_starts(path, prefix) || seen_before(i, upto))
			continue;
		json_key(j, str_cut(part, end));
		if (end == part.len || str_eqz(str_skip(part, end), ".*"))
			schema_value(&settings_rows[i], j);
		else
			schema_section(str_cut(path, upto.len + 1), j);
	}
	json_close(j, '}');
}

static void schema_section(struct str prefix, struct json *j)
{
	json_open(j, '{');
	schema_members(prefix, j);
	json_close(j, '}');
}

void settings_schema(struct strbuf *out)
{
	struct json j = json_to(out);

	json_open(&j, '{');
	json_key_text(&j, "$schema", STR("http://json-schema.org/draft-06/schema#"));
	json_key_text(&j, "title", STR("Configuration of Tiercel"));
	schema_members((struct str){ 0 }, &j);
	json_close(&j, '}');
	strbuf_addc(out, '\n');
}

static void list_values(const struct setting *s, struct strbuf *out)
{
	if (s->choices) {
		for (const struct choice *o = s->choices; o->word; o++)
			strbuf_printf(out, "%s%s", o == s->choices ? "" : ", ", o->word);
		return;
	}
	strbuf_addz(out, s->kind->name);
	if (s->kind == &setting_int_kind || s->kind == &setting_double_kind)
		strbuf_printf(out, ", %lld to %lld", (long long)s->min, (long long)s->max);
}

static void list_meaning(const struct setting *s, struct strbuf *out)
{
	strbuf_addz(out, s->about);
	if (s->idle)
		strbuf_printf(out, " Without effect here: %s.", s->idle);
	if (s->fixed)
		strbuf_addz(out, " Counts from the next start on.");
}

static void list_text(struct strbuf *out)
{
	for (size_t i = 0; i < settings_nrows; i++) {
		const struct setting *s = &settings_rows[i];

		strbuf_printf(out, "%s: %s\n    (", s->path, s->fallback ? s->fallback : "");
		list_values(s, out);
		strbuf_addz(out, ") ");
		list_meaning(s, out);
		strbuf_addc(out, '\n');
	}
}

static void list_old(struct strbuf *out)
{
	strbuf_addz(out, "\n## Keys of older versions\n\n"
			 "They are understood, with one warning each.\n\n"
			 "Key | Now\n:---|:---\n");
	for (size_t i = 0; i < settings_nrows; i++) {
		const struct setting *s = &settings_rows[i];

		if (s->instead && s->instead[0])
			strbuf_printf(out, "`%s` | `%s`\n", s->path, s->instead);
		else if (s->instead)
			strbuf_printf(out, "`%s` | without effect\n", s->path);
	}
}

static void list_markdown(struct strbuf *out)
{
	strbuf_addz(out, "## All keys\n\nMade by `tiercel list settings --markdown`.\n\n"
			 "Key | Values | Default | Meaning\n:---|:---|:---|:---\n");
	for (size_t i = 0; i < settings_nrows; i++) {
		const struct setting *s = &settings_rows[i];

		if (s->instead)
			continue;
		strbuf_printf(out, "`%s` | ", s->path);
		list_values(s, out);
		if (s->fallback && s->fallback[0])
			strbuf_printf(out, " | `%s` | ", s->fallback);
		else
			strbuf_addz(out, " | | ");
		list_meaning(s, out);
		strbuf_addc(out, '\n');
	}
	list_old(out);
}

void settings_list(bool markdown, struct strbuf *out)
{
	if (markdown)
		list_markdown(out);
	else
		list_text(out);
}

static void dump_value(const struct config *c, const struct setting *s, const struct tree *at,
		       struct json *j)
{
	if (s->kind->show)
		s->kind->show(c, s, j);
	else if (at)
		tree_json(at, j);
	else if (s->fallback && s->fallback[0] == '[')
		json_raw(j, str_of(s->fallback));
	else if (s->fallback)
		json_text(j, str_of(s->fallback));
	else
		json_null(j);
}

static void dump_origin(const struct tree *at, struct strbuf *out)
{
	if (!at) {
		strbuf_addz(out, "default");
		return;
	}
	json_escape(out, str_of(at->file)); /* an option's text may have line ends */
	if (at->line)
		strbuf_printf(out, ":%u:%u", at->line, at->column);
}

static void dump_json(const struct config *c, const struct tree *root, struct strbuf *out)
{
	_cleanup_(strbuf_done) struct strbuf from = { 0 };
	struct json j = json_to(out);

	json_open(&j, '[');
	for (size_t i = 0; i < settings_nrows; i++) {
		const struct setting *s = &settings_rows[i];
		const struct tree *at = setting_origin(root, s);

		if (s->instead)
			continue;
		strbuf_clear(&from);
		dump_origin(at, &from);
		json_open(&j, '{');
		json_key_text(&j, "from", strbuf_str(&from));
		json_key_text(&j, "key", str_of(s->path));
		json_key(&j, STR("value"));
		dump_value(c, s, at, &j);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	strbuf_addc(out, '\n');
}

/* What two paths have in common, in whole parts with their dots. */
static size_t shared_parts(struct str a, struct str b)
{
	size_t shared = 0;

	for (size_t i = 0; i < a.len && i < b.len && a.ptr[i] == b.ptr[i]; i++) {
		if (a.ptr[i] == '.')
			shared = i + 1;
	}
	return shared;
}

/* Sections that begin with this row, then its key. */
static void dump_key(struct str path, struct str before, struct strbuf *out)
{
	size_t shared = shared_parts(path, before), depth = 0;
	struct str part, rest = path;

	while (str_split(&rest, '.', &part)) {
		size_t at = (size_t)(part.ptr - path.ptr);
		bool last = at + part.len == path.len;

		if (at >= shared)
			strbuf_printf(out, "%*s" STR_FMT ":%s", (int)depth * 2, "", STR_ARG(part),
				      last ? " " : "\n");
		depth++;
	}
}

static void dump_yaml(const struct config *c, const struct tree *root, struct strbuf *out)
{
	_cleanup_(strbuf_done) struct strbuf value = { 0 };
	struct str before = { 0 };

	for (size_t i = 0; i < settings_nrows; i++) {
		const struct setting *s = &settings_rows[i];
		const struct tree *at = setting_origin(root, s);
		struct str path = str_of(s->path);
		struct json j = json_to(&value);

		if (s->instead)
			continue;
		if (str_ends(path, STR(".*")))
			path.len -= 2;
		strbuf_clear(&value);
		dump_value(c, s, at, &j);
		dump_key(path, before, out);
		strbuf_add(out, strbuf_str(&value));
		strbuf_addz(out, "  # ");
		dump_origin(at, out);
		strbuf_addc(out, '\n');
		before = path;
	}
}

const uint64_t *settings_marks(struct setting_ctx *c)
{
	_cleanup_(strbuf_done) struct strbuf value = { 0 };
	uint64_t *marks = arena_array(c->arena, settings_nrows, sizeof(*marks));

	for (size_t i = 0; marks && i < settings_nrows; i++) {
		const struct setting *s = &settings_rows[i];
		struct json j = json_to(&value);

		strbuf_clear(&value);
		if (s->fixed)
			dump_value(c->config, s, setting_origin(c->root, s), &j);
		if (strbuf_check(&value) < 0)
			return NULL;
		marks[i] = hash_str(strbuf_str(&value));
	}
	return marks;
}

void config_changes(const struct config *from, const struct config *to, struct strbuf *out)
{
	for (size_t i = 0; i < settings_nrows; i++) {
		if (from->marks[i] == to->marks[i])
			continue;
		strbuf_addz(out, out->len ? ", " : "");
		strbuf_addz(out, settings_rows[i].path);
	}
}

void settings_dump(const struct config *c, const struct tree *root, bool as_json,
		   struct strbuf *out)
{
	if (as_json)
		dump_json(c, root, out);
	else
		dump_yaml(c, root, out);
}
