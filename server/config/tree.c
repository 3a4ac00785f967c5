/* SPDX-License-Identifier: Apache-2.0 */
/* YAML to a tree, through libyaml's documents: it resolves anchors and marks positions. See tree.h. */
#include "config/tree.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/json.h"
#include "base/limits.h"

enum { KEYS_OF_A_MAP = 1000 }; /* they are searched one by one */

struct reading {
	struct arena *arena;
	yaml_document_t *doc;
	const char *file;
	bool expand;
	size_t nodes;
	struct config_report *report;
};

static void place(struct diag *d, const struct tree *at)
{
	if (!at)
		return;
	diag_file(d, at->file);
	d->line = at->line;
	d->column = at->column;
}

void tree_warn(struct config_report *r, const struct tree *at, const char *fmt, ...)
{
	struct diag d = { 0 };
	va_list args;

	place(&d, at);
	va_start(args, fmt);
	vsnprintf(d.text, sizeof(d.text), fmt, args);
	va_end(args);
	struct diag *grown = NULL;
	if (r->nwarnings < CONFIG_WARNINGS_MAX)
		grown = reallocarray(r->warnings, r->nwarnings + 1, sizeof(*grown));
	if (!grown) {
		r->unshown++;
		return;
	}
	grown[r->nwarnings++] = d;
	r->warnings = grown;
}

int tree_fail(struct config_report *r, const struct tree *at, const char *fmt, ...)
{
	va_list args;

	r->error = (struct diag){ 0 };
	place(&r->error, at);
	va_start(args, fmt);
	vsnprintf(r->error.text, sizeof(r->error.text), fmt, args);
	va_end(args);
	return CONFIG_E_INVALID;
}

const char *tree_kind_name(const struct tree *t)
{
	static const char *const names[] = { "nothing", "a single value", "a list", "a map" };

	return names[t->kind];
}

struct tree *tree_new(struct arena *a, enum tree_kind kind, const char *file)
{
	struct tree *t = arena_new(a, struct tree);

	if (t) {
		t->kind = kind;
		t->file = file;
	}
	return t;
}

struct tree *tree_text(struct arena *a, struct str text, const char *file)
{
	struct tree *t = tree_new(a, TREE_TEXT, file);

	if (!t)
		return NULL;
	t->text = arena_dup(a, text);
	return t->text.ptr ? t : NULL;
}

void tree_append(struct tree *parent, struct tree *n)
{
	n->next = NULL;
	if (parent->last)
		parent->last->next = n;
	else
		parent->first = n;
	parent->last = n;
}

struct tree *tree_get(const struct tree *map, struct str key)
{
	if (!map || map->kind != TREE_MAP)
		return NULL;
	for (struct tree *n = map->first; n; n = n->next) {
		if (str_eq(n->key, key))
			return n;
	}
	return NULL;
}

void tree_put(struct tree *map, struct tree *n)
{
	struct tree **link = &map->first, *before = NULL;

	while (*link && !str_eq((*link)->key, n->key)) {
		before = *link;
		link = &before->next;
	}
	if (!*link) {
		tree_append(map, n);
		return;
	}
	n->next = (*link)->next;
	if (map->last == *link)
		map->last = n;
	*link = n;
}

struct tree *tree_path(const struct tree *root, struct str path)
{
	struct str part;
	const struct tree *at = root;

	while (at && str_split(&path, '.', &part))
		at = tree_get(at, part);
	return (struct tree *)at;
}

struct tree *tree_at(const struct tree *list, size_t i)
{
	struct tree *n = list->first;

	while (n && i--)
		n = n->next;
	return n;
}

size_t tree_count(const struct tree *t)
{
	size_t count = 0;

	for (const struct tree *n = t->first; n; n = n->next)
		count++;
	return count;
}

