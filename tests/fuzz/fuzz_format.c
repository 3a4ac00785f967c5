/* SPDX-License-Identifier: Apache-2.0 */
/* Output formats: compile and render, both ways of treating missing values. */
#include "filter/format.h"
#include "fuzz.h"
#include "small_catalogue.h"

static void render(struct program *p, const struct format *f)
{
	struct small_event event = { .type = "open" };
	struct strbuf out = { .limit = 1 << 20 };
	struct arena arena = { 0 };
	struct eval *e = eval_new(p);

	if (e) {
		eval_begin(e, &event, &arena);
		format_render(f, e, false, &out);
		format_render(f, e, true, &out);
	}
	eval_free(e);
	strbuf_done(&out);
	arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct program *p = program_new(&small_catalogue);
	struct diag diag = { 0 };
	struct format *f;

	if (p && format_compile(p, (struct str){ (const char *)data, size }, &f, &diag) == 0) {
		program_seal(p);
		render(p, f);
	}
	program_free(p);
	return 0;
}
