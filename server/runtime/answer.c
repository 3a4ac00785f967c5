/* SPDX-License-Identifier: Apache-2.0 */
/* The members that answers of all runtimes have in common; see answer.h. */
#include "runtime/answer.h"

#include <errno.h>
#include <jansson.h>

#include "base/cleanup.h"

struct json_t *answer_parse(struct str json)
{
	return json_loadb(json.ptr ? json.ptr : "", json.len, JSON_ALLOW_NUL, NULL);
}

struct str answer_keep(const char *z, struct arena *a)
{
	return arena_dup(a, str_cut(str_of(z ? z : ""), INFO_TEXT_MAX));
}

struct str answer_text(const struct json_t *object, const char *key, struct arena *a)
{
	const json_t *v = json_object_get(object, key);

	if (!json_is_string(v))
		return (struct str){ 0 };
	return arena_dup(a, str_cut((struct str){ json_string_value(v), json_string_length(v) },
				    INFO_TEXT_MAX));
}

int answer_labels(const struct json_t *object, const struct answer_limits *l, struct arena *a,
		  struct info_pair **ret, size_t *ret_n)
{
	size_t size = json_object_size(object), n = 0;
	const char *key;
	json_t *value;

	if (!size)
		return 0;
	struct info_pair *pairs = arena_array(a, size < INFO_PAIRS_MAX ? size : INFO_PAIRS_MAX,
					      sizeof(*pairs));
	if (!pairs)
		return -ENOMEM;
	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		struct str k = str_of(key);
		size_t len = json_string_length(value);

		if (n == INFO_PAIRS_MAX || !json_is_string(value) || k.len > INFO_TEXT_MAX ||
		    len > INFO_TEXT_MAX || (l->label_max_len && len > l->label_max_len))
			continue;
		pairs[n].key = arena_dup(a, k);
		pairs[n].value = arena_dup(a, (struct str){ json_string_value(value), len });
		if (!pairs[n].key.ptr || !pairs[n].value.ptr)
			return -ENOMEM;
		n++;
	}
	*ret = pairs;
	*ret_n = n;
	return 0;
}

bool answer_is_digest(struct str image)
{
	return str_starts(image, STR("sha256:")) ||
	       (image.len == 64 && str_chr(image, '/') == image.len && str_chr(image, ':') == 64);
}

struct str answer_propagation(unsigned number)
{
	static const char *const words[] = { "private", "rslave", "rshared" };

	return str_of(words[number < ARRAY_SIZE(words) ? number : 0]);
}

struct str answer_words(const struct json_t *list, size_t from, struct arena *a)
{
	_cleanup_(strbuf_done) struct strbuf b = { .limit = INFO_TEXT_MAX };

	for (size_t i = from; i < json_array_size(list); i++) {
		const json_t *v = json_array_get(list, i);

		if (!json_is_string(v))
			return (struct str){ 0 };
		if (b.len)
			strbuf_addc(&b, ' ');
		strbuf_add(&b, (struct str){ json_string_value(v), json_string_length(v) });
	}
	return b.failed || !b.len ? (struct str){ 0 } : arena_dup(a, strbuf_str(&b));
}

static struct str probe_of(const json_t *container, const char *key, struct arena *a)
{
	const json_t *exec = json_object_get(json_object_get(container, key), "exec");

	return answer_words(json_object_get(exec, "command"), 0, a);
}

void json_freep(json_t **j)
{
	json_decref(*j);
}

void answer_probes(struct info *in, struct arena *a)
{
	static const char applied[] = "kubectl.kubernetes.io/last-applied-configuration";
	struct str manifest =
		info_pair_find(in->labels, in->nlabels,
			       STR("annotation.kubectl.kubernetes.io/last-applied-configuration"));

	if (!manifest.ptr)
		manifest = info_pair_find(in->labels, in->nlabels, str_of(applied));
	if (!manifest.ptr)
		manifest = info_pair_find(in->pod_labels, in->npod_labels, str_of(applied));
	_cleanup_(json_freep) json_t *root = manifest.ptr ? answer_parse(manifest) : NULL;
	const json_t *list = json_object_get(json_object_get(root, "spec"), "containers");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *c = json_array_get(list, i);
		const char *name = json_string_value(json_object_get(c, "name"));

		if (json_array_size(list) > 1 && !(name && str_eqz(in->name, name)))
			continue;
		in->probes[PROBE_LIVENESS] = probe_of(c, "livenessProbe", a);
		in->probes[PROBE_READINESS] = probe_of(c, "readinessProbe", a);
	}
}
