/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loader: takes file after file, keeps what was collected and the newest ruleset compiled from it. Its
 * arena (the load lifetime) holds texts, items and results and goes with it; the ruleset stands alone.
 */
#include "rule/load_impl.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/limits.h"
#include "rule/compile.h"
#include "filter/parser.h"
#include "rule/describe.h"
#include "rule/read.h"
#include "rule/ruleset_impl.h"
#include "rule/schema.h"
#include "rule/select.h"

struct loader {
	struct load_options options;
	struct arena arena;
	struct collection items;
	struct compiled compiled;
	struct result *results, *last;
	bool nomem;
};

static void *copy(struct arena *a, const void *items, size_t n, size_t size)
{
	void *to = arena_array(a, n + 1, size);

	if (to && n)
		memcpy(to, items, n * size);
	return to;
}

/* The arrays are the caller's for the call only; the texts in them stay borrowed. */
static int keep_options(struct loader *l, const struct load_options *o)
{
	struct append_output *append = copy(&l->arena, o->append, o->nappend, sizeof(*append));

	l->options = *o;
	l->options.append = append;
	l->options.selections = copy(&l->arena, o->selections, o->nselections,
				     sizeof(*o->selections));
	l->options.plugins = copy(&l->arena, o->plugins, o->nplugins, sizeof(*o->plugins));
	if (!append || !l->options.selections || !l->options.plugins)
		return -ENOMEM;
	for (size_t i = 0; i < o->nappend; i++) {
		append[i].fields = copy(&l->arena, append[i].fields, append[i].nfields,
					sizeof(*append[i].fields));
		if (!append[i].fields)
			return -ENOMEM;
	}
	return 0;
}

struct loader *loader_new(const struct load_options *options)
{
	struct loader *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->items.arena = &l->arena;
	return keep_options(l, options) < 0 ? loader_free(l) : l;
}

struct loader *loader_free(struct loader *l)
{
	if (!l)
		return NULL;
	compiled_done(&l->compiled);
	collection_done(&l->items);
	arena_done(&l->arena);
	free(l);
	return NULL;
}

static struct result *result_new(struct loader *l, const char *name, struct str content)
{
	struct result *r = arena_new(&l->arena, struct result);
	struct source_file *f = arena_new(&l->arena, struct source_file);

	if (!r || !f)
		return NULL;
	f->name = arena_dup(&l->arena, str_of(name));
	f->content = arena_dup(&l->arena, content);
	if (!f->name.ptr || !f->content.ptr)
		return NULL;
	r->file = f;
	r->arena = &l->arena;
	if (l->last)
		l->last->next = r;
	else
		l->results = r;
	l->last = r;
	return r;
}

static int yaml_fault(struct loader *l, struct result *r, const struct place *file,
		      const struct diag *d)
{
	return result_add(r, LOAD_ERR_YAML_PARSE,
			  place_in(&l->arena, file, "value for", (struct str){ 0 },
				   d->line ? d->line - 1 : 0, d->column ? d->column - 1 : 0,
				   d->offset),
			  "%s", d->text);
}

static int load_file(struct loader *l, struct result *r)
{
	const struct place *file = place_file(&l->arena, r->file);
	struct reading reading = { .items = &l->items,
				   .arena = &l->arena,
				   .result = r,
				   .catalogue = l->options.catalogue,
				   .file = file };
	struct compiled compiled;
	struct ydocs docs = { 0 };
	struct diag diag = { 0 };
	int rc;

	if (!file)
		return -ENOMEM;
	if (r->file->content.len > LIMIT_RULES_FILE_BYTES)
		return result_add(r, LOAD_ERR_FILE_READ, file, "the file is larger than %d bytes",
				  LIMIT_RULES_FILE_BYTES);
	rc = yaml_read(r->file->content, &l->arena, &docs, &diag);
	if (rc == -EINVAL)
		return yaml_fault(l, r, file, &diag);
	if (rc < 0)
		return rc;
	r->schema = schema_check(&docs, &l->arena, &r->schema_text);
	rc = read_documents(&reading, &docs);
	vec_done(&docs);
	if (rc < 0)
		return rc;
	rc = compile_rules(&l->options, &l->items, r, &compiled);
	if (rc < 0)
		return rc;
	compiled_done(&l->compiled);
	l->compiled = compiled;
	return 0;
}

int loader_add(struct loader *l, const char *name, struct str content)
{
	struct result *r = result_new(l, name, content);
	int rc = r ? load_file(l, r) : -ENOMEM;

	if (rc == 0 && !r->nomem)
		return 0;
	if (rc == -EINVAL && r->failed)
		return LOAD_E_INVALID;
	l->nomem = true;
	return rc < 0 ? rc : -ENOMEM;
}

