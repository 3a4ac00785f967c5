/* SPDX-License-Identifier: Apache-2.0 */
/* A line read back by another JSON library; apart, because both have a json_null. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* NULL in *ret_error when the text is one valid object. */
bool parsed_valid(const char *text, size_t len, const char **ret_error);
/* Keys of the object; 0 when it is none. */
size_t parsed_keys(const char *text, size_t len);
bool parsed_has(const char *text, size_t len, const char *key);
