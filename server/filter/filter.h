/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled conditions. A program holds all conditions of one ruleset: distinct (field, argument) pairs
 * share a slot that is filled at most once per event, and identical subtrees are one node evaluated at
 * most once per event (ARCHITECTURE.md, decision 9). A program is immutable once sealed and may be evaluated
 * by several threads, each with an eval of its own.
 */
#pragma once

#include "base/arena.h"
#include "base/bitset.h"
#include "base/diag.h"
#include "filter/ast.h"
#include "filter/catalogue.h"

struct program;
struct cond; /* one compiled condition inside a program */
struct eval;

/* Positive outcomes of filter_compile; the unknown ones may be skipped by skip-if-unknown-filter. */
enum filter_outcome {
	FILTER_E_INVALID = 1, /* the condition is wrong */
	FILTER_E_UNKNOWN_FIELD = 2,
	FILTER_E_UNKNOWN_EVENT = 3,
};

struct filter_warnings {
	uint32_t n; /* LOAD_COMPILE_CONDITION findings (rules-language.md 2.2) */
	struct diag last[8];
};

/* The catalogue must outlive the program. NULL when memory is out. */
struct program *program_new(const struct catalogue *c);
struct program *program_free(struct program *p);
/* Formats compiled from now on print byte buffers in base64; conditions see them as they are. */
void program_base64(struct program *p);
/* No more conditions; computes evaluation order and slot table. 0 or -ENOMEM. */
int program_seal(struct program *p);
size_t program_slots(const struct program *p);
const struct catalogue *program_catalogue(const struct program *p);
/* The slot of a field reference, made if new; formats use it too, so outputs reuse what conditions read.
 * -ENOMEM. Before sealing only. */
int program_slot(struct program *p, const struct field_ref *ref, uint32_t *ret_slot);
/* As program_slot for a field that is only shown, in the program's form of byte buffers. */
int program_output_slot(struct program *p, struct field_ref ref, uint32_t *ret_slot);
const struct field_ref *program_slot_ref(const struct program *p, uint32_t slot);

/*
 * tree has no AST_MACRO left. 0, a FILTER_E_ outcome with *diag filled, -ENOMEM. Only the offset of *diag is
 * known here; who has the text adds line and column with diag_place(d, text, d->offset).
 */
int filter_compile(struct program *p, const struct ast *tree, struct cond **ret_cond,
		   struct filter_warnings *warnings, struct diag *diag);
/* A value expression for formats: a field or transformer; FILTER_E_ as above. */
struct vexpr;
int vexpr_compile(struct program *p, const struct expr *e, struct vexpr **ret, struct diag *diag);

/* Events for which the condition can be true (rules-language.md 5.1). FILTER_E_UNKNOWN_EVENT or
 * FILTER_E_INVALID (transformers on evt.type) with *diag. */
int filter_events(const struct catalogue *c, const struct ast *tree, struct bitset *ret_codes,
		  struct diag *diag);

/* An evaluator for one thread: slot values, node results, generation numbers. */
struct eval *eval_new(const struct program *p);
struct eval *eval_free(struct eval *e);
const struct program *eval_program(const struct eval *e);
/* A new event: everything cached is forgotten (by counting up), names are as given again. The arena is the
 * event arena. */
void eval_begin(struct eval *e, void *event, struct arena *arena);
/* Which names FIELD_NAMES slots have from now on; forgets those slots and the nodes above them. */
void eval_names(struct eval *e, bool resolved);
bool eval_cond(struct eval *e, const struct cond *c);
/* The slot's value, extracted if need be. NULL: no value. Valid until the event arena is rewound or
 * eval_names changes the slot. */
const struct value *eval_slot(struct eval *e, uint32_t slot);
/* Type and list-ness of a value expression, and its value; false: no value. */
enum value_type vexpr_type(const struct vexpr *v, bool *ret_list);
bool eval_vexpr(struct eval *e, const struct vexpr *v, struct value *ret_value);
/* A stand-alone evaluation that caches nothing and explains: the first sub-condition that decided. */
bool eval_explain(struct eval *e, const struct cond *c, struct strbuf *ret_decider);

/*
 * Events that wait. A LATE field may get its value after the event: eval_early says what can be said without
 * those; eval_freeze keeps all other values that are marked, so that the event can be evaluated again when
 * they are known and everything it came from is gone.
 */
enum early { EARLY_FALSE, EARLY_TRUE, EARLY_UNKNOWN };
enum early eval_early(struct eval *e, const struct cond *c);
/*
 * The same with other values missing. known has program_slots entries, of enum slot_known; a text of SLOT_PLACE or
 * SLOT_NAME stands for all whose tail (cond_endings) is none of those that the condition asks for.
 */
enum slot_known {
	SLOT_OPEN,
	SLOT_KNOWN,
	SLOT_PLACE, /* a path: the same directory, any name */
	SLOT_NAME,  /* a name: any */
};
enum early eval_known(struct eval *e, const struct cond *c, const uint8_t *known);
/*
 * The tails of names that SLOT_PLACE and SLOT_NAME texts do not have: the last four bytes of "/name", the last one
 * the most significant; where it is shorter, zeros below.
 */
void cond_endings(const struct cond *c, const uint8_t *known, void (*add)(uint32_t tail, void *ctx),
		  void *ctx);
/* For explaining: each check in order, and whether such values decide it; and what they make of the whole. */
void cond_checks(const struct program *p, const struct cond *c, const uint8_t *known,
		 void (*fn)(struct str text, bool decided, void *ctx), void *ctx);
struct outcomes {
	bool can_be_true, can_be_false;
};
struct outcomes cond_outcomes(const struct program *p, const struct cond *c, const uint8_t *known);
/* Sets marks[slot] for the slots that the condition reads; marks has program_slots entries. */
void cond_mark_slots(const struct cond *c, bool *marks);
struct frozen;
/* Values of the marked slots with names as given and, when both, as resolved. In the arena; NULL: no memory. */
struct frozen *eval_freeze(struct eval *e, const bool *marks, bool both, struct arena *a);
/* As eval_begin: LATE fields are extracted from the event, all others are the frozen ones. */
void eval_thaw(struct eval *e, void *event, struct arena *arena, const struct frozen *f);
