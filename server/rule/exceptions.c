/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An exception is text: its condition is put together and parsed with the rule's, so that lists in
 * values are expanded like everywhere else.
 */
#include "rule/exceptions.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/suggest.h"
#include "filter/filter.h"
#include "filter/parser.h"
#include "rule/expand.h"

/* What comparison operators there are; strings: may be followed by oneof, anyof, allof. */
static const struct {
	const char *name;
	bool strings, list;
} operators[] = {
	{ "=", true, false },	      { "==", true, false },	     { "!=", true, false },
	{ "<=", false, false },	      { "<", false, false },	     { ">=", false, false },
	{ ">", false, false },	      { "contains", true, false },   { "icontains", true, false },
	{ "bcontains", true, false }, { "startswith", true, false }, { "bstartswith", true, false },
	{ "endswith", true, false },  { "glob", true, false },	     { "iglob", true, false },
	{ "regex", true, false },     { "in", false, true },	     { "intersects", false, true },
	{ "pmatch", false, true },
};

enum op_kind { OP_UNKNOWN, OP_SCALAR, OP_LIST };

static enum op_kind op_kind(struct str op)
{
	struct str name = str_trim(op), modifier = { 0 };

	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] == ' ' || name.ptr[i] == '\t') {
			modifier = str_trim(str_skip(name, i));
			name = str_cut(name, i);
			break;
		}
	if (modifier.len && !str_eqz(modifier, "oneof") && !str_eqz(modifier, "anyof") &&
	    !str_eqz(modifier, "allof"))
		return OP_UNKNOWN;
	for (size_t i = 0; i < ARRAY_SIZE(operators); i++)
		if (str_eqz(name, operators[i].name)) {
			if (modifier.len)
				return operators[i].strings ? OP_LIST : OP_UNKNOWN;
			return operators[i].list ? OP_LIST : OP_SCALAR;
		}
	return OP_UNKNOWN;
}

static int unknown_op(struct reading *r, const struct place *place, struct str op)
{
	struct suggest near = suggest_for(op);

	for (size_t i = 0; i < ARRAY_SIZE(operators); i++)
		suggest_offer(&near, str_of(operators[i].name));
	if (near.best.ptr)
		return result_add(
			r->result, LOAD_ERR_VALIDATE, place,
			"`%.*s` is no operator an exception can use; did you mean `%.*s`?",
			STR_ARG(op), STR_ARG(near.best));
	return result_add(r->result, LOAD_ERR_VALIDATE, place,
			  "`%.*s` is no operator an exception can use here", STR_ARG(op));
}

/* depth: how many sequences may be inside each other. */
static int read_value(struct reading *r, const struct ynode *n, unsigned depth,
		      const struct place *place, const struct exc_value **ret)
{
	struct exc_value *v = arena_new(r->arena, struct exc_value);

	if (!v)
		return -ENOMEM;
	if (n->kind == YN_SCALAR) {
		v->text = n->text;
		*ret = v;
		return 0;
	}
	if (n->kind != YN_SEQ || !depth)
		return result_add(r->result, LOAD_ERR_YAML_VALIDATE,
				  place_node(r, place, "exception value", (struct str){ 0 }, n),
				  "an exception's fields, comps and values are texts and sequences "
				  "of them");
	v->list = true;
	v->items = arena_array(r->arena, n->nkids ? n->nkids : 1, sizeof(struct exc_value *));
	if (!v->items)
		return -ENOMEM;
	for (uint32_t i = 0; i < n->nkids; i++) {
		const struct exc_value *kid;
		int rc = read_value(r, n->kids[i], depth - 1, place, &kid);

		if (rc < 0)
			return rc;
		v->items[v->nitems++] = (struct exc_value *)(uintptr_t)kid;
	}
	*ret = v;
	return 0;
}

static int read_entry(struct reading *r, const struct ynode *item, const char *key,
		      const struct place *place, const struct exc_value **ret)
{
	const struct ynode *n = ynode_get(item, key);

	return n && n->kind != YN_NULL ? read_value(r, n, 1, place, ret) : 0;
}

