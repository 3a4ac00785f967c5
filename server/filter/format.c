/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output formats are compiled into pieces: literal text, and value expressions with a width. Behind a `%`
 * stands the longest text that is a known field or a transformer call; what is left over is literal, so the
 * compiler tries shorter and shorter names.
 */
#include "filter/format.h"

#include <errno.h>

#include "base/vec.h"
#include "filter/compile.h"
#include "filter/parser.h"
#include "filter/print.h"

enum { LONGEST_NAME = 256, WIDEST = 65535 };

struct piece {
	struct str text; /* literal, when vexpr is NULL */
	const struct vexpr *vexpr;
	uint32_t width; /* 0: as long as it is */
};

struct format {
	struct str text;
	bool tolerant;
	const struct program *program;
	struct piece *pieces;
	size_t npieces;
	struct format_field *fields;
	size_t nfields;
};

struct builder {
	struct program *p;
	struct str text; /* the whole, in the program's arena */
	struct arena scratch;
	VEC(struct piece) pieces;
	VEC(struct format_field) fields;
	struct diag *diag;
};

static void builder_done(struct builder *b)
{
	arena_done(&b->scratch);
	vec_done(&b->pieces);
	vec_done(&b->fields);
}

/* ---- what is mentioned ---- */

static int add_field(struct builder *b, struct str key, uint32_t slot)
{
	vec_foreach (f, &b->fields) {
		if (f->slot == slot && str_eq(f->key, key))
			return 0;
	}
	return vec_push(&b->fields, (struct format_field){ key, slot });
}

