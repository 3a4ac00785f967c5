/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Issues are kept in the order in which they were found. A place is a chain to its file, so an item's place
 * can be made once when it is read and used whenever something is found about it later.
 */
#include "rule/result.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/diag.h"

enum { SNIPPET_WIDTH = 160, NAME_WIDTH = 17 };

const struct place *place_file(struct arena *a, const struct source_file *f)
{
	struct place *p = arena_new(a, struct place);

	if (!p)
		return NULL;
	p->file = f;
	p->type = "rules content";
	return p;
}

const struct place *place_in(struct arena *a, const struct place *parent, const char *type,
			     struct str name, uint32_t line, uint32_t column, uint32_t offset)
{
	struct place *p = arena_new(a, struct place);

	if (!p)
		return parent;
	*p = (struct place){ .parent = parent,
			     .file = parent->file,
			     .type = type,
			     .name = name,
			     .line = line,
			     .column = column,
			     .offset = offset };
	return p;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/*
 * Folding and indenting change only blanks, so the n-th byte that is not blank of a condition is the n-th one
 * of its source, unless lists or exceptions changed the text on the way: then the bytes differ and the
 * exact place stays unknown.
 */
static void place_exactly(struct place *p, const struct place *written)
{
	struct str src = str_skip(written->file->content, written->offset), text = p->text;
	uint32_t line = written->line + 1, column = written->column + 1;
	size_t i = 0, at = 0;

	if (src.len && (src.ptr[0] == '>' || src.ptr[0] == '|'))
		while (i < src.len && src.ptr[i] != '\n')
			i++;
	else if (src.len && (src.ptr[0] == '"' || src.ptr[0] == '\''))
		i++;
	if (i && i < src.len && src.ptr[i] != '\n')
		column++;
	for (; i < src.len; i++) {
		while (at < text.len && at < p->text_at && is_blank(text.ptr[at]))
			at++;
		if (!is_blank(src.ptr[i])) {
			if (at >= p->text_at || at >= text.len) {
				p->exact_line = line;
				p->exact_column = column;
				return;
			}
			if (text.ptr[at] != src.ptr[i])
				return;
			at++;
		}
		column++;
		if (src.ptr[i] == '\n') {
			line++;
			column = 1;
		}
	}
}

const struct place *place_text(struct arena *a, const struct place *parent,
			       const struct place *written, struct str text, size_t at, bool whole)
{
	struct diag d = { 0 };
	struct place *p = arena_new(a, struct place);

	if (p)
		text = arena_dup(a, text);
	if (!p || !text.ptr)
		return parent;
	diag_place(&d, text, at);
	*p = (struct place){ .parent = parent,
			     .file = parent->file,
			     .type = "condition expression",
			     .text = text,
			     .text_at = (uint32_t)at,
			     .line = parent->line + (whole ? 0 : d.line),
			     .column = parent->column + (whole ? 0 : d.column),
			     .offset = parent->offset + (whole ? 0 : d.offset) };
	if (written->offset <= written->file->content.len)
		place_exactly(p, written);
	return p;
}

int result_add(struct result *r, enum load_code code, const struct place *place, const char *fmt,
	       ...)
{
	bool error = load_code_info(code)->error;
	struct issue *i = arena_new(r->arena, struct issue);
	struct issue **last = error ? &r->last_error : &r->last_warning;
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (error)
		r->failed = true;
	if (!i) {
		r->nomem = true;
		return error ? -EINVAL : 0;
	}
	*i = (struct issue){ .code = code,
			     .place = place,
			     .message = arena_dup(r->arena, str_of(text)) };
	if (*last)
		(*last)->next = i;
	else if (error)
		r->errors = i;
	else
		r->warnings = i;
	*last = i;
	if (error)
		r->nerrors++;
	else
		r->nwarnings++;
	return error ? -EINVAL : 0;
}

void result_deprecated(struct result *r, struct str field)
{
	if (r->last_warning)
		r->last_warning->deprecated_field = arena_dup(r->arena, field);
}

static void spaces(struct strbuf *out, size_t n)
{
	while (n--)
		strbuf_addc(out, ' ');
}

/* What a terminal can show of it, as what is wrong may be just that: U+FFFD for anything else. */
static void add_visible(struct str text, struct strbuf *out)
{
	while (text.len) {
		unsigned n = utf8_sequence(text);
		unsigned char c = (unsigned char)text.ptr[0];

		if (n == 0 || (c < ' ' && c != '\t' && c != '\n') || c == 0x7f) {
			n = 1;
			strbuf_addz(out, "\xef\xbf\xbd");
		} else {
			strbuf_add(out, (struct str){ text.ptr, n });
		}
		text = str_skip(text, n);
	}
}

/* As wide as that is: a blank for each character. */
static void add_blanks(struct str text, struct strbuf *out)
{
	while (text.len) {
		unsigned n = utf8_sequence(text);

		strbuf_addc(out, text.ptr[0] == '\t' ? '\t' : ' ');
		text = str_skip(text, n ? n : 1);
	}
}

/* The line around byte `at` and a caret under it. */
static void snippet(struct str text, size_t at, struct strbuf *out)
{
	size_t begin, end;

	if (at > text.len)
		at = text.len;
	for (begin = at; begin && text.ptr[begin - 1] != '\n'; begin--)
		;
	for (end = at; end < text.len && text.ptr[end] != '\n' && text.ptr[end] != '\r'; end++)
		;
	if (at - begin > SNIPPET_WIDTH / 2)
		begin = at - SNIPPET_WIDTH / 2;
	if (end - begin > SNIPPET_WIDTH)
		end = begin + SNIPPET_WIDTH;
	add_visible((struct str){ text.ptr + begin, end - begin }, out);
	strbuf_addc(out, '\n');
	add_blanks((struct str){ text.ptr + begin, at - begin }, out);
	strbuf_addz(out, "^\n");
}

static void place_snippet(const struct place *p, struct strbuf *out)
{
	if (p->text.ptr)
		snippet(p->text, p->text_at, out);
	else
		snippet(p->file->content, p->offset, out);
}

/* The innermost place whose position in the file is known, counted from 1. */
static void place_position(const struct place *p, uint32_t *line, uint32_t *column)
{
	if (p->text.ptr && p->exact_line) {
		*line = p->exact_line;
		*column = p->exact_column;
		return;
	}
	while (p->text.ptr && p->parent)
		p = p->parent;
	*line = p->line + 1;
	*column = p->column + 1;
}

void issue_print(const struct issue *i, struct strbuf *out)
{
	uint32_t line, column;

	place_position(i->place, &line, &column);
	strbuf_add(out, i->place->file->name);
	strbuf_printf(out, ":%u:%u: ", line, column);
	add_visible(i->message, out);
}

static void place_chain(const struct place *p, struct strbuf *out)
{
	if (!p->parent)
		return;
	place_chain(p->parent, out); /* places nest no deeper than the item kinds: about six */
	strbuf_addz(out, p->parent->parent ? ", " : "");
	strbuf_addz(out, p->type);
	if (p->name.len) {
		strbuf_addz(out, " \"");
		strbuf_add(out, p->name);
		strbuf_addc(out, '"');
	}
}

static void indented(struct str text, struct strbuf *out)
{
	struct str line;

	while (str_split(&text, '\n', &line)) {
		if (!line.len && !text.len)
			break;
		spaces(out, 4);
		strbuf_add(out, line);
		strbuf_addc(out, '\n');
	}
}

static void print_issues(const struct issue *i, struct strbuf *out)
{
	struct strbuf text = { 0 };

	for (; i; i = i->next) {
		strbuf_clear(&text);
		place_snippet(i->place, &text);
		issue_print(i, out);
		strbuf_printf(out, " [%s]\n", load_code_info(i->code)->name);
		if (i->place->parent) {
			strbuf_addz(out, "  in ");
			place_chain(i->place, out);
			strbuf_addc(out, '\n');
		}
		indented(strbuf_str(&text), out);
	}
	strbuf_done(&text);
}

void result_print(const struct result *r, bool verbose, struct strbuf *out)
{
	strbuf_add(out, r->file->name);
	if (!r->failed) {
		strbuf_addz(out, r->nwarnings ? ": Ok, with warnings\n" : ": Ok\n");
	} else {
		strbuf_addz(out, ": Invalid\n");
		strbuf_printf(out, "%zu error%s, %zu warning%s\n", r->nerrors,
			      r->nerrors == 1 ? "" : "s", r->nwarnings,
			      r->nwarnings == 1 ? "" : "s");
		print_issues(r->errors, out);
	}
	if (verbose || r->failed)
		print_issues(r->warnings, out);
}

static void position_json(const struct place *p, struct json *j)
{
	struct strbuf name = { 0 };

	if (p->text.ptr) {
		strbuf_addc(&name, '"');
		strbuf_add(&name, str_cut(p->text, NAME_WIDTH));
		strbuf_addz(&name, p->text.len > NAME_WIDTH ? "...\"" : "\"");
	} else {
		strbuf_add(&name, p->file->name);
	}
	json_key(j, STR("position"));
	json_open(j, '{');
	json_key(j, STR("column"));
	json_u64(j, p->column);
	json_key_text(j, "name", strbuf_str(&name));
	json_key(j, STR("line"));
	json_u64(j, p->line);
	json_key(j, STR("offset"));
	json_u64(j, p->offset);
	json_close(j, '}');
	strbuf_done(&name);
}

static void locations_json(const struct place *p, struct json *j)
{
	if (p->parent)
		locations_json(p->parent, j);
	json_open(j, '{');
	json_key_text(j, "item_name", p->name);
	json_key_text(j, "item_type", str_of(p->type));
	position_json(p, j);
	json_close(j, '}');
}

static void issues_json(const char *key, const struct issue *i, struct json *j)
{
	struct strbuf text = { 0 };

	json_key(j, str_of(key));
	json_open(j, '[');
	for (; i; i = i->next) {
		const struct load_code_info *info = load_code_info(i->code);

		strbuf_clear(&text);
		place_snippet(i->place, &text);
		json_open(j, '{');
		json_key_text(j, "code", str_of(info->name));
		json_key_text(j, "codedesc", str_of(info->error ? info->title : info->desc));
		json_key(j, STR("context"));
		json_open(j, '{');
		json_key(j, STR("locations"));
		json_open(j, '[');
		locations_json(i->place, j);
		json_close(j, ']');
		json_key_text(j, "snippet", strbuf_str(&text));
		json_close(j, '}');
		if (i->deprecated_field.len)
			json_key_text(j, "deprecated_field", i->deprecated_field);
		json_key_text(j, "message", i->message);
		json_close(j, '}');
	}
	json_close(j, ']');
	strbuf_done(&text);
}

void result_json(const struct result *r, struct json *j)
{
	json_open(j, '{');
	issues_json("errors", r->errors, j);
	json_key_text(j, "name", r->file->name);
	json_key(j, STR("schema_valid"));
	json_bool(j, r->schema == SCHEMA_OK);
	json_key(j, STR("schema_warnings"));
	json_open(j, '[');
	if (r->schema == SCHEMA_FAILED)
		json_text(j, r->schema_text);
	json_close(j, ']');
	json_key(j, STR("successful"));
	json_bool(j, !r->failed);
	issues_json("warnings", r->warnings, j);
	json_close(j, '}');
}
