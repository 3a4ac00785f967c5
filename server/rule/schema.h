/* SPDX-License-Identifier: Apache-2.0 */
/* The check of a rules file's shape that is only reported (rules-language.md 1.2). */
#pragma once

#include "rule/result.h"
#include "rule/yaml.h"

/* SCHEMA_NONE when there is nothing to check; a failure's text is in the arena. */
enum schema_state schema_check(const struct ydocs *docs, struct arena *a, struct str *ret_text);
/* The same as a JSON schema, draft 06; one line. */
void schema_write(struct strbuf *out);
