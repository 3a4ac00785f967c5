/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiling value expressions: fields become slots, transformers calls with checked argument types. Equal
 * expressions are one object, found by a key of the kind and the numbers of the parts.
 */
#include <errno.h>

#include "filter/compile.h"

static int invalid(struct diag *diag, const struct expr *e)
{
	diag->offset = e->pos;
	return FILTER_E_INVALID;
}

void key_start(struct program *p, char kind)
{
	strbuf_clear(&p->key);
	strbuf_addc(&p->key, kind);
}

void key_bytes(struct program *p, const void *data, size_t size)
{
	strbuf_add(&p->key, (struct str){ data, size });
}

void key_text(struct program *p, struct str text)
{
	key_bytes(p, &text.len, sizeof(text.len));
	strbuf_add(&p->key, text);
}

void *key_find(struct program *p)
{
	return strmap_find(&p->known, strbuf_str(&p->key));
}

int key_put(struct program *p, void *object)
{
	if (strbuf_check(&p->key) < 0)
		return -ENOMEM;
	struct str key = arena_dup(&p->arena, strbuf_str(&p->key));

	return key.ptr ? strmap_put(&p->known, key, object) : -ENOMEM;
}

/* Registers a new expression under the current key. */
static int add(struct program *p, const struct vexpr *model, const struct vexpr **ret)
{
	struct vexpr *v = arena_new(&p->arena, struct vexpr);

	if (!v)
		return -ENOMEM;
	*v = *model;
	v->id = p->nvexprs++;
	*ret = v;
	return key_put(p, v);
}

static int compile_field(struct program *p, const struct expr *e, enum vexpr_place place,
			 const struct vexpr **ret, struct diag *diag)
{
	struct field_ref ref;
	int r = catalogue_bind(p->catalogue, e->text, e->has_arg, e->arg, &p->arena, &ref, diag);

	if (r != 0) {
		diag->offset = e->pos;
		return r;
	}
	if ((place & PLACE_RIGHT) && (ref.def->flags & FIELD_NO_RHS)) {
		diag_set(diag, "field \"%s\" cannot stand on the right side", ref.def->name);
		return invalid(diag, e);
	}
	if ((place & PLACE_ARGUMENT) && (ref.def->flags & FIELD_NO_TRANSFORMER)) {
		diag_set(diag, "field \"%s\" cannot stand inside a transformer", ref.def->name);
		return invalid(diag, e);
	}
	uint32_t slot;

	r = place & PLACE_OUTPUT ? program_output_slot(p, ref, &slot)
				 : program_slot(p, &ref, &slot);
	if (r < 0)
		return r;
	key_start(p, 'V');
	key_bytes(p, &slot, sizeof(slot));
	*ret = key_find(p);
	if (*ret)
		return 0;
	struct vexpr model = {
		.kind = VEXPR_SLOT,
		.type = { .type = ref.type, .list = ref.list },
		.match = ref.match,
		.names = ref.def->flags & FIELD_NAMES,
		.cell = slot,
	};

	return add(p, &model, ret);
}

static int compile_const(struct program *p, const struct expr *e, const struct vexpr **ret)
{
	key_start(p, 'K');
	key_text(p, e->text);
	*ret = key_find(p);
	if (*ret)
		return 0;
	struct vexpr model = {
		.kind = VEXPR_CONST,
		.type = { .type = VT_STRING },
		.value = { .s = arena_dup(&p->arena, e->text) },
	};

	if (e->text.len && !model.value.s.ptr)
		return -ENOMEM;
	return add(p, &model, ret);
}

static int compile_args(struct program *p, const struct expr *e, enum vexpr_place place,
			struct vexpr *model, struct diag *diag)
{
	model->args = arena_array(&p->arena, e->nargs + 1, sizeof(model->args[0]));
	model->arg_types = arena_array(&p->arena, e->nargs + 1, sizeof(model->arg_types[0]));
	if (!model->args || !model->arg_types)
		return -ENOMEM;
	model->nargs = e->nargs;
	for (uint32_t i = 0; i < e->nargs; i++) {
		int r = vexpr_make(p, e->args[i], place | PLACE_ARGUMENT, &model->args[i], diag);

		if (r != 0)
			return r;
		model->arg_types[i] = model->args[i]->type;
		model->names = model->names || model->args[i]->names;
	}
	return 0;
}

