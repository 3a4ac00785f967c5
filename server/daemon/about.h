/* SPDX-License-Identifier: Apache-2.0 */
/* What the program tells about itself and the machine (falco-compat.md 2.3): versions, plugins, a bundle for support. */
#pragma once

#include "base/json.h"
#include "config/config.h"
#include "daemon/args.h"

/* "Falco" when called by that name: existing scripts look for the word. */
const char *about_product(const struct args *args);
/* One object, no line end; also GET /versions. */
void about_version_json(struct strbuf *out);
void about_version(const struct args *args, bool as_json, struct strbuf *out);
/* Calls that are watched only if a rule names them. */
void about_ignored(struct strbuf *out);
void about_plugins(const struct config *c, struct strbuf *out);
/* -ENOENT: there is none of that name. */
int about_plugin(const char *name, struct strbuf *out);
/* 0; -ENOMEM. Files that cannot be read are left out. */
int about_support(const struct config *c, const struct args *args, struct strbuf *out);
