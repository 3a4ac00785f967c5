/* SPDX-License-Identifier: Apache-2.0 */
/* The codes of everything loading can find, and the findings that need only a look at the tree. */
#pragma once

#include <stdbool.h>

#include "base/str.h"

struct ast;
struct place;
struct result;

enum load_code {
	LOAD_ERR_FILE_READ,
	LOAD_ERR_YAML_PARSE,
	LOAD_ERR_YAML_VALIDATE,
	LOAD_ERR_COMPILE_CONDITION,
	LOAD_ERR_COMPILE_OUTPUT,
	LOAD_ERR_VALIDATE,
	LOAD_ERR_EXTENSION,
	LOAD_UNKNOWN_SOURCE,
	LOAD_UNSAFE_NA_CHECK,
	LOAD_NO_EVTTYPE,
	LOAD_UNKNOWN_FILTER,
	LOAD_UNUSED_MACRO,
	LOAD_UNUSED_LIST,
	LOAD_UNKNOWN_ITEM,
	LOAD_DEPRECATED_ITEM,
	LOAD_WARNING_EXTENSION,
	LOAD_APPEND_NO_VALUES,
	LOAD_EXCEPTION_NAME_NOT_UNIQUE,
	LOAD_INVALID_MACRO_NAME,
	LOAD_INVALID_LIST_NAME,
	LOAD_COMPILE_CONDITION,
	LOAD_UNKNOWN_KEY,
	LOAD_CODES,
};

struct load_code_info {
	const char *name;
	bool error;
	const char *title; /* short */
	const char *desc;  /* a sentence or two */
};

const struct load_code_info *load_code_info(enum load_code code);

/* Adds the warnings a finished tree deserves; text is the condition's, place the item it belongs to. */
void warn_condition(const struct ast *tree, const struct place *place, struct str text,
		    struct result *r);
