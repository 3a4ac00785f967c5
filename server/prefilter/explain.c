/* SPDX-License-Identifier: Apache-2.0 */
/* The condition is looked at three times, with what is known of a file, of its directory, and of a failed open. */
#include "prefilter/explain.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/vec.h"
#include "filter/parser.h"
#include "prefilter/learn.h"
#include "rule/eventnames.h"

struct check {
	struct str text;
	bool decided[LEARN_SCOPES];
};

struct report {
	VEC(struct check) checks;
	size_t at; /* the next check of this look */
	enum learn_scope scope;
	struct outcomes outcomes[LEARN_SCOPES];
	bool opens;
	int r;
};

static const struct {
	const char *name, *title;
} scopes[LEARN_SCOPES] = {
	[LEARN_FILE] = { "file", "opens of one file" },
	[LEARN_PLACE] = { "directory", "opens in one directory" },
	[LEARN_FAILED] = { "failed", "opens that fail" },
};

static void add_check(struct str text, bool decided, void *ctx)
{
	struct report *r = ctx;

	if (r->scope == 0 && vec_push(&r->checks, ((struct check){ .text = text })) < 0)
		r->r = -ENOMEM;
	if (r->at < r->checks.n)
		r->checks.items[r->at++].decided[r->scope] = decided;
}

static int look(struct report *r, const struct program *p, const struct cond *cond)
{
	for (r->scope = 0; r->scope < LEARN_SCOPES; r->scope++) {
		_cleanup_(freep) uint8_t *known = learn_known(p, r->scope);

		if (!known)
			return -ENOMEM;
		r->at = 0;
		cond_checks(p, cond, known, add_check, r);
		r->outcomes[r->scope] = cond_outcomes(p, cond, known);
	}
	return r->r;
}

static void report_text(const struct report *r, struct strbuf *out)
{
	if (!r->opens) {
		strbuf_addz(
			out,
			"its events always come up: only open and openat can end in the kernel\n");
		return;
	}
	for (enum learn_scope s = 0; s < LEARN_SCOPES; s++)
		strbuf_printf(out, "%s: %s\n", scopes[s].title,
			      r->outcomes[s].can_be_false ? "can end in the kernel"
							  : "always come up");
	for (size_t i = 0; i < r->checks.n; i++) {
		const struct check *c = &r->checks.items[i];
		const char *lead = ": known for ";

		strbuf_addz(out, "    ");
		strbuf_add(out, c->text);
		for (enum learn_scope s = 0; s < LEARN_SCOPES; s++) {
			if (!c->decided[s])
				continue;
			strbuf_addz(out, lead);
			strbuf_addz(out, scopes[s].name);
			lead = ", ";
		}
		strbuf_addz(out, *lead == ':' ? ": not known\n" : "\n");
	}
}

static void report_json(const struct report *r, struct strbuf *out)
{
	struct json j = json_to(out);

	json_open(&j, '{');
	json_key(&j, STR("valid"));
	json_bool(&j, true);
	for (enum learn_scope s = 0; s < LEARN_SCOPES; s++) {
		json_key(&j, str_of(scopes[s].name));
		json_bool(&j, r->opens && r->outcomes[s].can_be_false);
	}
	json_key(&j, STR("checks"));
	json_open(&j, '[');
	for (size_t i = 0; i < r->checks.n; i++) {
		json_open(&j, '{');
		json_key(&j, STR("check"));
		json_text(&j, r->checks.items[i].text);
		for (enum learn_scope s = 0; s < LEARN_SCOPES; s++) {
			json_key(&j, str_of(scopes[s].name));
			json_bool(&j, r->checks.items[i].decided[s]);
		}
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
	strbuf_addc(out, '\n');
}

int kernel_explain(const struct catalogue *c, struct str condition, bool json, struct strbuf *out)
{
	struct program *p = program_new(c);
	struct report r = { 0 };
	struct arena a = { 0 };
	struct texts events = { 0 };
	struct diag diag;
	struct ast *tree;
	struct cond *cond;
	int rc = p ? parse_condition(condition, LIMIT_CONDITION_DEPTH, &a, &tree, &diag) : -ENOMEM;

	if (rc == 0)
		rc = filter_compile(p, tree, &cond, NULL, &diag);
	if (rc == 0)
		rc = event_names(c, tree, false, &a, &events, &diag);
	for (size_t i = 0; i < events.n; i++)
		r.opens |= str_eqz(events.items[i], "open") || str_eqz(events.items[i], "openat");
	if (rc == 0)
		rc = look(&r, p, cond);
	if (rc == 0 && json)
		report_json(&r, out);
	else if (rc == 0)
		report_text(&r, out);
	vec_done(&r.checks);
	program_free(p);
	arena_done(&a);
	return rc == 0 ? 0 : 1;
}
