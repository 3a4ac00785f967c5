/* SPDX-License-Identifier: Apache-2.0 */
/* Apart from printing, because jansson and base/json.h have names in common. */
#include <errno.h>
#include <jansson.h>

#include "base/cleanup.h"
#include "runtime/info_keys.h"

static struct str text_of(const json_t *v)
{
	return (struct str){ json_string_value(v), json_string_length(v) };
}

static int parse_pairs(const json_t *object, struct arena *a, struct info_pair **ret, size_t *ret_n)
{
	size_t size = json_object_size(object), n = 0;
	struct info_pair *pairs;
	const char *key;
	json_t *value;

	if (!size)
		return 0;
	pairs = arena_array(a, size < INFO_PAIRS_MAX ? size : INFO_PAIRS_MAX, sizeof(*pairs));
	if (!pairs)
		return -ENOMEM;
	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		if (n == INFO_PAIRS_MAX || !json_is_string(value))
			continue;
		pairs[n].key = arena_dup(a, str_of(key));
		pairs[n].value = arena_dup(a, text_of(value));
		if (!pairs[n].key.ptr || !pairs[n].value.ptr)
			return -ENOMEM;
		n++;
	}
	*ret = pairs;
	*ret_n = n;
	return 0;
}

static int parse_mount(const json_t *object, struct arena *a, struct info_mount *ret)
{
	ret->source = arena_dup(a, text_of(json_object_get(object, "source")));
	ret->dest = arena_dup(a, text_of(json_object_get(object, "dest")));
	ret->mode = arena_dup(a, text_of(json_object_get(object, "mode")));
	ret->propagation = arena_dup(a, text_of(json_object_get(object, "propagation")));
	ret->rdwr = json_is_true(json_object_get(object, "rdwr"));
	return ret->source.ptr && ret->dest.ptr && ret->mode.ptr && ret->propagation.ptr ? 0
											 : -ENOMEM;
}

static int parse_mounts(const json_t *list, struct arena *a, struct info *in)
{
	size_t n = json_array_size(list);

	n = n < INFO_MOUNTS_MAX ? n : INFO_MOUNTS_MAX;
	if (!n)
		return 0;
	in->mounts = arena_array(a, n, sizeof(*in->mounts));
	if (!in->mounts)
		return -ENOMEM;
	for (; in->nmounts < n; in->nmounts++) {
		int r = parse_mount(json_array_get(list, in->nmounts), a, &in->mounts[in->nmounts]);

		if (r < 0)
			return r;
	}
	return 0;
}

static int parse_root(const json_t *root, struct arena *a, struct info *in)
{
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const json_t *v = json_object_get(root, texts[i].key);

		if (!json_is_string(v))
			continue;
		*TEXT_AT(in, i) = arena_dup(a, text_of(v));
		if (!TEXT_AT(in, i)->ptr)
			return -ENOMEM;
	}
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		const json_t *v = json_object_get(root, flags[i].key);

		if (json_is_boolean(v))
			*FLAG_AT(in, i) = json_is_true(v) ? INFO_YES : INFO_NO;
	}
	for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
		*MARK_AT(in, i) = json_is_true(json_object_get(root, marks[i].key));
	int r = parse_pairs(json_object_get(root, "labels"), a, &in->labels, &in->nlabels);
	if (r == 0)
		r = parse_pairs(json_object_get(root, "pod_labels"), a, &in->pod_labels,
				&in->npod_labels);
	return r == 0 ? parse_mounts(json_object_get(root, "mounts"), a, in) : r;
}

static void json_freep(json_t **j)
{
	json_decref(*j);
}

int info_parse(struct str json, struct arena *a, struct info *ret)
{
	struct info in = { 0 };
	_cleanup_(json_freep)
		json_t *root = json_loadb(json.ptr ? json.ptr : "", json.len, JSON_ALLOW_NUL, NULL);

	if (!json_is_object(root))
		return -EBADMSG;
	int r = parse_root(root, a, &in);
	if (r < 0)
		return r;
	struct str digest;

	if (in.image.ptr) {
		info_split_image(in.image, &in.repository, &in.tag, &digest);
		if (!in.digest.len)
			in.digest = digest;
	}
	*ret = in;
	return 0;
}
