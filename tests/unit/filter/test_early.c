/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said of all files of a directory (SLOT_PLACE, SLOT_NAME) against brute force: random conditions, and for
 * each every name of a set that has none of the endings that the condition asks for.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "filter/filter.h"
#include "filter/parser.h"

enum { F_LEAF, F_PATH, CONDITIONS = 8000 };

struct file {
	const char *dir, *name;
	char path[64];
};

static const struct field_def fields[] = {
	{ "t.name", "t", "", VT_STRING, 0, 0, 0, F_LEAF },
	{ "t.path", "t", "", VT_STRING, 0, 0, 0, F_PATH },
};

static int bind_field(const struct catalogue *c, struct field_ref *ref, struct arena *a,
		      struct str *ret_why)
{
	return 0;
}

static bool extract(const struct catalogue *c, void *event, const struct field_ref *ref,
		    bool resolved, struct arena *a, struct value *ret)
{
	struct file *f = event;

	snprintf(f->path, sizeof(f->path), "%s%s", f->dir, f->name);
	ret->s = str_of(ref->def->id == F_LEAF ? f->name : f->path);
	return true;
}

static bool events_named(const struct catalogue *c, struct str name, struct bitset *ret)
{
	return false;
}

static const struct catalogue catalogue = {
	.fields = fields,
	.nfields = ARRAY_SIZE(fields),
	.bind = bind_field,
	.extract = extract,
	.events_named = events_named,
};

static const char *const dirs[] = { "/", "/etc/", "/etc/ssh/", "/a/", "../", "", "x/../" };
static const char *const names[] = { "a",      "b",	"ab",	"sh",	 "ssh",	   "hadow",
				     "shadow", "x.log", "logs", "g",	 "etc",	   ".ssh",
				     "id_rsa", "rsa",	"_rsa", "a_rsa", "..x",	   "passwd",
				     "x",      "xy",	"xyz",	"xyzw",	 "shadow-" };
static const char *const literals[] = {
	"/etc/shadow", "/etc/", "/etc", "/",	"shadow",   "hadow",	       "ow",
	"/sh",	       "sh",	"/a",	"a",	".log",	    "/etc/ssh/id_rsa", "_rsa",
	"id_rsa",      "../",	"..",	"ssh/", "/etc/ssh", "tc/sh",	       "c/a",
	"/xyz",	       "/b/ab", "\"\"", "xyz"
};
static const char *const globs[] = { "/etc/*", "*/id_rsa", "/etc/ssh", "/a/?", "*", "..*" };

/* The same numbers in every run. */
static uint32_t some(uint32_t n)
{
	static uint64_t x = 4;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 32) % n;
}

#define PICK(list) list[some(ARRAY_SIZE(list))]

static void add_check(char *out, size_t n)
{
	static const char *const ops[] = { "=", "!=", "contains", "startswith", "endswith" };
	const char *field = some(3) ? "t.path" : "t.name";

	switch (some(8)) {
	case 0: snprintf(out, n, "%s in (%s, %s)", field, PICK(literals), PICK(literals)); break;
	case 1: snprintf(out, n, "%s pmatch (%s, %s)", field, PICK(literals), PICK(globs)); break;
	case 2: snprintf(out, n, "%s glob %s", field, PICK(globs)); break;
	case 3: snprintf(out, n, "%s exists", field); break;
	default: snprintf(out, n, "%s %s %s", field, PICK(ops), PICK(literals)); break;
	}
}

static void make_condition(char *out, size_t n, unsigned depth)
{
	char left[512], right[512];

	if (depth == 0 || some(3) == 0) {
		add_check(left, sizeof(left));
		snprintf(out, n, "%s%s", some(4) ? "" : "not ", left);
		return;
	}
	make_condition(left, sizeof(left), depth - 1);
	make_condition(right, sizeof(right), depth - 1);
	snprintf(out, n, "%s(%s %s %s)", some(6) ? "" : "not ", left, some(2) ? "and" : "or",
		 right);
}

struct tails {
	uint32_t items[64];
	size_t n;
};

static void add_tail(uint32_t tail, void *ctx)
{
	struct tails *t = ctx;

	assert_true(t->n < ARRAY_SIZE(t->items));
	t->items[t->n++] = tail;
}

/* As filter.h describes it. */
static bool asked_for(const struct tails *t, const char *name)
{
	char text[64];
	uint32_t tail = 0;

	snprintf(text, sizeof(text), "/%s", name);
	size_t len = strlen(text);

	for (size_t i = len > 4 ? len - 4 : 0; i < len; i++)
		tail = tail >> 8 | (uint32_t)(uint8_t)text[i] << 24;
	for (size_t i = 0; i < t->n; i++) {
		if (t->items[i] == tail)
			return true;
	}
	return false;
}

static void one_condition(const char *text, unsigned *decided)
{
	struct program *p = program_new(&catalogue);
	struct arena load = { 0 }, event = { 0 };
	struct tails tails = { .n = 0 };
	struct ast *tree;
	struct cond *cond;
	struct diag diag;
	uint8_t known[2];

	if (parse_condition(str_of(text), LIMIT_CONDITION_DEPTH, &load, &tree, &diag) != 0 ||
	    filter_compile(p, tree, &cond, NULL, &diag) != 0)
		fail_msg("%s: %s", text, diag.text);
	struct eval *e = eval_new(p);

	for (uint32_t slot = 0; slot < program_slots(p); slot++)
		known[slot] = program_slot_ref(p, slot)->def->id == F_LEAF ? SLOT_NAME : SLOT_PLACE;
	cond_endings(cond, known, add_tail, &tails);
	for (size_t d = 0; d < ARRAY_SIZE(dirs); d++) {
		enum early verdict = EARLY_UNKNOWN;
		const char *of = NULL;

		for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
			struct file f = { .dir = dirs[d], .name = names[i] };

			if (asked_for(&tails, f.name))
				continue;
			eval_begin(e, &f, &event);
			enum early now = eval_known(e, cond, known);

			if (of && now != verdict)
				fail_msg("%s: not the same for %s%s and %s", text, f.dir, f.name,
					 of);
			verdict = now;
			of = f.name;
			*decided += now != EARLY_UNKNOWN;
			if (now != EARLY_UNKNOWN && eval_cond(e, cond) != (now == EARLY_TRUE))
				fail_msg("%s: wrong for %s%s", text, f.dir, f.name);
		}
	}
	eval_free(e);
	program_free(p);
	arena_done(&load);
	arena_done(&event);
}

static void places_are_sound(void **state)
{
	char text[1200];
	unsigned decided = 0;

	for (unsigned i = 0; i < CONDITIONS; i++) {
		make_condition(text, sizeof(text), 2);
		one_condition(text, &decided);
	}
	/* Most of what is asked has an answer. */
	assert_in_range(decided, CONDITIONS * 50, UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_are_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
