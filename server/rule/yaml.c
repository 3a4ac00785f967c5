/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libyaml's events to trees. The events are used instead of libyaml's own documents because those resolve
 * aliases into loops, keep no byte positions and know no limits. libyaml counts characters; positions here
 * are bytes, so a cursor walks along the text and translates.
 */
#include "rule/yaml.h"

#include <stdlib.h>
#include <yaml.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/vec.h"

struct cursor {
	struct str text;
	size_t chars, byte;	 /* how far it is, in both units */
	size_t line, line_start; /* the last line asked for, and the byte it starts at */
	bool on_line;
};

struct reader {
	yaml_parser_t parser;
	struct arena *arena;
	struct cursor cursor;
	struct strmap anchors; /* struct ynode, finished ones only */
	struct ynode *hole;    /* an empty scalar whose place is where the next event begins */
	uint32_t nodes;
	struct diag *diag;
};

struct frame { /* a collection being read */
	struct ynode *node;
	struct str anchor;
	VEC(struct ynode *) kids;
};

typedef VEC(struct frame) frame_stack;

static void cursor_to(struct cursor *c, const yaml_mark_t *mark, uint32_t *line, uint32_t *column,
		      uint32_t *offset)
{
	if (mark->index < c->chars) { /* only errors look back */
		c->chars = 0;
		c->byte = 0;
		c->on_line = false;
	}
	while (c->chars < mark->index && c->byte < c->text.len) {
		c->byte++;
		while (c->byte < c->text.len &&
		       ((unsigned char)c->text.ptr[c->byte] & 0xc0) == 0x80)
			c->byte++;
		c->chars++;
	}
	/* Back once for each line: what a line break is, libyaml says. */
	if (!c->on_line || c->line != mark->line) {
		c->on_line = true;
		c->line = mark->line;
		c->line_start = c->byte;
		for (size_t n = mark->column; c->line_start && n; n--) {
			c->line_start--;
			while (c->line_start &&
			       ((unsigned char)c->text.ptr[c->line_start] & 0xc0) == 0x80)
				c->line_start--;
		}
	}
	*line = (uint32_t)mark->line;
	*column = (uint32_t)(c->byte - c->line_start);
	*offset = (uint32_t)c->byte;
}

static int fault(struct reader *r, const yaml_mark_t *mark, const char *text)
{
	uint32_t line, column, offset;

	cursor_to(&r->cursor, mark, &line, &column, &offset);
	diag_set(r->diag, "%s", text);
	r->diag->line = line + 1;
	r->diag->column = column + 1;
	r->diag->offset = offset;
	return -EINVAL;
}

