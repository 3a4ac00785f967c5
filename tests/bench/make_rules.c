/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many rules like given ones, as a rules file on stdout: each copy of a rule watches other names. Its texts
 * about files, processes and ports get the number of the copy; what a rule excludes stays as it is, as many
 * rules of one policy share their exceptions. Lists and macros are put in first.
 *	make-rules N RULES...
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "fields/catalogue.h"
#include "rule/load_impl.h"

struct maker {
	struct strbuf out;
	unsigned copy;
};

/* Only values that are some name of the user's: kinds, flags, numbers and the host's are fixed. */
static bool is_name(const struct expr *field)
{
	static const char *const fields[] = {
		"fd.name",	   "fd.nameraw",       "fd.directory",
		"fd.filename",	   "proc.name",	       "proc.pname",
		"proc.cmdline",	   "proc.pcmdline",    "proc.exe",
		"proc.exepath",	   "proc.args",	       "proc.aname",
		"proc.pexe",	   "evt.arg.name",     "evt.arg.path",
		"evt.arg.target",  "evt.arg.linkpath", "evt.arg.oldpath",
		"evt.arg.newpath", "fs.path.name",     "container.image.repository",
		"k8s.ns.name",
	};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (field->kind == EXPR_FIELD && str_eqz(field->text, fields[i]))
			return true;
	return false;
}

static bool is_bare(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!memchr("/_.-+", s.ptr[i], 5) &&
		    !((s.ptr[i] | 32) >= 'a' && (s.ptr[i] | 32) <= 'z') &&
		    !(s.ptr[i] >= '0' && s.ptr[i] <= '9'))
			return false;
	return s.len > 0;
}

static void print_text(struct maker *m, struct str s)
{
	if (is_bare(s)) {
		strbuf_add(&m->out, s);
		return;
	}
	strbuf_addc(&m->out, '"');
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (c == '"' || c == '\\' || c < 0x20)
			strbuf_printf(&m->out, "\\x%02x", c);
		else
			strbuf_addc(&m->out, (char)c);
	}
	strbuf_addc(&m->out, '"');
}

static void print_value(struct maker *m, const struct ast *check, const struct expr *e, bool fixed)
{
	struct str old = e->text;
	char text[512];

	if (fixed || str_eqz(check->op, "!=") || !is_name(check->left) || old.len > 400 ||
	    !old.len) {
		print_text(m, old);
		return;
	}
	if (str_eqz(check->op, "endswith"))
		snprintf(text, sizeof(text), "%u" STR_FMT, m->copy, STR_ARG(old));
	else
		snprintf(text, sizeof(text), STR_FMT "%u", STR_ARG(old), m->copy);
	print_text(m, str_of(text));
}

static void print_right(struct maker *m, const struct ast *t, bool fixed)
{
	if (t->right->kind == EXPR_VALUE) {
		print_value(m, t, t->right, fixed);
		return;
	}
	if (t->right->kind != EXPR_LIST) {
		expr_print(t->right, &m->out);
		return;
	}
	strbuf_addc(&m->out, '(');
	for (uint32_t i = 0; i < t->right->nargs; i++) {
		strbuf_addz(&m->out, i ? ", " : "");
		print_value(m, t, t->right->args[i], fixed);
	}
	strbuf_addc(&m->out, ')');
}

/* Below a negation texts stay fixed. The parser has bounded the depth. */
static void print_condition(struct maker *m, const struct ast *t, bool fixed)
{
	if (t->kind == AST_CHECK) {
		expr_print(t->left, &m->out);
		strbuf_printf(&m->out, " " STR_FMT " ", STR_ARG(t->op));
		if (t->modifier.len)
			strbuf_printf(&m->out, STR_FMT " ", STR_ARG(t->modifier));
		if (t->right)
			print_right(m, t, fixed);
		return;
	}
	strbuf_addz(&m->out, t->kind == AST_NOT ? "not (" : "(");
	for (uint32_t i = 0; i < t->nkids; i++) {
		strbuf_addz(&m->out, !i ? "" : t->kind == AST_AND ? " and " : " or ");
		print_condition(m, t->kids[i], fixed || t->kind == AST_NOT);
	}
	strbuf_addc(&m->out, ')');
}

static void print_rule(struct maker *m, const struct rule *r, const struct ast *tree)
{
	struct strbuf line = { 0 };
	struct json j = json_to(&line);
	char name[300];

	strbuf_clear(&m->out);
	print_condition(m, tree, false);
	snprintf(name, sizeof(name), "%.*s, copy %u", (int)r->name.len, r->name.ptr, m->copy);
	json_open(&j, '{');
	json_key_text(&j, "rule", str_of(name));
	json_key_text(&j, "desc", r->desc);
	json_key_text(&j, "condition", strbuf_str(&m->out));
	json_key_text(&j, "output", r->output);
	json_key_text(&j, "priority", str_of(priority_name(r->priority)));
	json_close(&j, '}');
	printf("- %s\n", strbuf_z(&line));
	strbuf_done(&line);
}

int main(int argc, char **argv)
{
	const struct loaded_plugin container = { "container", "0.7.0" };
	struct load_options options = { .catalogue = fields_catalogue(),
					.min_priority = PRIORITY_DEBUG,
					.plugins = &container,
					.nplugins = 1 };
	struct loader *l = loader_new(&options);
	struct arena arena = { 0 };
	struct maker m = { 0 };
	struct diag diag = { 0 };
	uint64_t wanted, made = 0;
	size_t n = 0;

	if (argc < 3 || str_to_u64(str_of(argv[1]), &wanted) < 0)
		return 2;
	for (int i = 2; i < argc; i++)
		if (loader_add_file(l, argv[i]) != 0)
			return 1;
	struct ruleset *rs = loader_finish(l, &diag);
	const struct rule *const *rules = rs ? ruleset_rules(rs, &n) : NULL;
	struct ast **trees = arena_array(&arena, n + 1, sizeof(*trees));

	for (size_t i = 0; trees && i < n; i++)
		if (loader_expand(l, rules[i]->condition, &arena, &trees[i], &diag) != 0)
			trees[i] = NULL;
	for (m.copy = 1; n && made < wanted; m.copy++) {
		for (size_t i = 0; i < n && made < wanted; i++) {
			if (!trees[i])
				continue;
			print_rule(&m, rules[i], trees[i]);
			made++;
		}
	}
	ruleset_unref(rs);
	loader_free(l);
	arena_done(&arena);
	strbuf_done(&m.out);
	return made == wanted ? 0 : 1;
}
