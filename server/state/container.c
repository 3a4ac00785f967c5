/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row per form of path that a runtime makes, in the order in which they are tried on each path. What a
 * container makes below its own cgroup belongs to it, so a path without a form is tried again without its
 * last component: the innermost container counts. Two plain words, as containerd's own clients make them,
 * may be anything: they are told as doubtful.
 */
#include "state/container.h"

#include "base/cleanup.h"

enum { HEX_ID = 64, SHORT_ID = 12 };

enum kind {
	HEX_END,   /* before + 64 digits + after are the end of the path */
	NAME_PART, /* a name after `before` anywhere, up to the next slash */
	NAME_LAST, /* the last component is before + name + after */
};

static const struct {
	enum kind kind;
	struct str before, after;
	const char *type;
} forms[] = {
	{ HEX_END, STR("/libpod-payload-"), STR(".scope/container"), "podman" },
	{ HEX_END, STR("/libpod-payload-"), STR(".scope"), "podman" },
	{ HEX_END, STR("/libpod-payload-"), STR(""), "podman" },
	{ HEX_END, STR("/libpod-"), STR(".scope/container"), "podman" },
	{ HEX_END, STR("/libpod-"), STR(".scope"), "podman" },
	{ HEX_END, STR("/libpod-"), STR(""), "podman" },
	{ HEX_END, STR("/docker-"), STR(".scope"), "docker" },
	{ HEX_END, STR("/"), STR(""), "docker" },
	{ HEX_END, STR("/crio-"), STR(".scope"), "cri-o" },
	{ HEX_END, STR("/crio-"), STR(""), "cri-o" },
	{ HEX_END, STR("/cri-containerd-"), STR(".scope"), "containerd" },
	{ HEX_END, STR(":cri-containerd:"), STR(""), "containerd" },
	{ NAME_PART, STR("/lxc.payload/"), STR(""), "lxc" },
	{ NAME_PART, STR("/lxc.payload."), STR(""), "lxc" },
	{ NAME_PART, STR("/libvirt/lxc/"), STR(""), "libvirt-lxc" },
	{ NAME_PART, STR("/lxc/"), STR(""), "lxc" },
	{ NAME_LAST, STR("/"), STR(".libvirt-lxc"), "libvirt-lxc" },
	{ NAME_LAST, STR("/machine-lxc\\x2d"), STR(".scope"), "libvirt-lxc" },
	{ NAME_LAST, STR("/bpm-"), STR(".scope"), "bpm" },
	{ NAME_LAST, STR("/bpm-"), STR(""), "bpm" },
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
	return is_hex(id) && str_ends(path, before) ? id : (struct str){ 0 };
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

static bool is_unit(struct str name)
{
	return str_ends(name, STR(".service")) || str_ends(name, STR(".slice")) ||
	       str_ends(name, STR(".scope")) || str_ends(name, STR(".mount")) ||
	       str_ends(name, STR(".socket")) || str_ends(name, STR(".swap"));
}

/* /NAMESPACE/NAME: the name. */
static struct str two_words(struct str path)
{
	if (!str_starts(path, STR("/")))
		return (struct str){ 0 };
	path = str_skip(path, 1);
	size_t slash = str_chr(path, '/');
	struct str name = str_skip(path, slash + 1);

	if (!slash || is_unit(str_cut(path, slash)) || is_unit(name) || name.len > HEX_ID ||
	    str_chr(name, '/') < name.len)
		return (struct str){ 0 };
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      c == '-' || c == '_' || c == '.'))
			return (struct str){ 0 };
	}
	return name;
}

/* systemd gives each user a slice; what his own runtimes start is below it. */
static uint32_t owner_of(struct str path)
{
	struct str before = STR("/user-"), digits;
	uint64_t uid;

	for (size_t i = 0; i + before.len < path.len; i++) {
		if (!str_starts(str_skip(path, i), before))
			continue;
		digits = str_skip(path, i + before.len);
		digits = str_cut(digits, str_chr(digits, '/'));
		if (str_ends(digits, STR(".slice")) &&
		    str_to_u64(str_cut(digits, digits.len - strlen(".slice")), &uid) == 0 &&
		    uid < UINT32_MAX)
			return (uint32_t)uid;
	}
	return 0;
}

/* NAMESPACE of /NAMESPACE/ID. */
static struct str space_of(struct str path, struct str id)
{
	size_t slash = str_rchr(path, '/');

	return path.len && path.ptr[0] == '/' && str_eq(str_skip(path, slash + 1), id) &&
			       str_chr(str_skip(path, 1), '/') + 1 == slash
		       ? str_cut(str_skip(path, 1), slash - 1)
		       : (struct str){ 0 };
}

static struct container_ident of_path(struct str path)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		struct str before = forms[i].before, after = forms[i].after, id = { 0 };

		switch (forms[i].kind) {
		case HEX_END: id = hex_end(path, before, after); break;
		case NAME_PART: id = name_part(path, before); break;
		case NAME_LAST: id = name_last(path, before, after); break;
		}
		if (id.len)
			return (struct container_ident){
				.id = forms[i].kind == HEX_END ? str_cut(id, SHORT_ID) : id,
				.full_id = id,
				.space = space_of(path, id),
				.type = forms[i].type,
				.owner = owner_of(path),
			};
	}
	return (struct container_ident){ 0 };
}

static struct container_ident of_path_or_above(struct str path)
{
	while (path.len > 1) {
		struct container_ident ident = of_path(path);
		size_t slash = str_rchr(path, '/');

		if (ident.id.len || slash == path.len)
			return ident;
		path = str_cut(path, slash);
	}
	return (struct container_ident){ 0 };
}

struct container_ident container_identify(struct str cgroups)
{
	struct container_ident doubtful = { 0 };
	struct str entry;

	while (str_split(&cgroups, '\0', &entry)) {
		struct str path = str_skip(entry, str_chr(entry, '=') + 1);
		struct container_ident ident = of_path_or_above(path);

		if (ident.id.len)
			return ident;
		struct str name = two_words(path);

		if (!doubtful.id.len && name.len)
			doubtful = (struct container_ident){ .id = str_cut(name, SHORT_ID),
							     .full_id = name,
							     .space = space_of(path, name),
							     .type = "containerd",
							     .doubtful = true };
	}
	return doubtful;
}
