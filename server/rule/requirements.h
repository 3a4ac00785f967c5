/* SPDX-License-Identifier: Apache-2.0 */
/* Versions, and what rules files ask of the engine and of plugins (rules-language.md 1.3, 1.4). */
#pragma once

#include "base/arena.h"
#include "base/diag.h"

struct version {
	uint32_t major, minor, patch;
};

/* The engine version we report. */
extern const struct version engine_version;

/* Three numbers, a suffix is tolerated; -EINVAL. */
int version_parse(struct str s, struct version *ret);
/* The same, or digits alone: N is 0.N.0. */
int version_parse_engine(struct str s, struct version *ret);
int version_cmp(struct version a, struct version b);
/* Same major, and not older than wanted. */
bool version_accepts(struct version have, struct version wanted);

struct plugin_version {
	struct str name, text;
	struct version version;
};

struct plugin_requirement {
	struct plugin_version *items; /* the candidates in order */
	size_t n;
	struct plugin_requirement *next;
};

struct requirements {
	struct version engine; /* the highest asked for; 0.0.0: none */
	struct plugin_requirement *first, *last;
};

/* An empty requirement with room for n candidates; NULL when memory is out. */
struct plugin_requirement *requirements_add(struct requirements *rq, struct arena *a, size_t n);

struct loaded_plugin;
/* -EINVAL with *diag when one is not met. */
int requirements_check(const struct requirements *rq, const struct loaded_plugin *plugins, size_t n,
		       struct diag *diag);