static void key_args(struct program *p, const struct vexpr *model)
{
	for (uint32_t i = 0; i < model->nargs; i++)
		key_bytes(p, &model->args[i]->id, sizeof(model->args[i]->id));
}

static int add_with_cell(struct program *p, struct vexpr *model, const struct vexpr **ret)
{
	*ret = key_find(p);
	if (*ret)
		return 0;
	model->cell = p->ncells++;
	return add(p, model, ret);
}

static int compile_list(struct program *p, const struct expr *e, enum vexpr_place place,
			const struct vexpr **ret, struct diag *diag)
{
	struct vexpr model = {
		.kind = VEXPR_LIST,
		.type = { .type = VT_STRING, .list = true, .literal_list = true },
	};
	int r = compile_args(p, e, place, &model, diag);

	if (r != 0)
		return r;
	for (uint32_t i = 0; i < model.nargs; i++) {
		const struct vtype *t = &model.arg_types[i];

		if (t->list ||
		    (t->type != VT_STRING && t->type != VT_INT64 && t->type != VT_UINT64)) {
			diag_set(diag,
				 "a list holds single strings and 64-bit integers, not a %s%s",
				 t->list ? "list of type " : "value of type ",
				 value_type_name(t->type));
			return invalid(diag, e->args[i]);
		}
	}
	key_start(p, 'L');
	key_args(p, &model);
	return add_with_cell(p, &model, ret);
}

static int compile_call(struct program *p, const struct expr *e, enum vexpr_place place,
			const struct vexpr **ret, struct diag *diag)
{
	struct vexpr model = {
		.kind = VEXPR_CALL,
		.fn = transformer_find(e->text),
		.option = e->arg.len == 1 ? e->arg.ptr[0] : '\0',
	};

	if (!model.fn) {
		diag_set(diag, STR_FMT "() takes no argument in brackets", STR_ARG(e->text));
		return invalid(diag, e);
	}
	if (e->has_arg && !model.option) {
		diag_set(diag, "what is in brackets behind " STR_FMT "() has to be one letter",
			 STR_ARG(e->text));
		return invalid(diag, e);
	}
	int r = compile_args(p, e, place, &model, diag);

	if (r != 0)
		return r;
	if (!model.fn->accepts(model.arg_types, model.nargs, e->has_arg, &model.type)) {
		diag_set(diag, STR_FMT "() takes %s%s", STR_ARG(e->text), model.fn->wants,
			 e->has_arg ? ", and nothing in brackets behind it" : "");
		return invalid(diag, e);
	}
	key_start(p, 'T');
	key_bytes(p, &model.fn, sizeof(model.fn));
	strbuf_addc(&p->key, model.option);
	key_args(p, &model);
	return add_with_cell(p, &model, ret);
}

int vexpr_make(struct program *p, const struct expr *e, enum vexpr_place place,
	       const struct vexpr **ret, struct diag *diag)
{
	if (p->sealed)
		return -EINVAL;
	switch (e->kind) {
	case EXPR_FIELD: return compile_field(p, e, place, ret, diag);
	case EXPR_VALUE: return compile_const(p, e, ret);
	case EXPR_LIST: return compile_list(p, e, place, ret, diag);
	case EXPR_TRANSFORMER: return compile_call(p, e, place, ret, diag);
	}
	return -EINVAL;
}

int vexpr_compile(struct program *p, const struct expr *e, struct vexpr **ret, struct diag *diag)
{
	const struct vexpr *v;
	int r = vexpr_make(p, e, PLACE_LEFT, &v, diag);

	if (r == 0)
		*ret = (struct vexpr *)v;
	return r;
}

enum value_type vexpr_type(const struct vexpr *v, bool *ret_list)
{
	if (ret_list)
		*ret_list = v->type.list;
	return v->type.type;
}
