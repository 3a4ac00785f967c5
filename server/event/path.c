/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Normalisation by components, written straight into the result: ".." cuts the result back to the slash
 * before, never further than where this path began.
 */
#include "event/path.h"

enum { PATH_LIMIT = 1024 };

static void add_components(struct str path, size_t start, struct strbuf *out)
{
	struct str part;

	while (str_split(&path, '/', &part)) {
		if (part.len == 0 || str_eqz(part, "."))
			continue;
		if (str_eqz(part, "..")) {
			while (out->len > start && out->ptr[--out->len] != '/')
				;
			continue;
		}
		strbuf_addc(out, '/');
		strbuf_add(out, part);
	}
}

void path_join(struct str base, struct str path, struct strbuf *out)
{
	size_t start = out->len;
	bool absolute = path.len && path.ptr[0] == '/';

	if ((absolute ? 0 : base.len) + path.len > PATH_LIMIT) {
		strbuf_addz(out, "/DIR_TOO_LONG/FILENAME_TOO_LONG");
		return;
	}
	if (!absolute)
		add_components(base, start, out);
	add_components(path, start, out);
	if (out->len == start)
		strbuf_addc(out, '/');
}
