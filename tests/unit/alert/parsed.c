/* SPDX-License-Identifier: Apache-2.0 */
/* See parsed.h. */
#include "parsed.h"

#include <jansson.h>
#include <stdio.h>

static json_t *load(const char *text, size_t len, const char **ret_error)
{
	static json_error_t e;
	json_t *j = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &e);

	*ret_error = j ? NULL : e.text;
	return j;
}

bool parsed_valid(const char *text, size_t len, const char **ret_error)
{
	json_t *j = load(text, len, ret_error);

	json_decref(j);
	return j;
}

size_t parsed_keys(const char *text, size_t len)
{
	const char *error;
	json_t *j = load(text, len, &error);
	size_t n = json_object_size(j);

	json_decref(j);
	return n;
}

bool parsed_has(const char *text, size_t len, const char *key)
{
	const char *error;
	json_t *j = load(text, len, &error);
	bool has = json_object_get(j, key);

	json_decref(j);
	return has;
}
