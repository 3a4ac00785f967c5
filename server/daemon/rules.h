/* SPDX-License-Identifier: Apache-2.0 */
/* Rules as the configuration and the command line ask for them. */
#pragma once

#include "config/config.h"
#include "daemon/args.h"
#include "rule/load.h"

/*
 * Loads every rules file of -r, or of the configuration without -r: directories are their *.yaml and *.yml
 * files in order of name; configured entries that do not exist are skipped, a missing -r is an error.
 * 0 with the loader (its warnings may be shown) and the ruleset; LOAD_E_INVALID with the loader, whose
 * results tell why, or with *diag; -ENOMEM. The caller frees both.
 */
int rules_load(const struct config *config, const struct args *args, struct loader **ret_loader,
	       struct ruleset **ret_rules, struct diag *diag);
/* Every file and directory that rules_load would read, whether it exists or not; ends with what fn returns unless 0. */
int rules_paths(const struct config *config, const struct args *args,
		int (*fn)(const char *path, bool directory, void *ctx), void *ctx);
/* Every rules file there is, in the order of loading. */
int rules_files(const struct config *config, const struct args *args,
		int (*fn)(const char *path, void *ctx), void *ctx);
/* As rules_paths, and the configuration's own files and directories. */
int files_paths(const struct config *config, const struct args *args,
		int (*fn)(const char *path, bool directory, void *ctx), void *ctx);
/* Changes when one of them is replaced, written, added or removed. */
uint64_t files_fingerprint(const struct config *config, const struct args *args);
/* A loader with the options of the configuration (NULL: defaults) and no files. NULL: memory. */
struct loader *rules_loader(const struct config *config, const struct args *args);
/* What -V prints as JSON: {"falco_load_results": ...} and a line feed. */
void rules_results_json(const struct loader *l, struct strbuf *out);
/* The first error of the results as the diagnostic of a start that fails. */
void rules_error(const struct loader *l, struct diag *diag);
/* Plugins whose work is built in. */
const struct loaded_plugin *rules_plugins(size_t *ret_n);
