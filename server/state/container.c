/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row per form of path that a runtime makes, in the order in which they are tried on each path. Paths
 * that any unit of the host may have (two plain words) are not taken for containers, except those of
 * containerd's own "default" namespace.
 */
#include "state/container.h"

#include "base/cleanup.h"

enum { HEX_ID = 64, SHORT_ID = 12 };

enum kind {
	HEX_END,   /* before + 64 digits + after are the end of the path */
	NAME_PART, /* a name after `before` anywhere, up to the next slash */
	NAME_LAST, /* the last component is before + name + after */
	NAME_ROOT, /* the whole path is before + name */
};

static const struct {
	enum kind kind;
	struct str before, after;
} forms[] = {
	{ HEX_END, STR("/libpod-payload-"), STR(".scope/container") },
	{ HEX_END, STR("/libpod-payload-"), STR(".scope") },
	{ HEX_END, STR("/libpod-payload-"), STR("") },
	{ HEX_END, STR("/libpod-"), STR(".scope/container") },
	{ HEX_END, STR("/libpod-"), STR(".scope") },
	{ HEX_END, STR("/libpod-"), STR("") },
	{ HEX_END, STR("/docker-"), STR(".scope") },
	{ HEX_END, STR("/"), STR("") },
	{ HEX_END, STR("/crio-"), STR(".scope") },
	{ HEX_END, STR("/crio-"), STR("") },
	{ HEX_END, STR("/cri-containerd-"), STR(".scope") },
	{ HEX_END, STR(":cri-containerd:"), STR("") },
	{ NAME_ROOT, STR("/default/"), STR("") },
	{ NAME_PART, STR("/lxc.payload/"), STR("") },
	{ NAME_PART, STR("/lxc.payload."), STR("") },
	{ NAME_PART, STR("/libvirt/lxc/"), STR("") },
	{ NAME_PART, STR("/lxc/"), STR("") },
	{ NAME_LAST, STR("/"), STR(".libvirt-lxc") },
	{ NAME_LAST, STR("/machine-lxc\\x2d"), STR(".scope") },
	{ NAME_LAST, STR("/bpm-"), STR(".scope") },
	{ NAME_LAST, STR("/bpm-"), STR("") },
};

static bool is_hex(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!((s.ptr[i] >= '0' && s.ptr[i] <= '9') || (s.ptr[i] >= 'a' && s.ptr[i] <= 'f')))
			return false;
	return true;
}

static struct str hex_end(struct str path, struct str before, struct str after)
{
	if (!str_ends(path, after))
		return (struct str){ 0 };
	path.len -= after.len;
	if (path.len < before.len + HEX_ID)
		return (struct str){ 0 };
	struct str id = str_skip(path, path.len - HEX_ID);

	path.len -= HEX_ID;
	return is_hex(id) && str_ends(path, before) ? str_cut(id, SHORT_ID) : (struct str){ 0 };
}

static struct str name_part(struct str path, struct str before)
{
	for (size_t i = 0; i + before.len < path.len; i++) {
		struct str rest = str_skip(path, i);

		if (!str_starts(rest, before))
			continue;
		rest = str_skip(rest, before.len);
		return str_cut(rest, str_chr(rest, '/'));
	}
	return (struct str){ 0 };
}

static struct str name_last(struct str path, struct str before, struct str after)
{
	size_t slash = str_rchr(path, '/');
	struct str last = slash < path.len ? str_skip(path, slash) : path;

	if (!str_starts(last, before) || !str_ends(last, after) ||
	    last.len <= before.len + after.len)
		return (struct str){ 0 };
	last = str_skip(last, before.len);
	last.len -= after.len;
	/* Machine scopes of libvirt: a number of the domain stands before the name. */
	for (size_t i = 0; i < last.len && last.ptr[i] >= '0' && last.ptr[i] <= '9'; i++)
		if (str_starts(str_skip(last, i + 1), STR("\\x2d")))
			return str_skip(last, i + 1 + strlen("\\x2d"));
	return last;
}

static struct str name_root(struct str path, struct str before)
{
	if (!str_starts(path, before))
		return (struct str){ 0 };
	path = str_skip(path, before.len);
	if (str_chr(path, '/') < path.len || str_ends(path, STR(".service")) ||
	    str_ends(path, STR(".slice")) || str_ends(path, STR(".scope")))
		return (struct str){ 0 };
	return str_cut(path, SHORT_ID);
}

static struct str id_of_path(struct str path)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		struct str id = { 0 };

		switch (forms[i].kind) {
		case HEX_END: id = hex_end(path, forms[i].before, forms[i].after); break;
		case NAME_PART: id = name_part(path, forms[i].before); break;
		case NAME_LAST: id = name_last(path, forms[i].before, forms[i].after); break;
		case NAME_ROOT: id = name_root(path, forms[i].before); break;
		}
		if (id.len)
			return id;
	}
	return (struct str){ 0 };
}

struct str container_id(struct str cgroups)
{
	struct str entry;

	while (str_split(&cgroups, '\0', &entry)) {
		struct str id = id_of_path(str_skip(entry, str_chr(entry, '=') + 1));

		if (id.len)
			return id;
	}
	return (struct str){ 0 };
}