static int parser_fault(struct reader *r)
{
	yaml_parser_t *p = &r->parser;
	char text[400];

	if (p->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (p->error == YAML_READER_ERROR) {
		diag_set(r->diag, "not readable as text: %s",
			 p->problem ? p->problem : "bad encoding");
		diag_place(r->diag, r->cursor.text, p->problem_offset);
		return -EINVAL;
	}
	snprintf(text, sizeof(text), "not valid YAML: %s%s%s", p->problem ? p->problem : "broken",
		 p->context ? ", " : "", p->context ? p->context : "");
	return fault(r, &p->problem_mark, text);
}

static struct ynode *node_new(struct reader *r, enum ynode_kind kind, const yaml_event_t *ev)
{
	struct ynode *n = arena_new(r->arena, struct ynode);

	if (!n)
		return NULL;
	n->kind = kind;
	n->weight = 1;
	n->height = 1;
	cursor_to(&r->cursor, &ev->start_mark, &n->line, &n->column, &n->offset);
	return n;
}

static bool is_null_text(struct str s)
{
	return s.len == 0 || str_eqz(s, "~") || str_eqz(s, "null") || str_eqz(s, "Null") ||
	       str_eqz(s, "NULL");
}

static int remember(struct reader *r, struct str anchor, struct ynode *n)
{
	return anchor.len ? strmap_put(&r->anchors, anchor, n) : 0;
}

static struct str anchor_of(struct reader *r, const yaml_char_t *name)
{
	if (!name)
		return (struct str){ 0 };
	return arena_dup(r->arena, str_of((const char *)name));
}

static int scalar(struct reader *r, const yaml_event_t *ev, struct ynode **ret)
{
	struct ynode *n = node_new(r, YN_SCALAR, ev);

	if (!n)
		return -ENOMEM;
	n->text = arena_dup(r->arena, (struct str){ (const char *)ev->data.scalar.value,
						    ev->data.scalar.length });
	if (!n->text.ptr)
		return -ENOMEM;
	n->quoted = ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	if (!n->quoted && is_null_text(n->text))
		n->kind = YN_NULL;
	if (n->kind == YN_NULL && !n->text.len)
		r->hole = n;
	*ret = n;
	return remember(r, anchor_of(r, ev->data.scalar.anchor), n);
}

/* Puts a finished node where it belongs; stack empty: it is the document. */
static int attach(struct reader *r, frame_stack *stack, struct ynode *n, const yaml_event_t *ev,
		  struct ynode **ret_root)
{
	if (!stack->n) {
		*ret_root = n;
		return 0;
	}
	struct frame *top = &stack->items[stack->n - 1];

	if (stack->n + n->height > LIMIT_YAML_DEPTH)
		return fault(r, &ev->start_mark, "nested too deeply");
	if (n->weight > LIMIT_YAML_NODES - top->node->weight)
		return fault(r, &ev->start_mark,
			     "too many values, counting what aliases stand for");
	top->node->weight += n->weight;
	if (n->height >= top->node->height)
		top->node->height = n->height + 1;
	return vec_push(&top->kids, n);
}

static int close_frame(struct reader *r, frame_stack *stack, const yaml_event_t *ev,
		       struct ynode **ret_root)
{
	struct frame f = stack->items[--stack->n];
	int rc = -ENOMEM;

	f.node->kids = arena_array(r->arena, f.kids.n ? f.kids.n : 1, sizeof(*f.node->kids));
	if (f.node->kids) {
		if (f.kids.n)
			memcpy(f.node->kids, f.kids.items, f.kids.n * sizeof(*f.node->kids));
		f.node->nkids = (uint32_t)f.kids.n;
		rc = remember(r, f.anchor, f.node);
	}
	vec_done(&f.kids);
	return rc < 0 ? rc : attach(r, stack, f.node, ev, ret_root);
}

static int open_frame(struct reader *r, frame_stack *stack, enum ynode_kind kind,
		      const yaml_char_t *anchor, const yaml_event_t *ev)
{
	struct frame f = { .node = node_new(r, kind, ev), .anchor = anchor_of(r, anchor) };

	if (!f.node)
		return -ENOMEM;
	if (stack->n + 1 > LIMIT_YAML_DEPTH)
		return fault(r, &ev->start_mark, "nested too deeply");
	return vec_push(stack, f);
}

static int alias(struct reader *r, const yaml_event_t *ev, struct ynode **ret)
{
	*ret = strmap_find(&r->anchors, str_of((const char *)ev->data.alias.anchor));
	return *ret ? 0 : fault(r, &ev->start_mark, "an alias to an anchor that is not known here");
}

static void fill_hole(struct reader *r, const yaml_event_t *ev)
{
	if (!r->hole)
		return;
	cursor_to(&r->cursor, &ev->start_mark, &r->hole->line, &r->hole->column, &r->hole->offset);
	r->hole = NULL;
}

static int take_event(struct reader *r, const yaml_event_t *ev, frame_stack *stack,
		      struct ydocs *docs, struct ynode **root)
{
	struct ynode *n = NULL;
	int rc;

	fill_hole(r, ev);
	switch (ev->type) {
	case YAML_DOCUMENT_START_EVENT:
		strmap_done(&r->anchors);
		*root = NULL;
		return 0;
	case YAML_DOCUMENT_END_EVENT: return *root ? vec_push(docs, *root) : 0;
	case YAML_SEQUENCE_START_EVENT:
		return open_frame(r, stack, YN_SEQ, ev->data.sequence_start.anchor, ev);
	case YAML_MAPPING_START_EVENT:
		return open_frame(r, stack, YN_MAP, ev->data.mapping_start.anchor, ev);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT: return close_frame(r, stack, ev, root);
	case YAML_SCALAR_EVENT: rc = scalar(r, ev, &n); break;
	case YAML_ALIAS_EVENT: rc = alias(r, ev, &n); break;
	default: return 0;
	}
	if (rc < 0)
		return rc;
	if (++r->nodes > LIMIT_YAML_NODES)
		return fault(r, &ev->start_mark, "too many values");
	return attach(r, stack, n, ev, root);
}

static int read_all(struct reader *r, struct ydocs *docs)
{
	frame_stack stack = { 0 };
	struct ynode *root = NULL;
	bool end = false;
	int rc = 0;

	while (rc == 0 && !end) {
		yaml_event_t ev;

		if (!yaml_parser_parse(&r->parser, &ev)) {
			rc = parser_fault(r);
			break;
		}
		end = ev.type == YAML_STREAM_END_EVENT;
		rc = take_event(r, &ev, &stack, docs, &root);
		yaml_event_delete(&ev);
	}
	vec_foreach (f, &stack)
		vec_done(&f->kids);
	vec_done(&stack);
	return rc;
}

int yaml_read(struct str text, struct arena *a, struct ydocs *ret_docs, struct diag *diag)
{
	struct reader r = { .arena = a, .diag = diag };
	struct ydocs docs = { 0 };

	if (str_starts(text, STR("\xef\xbb\xbf")))
		text = str_skip(text, 3);
	r.cursor.text = text;
	if (!yaml_parser_initialize(&r.parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)(text.len ? text.ptr : ""),
				     text.len);
	int rc = read_all(&r, &docs);

	yaml_parser_delete(&r.parser);
	strmap_done(&r.anchors);
	if (rc < 0) {
		vec_done(&docs);
		return rc;
	}
	*ret_docs = docs;
	return 0;
}

const struct ynode *ynode_get(const struct ynode *n, const char *key)
{
	struct str want = str_of(key);

	if (!ynode_is(n, YN_MAP))
		return NULL;
	for (uint32_t i = 0; i + 1 < n->nkids; i += 2)
		if (n->kids[i]->kind == YN_SCALAR && str_eq(n->kids[i]->text, want))
			return n->kids[i + 1];
	return NULL;
}

bool ynode_is(const struct ynode *n, enum ynode_kind kind)
{
	return n && n->kind == kind;
}

int ynode_bool(const struct ynode *n, bool *ret)
{
	static const struct {
		const char *text[3];
		bool value;
	} words[] = {
		{ { "true", "True", "TRUE" }, true }, { { "false", "False", "FALSE" }, false },
		{ { "yes", "Yes", "YES" }, true },    { { "no", "No", "NO" }, false },
		{ { "on", "On", "ON" }, true },	      { { "off", "Off", "OFF" }, false },
		{ { "y", "Y", "Y" }, true },	      { { "n", "N", "N" }, false },
	};

	for (size_t i = 0; ynode_is(n, YN_SCALAR) && i < ARRAY_SIZE(words); i++)
		for (size_t k = 0; k < 3; k++)
			if (str_eqz(n->text, words[i].text[k])) {
				*ret = words[i].value;
				return 0;
			}
	return -EINVAL;
}

int ynode_u32(const struct ynode *n, uint32_t *ret)
{
	uint64_t v = 0;

	if (!ynode_is(n, YN_SCALAR))
		return -EINVAL;
	struct str s = n->text;
	unsigned base = 10;

	if (str_starts(s, STR("+")))
		s = str_skip(s, 1);
	if (str_starts(s, STR("0x")) || str_starts(s, STR("0X"))) {
		base = 16;
		s = str_skip(s, 2);
	} else if (s.len > 1 && s.ptr[0] == '0') {
		base = 8;
		s = str_skip(s, 1);
	}
	if (!s.len)
		return -EINVAL;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		unsigned d = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
			     : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
			     : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
						    : 99;

		if (d >= base)
			return -EINVAL;
		v = v * base + d;
		if (v > UINT32_MAX)
			return -EINVAL;
	}
	*ret = (uint32_t)v;
	return 0;
}
