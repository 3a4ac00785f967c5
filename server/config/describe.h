/* SPDX-License-Identifier: Apache-2.0 */
/* The table of settings as others read it: a schema for editors, a list for people. */
#pragma once

#include "base/strbuf.h"

/* JSON schema, draft 06, of a whole configuration; one line. */
void settings_schema(struct strbuf *out);
/* Every setting with its values, default and meaning; Markdown is what docs/configuration.md ends with. */
void settings_list(bool markdown, struct strbuf *out);

struct config;
struct tree;

/*
 * The values in force and where each was written: YAML that can be read as a configuration again, or a list of JSON
 * objects with key, value and from. root is what the configuration was read from.
 */
void settings_dump(const struct config *c, const struct tree *root, bool as_json,
		   struct strbuf *out);