static int read_values(struct reading *r, const struct ynode *item, struct exception *e)
{
	const struct ynode *n = ynode_get(item, "values");
	int rc = 0;

	if (!n || n->kind == YN_NULL)
		return 0;
	const struct place *place = place_node(r, e->place, "exception values", (struct str){ 0 },
					       n);

	if (n->kind != YN_SEQ)
		return result_add(r->result, LOAD_ERR_YAML_VALIDATE, place,
				  "the values of an exception must be a sequence");
	for (uint32_t i = 0; rc == 0 && i < n->nkids; i++) {
		const struct exc_value *v;

		rc = read_value(r, n->kids[i], 2, place, &v);
		if (rc == 0)
			rc = exception_push(r->arena, e, v);
	}
	return rc;
}

static int read_one(struct reading *r, const struct ynode *n, const struct place *seq,
		    const struct place *rule, bool full, struct exception *e)
{
	const struct place *place = place_node(r, seq, "exception", (struct str){ 0 }, n);
	int rc;

	if (n->kind != YN_MAP)
		return result_add(r->result, LOAD_ERR_YAML_VALIDATE, place,
				  "an exception must be a map with name, fields, comps and values");
	rc = read_text(r, n, "name", place, true, &e->name);
	if (rc < 0)
		return rc;
	e->place = place_node(r, rule, "exception", e->name, n);
	rc = read_entry(r, n, "fields", e->place, &e->fields);
	if (rc == 0)
		rc = read_entry(r, n, "comps", e->place, &e->comps);
	if (rc == 0)
		rc = read_values(r, n, e);
	if (rc == 0 && full && (!e->fields || (e->fields->list && !e->fields->nitems)))
		rc = result_add(r->result, LOAD_ERR_YAML_VALIDATE, e->place,
				"the exception does not say which `fields` it is about");
	return rc;
}

int exceptions_read(struct reading *r, const struct ynode *item, const struct place *place,
		    bool full, struct exception **ret)
{
	const struct ynode *seq = ynode_get(item, "exceptions");
	struct exception *first = NULL, **tail = &first;

	if (!seq || seq->kind == YN_NULL)
		return 0;
	const struct place *at = place_node(r, place, "exceptions", (struct str){ 0 }, seq);

	if (seq->kind != YN_SEQ)
		return result_add(r->result, LOAD_ERR_YAML_VALIDATE, at,
				  "exceptions must be a sequence");
	for (uint32_t i = 0; i < seq->nkids; i++) {
		struct exception *e = arena_new(r->arena, struct exception);
		int rc = e ? read_one(r, seq->kids[i], at, place, full, e) : -ENOMEM;

		if (rc < 0)
			return rc;
		*tail = e;
		tail = &e->next;
	}
	*ret = first;
	return 0;
}

/* Compiles `field exists`, so that transformers are fine as well. */
static bool field_known(const struct catalogue *c, struct str field, struct diag *diag)
{
	struct strbuf text = { 0 };
	struct arena a = { 0 };
	struct program *p = program_new(c);
	struct ast *tree;
	struct cond *cond;
	struct filter_warnings warnings = { 0 };
	bool known = false;

	strbuf_add(&text, field);
	strbuf_addz(&text, " exists");
	if (p && strbuf_check(&text) == 0)
		known = parse_condition(strbuf_str(&text), LIMIT_RULE_CONDITION_DEPTH, &a, &tree,
					diag) == 0 &&
			tree->kind == AST_CHECK &&
			filter_compile(p, tree, &cond, &warnings, diag) == 0;
	program_free(p);
	arena_done(&a);
	strbuf_done(&text);
	return known;
}

static int check_field(struct reading *r, const struct exception *e, struct str field)
{
	struct diag diag = { 0 };

	if (field_known(r->catalogue, field, &diag))
		return 0;
	return result_add(r->result, LOAD_ERR_VALIDATE, e->place,
			  "`%.*s` is no field an exception can use: %s", STR_ARG(field), diag.text);
}

