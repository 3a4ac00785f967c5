/* SPDX-License-Identifier: Apache-2.0 */
/* Printing, and what is made of texts that runtimes give; see info.h. */
#include "runtime/info.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "runtime/info_keys.h"

static void print_pairs(struct json *j, const char *key, const struct info_pair *pairs, size_t n)
{
	if (!n)
		return;
	json_key(j, str_of(key));
	json_open(j, '{');
	for (size_t i = 0; i < n; i++) {
		json_key(j, pairs[i].key);
		json_text(j, str_cut(pairs[i].value, INFO_TEXT_MAX));
	}
	json_close(j, '}');
}

static void print_mounts(struct json *j, const struct info *in)
{
	if (!in->nmounts)
		return;
	json_key(j, STR("mounts"));
	json_open(j, '[');
	for (size_t i = 0; i < in->nmounts; i++) {
		const struct info_mount *m = &in->mounts[i];

		json_open(j, '{');
		json_key_text(j, "source", str_cut(m->source, INFO_TEXT_MAX));
		json_key_text(j, "dest", str_cut(m->dest, INFO_TEXT_MAX));
		json_key_text(j, "mode", str_cut(m->mode, INFO_TEXT_MAX));
		json_key_text(j, "propagation", str_cut(m->propagation, INFO_TEXT_MAX));
		json_key(j, STR("rdwr"));
		json_bool(j, m->rdwr);
		json_close(j, '}');
	}
	json_close(j, ']');
}

enum detail { ALL, NO_LABELS, NO_LISTS, SHORT };

static void print(const struct info *in, enum detail detail, struct strbuf *out)
{
	struct json j = json_to(out);
	size_t most = detail == SHORT ? 256 : INFO_TEXT_MAX;

	json_open(&j, '{');
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct str s = *TEXT_AT((struct info *)(uintptr_t)in, i);

		if (s.ptr) {
			json_key(&j, str_of(texts[i].key));
			json_text(&j, str_cut(s, most));
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		enum info_flag f = *FLAG_AT((struct info *)(uintptr_t)in, i);

		if (f != INFO_UNKNOWN) {
			json_key(&j, str_of(flags[i].key));
			json_bool(&j, f == INFO_YES);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
		if (*MARK_AT((struct info *)(uintptr_t)in, i)) {
			json_key(&j, str_of(marks[i].key));
			json_bool(&j, true);
		}
	}
	if (detail < NO_LABELS) {
		print_pairs(&j, "labels", in->labels, in->nlabels);
		print_pairs(&j, "pod_labels", in->pod_labels, in->npod_labels);
	}
	if (detail < NO_LISTS)
		print_mounts(&j, in);
	json_close(&j, '}');
}

void info_print(const struct info *in, struct strbuf *out)
{
	size_t before = out->len;

	for (enum detail d = ALL; d <= SHORT; d++) {
		out->len = before;
		print(in, d, out);
		if (out->len - before <= INFO_BYTES_MAX)
			return;
	}
}

void info_split_image(struct str image, struct str *ret_repository, struct str *ret_tag,
		      struct str *ret_digest)
{
	size_t at = str_chr(image, '@');
	struct str name = str_cut(image, at);
	size_t colon = str_rchr(name, ':'), slash = str_rchr(name, '/');

	*ret_digest = at < image.len ? str_skip(image, at + 1) : STR("");
	*ret_repository = name;
	*ret_tag = STR("");
	if (colon < name.len && (slash == name.len || colon > slash)) {
		*ret_repository = str_cut(name, colon);
		*ret_tag = str_skip(name, colon + 1);
	}
	if (!ret_tag->ptr)
		*ret_tag = STR("");
	if (!ret_digest->ptr)
		*ret_digest = STR("");
}

struct str info_pair_find(const struct info_pair *pairs, size_t n, struct str key)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(pairs[i].key, key))
			return pairs[i].value;
	return (struct str){ 0 };
}

void info_take_pod_labels(struct info *in)
{
	static const struct {
		struct str label;
		size_t offset;
	} rows[] = {
		{ STR("io.kubernetes.pod.name"), offsetof(struct info, pod_name) },
		{ STR("io.kubernetes.pod.namespace"), offsetof(struct info, ns_name) },
		{ STR("io.kubernetes.pod.uid"), offsetof(struct info, pod_uid) },
		{ STR("io.kubernetes.sandbox.id"), offsetof(struct info, sandbox_id) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct str *to = (struct str *)(void *)((char *)in + rows[i].offset);

		if (!to->len)
			*to = info_pair_find(in->labels, in->nlabels, rows[i].label);
	}
}
