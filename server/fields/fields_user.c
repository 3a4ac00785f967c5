/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields of users and groups. Names of users and groups are never missing: rules compare
 * them with literal texts, so an unknown name is the text <NA>, and that of id 0 is root.
 */
#include "fields/extract.h"

struct str container_of_event(const struct fx *x)
{
	if (x->fe->waited)
		return x->fe->container;
	return x->proc ? x->proc->container_id : (struct str){ 0 };
}

struct str user_name(const struct fx *x, uint32_t uid)
{
	const struct user *u = state_user(x->fe->state, container_of_event(x), uid);

	if (u && u->name.ptr)
		return u->name;
	return uid == 0 ? STR("root") : STR("<NA>");
}

struct str group_name(const struct fx *x, uint32_t gid)
{
	const struct group *g = state_group(x->fe->state, container_of_event(x), gid);

	if (g && g->name.ptr)
		return g->name;
	return STR("<NA>");
}

bool x_user_uid(const struct fx *x, struct value *ret)
{
	ret->u = x->ev->hdr->who.uid;
	return true;
}

bool x_user_text(const struct fx *x, struct value *ret)
{
	uint32_t uid = x->ev->hdr->who.uid;
	const struct user *u = state_user(x->fe->state, container_of_event(x), uid);

	switch (x->which) {
	case USER_NAME: return fx_text(user_name(x, uid), ret);
	case USER_HOME:
		return fx_text(u && u->home.ptr ? u->home
			       : uid == 0	? STR("/root")
						: STR("<NA>"),
			       ret);
	default: return fx_text(u && u->shell.ptr ? u->shell : STR("<NA>"), ret);
	}
}

bool x_user_loginuid(const struct fx *x, struct value *ret)
{
	ret->i = (int32_t)x->ev->hdr->who.loginuid == -1 ? -1 : (int64_t)x->ev->hdr->who.loginuid;
	return true;
}

bool x_user_loginname(const struct fx *x, struct value *ret)
{
	uint32_t uid = x->ev->hdr->who.loginuid;

	return fx_text(uid == UINT32_MAX ? STR("<NA>") : user_name(x, uid), ret);
}

bool x_group_gid(const struct fx *x, struct value *ret)
{
	ret->u = x->ev->hdr->who.gid;
	return true;
}

bool x_group_name(const struct fx *x, struct value *ret)
{
	return fx_text(group_name(x, x->ev->hdr->who.gid), ret);
}