/* ${NAME} is replaced, $${NAME} loses its first dollar, and an unterminated one stays as it is. */
static void expand_env(struct str s, struct strbuf *out)
{
	while (s.len) {
		bool escaped = str_starts(s, STR("$${"));
		size_t end = escaped || str_starts(s, STR("${")) ? str_chr(s, '}') : s.len;

		if (end == s.len) {
			strbuf_addc(out, s.ptr[0]);
			s = str_skip(s, 1);
			continue;
		}
		if (escaped) {
			strbuf_add(out, (struct str){ s.ptr + 1, end });
		} else {
			char *name = str_dupz((struct str){ s.ptr + 2, end - 2 });
			if (!name)
				out->failed = true;
			strbuf_addz(out, name ? getenv(name) : NULL);
			free(name);
		}
		s = str_skip(s, end + 1);
	}
}

static int scalar_text(struct reading *r, const yaml_node_t *y, struct str *ret)
{
	struct str raw = { (const char *)y->data.scalar.value, y->data.scalar.length };

	if (!r->expand || !memmem(raw.ptr, raw.len, "${", 2)) {
		*ret = arena_dup(r->arena, raw);
		return ret->ptr ? 0 : -ENOMEM;
	}
	struct strbuf b = { .limit = LIMIT_CONFIG_BYTES };
	expand_env(raw, &b);
	*ret = b.failed ? (struct str){ 0 } : arena_dup(r->arena, strbuf_str(&b));
	strbuf_done(&b);
	return ret->ptr ? 0 : -ENOMEM;
}

/* Is a plain scalar one of YAML's spellings of nothing? */
static bool is_null(const yaml_node_t *y)
{
	struct str s = { (const char *)y->data.scalar.value, y->data.scalar.length };

	return y->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (!s.len || str_eqz(s, "~") || str_eqz(s, "null") || str_eqz(s, "Null") ||
		str_eqz(s, "NULL"));
}

static int convert(struct reading *r, int id, unsigned depth, struct tree **ret);

static int convert_map(struct reading *r, const yaml_node_t *y, unsigned depth, struct tree *t)
{
	if (y->data.mapping.pairs.top - y->data.mapping.pairs.start > KEYS_OF_A_MAP)
		return tree_fail(r->report, t, "more than %d keys in one map", KEYS_OF_A_MAP);
	for (const yaml_node_pair_t *p = y->data.mapping.pairs.start; p < y->data.mapping.pairs.top;
	     p++) {
		const yaml_node_t *key = yaml_document_get_node(r->doc, p->key);
		struct tree *n;
		int e = convert(r, p->value, depth, &n);
		if (e)
			return e;
		if (!key || key->type != YAML_SCALAR_NODE)
			return tree_fail(r->report, t, "a key must be a single value");
		n->key = arena_dup(r->arena, (struct str){ (const char *)key->data.scalar.value,
							   key->data.scalar.length });
		if (!n->key.ptr)
			return -ENOMEM;
		if (!n->line || n->kind == TREE_NULL) {
			n->line = (uint32_t)key->start_mark.line + 1;
			n->column = (uint32_t)key->start_mark.column + 1;
		}
		if (tree_get(t, n->key))
			tree_warn(r->report, n, "key " STR_FMT " is given twice; the first counts",
				  STR_ARG(str_cut(n->key, 100)));
		else
			tree_append(t, n);
	}
	return 0;
}

static int convert_list(struct reading *r, const yaml_node_t *y, unsigned depth, struct tree *t)
{
	for (const yaml_node_item_t *i = y->data.sequence.items.start;
	     i < y->data.sequence.items.top; i++) {
		struct tree *n;
		int e = convert(r, *i, depth, &n);
		if (e)
			return e;
		tree_append(t, n);
	}
	return 0;
}

