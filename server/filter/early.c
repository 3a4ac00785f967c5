/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be said of a condition while some values are not there, or only in part. Results of nodes are not
 * kept: they belong to another question.
 */
#include "base/cleanup.h"
#include "filter/program.h"

/* A text that begins with dir and goes on with a name: not empty, without '/', of no ending that is asked for. */
struct place {
	struct str dir; /* with its last '/'; empty: the text is the name alone */
	bool alone;
};

/*
 * The end by which a text is recognised: at most four bytes from its end or last '/' on, the last of them the most
 * significant. 1; 0: no such text ends like this; -1: too short to tell.
 */
static int ending_tail(struct str literal, bool alone, uint32_t *ret_tail)
{
	size_t slash = str_rchr(literal, '/');

	if (slash == literal.len - 1 || (alone && slash < literal.len))
		return 0;
	struct str end = str_skip(literal, literal.len > 4 ? literal.len - 4 : 0);

	slash = str_rchr(end, '/');
	if (slash == end.len && end.len < 4)
		return -1;
	*ret_tail = 0;
	for (size_t i = slash < end.len ? slash : 0; i < end.len; i++)
		*ret_tail = *ret_tail >> 8 | (uint32_t)(uint8_t)end.ptr[i] << 24;
	return 1;
}

/* As above, of a name that is just this. */
static int name_tail(struct str literal, uint32_t *ret_tail)
{
	char text[5] = "/";
	struct str end = str_skip(literal, literal.len > 4 ? literal.len - 4 : 0);

	if (!literal.len || str_rchr(literal, '/') < literal.len)
		return 0;
	memcpy(text + 1, end.ptr, end.len);
	return ending_tail((struct str){ text, end.len + 1 }, false, ret_tail);
}

/* Whether the check holds for such a text and this literal. */
typedef enum early (*place_fn)(const struct place *p, struct str literal);

static size_t after_slash(struct str s)
{
	size_t at = str_rchr(s, '/');

	return at < s.len ? at + 1 : 0;
}

static struct str head(struct str s, size_t n)
{
	return (struct str){ s.ptr, n };
}

static enum early place_equal(const struct place *p, struct str literal)
{
	size_t dir = after_slash(literal);

	if (p->alone) /* the literal is an ending that is asked for, or has a '/' */
		return EARLY_FALSE;
	return dir < literal.len && str_eq(head(literal, dir), p->dir) ? EARLY_UNKNOWN
								       : EARLY_FALSE;
}

static enum early place_differ(const struct place *p, struct str literal)
{
	return place_equal(p, literal) == EARLY_FALSE ? EARLY_TRUE : EARLY_UNKNOWN;
}

static enum early place_startswith(const struct place *p, struct str literal)
{
	if (literal.len <= p->dir.len)
		return str_starts(p->dir, literal) ? EARLY_TRUE : EARLY_FALSE;
	if (!str_starts(literal, p->dir))
		return EARLY_FALSE;
	return after_slash(literal) > p->dir.len ? EARLY_FALSE : EARLY_UNKNOWN;
}

static enum early place_contains(const struct place *p, struct str literal)
{
	size_t dir = after_slash(literal);

	if (str_contains(p->dir, literal))
		return EARLY_TRUE;
	return str_ends(p->dir, head(literal, dir)) ? EARLY_UNKNOWN : EARLY_FALSE;
}

static enum early place_endswith(const struct place *p, struct str literal)
{
	uint32_t tail;

	return literal.len && ending_tail(literal, p->alone, &tail) >= 0 ? EARLY_FALSE
									 : EARLY_UNKNOWN;
}

static enum early place_glob(const struct place *p, struct str literal)
{
	size_t plain = 0;

	while (plain < literal.len && !memchr("*?[\\", literal.ptr[plain], 4))
		plain++;
	return place_startswith(p, head(literal, plain)) == EARLY_FALSE ? EARLY_FALSE
									: EARLY_UNKNOWN;
}

static const struct {
	const char *op;
	place_fn fn;
} place_ops[] = {
	{ "=", place_equal },		{ "==", place_equal },
	{ "in", place_equal },		{ "!=", place_differ },
	{ "contains", place_contains }, { "startswith", place_startswith },
	{ "endswith", place_endswith }, { "glob", place_glob },
};

static place_fn place_op(const struct op *op)
{
	for (size_t i = 0; i < ARRAY_SIZE(place_ops); i++) {
		if (!strcmp(op->name, place_ops[i].op))
			return place_ops[i].fn;
	}
	return NULL;
}

static bool has_place(const struct node *n, const uint8_t *known)
{
	return known && !n->right && n->left->kind == VEXPR_SLOT &&
	       n->left->type.type == VT_STRING && !n->left->type.list && !n->left->match &&
	       !n->modifier &&
	       (known[n->left->cell] == SLOT_PLACE || known[n->left->cell] == SLOT_NAME);
}

