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
	void *base; /* what the rows' offsets are of: the configuration, or an element of a list */
	const struct tree *root;
	struct config_report *report;
};

/* Puts the node's value where the row says. 0; CONFIG_E_INVALID; -ENOMEM. */
typedef int (*setting_fn)(struct setting_ctx *c, const struct setting *s, const struct tree *t);

struct json;
/* The value in force as JSON. */
typedef void (*setting_show_fn)(const struct config *c, const struct setting *s, struct json *j);

/* How values are written. */
struct setting_kind {
	const char *name; /* for people */
	setting_fn set;
	const char *schema;   /* members of its JSON schema; range and choices are the row's */
	setting_show_fn show; /* NULL: it is shown as it was written */
};

struct setting {
	const char *path; /* "a.b"; a last part "*" stands for everything below */
	const struct setting_kind *kind;
	size_t offset;	      /* in struct config */
	const char *fallback; /* as it would be written; NULL: empty */
	int64_t min, max;
	const struct choice *choices; /* up to a NULL word */
	const char *instead; /* legacy: the key that took its place, or "" when it has no effect */
	const char *about;   /* a sentence for the user */
	const char *idle;    /* known, but without effect here: why */
	bool missed;	     /* and who sets it is told so */
	bool fixed;	     /* a reload does not change it: it counts from the next start on */
};

/* table.c */
extern const struct setting settings_rows[];
extern const size_t settings_nrows;

/* Where the value of a row that is no legacy one was written; NULL: nowhere, the default counts. */
const struct tree *setting_origin(const struct tree *root, const struct setting *s);
/* A hash of each fixed row's value, in the arena. NULL: memory. */
const uint64_t *settings_marks(struct setting_ctx *c);
/* Defaults, then every key of the tree. 0; CONFIG_E_INVALID; -ENOMEM. */
int settings_read(struct setting_ctx *c);

/* values.c */
extern const struct choice setting_priorities[];
extern const struct setting_kind setting_flag_kind, setting_int_kind, setting_double_kind,
	setting_text_kind, setting_texts_kind, setting_choice_kind, setting_size_kind,
	setting_duration_kind, setting_address_kind, setting_url_kind, setting_scope_kind,
	setting_elsewhere_kind, setting_gone_kind;
/* lists.c: shapes of their own. */
extern const struct setting_kind setting_selections_kind, setting_append_output_kind,
	setting_plugins_kind, setting_load_plugins_kind, setting_static_fields_kind,
	setting_drop_actions_kind;
/* containers.c */
extern const struct setting_kind setting_engines_kind;
int container_init_config(struct setting_ctx *c, const struct tree *t);

/* socket.c */
extern const struct setting_kind setting_socket_mode_kind, setting_socket_group_kind;

/* outputs.c */
extern const struct setting_kind setting_outputs_kind;

/* Pieces for them. */
int setting_default(struct setting_ctx *c, const struct setting *s);
int setting_text(struct setting_ctx *c, const struct tree *t, struct str *ret);
int setting_texts(struct setting_ctx *c, const struct tree *t, struct config_texts *ret);
int setting_bool(struct setting_ctx *c, const struct tree *t, bool *ret);
int setting_wrong(struct setting_ctx *c, const struct tree *t, const char *expected);