/* expr was parsed at the start of `from`; its compiled form runs in parallel. */
static int add_fields(struct builder *b, struct str from, const struct expr *e,
		      const struct vexpr *v)
{
	if (e->kind == EXPR_FIELD)
		return add_field(b, (struct str){ from.ptr + e->pos, e->end - e->pos }, v->cell);
	for (uint32_t i = 0; i < e->nargs; i++) {
		int r = add_fields(b, from, e->args[i], v->args[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- compiling ---- */

static int add_literal(struct builder *b, struct str text)
{
	return text.len ? vec_push(&b->pieces, (struct piece){ .text = text }) : 0;
}

/* The digits in front of a field; false when the number is out of reason. */
static bool take_width(struct str *s, uint32_t *ret)
{
	uint32_t width = 0;

	while (s->len && s->ptr[0] >= '0' && s->ptr[0] <= '9') {
		width = width * 10 + (uint32_t)(s->ptr[0] - '0');
		if (width > WIDEST)
			return false;
		*s = str_skip(*s, 1);
	}
	*ret = width;
	return true;
}

/* The longest text to try after `taken` bytes that parsed did not compile; 0 when there is none. */
static size_t shorter(const struct expr *e, size_t taken)
{
	size_t name = e->pos + e->text.len;

	if (e->has_arg && e->kind == EXPR_FIELD)
		return name;
	if (e->kind == EXPR_TRANSFORMER)
		return e->has_arg ? e->end : 0;
	return taken > LONGEST_NAME ? LONGEST_NAME : taken - 1;
}

/*
 * Compiles the expression at the start of s: bytes taken in *ret_taken. The fault reported is that of the
 * longest attempt.
 */
static int compile_expr(struct builder *b, struct str s, size_t *ret_taken, struct piece *ret)
{
	struct diag *diag = b->diag, later = { 0 };
	struct str attempt = s;
	int first = 0;

	for (;;) {
		struct expr *e = NULL;
		size_t taken;
		int r = parse_output(attempt, &b->scratch, &e, &taken);

		if (r == -ENOMEM)
			return r;
		if (r < 0)
			break;
		r = vexpr_make(b->p, e, PLACE_OUTPUT, &ret->vexpr, diag);
		if (r < 0)
			return r;
		if (r == 0) {
			*ret_taken = taken;
			return add_fields(b, s, e, ret->vexpr);
		}
		if (!first)
			first = r;
		diag = &later;
		attempt = str_cut(s, shorter(e, taken));
	}
	if (!first) {
		diag_set(b->diag, "expected a field or a transformer after \"%%\"");
		first = FILTER_E_UNKNOWN_FIELD;
	}
	diag_place(b->diag, b->text, (size_t)(s.ptr - b->text.ptr));
	return first;
}

static int compile_pieces(struct builder *b, struct str s)
{
	for (;;) {
		size_t percent = str_chr(s, '%');
		struct piece piece = { 0 };
		size_t taken;
		int r = add_literal(b, str_cut(s, percent));

		if (r < 0 || percent == s.len)
			return r;
		s = (struct str){ s.ptr + percent + 1, s.len - percent - 1 };
		if (!take_width(&s, &piece.width)) {
			diag_place(b->diag, b->text, (size_t)(s.ptr - b->text.ptr));
			diag_set(b->diag, "a width can be at most %d", WIDEST);
			return FILTER_E_INVALID;
		}
		if (s.len == 0)
			s.ptr = b->text.ptr + b->text.len;
		r = compile_expr(b, s, &taken, &piece);
		if (r == 0)
			r = vec_push(&b->pieces, piece);
		if (r != 0)
			return r;
		s = str_skip(s, taken);
	}
}

static struct format *finish(struct builder *b)
{
	struct arena *a = &b->p->arena;
	struct format *f = arena_new(a, struct format);

	if (!f)
		return NULL;
	f->program = b->p;
	f->tolerant = str_starts(b->text, STR("*"));
	f->text = str_skip(b->text, f->tolerant);
	f->npieces = b->pieces.n;
	f->nfields = b->fields.n;
	f->pieces = arena_array(a, b->pieces.n + 1, sizeof(struct piece));
	f->fields = arena_array(a, b->fields.n + 1, sizeof(struct format_field));
	if (!f->pieces || !f->fields)
		return NULL;
	if (b->pieces.n)
		memcpy(f->pieces, b->pieces.items, b->pieces.n * sizeof(struct piece));
	if (b->fields.n)
		memcpy(f->fields, b->fields.items, b->fields.n * sizeof(struct format_field));
	return f;
}

int format_compile(struct program *p, struct str text, struct format **ret_format,
		   struct diag *diag)
{
	struct builder b = { .p = p, .text = arena_dup(&p->arena, text), .diag = diag };

	if (text.len == 0) {
		diag_set(diag, "an output format cannot be empty");
		return FILTER_E_INVALID;
	}
	if (!b.text.ptr)
		return -ENOMEM;
	int r = compile_pieces(&b, str_skip(b.text, str_starts(b.text, STR("*"))));
	struct format *f = r == 0 ? finish(&b) : NULL;

	builder_done(&b);
	if (r == 0 && !f)
		r = -ENOMEM;
	if (r == 0)
		*ret_format = f;
	return r;
}

const struct format_field *format_fields(const struct format *f, size_t *ret_n)
{
	*ret_n = f->nfields;
	return f->fields;
}

struct str format_text(const struct format *f)
{
	return f->text;
}

/* ---- rendering ---- */

static bool render_value(const struct format *f, const struct vexpr *v, struct eval *e,
			 struct strbuf *out)
{
	struct value value;

	if (v->kind == VEXPR_SLOT) {
		const struct field_ref *ref = program_slot_ref(f->program, v->cell);
		const struct value *found = ref->def->flags & FIELD_FILTER_ONLY
						    ? NULL
						    : eval_slot(e, v->cell);

		if (found)
			value_print(ref, found, out);
		return found != NULL;
	}
	if (!eval_vexpr(e, v, &value))
		return false;
	print_value(v->type.type, v->type.list, false,
		    f->program->base64 ? PRINT_BASE64 : PRINT_PLAIN, &value, out);
	return true;
}

static void fit(struct strbuf *out, size_t start, size_t width)
{
	if (out->len > start + width)
		out->len = start + width;
	while (out->len < start + width && !out->failed)
		strbuf_addc(out, ' ');
}

bool format_render(const struct format *f, struct eval *e, bool tolerant, struct strbuf *out)
{
	tolerant = tolerant || f->tolerant;
	for (size_t i = 0; i < f->npieces; i++) {
		const struct piece *piece = &f->pieces[i];
		size_t start = out->len;

		if (!piece->vexpr) {
			strbuf_add(out, piece->text);
			continue;
		}
		if (!render_value(f, piece->vexpr, e, out)) {
			if (!tolerant)
				return false;
			strbuf_addz(out, "<NA>");
		}
		if (piece->width)
			fit(out, start, piece->width);
	}
	return true;
}