static enum early place_check(struct eval *e, const struct node *n, const uint8_t *known)
{
	const struct value *v = eval_slot(e, n->left->cell);
	struct place place = { .alone = known[n->left->cell] == SLOT_NAME };
	place_fn fn = place_op(n->op);
	enum early result = EARLY_FALSE;

	if (!v || !v->s.len)
		return EARLY_UNKNOWN;
	if (!place.alone)
		place.dir = head(v->s, after_slash(v->s));
	if (place.dir.len == v->s.len)
		return EARLY_UNKNOWN;
	if (n->op->kind == OP_EXISTS)
		return EARLY_TRUE;
	if (n->op->kind == OP_PMATCH && !place.alone) {
		if (pmatch_has(n->prefixes, place.dir))
			return EARLY_TRUE;
		return pmatch_below(n->prefixes, place.dir) ? EARLY_UNKNOWN : EARLY_FALSE;
	}
	if (!fn || !n->noperands)
		return EARLY_UNKNOWN;
	for (uint32_t i = 0; i < n->noperands; i++) {
		enum early one = fn(&place, n->operands[i].value.s);

		if (one == EARLY_TRUE)
			return one;
		if (one == EARLY_UNKNOWN)
			result = one;
	}
	return result;
}

/* known: by slot; NULL: all but what comes late. */
static bool is_open(const struct program *p, const struct vexpr *v, const uint8_t *known)
{
	if (!v)
		return false;
	if (v->kind == VEXPR_SLOT)
		return known ? known[v->cell] != SLOT_KNOWN
			     : p->slots.items[v->cell].ref.def->flags & FIELD_LATE;
	for (uint32_t i = 0; i < v->nargs; i++)
		if (is_open(p, v->args[i], known))
			return true;
	return false;
}

bool check_decided(const struct program *p, const struct node *n, const uint8_t *known)
{
	if (has_place(n, known))
		return n->op->kind == OP_EXISTS || place_op(n->op) ||
		       (n->op->kind == OP_PMATCH && known[n->left->cell] == SLOT_PLACE);
	return !is_open(p, n->left, known) && !is_open(p, n->right, known);
}

static enum early early_check(struct eval *e, const struct node *n, const uint8_t *known)
{
	const struct program *p = eval_program(e);

	if (has_place(n, known))
		return place_check(e, n, known);
	if (is_open(p, n->left, known) || is_open(p, n->right, known))
		return EARLY_UNKNOWN;
	return eval_check(e, n) ? EARLY_TRUE : EARLY_FALSE;
}

static enum early early_node(struct eval *e, const struct node *n, const uint8_t *known)
{
	enum early decides = n->kind == NODE_OR ? EARLY_TRUE : EARLY_FALSE;
	enum early result = n->kind == NODE_OR ? EARLY_FALSE : EARLY_TRUE;

	if (n->kind == NODE_CHECK)
		return early_check(e, n, known);
	if (n->kind == NODE_NOT) {
		enum early kid = early_node(e, n->kids[0], known);

		return kid == EARLY_UNKNOWN ? kid : kid == EARLY_TRUE ? EARLY_FALSE : EARLY_TRUE;
	}
	for (uint32_t i = 0; i < n->nkids; i++) {
		enum early kid = early_node(e, n->kids[i], known);

		if (kid == decides)
			return kid;
		if (kid == EARLY_UNKNOWN)
			result = kid;
	}
	return result;
}

enum early eval_early(struct eval *e, const struct cond *c)
{
	return early_node(e, &c->top, NULL);
}

enum early eval_known(struct eval *e, const struct cond *c, const uint8_t *known)
{
	return early_node(e, &c->top, known);
}

static void check_endings(const struct node *n, bool alone, void (*add)(uint32_t, void *),
			  void *ctx)
{
	place_fn fn = place_op(n->op);
	bool whole = fn == place_equal || fn == place_differ;

	if (fn != place_endswith && !(whole && alone))
		return;
	for (uint32_t i = 0; i < n->noperands; i++) {
		struct str literal = n->operands[i].value.s;
		uint32_t tail;

		if ((whole	   ? name_tail(literal, &tail)
		     : literal.len ? ending_tail(literal, alone, &tail)
				   : 0) > 0)
			add(tail, ctx);
	}
}

static void node_endings(const struct node *n, const uint8_t *known, void (*add)(uint32_t, void *),
			 void *ctx)
{
	if (n->kind == NODE_CHECK && has_place(n, known))
		check_endings(n, known[n->left->cell] == SLOT_NAME, add, ctx);
	for (uint32_t i = 0; i < n->nkids; i++)
		node_endings(n->kids[i], known, add, ctx);
}

void cond_endings(const struct cond *c, const uint8_t *known, void (*add)(uint32_t tail, void *ctx),
		  void *ctx)
{
	node_endings(&c->top, known, add, ctx);
}
