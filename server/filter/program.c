/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all conditions of a ruleset share: slots are found by the text of field and argument, so that the same
 * field in a thousand rules is read once for an event.
 */
#include "filter/program.h"

#include <errno.h>

struct program *program_new(const struct catalogue *c)
{
	struct program *p = calloc(1, sizeof(*p));

	if (p)
		p->catalogue = c;
	return p;
}

struct program *program_free(struct program *p)
{
	if (!p)
		return NULL;
	vec_foreach (r, &p->regexes)
		regex_free(*r);
	vec_done(&p->regexes);
	vec_done(&p->slots);
	strmap_done(&p->known);
	strbuf_done(&p->key);
	arena_done(&p->arena);
	free(p);
	return NULL;
}

void program_base64(struct program *p)
{
	p->base64 = true;
}

int program_seal(struct program *p)
{
	/* Author's order is evaluation order; what is only needed to compile can go. */
	strmap_done(&p->known);
	strbuf_done(&p->key);
	p->sealed = true;
	return 0;
}

size_t program_slots(const struct program *p)
{
	return p->slots.n;
}

const struct catalogue *program_catalogue(const struct program *p)
{
	return p->catalogue;
}

const struct field_ref *program_slot_ref(const struct program *p, uint32_t slot)
{
	return slot < p->slots.n ? &p->slots.items[slot].ref : NULL;
}

static int new_slot(struct program *p, const struct field_ref *ref, struct str key)
{
	struct slot slot = { .ref = *ref };

	key = arena_dup(&p->arena, key);
	slot.ref.arg = arena_dup(&p->arena, ref->arg);
	if (!key.ptr || (ref->arg.len && !slot.ref.arg.ptr))
		return -ENOMEM;
	if (vec_push(&p->slots, slot) < 0)
		return -ENOMEM;
	if (strmap_put(&p->known, key, (void *)(uintptr_t)p->slots.n) < 0) {
		p->slots.n--;
		return -ENOMEM;
	}
	return 0;
}

int program_slot(struct program *p, const struct field_ref *ref, uint32_t *ret_slot)
{
	if (p->sealed)
		return -EINVAL;
	strbuf_clear(&p->key);
	strbuf_addc(&p->key, 'S');
	strbuf_add(&p->key, (struct str){ (const char *)&ref->def, sizeof(ref->def) });
	strbuf_addc(&p->key, (char)('0' + ref->has_arg + 2 * ref->base64));
	strbuf_add(&p->key, ref->arg);
	if (strbuf_check(&p->key) < 0)
		return -ENOMEM;
	void *found = strmap_find(&p->known, strbuf_str(&p->key));

	if (found) {
		*ret_slot = (uint32_t)((uintptr_t)found - 1);
		return 0;
	}
	int r = new_slot(p, ref, strbuf_str(&p->key));

	if (r == 0)
		*ret_slot = (uint32_t)(p->slots.n - 1);
	return r;
}

int program_output_slot(struct program *p, struct field_ref ref, uint32_t *ret_slot)
{
	ref.base64 = p->base64 &&
		     (ref.type == VT_BYTES || (ref.def->flags & FIELD_SHOWS_BYTES) != 0);
	return program_slot(p, &ref, ret_slot);
}
