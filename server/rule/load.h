/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules files to a ruleset (rules-language.md 1 and 2). One loader takes files in order; after each file
 * everything so far is compiled, so that a file sees only what came before. Not thread-safe; the result is.
 */
#pragma once

#include "base/json.h"
#include "filter/catalogue.h"
#include "rule/ruleset.h"

struct loader;

struct append_output {		 /* one entry of the configuration's append_output */
	struct str rule, source; /* empty: any */
	const struct str *tags;
	size_t ntags;
	struct str extra_output;
	const struct append_field {
		struct str key, format; /* format.ptr NULL: raw */
	} * fields;
	size_t nfields;
	bool suggested_output;
};

struct rule_selection { /* one entry of `rules:` */
	bool enable;
	struct str rule; /* wildcard; empty: not given */
	struct str tag;
};

struct loaded_plugin {
	const char *name, *version;
};

struct load_options {
	const struct catalogue *catalogue;
	enum priority min_priority; /* PRIORITY_DEBUG: all */
	bool base64;		    /* outputs show byte buffers in base64 */
	const struct append_output *append;
	size_t nappend;
	const struct rule_selection *selections;
	size_t nselections;
	const struct loaded_plugin *plugins; /* what required_plugin_versions may ask for */
	size_t nplugins;
};

/* The arrays of the options are copied; the texts in them must outlive the loader. NULL: memory. */
struct loader *loader_new(const struct load_options *options);
struct loader *loader_free(struct loader *l);

/* The text is copied. 0: successful, possibly with warnings; LOAD_E_INVALID: the file has an error, see
 * the results; -ENOMEM. */
enum { LOAD_E_INVALID = 1 };
int loader_add(struct loader *l, const char *name, struct str content);
/* Reads path first; an unreadable file is a LOAD_ERR_FILE_READ result. */
int loader_add_file(struct loader *l, const char *path);
/* Plugin requirements, selections; NULL with *diag when a requirement is not met or memory is out. */
struct ruleset *loader_finish(struct loader *l, struct diag *diag);

/* Results of all files so far: text as printed by -V, one line per issue for a log, JSON. */
size_t loader_errors(const struct loader *l);
size_t loader_warnings(const struct loader *l);
void loader_print(const struct loader *l, bool verbose, struct strbuf *out);
void loader_json(const struct loader *l, struct json *j); /* the falco_load_results array */
/* "file:line:column: text" of the first error; empty when there is none. */
void loader_first_error(const struct loader *l, struct strbuf *out);
/* DESCRIBE (rules-language.md 2.3); only: one rule's name or empty for all. */
void loader_describe(const struct loader *l, struct str only, struct json *j);