int loader_add_file(struct loader *l, const char *path)
{
	struct strbuf content = { 0 };
	int rc = io_read_file(path, LIMIT_RULES_FILE_BYTES, &content);

	if (rc == 0) {
		rc = loader_add(l, path, strbuf_str(&content));
		strbuf_done(&content);
		return rc;
	}
	strbuf_done(&content);
	struct result *r = result_new(l, path, (struct str){ 0 });
	const struct place *file = r ? place_file(&l->arena, r->file) : NULL;

	if (!file) {
		l->nomem = true;
		return -ENOMEM;
	}
	if (rc == -EFBIG)
		result_add(r, LOAD_ERR_FILE_READ, file, "the file is larger than %d bytes",
			   LIMIT_RULES_FILE_BYTES);
	else
		result_add(r, LOAD_ERR_FILE_READ, file, "cannot read the file: %s", strerror(-rc));
	return LOAD_E_INVALID;
}

struct ruleset *loader_finish(struct loader *l, struct diag *diag)
{
	struct ruleset *rs = l->compiled.ruleset;
	struct strbuf text = { 0 };

	if (l->nomem)
		goto nomem;
	if (loader_errors(l)) {
		loader_first_error(l, &text);
		diag_set(diag, "%.*s", STR_ARG(strbuf_str(&text)));
		strbuf_done(&text);
		return NULL;
	}
	if (requirements_check(&l->items.requirements, l->options.plugins, l->options.nplugins,
			       diag) < 0)
		return NULL;
	if (!rs) { /* no file at all: an empty ruleset is one */
		rs = ruleset_new(l->options.catalogue, 0);
		if (!rs)
			goto nomem;
		l->compiled.ruleset = rs;
	}
	if (!rs->candidates) {
		for (size_t i = 0; i < l->options.nselections; i++)
			rule_select(rs, &l->options.selections[i], l->options.min_priority);
		if (ruleset_finish(rs) < 0)
			goto nomem;
	}
	return ruleset_ref(rs);
nomem:
	diag_set(diag, "out of memory while loading rules");
	return NULL;
}

size_t loader_errors(const struct loader *l)
{
	size_t n = 0;

	for (const struct result *r = l->results; r; r = r->next)
		n += r->nerrors + (r->failed && !r->nerrors);
	return n;
}

size_t loader_warnings(const struct loader *l)
{
	size_t n = 0;

	for (const struct result *r = l->results; r; r = r->next)
		n += r->nwarnings;
	return n;
}

void loader_print(const struct loader *l, bool verbose, struct strbuf *out)
{
	for (const struct result *r = l->results; r; r = r->next)
		result_print(r, verbose, out);
}

void loader_json(const struct loader *l, struct json *j)
{
	json_open(j, '[');
	for (const struct result *r = l->results; r; r = r->next)
		result_json(r, j);
	json_close(j, ']');
}

void loader_first_error(const struct loader *l, struct strbuf *out)
{
	for (const struct result *r = l->results; r; r = r->next)
		if (r->errors) {
			issue_print(r->errors, out);
			return;
		}
}

void loader_describe(const struct loader *l, struct str only, struct json *j)
{
	/* Only the arena of the ruleset is written to. */
	describe(l->options.catalogue, &l->items, (struct compiled *)(uintptr_t)&l->compiled, only,
		 j);
}

int loader_expand(struct loader *l, struct str condition, struct arena *a, struct ast **ret_tree,
		  struct diag *diag)
{
	struct expander none = { 0 }, *x = l && l->compiled.ruleset ? &l->compiled.expander : &none;
	struct source_file file = { .name = STR("condition"), .content = condition };
	struct result result = { .file = &file, .arena = a };
	struct result *kept = x->result;
	struct collection nothing = { 0 };
	const struct place *place = place_file(a, &file);
	struct str text;
	int rc;

	if (!place)
		return -ENOMEM;
	if (x == &none) {
		none.arena = a;
		none.items = &nothing;
	}
	x->result = &result;
	rc = expand_lists(x, condition, &text, NULL);
	if (rc == 0)
		rc = parse_condition(text, LIMIT_RULE_CONDITION_DEPTH, a, ret_tree, diag);
	else if (rc == -E2BIG)
		diag_set(diag, "with its lists the condition is too long");
	if (rc == 0) {
		rc = expand_macros(x, *ret_tree, text, place, place, NULL);
		if (result.errors)
			diag_set(diag, "%.*s", STR_ARG(result.errors->message));
	}
	x->result = kept;
	return rc == -E2BIG ? -EINVAL : rc;
}