static int convert(struct reading *r, int id, unsigned depth, struct tree **ret)
{
	const yaml_node_t *y = yaml_document_get_node(r->doc, id);
	struct tree *t = tree_new(r->arena, TREE_NULL, r->file);

	if (!t)
		return -ENOMEM;
	*ret = t;
	if (!y)
		return 0;
	t->line = (uint32_t)y->start_mark.line + 1;
	t->column = (uint32_t)y->start_mark.column + 1;
	if (depth >= LIMIT_YAML_DEPTH)
		return tree_fail(r->report, t, "nested more than %d deep", LIMIT_YAML_DEPTH);
	/* A quarter of the general limit is far beyond any configuration, and bounds alias bombs. */
	if (++r->nodes > LIMIT_YAML_NODES / 4)
		return tree_fail(r->report, t, "too many values after aliases are followed");
	switch (y->type) {
	case YAML_SCALAR_NODE:
		if (is_null(y))
			return 0;
		t->kind = TREE_TEXT;
		t->plain = y->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
		return scalar_text(r, y, &t->text);
	case YAML_SEQUENCE_NODE: t->kind = TREE_LIST; return convert_list(r, y, depth + 1, t);
	case YAML_MAPPING_NODE: t->kind = TREE_MAP; return convert_map(r, y, depth + 1, t);
	case YAML_NO_NODE: break;
	}
	return 0;
}

static int parser_fault(const yaml_parser_t *p, const char *file, struct config_report *report)
{
	if (p->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	struct tree at = { .file = file,
			   .line = (uint32_t)p->problem_mark.line + 1,
			   .column = (uint32_t)p->problem_mark.column + 1 };
	return tree_fail(report, &at, "not valid YAML: %s%s%s",
			 p->problem ? p->problem : "unreadable", p->context ? ", " : "",
			 p->context ? p->context : "");
}

static int parse_documents(yaml_parser_t *p, struct reading *r, struct tree **ret)
{
	yaml_document_t doc, more;

	if (!yaml_parser_load(p, &doc))
		return parser_fault(p, r->file, r->report);
	r->doc = &doc;
	int e = convert(r, 1, 0, ret);
	bool empty = !yaml_document_get_root_node(&doc);
	yaml_document_delete(&doc);
	if (e || empty)
		return e;
	if (!yaml_parser_load(p, &more))
		return parser_fault(p, r->file, r->report);
	if (yaml_document_get_root_node(&more))
		tree_warn(r->report, *ret, "only the first document of the file is read");
	yaml_document_delete(&more);
	return 0;
}

int tree_parse(struct arena *a, const char *file, struct str text, bool expand, struct tree **ret,
	       struct config_report *report)
{
	struct reading r = { .arena = a, .file = file, .expand = expand, .report = report };
	yaml_parser_t p;

	if (!yaml_parser_initialize(&p))
		return -ENOMEM;
	yaml_parser_set_input_string(&p, (const unsigned char *)text.ptr, text.len);
	int e = parse_documents(&p, &r, ret);
	yaml_parser_delete(&p);
	return e;
}

static void text_json(const struct tree *t, struct json *j)
{
	double d;
	bool number = t->plain && t->text.len &&
		      strspn(t->text.ptr, "0123456789+-.eE") == t->text.len &&
		      str_to_double(t->text, &d) == 0;
	int64_t i;

	if (number && str_to_i64(t->text, &i) == 0)
		json_i64(j, i);
	else if (number)
		json_double(j, d);
	else if (t->plain && (str_eqz(t->text, "true") || str_eqz(t->text, "false")))
		json_bool(j, t->text.ptr[0] == 't');
	else
		json_text(j, t->text);
}

/* The depth was bounded when the tree was made. */
void tree_json(const struct tree *t, struct json *j)
{
	switch (t->kind) {
	case TREE_NULL: json_null(j); break;
	case TREE_TEXT: text_json(t, j); break;
	case TREE_LIST:
	case TREE_MAP:
		json_open(j, t->kind == TREE_MAP ? '{' : '[');
		for (const struct tree *n = t->first; n; n = n->next) {
			if (t->kind == TREE_MAP)
				json_key(j, n->key);
			tree_json(n, j);
		}
		json_close(j, t->kind == TREE_MAP ? '}' : ']');
		break;
	}
}
