/* SPDX-License-Identifier: Apache-2.0 */
/* From the merged tree to typed members: one table row per key. See settings.c. */
#pragma once

#include "config/tree.h"

struct setting;

struct choice {
	const char *word;
	int value;
};

/* What a setter works with. */
struct setting_ctx {
	struct arena *arena; /* the configuration's: what is kept */
	struct config *config;
	const struct tree *root;
	struct config_report *report;
};

/* Puts the node's value where the row says. 0; CONFIG_E_INVALID; -ENOMEM. */
typedef int (*setting_fn)(struct setting_ctx *c, const struct setting *s, const struct tree *t);

struct setting {
	const char *path; /* "a.b"; a last part "*" stands for everything below */
	setting_fn set;
	size_t offset;	      /* in struct config */
	const char *fallback; /* as it would be written; NULL: zero */
	int64_t min, max;
	const struct choice *choices; /* up to a NULL word */
	const char *instead; /* legacy: the key that took its place, or "" when it has no effect */
};

/* Defaults, then every key of the tree. 0; CONFIG_E_INVALID; -ENOMEM. */
int settings_read(struct setting_ctx *c);
const struct setting *settings_table(size_t *ret_n);

/* lists.c: settings with a shape of their own. */
int set_selections(struct setting_ctx *c, const struct setting *s, const struct tree *t);
int set_append_output(struct setting_ctx *c, const struct setting *s, const struct tree *t);
int set_plugins(struct setting_ctx *c, const struct setting *s, const struct tree *t);
int set_load_plugins(struct setting_ctx *c, const struct setting *s, const struct tree *t);
int set_static_fields(struct setting_ctx *c, const struct setting *s, const struct tree *t);
int set_drop_actions(struct setting_ctx *c, const struct setting *s, const struct tree *t);

/* containers.c */
int set_container_engines(struct setting_ctx *c, const struct setting *s, const struct tree *t);
int container_init_config(struct setting_ctx *c, const struct tree *t);

/* Pieces for them. */
int setting_text(struct setting_ctx *c, const struct tree *t, struct str *ret);
int setting_texts(struct setting_ctx *c, const struct tree *t, struct config_texts *ret);
int setting_bool(struct setting_ctx *c, const struct tree *t, bool *ret);
int setting_wrong(struct setting_ctx *c, const struct tree *t, const char *expected);
