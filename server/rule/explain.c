/* SPDX-License-Identifier: Apache-2.0 */
/* The same compiler as for rules, but the limit of depth is that of conditions standing alone. */
#include "rule/explain.h"

#include <errno.h>

#include "base/limits.h"
#include "filter/format.h"
#include "filter/parser.h"
#include "rule/eventnames.h"

struct explained {
	struct strbuf canonical;
	struct texts fields, operators, events;
	bool has_events;
};

static int undefined_macro(struct ast *node, void *ctx)
{
	struct diag *diag = ctx;

	diag_set(diag, "`%.*s` is no field with a comparison, and no macros are loaded here",
		 STR_ARG(node->text));
	diag->offset = node->pos;
	return FILTER_E_INVALID;
}

static int look_up(const struct catalogue *c, struct ast *tree, struct arena *a,
		   struct explained *x, struct diag *diag)
{
	struct filter_warnings warnings = { 0 };
	struct program *p = program_new(c);
	struct cond *cond;
	int rc = p ? ast_macros(tree, undefined_macro, diag) : -ENOMEM;

	if (rc == 0)
		rc = filter_compile(p, tree, &cond, &warnings, diag);
	if (rc == 0)
		rc = event_names(c, tree, false, a, &x->events, diag);
	x->has_events = rc == 0;
	program_free(p);
	return rc;
}

static int explain_tree(const struct catalogue *c, struct str text, bool syntax_only,
			struct arena *a, struct explained *x, struct diag *diag)
{
	struct ast *tree;
	int rc = parse_condition(text, LIMIT_CONDITION_DEPTH, a, &tree, diag);

	if (rc == 0 && !syntax_only)
		rc = look_up(c, tree, a, x, diag);
	if (rc != 0)
		return rc;
	ast_print(tree, &x->canonical);
	return tree_fields(tree, a, &x->fields, &x->operators);
}

/* Syntax alone: after every % something that reads like a field or transformer. */
static int format_syntax(struct str text, struct arena *a, struct explained *x, struct diag *diag)
{
	strbuf_add(&x->canonical, text);
	for (size_t i = 0; i < text.len; i++) {
		struct expr *e = NULL;
		struct str key;
		size_t n, at = i + 1;

		if (text.ptr[i] != '%')
			continue;
		while (at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9')
			at++;
		n = parse_output_expr(str_skip(text, at), a, &e);
		if (!n) {
			diag_set(diag, "a field or transformer was expected behind `%%`");
			diag->offset = (uint32_t)i;
			return FILTER_E_INVALID;
		}
		key = arena_dup(a, (struct str){ text.ptr + at, n });
		if (!key.ptr || (e->kind == EXPR_FIELD && texts_push(a, &x->fields, key) < 0))
			return -ENOMEM;
		i = at + n - 1;
	}
	texts_sort(&x->fields);
	return 0;
}

static int explain_format(const struct catalogue *c, struct str text, struct arena *a,
			  struct explained *x, struct diag *diag)
{
	struct program *p = program_new(c);
	struct format *format;
	int rc = p ? format_compile(p, text, &format, diag) : -ENOMEM;

	if (rc == 0) {
		size_t n;
		const struct format_field *f = format_fields(format, &n);

		strbuf_add(&x->canonical, format_text(format));
		for (size_t i = 0; rc == 0 && i < n; i++) {
			struct str key = arena_dup(a, f[i].key);

			rc = key.ptr ? texts_push(a, &x->fields, key) : -ENOMEM;
		}
		texts_sort(&x->fields);
	}
	program_free(p);
	return rc;
}

static void explained_json(const struct explained *x, struct strbuf *out)
{
	struct json j = json_to(out);

	json_open(&j, '{');
	json_key(&j, STR("valid"));
	json_bool(&j, true);
	json_key_text(&j, "canonical", strbuf_str(&x->canonical));
	json_key(&j, STR("fields"));
	texts_json(&x->fields, &j);
	json_key(&j, STR("operators"));
	texts_json(&x->operators, &j);
	json_key(&j, STR("events"));
	texts_json(&x->events, &j);
	json_close(&j, '}');
	strbuf_addc(out, '\n');
}

static void line(const char *label, const struct texts *t, struct strbuf *out)
{
	strbuf_addz(out, label);
	for (size_t i = 0; i < t->n; i++) {
		strbuf_addz(out, i ? ", " : " ");
		strbuf_add(out, t->items[i]);
	}
	strbuf_addc(out, '\n');
}

static void explained_text(const struct explained *x, struct strbuf *out)
{
	strbuf_addz(out, "canonical: ");
	strbuf_add(out, strbuf_str(&x->canonical));
	strbuf_addc(out, '\n');
	line("fields:", &x->fields, out);
	line("operators:", &x->operators, out);
	if (x->has_events)
		line("events:", &x->events, out);
}

static void fault_json(const struct diag *diag, struct strbuf *out)
{
	struct json j = json_to(out);

	json_open(&j, '{');
	json_key(&j, STR("valid"));
	json_bool(&j, false);
	json_key(&j, STR("error"));
	json_open(&j, '{');
	json_key_text(&j, "message", str_of(diag->text));
	json_key(&j, STR("line"));
	json_u64(&j, diag->line);
	json_key(&j, STR("column"));
	json_u64(&j, diag->column);
	json_close(&j, '}');
	json_close(&j, '}');
	strbuf_addc(out, '\n');
}

static void fault_text(struct str text, const struct diag *diag, struct strbuf *out)
{
	size_t at = diag->offset < text.len ? diag->offset : text.len, begin = at, end = at;

	while (begin && text.ptr[begin - 1] != '\n')
		begin--;
	while (end < text.len && text.ptr[end] != '\n')
		end++;
	strbuf_printf(out, "%u:%u: %s\n", diag->line, diag->column, diag->text);
	strbuf_addz(out, "    ");
	strbuf_add(out, (struct str){ text.ptr + begin, end - begin });
	strbuf_addz(out, "\n    ");
	for (size_t i = begin; i < at; i++)
		strbuf_addc(out, text.ptr[i] == '\t' ? '\t' : ' ');
	strbuf_addz(out, "^\n");
}

int explain_condition(const struct catalogue *c, struct str text, bool json, bool syntax_only,
		      bool output_format, struct strbuf *out)
{
	struct explained x = { 0 };
	struct diag diag = { 0 };
	struct arena a = { 0 };
	int rc;

	if (!output_format)
		rc = explain_tree(c, text, syntax_only, &a, &x, &diag);
	else if (syntax_only)
		rc = format_syntax(text, &a, &x, &diag);
	else
		rc = explain_format(c, text, &a, &x, &diag);
	if (rc < 0 && rc != -EINVAL)
		diag_set(&diag, "out of memory");
	diag_place(&diag, text, diag.offset);
	if (rc == 0 && json)
		explained_json(&x, out);
	else if (rc == 0)
		explained_text(&x, out);
	else if (json)
		fault_json(&diag, out);
	else
		fault_text(text, &diag, out);
	strbuf_done(&x.canonical);
	arena_done(&a);
	return rc == 0 ? 0 : 1;
}
