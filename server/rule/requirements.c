/* SPDX-License-Identifier: Apache-2.0 */
/* Versions are compared as semantic versioning says, but without looking at suffixes. */
#include "rule/requirements.h"

#include <errno.h>

#include "rule/load.h"

const struct version engine_version = { 0, 63, 0 };

static bool digit(struct str s, size_t i)
{
	return i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9';
}

static int number(struct str *s, uint32_t *ret)
{
	uint64_t v = 0;
	size_t i = 0;

	for (; digit(*s, i); i++) {
		v = v * 10 + (uint64_t)(s->ptr[i] - '0');
		if (v > UINT32_MAX)
			return -EINVAL;
	}
	if (!i)
		return -EINVAL;
	*s = str_skip(*s, i);
	*ret = (uint32_t)v;
	return 0;
}

static bool dot(struct str *s)
{
	if (!s->len || s->ptr[0] != '.')
		return false;
	*s = str_skip(*s, 1);
	return true;
}

int version_parse(struct str s, struct version *ret)
{
	struct version v = { 0 };

	if (number(&s, &v.major) < 0 || !dot(&s) || number(&s, &v.minor) < 0 || !dot(&s) ||
	    number(&s, &v.patch) < 0)
		return -EINVAL;
	*ret = v;
	return 0;
}

int version_parse_engine(struct str s, struct version *ret)
{
	struct version v = { 0 };
	struct str rest = s;

	if (number(&rest, &v.minor) == 0 && !rest.len) {
		*ret = v;
		return 0;
	}
	return version_parse(s, ret);
}

int version_cmp(struct version a, struct version b)
{
	if (a.major != b.major)
		return a.major < b.major ? -1 : 1;
	if (a.minor != b.minor)
		return a.minor < b.minor ? -1 : 1;
	return a.patch == b.patch ? 0 : a.patch < b.patch ? -1 : 1;
}

bool version_accepts(struct version have, struct version wanted)
{
	return have.major == wanted.major && version_cmp(have, wanted) >= 0;
}

struct plugin_requirement *requirements_add(struct requirements *rq, struct arena *a, size_t n)
{
	struct plugin_requirement *r = arena_new(a, struct plugin_requirement);

	if (r)
		r->items = arena_array(a, n, sizeof(*r->items));
	if (!r || !r->items)
		return NULL;
	if (rq->last)
		rq->last->next = r;
	else
		rq->first = r;
	rq->last = r;
	return r;
}

static const struct loaded_plugin *loaded(const struct loaded_plugin *plugins, size_t n,
					  struct str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_eqz(name, plugins[i].name))
			return &plugins[i];
	return NULL;
}

/* The first candidate that is loaded decides. */
static int check_one(const struct plugin_requirement *r, const struct loaded_plugin *plugins,
		     size_t n, struct diag *diag)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct plugin_version *want = &r->items[i];
		const struct loaded_plugin *have = loaded(plugins, n, want->name);
		struct version v;

		if (!have)
			continue;
		if (version_parse(str_of(have->version), &v) == 0 &&
		    version_accepts(v, want->version))
			return 0;
		diag_set(diag, "the rules need plugin %.*s of version %.*s, loaded is %s",
			 STR_ARG(want->name), STR_ARG(want->text), have->version);
		return -EINVAL;
	}
	diag_set(diag, "the rules need plugin %.*s of version %.*s, which is not loaded",
		 STR_ARG(r->items[0].name), STR_ARG(r->items[0].text));
	return -EINVAL;
}

int requirements_check(const struct requirements *rq, const struct loaded_plugin *plugins, size_t n,
		       struct diag *diag)
{
	for (const struct plugin_requirement *r = rq->first; r; r = r->next) {
		int rc = r->n ? check_one(r, plugins, n, diag) : 0;

		if (rc < 0)
			return rc;
	}
	return 0;
}
