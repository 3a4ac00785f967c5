/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which container runtimes are asked, as older versions (container_engines) and newer ones (the container
 * plugin's init_config) say it. What an engine we need not ask is set to has no effect: ids of lxc,
 * libvirt_lxc and bpm come from control groups.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "config/settings.h"

static const struct {
	const char *name;
	int runtime; /* -1: known, and not asked */
} engines[] = {
	{ "docker", CONFIG_DOCKER },
	{ "podman", CONFIG_PODMAN },
	{ "cri", CONFIG_CRI },
	{ "containerd", CONFIG_CONTAINERD },
	{ "lxc", -1 },
	{ "libvirt_lxc", -1 },
	{ "bpm", -1 },
	{ "static", -1 },
};

static int read_engine(struct setting_ctx *c, const struct tree *t, int runtime)
{
	const struct tree *enabled = tree_get(t, STR("enabled"));
	const struct tree *sockets = tree_get(t, STR("sockets"));
	bool on = true;
	int r = 0;

	if (runtime < 0 || t->kind == TREE_NULL)
		return 0;
	if (t->kind != TREE_MAP)
		return setting_wrong(c, t, "a map");
	if (enabled && enabled->kind != TREE_NULL)
		r = setting_bool(c, enabled, &on);
	if (r == 0)
		c->config->containers.disabled[runtime] = !on;
	if (r == 0 && sockets && sockets->kind != TREE_NULL)
		r = setting_texts(c, sockets, &c->config->containers.sockets[runtime]);
	return r;
}

static int read_engines(struct setting_ctx *c, const struct tree *map)
{
	if (map->kind != TREE_MAP)
		return setting_wrong(c, map, "a map");
	for (const struct tree *t = map->first; t; t = t->next) {
		size_t i = 0;

		while (i < ARRAY_SIZE(engines) && !str_eqz(t->key, engines[i].name))
			i++;
		if (i == ARRAY_SIZE(engines)) {
			tree_warn(c->report, t, "unknown container engine " STR_FMT " is ignored",
				  STR_ARG(str_cut(t->key, 100)));
			continue;
		}
		int r = read_engine(c, t, engines[i].runtime);
		if (r)
			return r;
	}
	return 0;
}

static int set_engines(struct setting_ctx *c, const struct setting *s, const struct tree *t)
{
	return read_engines(c, t);
}

const struct setting_kind setting_engines_kind = {
	"map of runtimes", set_engines,
	"\"type\":\"object\",\"additionalProperties\":{\"type\":[\"object\",\"null\"]}"
};

/* A map, or the text of one. */
int container_init_config(struct setting_ctx *c, const struct tree *t)
{
	struct tree *parsed;

	if (t && t->kind == TREE_TEXT && t->text.len) {
		int r = tree_parse(c->arena, t->file, t->text, false, &parsed, c->report);

		if (r)
			return r;
		t = parsed;
	}
	if (!t || t->kind != TREE_MAP)
		return 0;
	const struct tree *longest = tree_get(t, STR("label_max_len"));
	const struct tree *list = tree_get(t, STR("engines"));
	int64_t n;

	if (longest && longest->kind == TREE_TEXT) {
		if (str_to_i64(longest->text, &n) < 0 || n < 0 || n > 4096)
			return setting_wrong(c, longest, "a number from 0 to 4096");
		c->config->containers.label_max_len = (int)n;
	}
	return list && list->kind != TREE_NULL ? read_engines(c, list) : 0;
}
