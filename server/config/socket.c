/* SPDX-License-Identifier: Apache-2.0 */
/* The file of a unix socket: its permission bits and the group it belongs to. */
#include <errno.h>
#include <grp.h>

#include "config/settings.h"

static int set_mode(struct setting_ctx *c, const struct setting *s, const struct tree *t)
{
	int mode = 0;

	for (size_t i = 0; i < t->text.len; i++) {
		if (t->text.ptr[i] < '0' || t->text.ptr[i] > '7' || mode > 0777)
			return setting_wrong(c, t, "permission bits such as 0660");
		mode = mode * 8 + (t->text.ptr[i] - '0');
	}
	/* Nobody could connect to a socket its owner cannot write. */
	if (t->kind != TREE_TEXT || mode > 0777 || (mode & 0200) == 0)
		return setting_wrong(c, t, "permission bits such as 0660");
	c->config->tiercel.socket.mode = mode;
	return 0;
}

/* A name or a number; nothing: as the file is made. */
static int set_group(struct setting_ctx *c, const struct setting *s, const struct tree *t)
{
	struct group group, *found = NULL;
	char texts[16384];
	uint64_t number;
	struct str name;
	int r = setting_text(c, t, &name);

	if (r || !name.len)
		return r;
	if (str_to_u64(name, &number) == 0 && number < UINT32_MAX)
		c->config->tiercel.socket.group = (uint32_t)number;
	else if (getgrnam_r(name.ptr, &group, texts, sizeof(texts), &found) == 0 && found)
		c->config->tiercel.socket.group = found->gr_gid;
	else
		return setting_wrong(c, t, "a group of this host");
	c->config->tiercel.socket.has_group = true;
	return 0;
}

const struct setting_kind setting_socket_mode_kind = {
	.name = "permission bits",
	.set = set_mode,
	.schema = "\"type\":[\"string\",\"integer\"]",
};
const struct setting_kind setting_socket_group_kind = {
	.name = "group",
	.set = set_group,
	.schema = "\"type\":[\"string\",\"integer\",\"null\"]",
};