static int check_tuple(struct reading *r, const struct exception *e, bool fields)
{
	int rc = 0;

	if (e->comps && !e->comps->list)
		return result_add(r->result, LOAD_ERR_VALIDATE, e->place,
				  "`fields` is a sequence, so `comps` must be one too");
	if (e->comps && e->comps->nitems != e->fields->nitems)
		return result_add(r->result, LOAD_ERR_VALIDATE, e->place,
				  "there are %zu fields but %zu comps", e->fields->nitems,
				  e->comps->nitems);
	for (size_t i = 0; rc == 0 && e->comps && i < e->comps->nitems; i++)
		if (op_kind(e->comps->items[i]->text) == OP_UNKNOWN)
			rc = unknown_op(r, e->place, e->comps->items[i]->text);
	for (size_t i = 0; rc == 0 && fields && i < e->fields->nitems; i++)
		rc = check_field(r, e, e->fields->items[i]->text);
	return rc;
}

static int check_single(struct reading *r, const struct exception *e, bool fields)
{
	if (e->comps && e->comps->list)
		return result_add(r->result, LOAD_ERR_VALIDATE, e->place,
				  "`fields` is a single text, so `comps` must be one too");
	if (e->comps && op_kind(e->comps->text) != OP_LIST)
		return unknown_op(r, e->place, e->comps->text);
	return fields ? check_field(r, e, e->fields->text) : 0;
}

static int check_one(struct reading *r, const struct exception *e, bool fields)
{
	return e->fields->list ? check_tuple(r, e, fields) : check_single(r, e, fields);
}

int exceptions_check(struct reading *r, const struct exception *first, const struct place *place,
		     bool fields)
{
	struct strmap names = { 0 };
	int rc = 0;

	for (const struct exception *e = first; rc == 0 && e; e = e->next) {
		rc = check_one(r, e, fields);
		if (rc == 0 && strmap_find(&names, e->name))
			result_add(r->result, LOAD_EXCEPTION_NAME_NOT_UNIQUE, e->place,
				   "the rule has another exception called %.*s", STR_ARG(e->name));
		if (rc == 0)
			rc = strmap_put(&names, e->name, (void *)(uintptr_t)e);
	}
	strmap_done(&names);
	return rc;
}

static int append_values(struct reading *r, struct exception *to, const struct exception *from)
{
	int rc = 0;

	if (from->fields || from->comps)
		return result_add(
			r->result, LOAD_ERR_VALIDATE, from->place,
			"the exception exists already; only `values` can be appended to it");
	if (!from->nvalues)
		return result_add(r->result, LOAD_APPEND_NO_VALUES, from->place,
				  "there are no values to append to exception %.*s",
				  STR_ARG(from->name));
	for (size_t i = 0; rc == 0 && i < from->nvalues; i++)
		rc = exception_push(r->arena, to, from->values[i]);
	return rc;
}

int exceptions_append(struct reading *r, struct rule_item *rule, struct exception *from,
		      const struct place *place)
{
	int rc = 0;

	while (rc == 0 && from) {
		struct exception *next = from->next, **tail = &rule->exceptions;
		size_t before = 0;

		for (; *tail && !str_eq((*tail)->name, from->name); before++)
			tail = &(*tail)->next;
		if (before >= LIMIT_EXCEPTIONS) {
			rc = result_add(r->result, LOAD_ERR_VALIDATE, from->place,
					"the rule has more than %d exceptions", LIMIT_EXCEPTIONS);
		} else if (*tail) {
			rc = append_values(r, *tail, from);
		} else if (!from->fields || (from->fields->list && !from->fields->nitems)) {
			rc = result_add(
				r->result, LOAD_ERR_VALIDATE, from->place,
				"the rule has no exception %.*s, and a new one needs `fields`",
				STR_ARG(from->name));
		} else if (!from->nvalues) {
			rc = result_add(
				r->result, LOAD_ERR_VALIDATE, from->place,
				"the rule has no exception %.*s, and a new one needs `values`",
				STR_ARG(from->name));
		} else {
			rc = check_one(r, from, !rule->unknown_source);
			from->next = NULL;
			*tail = from;
		}
		from = next;
	}
	return rc;
}

