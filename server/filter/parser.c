/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recursive descent over rules-language.md 3.1, one function per production. The grammar has no tokens:
 * words are matched as prefixes of what is left, in a fixed order, so `inside` is `in side` and
 * `existsand` is `exists and`. Depth is counted once per production that can nest, as the reference does,
 * so that the same texts are refused.
 */
#include "filter/parser.h"

#include <errno.h>
#include <stdarg.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/suggest.h"
#include "base/vec.h"
#include "filter/lexer.h"
#include "filter/op.h"
#include "filter/transform.h"

struct parser {
	struct lexer lex;
	unsigned depth, max_depth;
	bool lenient; /* a suffix [..] that does not parse is left alone */
	int err;      /* 0, -EINVAL with *diag filled, -ENOMEM; the first one stays */
	struct arena *arena;
	struct diag *diag;
};

typedef VEC(void *) ptrs;

static void ptrs_done(ptrs *v)
{
	vec_done(v);
}

static struct ast *parse_or(struct parser *p);
static struct expr *parse_transformer(struct parser *p);

/* ---- faults ---- */

static void *fail_at(struct parser *p, size_t pos, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void *fail_at(struct parser *p, size_t pos, const char *fmt, ...)
{
	if (p->err)
		return NULL;
	p->err = -EINVAL;
	if (!p->diag)
		return NULL;
	char what[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	diag_place(p->diag, p->lex.text, pos);
	struct str rest = str_skip(p->lex.text, pos);

	if (rest.len == 0)
		diag_set(p->diag, "%s, but the text ends here", what);
	else
		diag_set(p->diag, "%s, found \"" STR_FMT "%s\"", what, STR_ARG(str_cut(rest, 24)),
			 rest.len > 24 ? "..." : "");
	return NULL;
}

#define fail(p, ...) fail_at((p), (p)->lex.pos, __VA_ARGS__)

static void *out_of_memory(struct parser *p)
{
	p->err = -ENOMEM;
	return NULL;
}

static bool enter(struct parser *p)
{
	if (++p->depth < p->max_depth)
		return true;
	if (!p->err) {
		fail(p, "the condition is nested too deeply");
		if (p->diag)
			diag_set(p->diag, "the condition is nested deeper than the limit of %u",
				 p->max_depth);
	}
	return false;
}

static void *leave(struct parser *p, void *result)
{
	p->depth--;
	return result;
}

static bool unquote(struct parser *p, struct str quoted, struct str *ret)
{
	struct str inner = { quoted.ptr + 1, quoted.len - 2 };
	int r = parse_unescape(inner, quoted.ptr[0], p->arena, ret);

	if (r == -ENOMEM)
		out_of_memory(p);
	else if (r < 0)
		fail(p, "the quoted text before here holds an unknown escape");
	return r == 0;
}

/* ---- expressions ---- */

static struct expr *new_expr(struct parser *p, enum expr_kind kind, size_t pos)
{
	struct expr *e = arena_new(p->arena, struct expr);

	if (!e)
		return out_of_memory(p);
	e->kind = kind;
	e->pos = (uint32_t)pos;
	return e;
}

static struct expr *new_value(struct parser *p, size_t pos, struct str text)
{
	struct expr *e = new_expr(p, EXPR_VALUE, pos);

	if (e)
		e->text = text;
	return e;
}

static struct expr *set_args(struct parser *p, struct expr *e, const ptrs *args)
{
	e->nargs = (uint32_t)args->n;
	if (args->n == 0)
		return e;
	e->args = arena_array(p->arena, args->n, sizeof(struct expr *));
	if (!e->args)
		return out_of_memory(p);
	memcpy(e->args, args->items, args->n * sizeof(struct expr *));
	return e;
}

/* The optional "[" arg "]" behind a field or transformer. False: fault. */
static bool parse_suffix(struct parser *p, struct expr *e)
{
	size_t start = p->lex.pos;

	if (!lexer_take(&p->lex, "["))
		return true;
	struct str arg = lexer_quoted(&p->lex);
	bool ok;

	if (arg.len) {
		ok = unquote(p, arg, &arg);
	} else {
		arg = lexer_take_while(&p->lex, lexer_is_arg);
		ok = arg.len > 0;
		if (!ok)
			fail(p, "expected an argument after \"[\"");
	}
	if (ok && !lexer_take(&p->lex, "]")) {
		fail(p, "expected \"]\" behind the argument");
		ok = false;
	}
	if (ok) {
		e->arg = arg;
		e->has_arg = true;
	} else if (p->lenient && p->err == -EINVAL) {
		p->lex.pos = start;
		p->err = 0;
		ok = true;
	}
	return ok;
}

static struct expr *parse_field(struct parser *p)
{
	size_t pos = p->lex.pos;
	struct str name = lexer_fieldname(&p->lex);

	if (!name.len)
		return NULL;
	struct expr *e = new_expr(p, EXPR_FIELD, pos);

	if (!e)
		return NULL;
	e->text = name;
	if (!parse_suffix(p, e))
		return NULL;
	e->end = (uint32_t)p->lex.pos;
	return e;
}

static struct expr *parse_number(struct parser *p)
{
	size_t pos = p->lex.pos;
	struct str text = lexer_number(&p->lex);

	if (!text.len)
		return NULL;
	struct expr *e = new_value(p, pos, text);

	if (e)
		e->number = true;
	return e;
}

/* NULL without a fault when there is no closed quoted text here. */
static struct expr *parse_quoted(struct parser *p)
{
	size_t pos = p->lex.pos;
	struct str text = lexer_quoted(&p->lex);

	if (!text.len || !unquote(p, text, &text))
		return NULL;
	struct expr *e = new_value(p, pos, text);

	if (e)
		e->quoted = true;
	return e;
}

static struct expr *parse_item(struct parser *p)
{
	struct expr *e = parse_quoted(p);

	if (e || p->err)
		return e;
	size_t pos = p->lex.pos;
	struct str text = lexer_take_while(&p->lex, lexer_is_bare);

	return text.len ? new_value(p, pos, text) : NULL;
}

static struct expr *first_of(struct parser *p, struct expr *(*const *kinds)(struct parser *p),
			     size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct expr *e = kinds[i](p);

		if (e || p->err)
			return e;
	}
	return NULL;
}

static struct expr *parse_list_element(struct parser *p)
{
	static struct expr *(*const kinds[])(struct parser * p) = {
		parse_field,
		parse_transformer,
		parse_quoted,
		parse_number,
	};

	return first_of(p, kinds, ARRAY_SIZE(kinds));
}

/* "(" b [ element { b "," b element } b ] ")"; NULL without a fault when there is no "(". */
static struct expr *parse_list_of(struct parser *p, struct expr *(*element)(struct parser *p))
{
	size_t pos = p->lex.pos;
	_cleanup_(ptrs_done) ptrs items = { 0 };

	if (!lexer_take(&p->lex, "("))
		return NULL;
	struct expr *list = new_expr(p, EXPR_LIST, pos);

	if (!list)
		return NULL;
	do {
		lexer_blanks(&p->lex);
		struct expr *e = element(p);

		if (p->err)
			return NULL;
		if (!e && items.n == 0)
			break;
		if (!e)
			return fail(p, "expected a value after \",\"");
		if (vec_push(&items, e) < 0)
			return out_of_memory(p);
		lexer_blanks(&p->lex);
	} while (lexer_take(&p->lex, ","));
	if (!lexer_take(&p->lex, ")"))
		return fail(p, items.n ? "expected \",\" or \")\" in the list"
				       : "expected a value or \")\" in the list");
	return set_args(p, list, &items);
}

static struct expr *parse_value_list(struct parser *p)
{
	return parse_list_of(p, parse_item);
}

static struct expr *parse_argument_list(struct parser *p)
{
	return parse_list_of(p, parse_list_element);
}

static struct expr *parse_argument(struct parser *p)
{
	static struct expr *(*const kinds[])(struct parser * p) = {
		parse_number, parse_quoted, parse_argument_list, parse_transformer, parse_field,
	};

	lexer_blanks(&p->lex);
	struct expr *e = first_of(p, kinds, ARRAY_SIZE(kinds));

	return e || p->err ? e : fail(p, "expected a field, a value or a transformer");
}

static const char *const transformers[] = {
	"tolower", "toupper", "b64", "basename", "len", "join", "concat", "getopt",
};

bool parse_is_transformer(struct str name)
{
	for (size_t i = 0; i < ARRAY_SIZE(transformers); i++) {
		if (str_eqz(name, transformers[i]))
			return true;
	}
	return false;
}

static struct expr *parse_arguments(struct parser *p, struct expr *e)
{
	_cleanup_(ptrs_done) ptrs args = { 0 };

	do {
		struct expr *arg = parse_argument(p);

		if (!arg)
			return NULL;
		if (vec_push(&args, arg) < 0)
			return out_of_memory(p);
		lexer_blanks(&p->lex);
	} while (lexer_take(&p->lex, ","));
	if (!lexer_take(&p->lex, ")"))
		return fail(p, "expected \",\" or \")\" after an argument of " STR_FMT,
			    STR_ARG(e->text));
	if (!set_args(p, e, &args))
		return NULL;
	e->end = (uint32_t)p->lex.pos;
	return parse_suffix(p, e) ? e : NULL;
}

static struct expr *parse_transformer(struct parser *p)
{
	size_t pos = p->lex.pos;
	struct str name = lexer_identifier(&p->lex);

	if (!parse_is_transformer(name) || !lexer_take(&p->lex, "(")) {
		p->lex.pos = pos;
		return NULL;
	}
	struct expr *e = new_expr(p, EXPR_TRANSFORMER, pos);

	if (!e || !enter(p))
		return NULL;
	e->text = name;
	return leave(p, parse_arguments(p, e));
}

static struct expr *parse_val(struct parser *p)
{
	size_t pos = p->lex.pos;

	if (!lexer_take(&p->lex, "val("))
		return NULL;
	lexer_blanks(&p->lex);
	struct expr *field = parse_field(p);

	if (!field)
		return p->err ? NULL : fail(p, "expected a field name inside val()");
	lexer_blanks(&p->lex);
	if (!lexer_take(&p->lex, ")"))
		return fail(p, "expected \")\" after the field of val()");
	field->val = true;
	field->pos = (uint32_t)pos;
	if (lexer_peek(&p->lex, 0) != '[')
		return field;
	/* val(f)[x] parses, for the compiler to refuse. */
	struct expr *e = new_expr(p, EXPR_TRANSFORMER, pos);
	ptrs one = { .items = (void *[]){ field }, .n = 1 };

	if (!e || !set_args(p, e, &one))
		return NULL;
	e->text = STR("val");
	return parse_suffix(p, e) ? e : NULL;
}

/* ---- right-hand sides ---- */

static struct expr *parse_right_transformer(struct parser *p)
{
	struct expr *e = parse_val(p);

	return e || p->err ? e : parse_transformer(p);
}

static struct expr *parse_number_right(struct parser *p)
{
	static struct expr *(*const kinds[])(struct parser * p) = {
		parse_right_transformer,
		parse_number,
	};

	lexer_blanks(&p->lex);
	struct expr *e = first_of(p, kinds, ARRAY_SIZE(kinds));

	return e || p->err ? e : fail(p, "expected a number");
}

static struct expr *parse_identifier_value(struct parser *p)
{
	size_t pos = p->lex.pos;
	struct str text = lexer_identifier(&p->lex);

	return text.len ? new_value(p, pos, text) : NULL;
}

static struct expr *parse_list_right(struct parser *p)
{
	static struct expr *(*const kinds[])(struct parser * p) = {
		parse_value_list,
		parse_right_transformer,
		parse_identifier_value,
	};

	lexer_blanks(&p->lex);
	struct expr *e = first_of(p, kinds, ARRAY_SIZE(kinds));

	return e || p->err ? e : fail(p, "expected a list in parentheses");
}

/* Whether a modifier and what has to follow it stand here; moves to the value if so. */
static struct str take_modifier(struct parser *p)
{
	static const char *const modifiers[] = { "oneof", "anyof", "allof" };
	static const char *const words[] = { "and", "or", "not" };
	size_t start = p->lex.pos;
	struct str m = lexer_take_first(&p->lex, modifiers, ARRAY_SIZE(modifiers));

	if (m.len && lexer_blanks(&p->lex)) {
		struct str next = str_cut(lexer_rest(&p->lex), lexer_word(&p->lex, 0));
		bool value = lexer_peek(&p->lex, 0) == '(' || next.len;

		for (size_t i = 0; i < ARRAY_SIZE(words); i++)
			value = value && !str_eqz(next, words[i]);
		if (value)
			return m;
	}
	p->lex.pos = start;
	return (struct str){ 0 };
}

static struct expr *parse_string_right(struct parser *p, bool blank_before,
				       struct str *ret_modifier)
{
	bool blank = lexer_blanks(&p->lex) || blank_before;
	struct expr *e;

	if (blank) {
		*ret_modifier = take_modifier(p);
		if (ret_modifier->len) {
			e = parse_value_list(p);
			return e || p->err ? e : parse_identifier_value(p);
		}
	}
	e = parse_right_transformer(p);
	if (!e && !p->err)
		e = parse_item(p);
	return e || p->err ? e : fail(p, "expected a value");
}

/* ---- checks ---- */

/* The operators that are words and need a blank behind them; the position is then behind the blanks. */
static struct str take_word_operator(struct parser *p)
{
	static const char *const ops[] = {
		"glob",	      "iglob",	     "contains", "icontains", "bcontains",
		"startswith", "bstartswith", "endswith", "regex",
	};
	size_t start = p->lex.pos;
	struct str op = lexer_take_first(&p->lex, ops, ARRAY_SIZE(ops));

	if (op.len && lexer_blanks(&p->lex))
		return op;
	p->lex.pos = start;
	return (struct str){ 0 };
}

static void *no_operator(struct parser *p)
{
	struct suggest near = suggest_for(str_cut(lexer_rest(&p->lex), lexer_word(&p->lex, 0)));

	for (size_t i = 0; op_at(i); i++)
		suggest_offer(&near, str_of(op_at(i)->name));
	return fail(p,
		    "expected %s" STR_FMT "%s operator (exists = == != < <= > >= in intersects "
		    "pmatch contains icontains startswith endswith glob iglob regex bcontains "
		    "bstartswith)",
		    near.best.ptr ? "\"" : "", STR_ARG(near.best),
		    near.best.ptr ? "\" or another" : "an");
}

static struct ast *parse_operator(struct parser *p, struct ast *check)
{
	static const char *const numeric[] = { "<=", "<", ">=", ">" };
	static const char *const equality[] = { "==", "=", "!=" };
	static const char *const lists[] = { "intersects", "in", "pmatch" };

	lexer_blanks(&p->lex);
	if (lexer_take(&p->lex, "exists")) {
		check->op = STR("exists");
		return check;
	}
	check->op = lexer_take_first(&p->lex, numeric, ARRAY_SIZE(numeric));
	if (check->op.len) {
		check->right = parse_number_right(p);
		return check->right ? check : NULL;
	}
	check->op = lexer_take_first(&p->lex, equality, ARRAY_SIZE(equality));
	if (check->op.len) {
		check->right = parse_string_right(p, false, &check->modifier);
		return check->right ? check : NULL;
	}
	check->op = take_word_operator(p);
	if (check->op.len) {
		check->right = parse_string_right(p, true, &check->modifier);
		return check->right ? check : NULL;
	}
	check->op = lexer_take_first(&p->lex, lists, ARRAY_SIZE(lists));
	if (check->op.len) {
		check->right = parse_list_right(p);
		return check->right ? check : NULL;
	}
	return no_operator(p);
}

static struct ast *new_node(struct parser *p, enum ast_kind kind, size_t pos)
{
	struct ast *t = arena_new(p->arena, struct ast);

	if (!t)
		return out_of_memory(p);
	t->kind = kind;
	t->pos = (uint32_t)pos;
	return t;
}

static struct ast *parse_condition_of(struct parser *p, struct expr *left, size_t pos)
{
	struct ast *check = new_node(p, AST_CHECK, pos);

	if (!check || !enter(p))
		return NULL;
	check->left = left;
	return leave(p, parse_operator(p, check));
}

/* What follows "(": the condition up to its ")". */
static struct ast *parse_tail(struct parser *p)
{
	if (!enter(p))
		return NULL;
	lexer_blanks(&p->lex);
	struct ast *t = parse_or(p);

	if (!t)
		return NULL;
	lexer_blanks(&p->lex);
	if (!lexer_take(&p->lex, ")"))
		return fail(p, "expected \")\", \"and\" or \"or\"");
	return leave(p, t);
}

/* Nothing can follow a macro's name at once: glued to a parenthesis it was meant for something else. */
static void *no_transformer(struct parser *p, struct str name)
{
	struct suggest near = suggest_for(name);

	for (size_t i = 0; transformer_at(i); i++)
		suggest_offer(&near, str_of(transformer_at(i)->name));
	if (near.best.ptr)
		return fail(p, "there is no \"" STR_FMT "\", expected \"" STR_FMT "\" in front",
			    STR_ARG(name), STR_ARG(near.best));
	return fail(p, "there is no \"" STR_FMT "\" to put in front", STR_ARG(str_cut(name, 100)));
}

static struct ast *parse_macro(struct parser *p)
{
	size_t pos = p->lex.pos;
	struct str name = lexer_identifier(&p->lex);

	if (!name.len)
		return fail(p, "expected a field, a transformer, a macro name or \"(\"");
	if (lexer_peek(&p->lex, 0) == '(')
		return no_transformer(p, name);
	struct ast *t = new_node(p, AST_MACRO, pos);

	if (t)
		t->text = name;
	return t;
}

static struct ast *parse_check(struct parser *p)
{
	if (!enter(p))
		return NULL;
	lexer_blanks(&p->lex);
	size_t pos = p->lex.pos;

	if (lexer_take(&p->lex, "("))
		return leave(p, parse_tail(p));
	struct expr *left = parse_field(p);

	if (!left && !p->err)
		left = parse_transformer(p);
	if (p->err)
		return NULL;
	if (left)
		return leave(p, parse_condition_of(p, left, pos));
	return leave(p, parse_macro(p));
}

static bool take_not(struct parser *p)
{
	if (!str_starts(lexer_rest(&p->lex), STR("not")) || p->lex.pos + 3 >= p->lex.text.len ||
	    !lexer_is_space(lexer_peek(&p->lex, 3)))
		return false;
	p->lex.pos += 3;
	lexer_take_while(&p->lex, lexer_is_space);
	return true;
}

static struct ast *parse_not(struct parser *p)
{
	bool negated = false;

	if (!enter(p))
		return NULL;
	lexer_blanks(&p->lex);
	size_t pos = p->lex.pos;

	while (take_not(p))
		negated = !negated;
	struct ast *t;

	if (lexer_take(&p->lex, "not(")) {
		negated = !negated;
		t = parse_tail(p);
	} else {
		t = parse_check(p);
	}
	if (!t || !negated)
		return leave(p, t);
	struct ast *not = new_node(p, AST_NOT, pos);

	if (!not )
		return NULL;
	not ->kids = arena_array(p->arena, 1, sizeof(struct ast *));
	if (!not ->kids)
		return out_of_memory(p);
	not ->kids[0] = t;
	not ->nkids = 1;
	return leave(p, not );
}

static struct ast *make_chain(struct parser *p, enum ast_kind kind, size_t pos, const ptrs *kids)
{
	if (kids->n == 1)
		return kids->items[0];
	struct ast *t = new_node(p, kind, pos);

	if (!t)
		return NULL;
	t->kids = arena_array(p->arena, kids->n, sizeof(struct ast *));
	if (!t->kids)
		return out_of_memory(p);
	memcpy(t->kids, kids->items, kids->n * sizeof(struct ast *));
	t->nkids = (uint32_t)kids->n;
	return t;
}

/* Operands of `and` or `or`; one glued to the word is only what its parentheses hold. */
static struct ast *parse_chain(struct parser *p, enum ast_kind kind,
			       struct ast *(*operand)(struct parser *p))
{
	const char *word = kind == AST_AND ? "and" : "or";
	_cleanup_(ptrs_done) ptrs kids = { 0 };

	lexer_blanks(&p->lex);
	size_t pos = p->lex.pos;
	struct ast *t = operand(p);

	for (;;) {
		if (!t)
			return NULL;
		if (vec_push(&kids, t) < 0)
			return out_of_memory(p);
		lexer_blanks(&p->lex);
		if (!lexer_take(&p->lex, word))
			return make_chain(p, kind, pos, &kids);
		if (lexer_blanks(&p->lex))
			t = operand(p);
		else if (lexer_take(&p->lex, "("))
			t = parse_tail(p);
		else
			return fail(p, "expected a blank or \"(\" after \"%s\"", word);
	}
}

static struct ast *parse_and(struct parser *p)
{
	return enter(p) ? leave(p, parse_chain(p, AST_AND, parse_not)) : NULL;
}

static struct ast *parse_or(struct parser *p)
{
	return enter(p) ? leave(p, parse_chain(p, AST_OR, parse_and)) : NULL;
}

/* ---- entry points ---- */

int parse_condition(struct str text, unsigned max_depth, struct arena *a, struct ast **ret_tree,
		    struct diag *diag)
{
	if (text.len > LIMIT_CONDITION_BYTES) {
		diag_place(diag, text, 0);
		diag_set(diag, "the condition is longer than the limit of %d bytes",
			 LIMIT_CONDITION_BYTES);
		return -EINVAL;
	}
	struct parser p = {
		.lex.text = arena_dup(a, text), .max_depth = max_depth, .arena = a, .diag = diag
	};

	if (text.len && !p.lex.text.ptr)
		return -ENOMEM;
	struct ast *t = parse_or(&p);

	if (!t)
		return p.err;
	if (p.lex.pos != p.lex.text.len) {
		fail(&p, "expected \"and\", \"or\" or the end of the condition");
		return p.err;
	}
	*ret_tree = t;
	return 0;
}

int parse_output(struct str text, struct arena *a, struct expr **ret_expr, size_t *ret_taken)
{
	struct parser p = {
		.lex.text = text, .max_depth = LIMIT_CONDITION_DEPTH, .lenient = true, .arena = a
	};
	struct expr *e = parse_field(&p);

	if (!e && !p.err)
		e = parse_transformer(&p);
	if (!e || p.err)
		return p.err ? p.err : -EINVAL;
	*ret_expr = e;
	*ret_taken = p.lex.pos;
	return 0;
}

size_t parse_output_expr(struct str text, struct arena *a, struct expr **ret_expr)
{
	size_t taken;

	return parse_output(text, a, ret_expr, &taken) == 0 ? taken : 0;
}