static void add_list(const struct exc_value *v, struct strbuf *out)
{
	strbuf_addc(out, '(');
	for (size_t i = 0; i < v->nitems; i++) {
		if (i)
			strbuf_addz(out, ", ");
		expand_quote(v->items[i]->text, out);
	}
	strbuf_addc(out, ')');
}

static int bad_shape(struct result *result, const struct exception *e, const char *text)
{
	return result_add(result, LOAD_ERR_VALIDATE, e->place, "exception %.*s: %s",
			  STR_ARG(e->name), text);
}

static int single_condition(struct result *result, const struct exception *e, struct strbuf *out)
{
	strbuf_addc(out, '(');
	strbuf_add(out, e->fields->text);
	strbuf_addc(out, ' ');
	strbuf_add(out, e->comps ? e->comps->text : STR("in"));
	strbuf_addz(out, " (");
	for (size_t i = 0; i < e->nvalues; i++) {
		if (e->values[i]->list)
			return bad_shape(result, e, "with a single field every value is a text");
		if (i)
			strbuf_addz(out, ", ");
		expand_quote(e->values[i]->text, out);
	}
	strbuf_addz(out, "))");
	return 0;
}

static void cell_condition(const struct exc_value *cell, struct str op, struct strbuf *out)
{
	if (cell->list) {
		add_list(cell, out);
	} else if (op_kind(op) == OP_LIST && !str_starts(cell->text, STR("("))) {
		strbuf_addc(out, '(');
		expand_quote(cell->text, out);
		strbuf_addc(out, ')');
	} else {
		expand_quote(cell->text, out);
	}
}

static int row_condition(struct result *result, const struct exception *e,
			 const struct exc_value *row, struct strbuf *out)
{
	if (!row->list || row->nitems != e->fields->nitems)
		return bad_shape(result, e,
				 "every element of `values` must be a sequence with one value for "
				 "each field");
	strbuf_addz(out, "( ");
	for (size_t i = 0; i < row->nitems; i++) {
		struct str op = e->comps ? str_trim(e->comps->items[i]->text) : STR("=");

		if (i)
			strbuf_addz(out, " and ");
		strbuf_add(out, e->fields->items[i]->text);
		strbuf_addc(out, ' ');
		strbuf_add(out, op);
		strbuf_addc(out, ' ');
		cell_condition(row->items[i], op, out);
	}
	strbuf_addc(out, ')');
	return 0;
}

static int tuple_condition(struct result *result, const struct exception *e, struct strbuf *out)
{
	int rc = 0;

	strbuf_addc(out, '(');
	for (size_t i = 0; rc == 0 && i < e->nvalues; i++) {
		if (i)
			strbuf_addz(out, " or ");
		rc = row_condition(result, e, e->values[i], out);
	}
	strbuf_addc(out, ')');
	return rc;
}

int exceptions_condition(struct result *result, const struct rule_item *rule, struct strbuf *ret)
{
	int rc = 0;

	if (!rule->exceptions) {
		strbuf_add(ret, rule->cond.s);
		return strbuf_check(ret);
	}
	strbuf_addc(ret, '(');
	strbuf_add(ret, rule->cond.s);
	strbuf_addc(ret, ')');
	for (const struct exception *e = rule->exceptions; rc == 0 && e; e = e->next) {
		if (!e->nvalues)
			continue;
		strbuf_addz(ret, " and not ");
		rc = e->fields->list ? tuple_condition(result, e, ret)
				     : single_condition(result, e, ret);
	}
	return rc < 0 ? rc : strbuf_check(ret);
}
